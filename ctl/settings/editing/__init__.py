"""Changing settings files: in place, with every comment and line kept that has nothing to do with the change.

- naming: from a name on the command line to its option and type; values: from a word to a Python literal.
- document: text and syntax tree; assignments: where a setting is given; items, change: the new text.
- preview: the settings with a new text; locked_file: lock, reading and replacing; masked_diff: without secrets.
- apply: `set` and `unset` from end to end; edit_session: `edit`.
"""
