"""The token issuer of a registry that has no GitLab."""

from __future__ import annotations

from ctl.settings.component import Component, account_settings, listens_at

ISSUER = Component(
    "registry-auth",
    what="the token issuer",
    switch="registry_auth.enable",
    account=account_settings("registry_auth", home="registry_auth.dir"),
    listeners=listens_at({"registry_auth.listen_addr": "the token issuer"}),
    log="registry_auth.log_directory",
    logging="registry_auth",
    recipe="registry_auth",
    signals={"INT": "ends, as with TERM", "TERM": "finishes its requests and ends"},
    starter={
        "Who signs in, where there is no GitLab": (
            "registry_auth.enable",
            "registry_auth.token_expire_delay",
        ),
    },
)
