"""From a gitlab.rb to the Python form: a tree that is carried out in its place, and written by convert-settings.

- blocks: statements, comments and blank lines, in their places; comments: settings that are commented out; lost:
  statements that have no Python form.
- statements, loops: statements; expressions, choices, strings, methods: values; outside: ENV, File, JSON.
- terms: a piece of Python and of what kind it is; state: what is known of the file, and pieces made from patterns.
- written: the tree as text.

Each node of the tree has its place in the gitlab.rb, so that an error does too.
"""
