"""Changing settings files: in place, with every comment and line kept that has nothing to do with the change.

- naming: from a name on the command line to its option and type; values: from a word to a Python literal.
- document: text and syntax tree; sites: where a setting is given; literals, change: the new text.
- check: what a text would come to; files: lock, reading and replacing; shown: the difference without secrets.
- alter: `set` and `unset` from end to end; session: `edit`.
"""

from __future__ import annotations
