"""A gitlab.rb as a settings file: Ruby that is parsed with tree-sitter's grammar and walked, never run.

`read_ruby` yields the same Reading as the Python front end. The modules, from the outside in:

- reading: files, includes, variables against mistyped settings, what other components' settings may say.
- grammar: from text to tree, within bounds; syntax: errors of the text; advice: what there is not.
- statements, targets: giving settings and variables values.
- expressions, calls, strings, texts, operators, methods: values.
- words: kinds of values in Ruby's words.
"""

from __future__ import annotations

from ctl.settings.ruby.reading import read_ruby

__all__ = ["read_ruby"]
