"""The token issuer of a registry without GitLab: accounts, their rights, and the tokens that carry these.

- names, patterns: what accounts and grants may be called and be for; passwords: how secrets are kept.
- accounts, accounts_file, store: all accounts, their file, reading and changing it; edit: what commands change.
- scopes: what a client asks for; authenticate: who it is; rights: what it gets.
"""
