"""From a gitlab.rb to the Python form, which is read in its place, and written by convert-settings.

- blocks: statements, comments and blank lines, in their places; commented_out: settings in comments.
- statement_forms, loops: statements; expression_forms, choice_forms, strings, method_forms, formats: values.
- outside_forms: ENV, File, JSON; inlined: small functions, written out where they are called; whose: what only
  other components need; undecided: variables that only some branches give a value.
- terms: a piece of Python, how strongly it binds and of what kind it is; state: what is known of the file.
- python_text: names and values as Python writes them; unread: variables that nothing reads any more.
"""
