"""From a gitlab.rb to the Python form, which says the same; read in its place, and written by convert-settings.

- blocks: statements, comments and blank lines, in their places; commented_out: settings in comments.
- statements, loops: one at a time; expressions, choices, strings, methods: values.
- terms: a piece of Python, how strongly it binds and of what kind it is; state: what is known of the file.
- python_text: names and values as Python writes them; unread: variables that nothing reads any more.
"""
