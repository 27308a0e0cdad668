"""A gitlab.rb: Ruby that is parsed with tree-sitter's grammar and translated to the Python form, never run.

- reader: a gitlab.rb as a settings file of ctl/language.
- grammar: from text to tree, within bounds; syntax: errors of the text; program: a tree with its text, and what
  statements give values to.
- texts: what is between quotes; ruby_advice: what there is not, and messages in Ruby's words.
- to_python: the translation.
"""
