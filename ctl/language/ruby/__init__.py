"""A gitlab.rb: Ruby that is parsed with tree-sitter's grammar and translated to the Python form, never run.

- reader: the Python form that is read in the place of a gitlab.rb, by ctl/language.
- grammar: from text to tree, within bounds; syntax: errors of the text; program: a tree with its text, and
  the Python form with its places; targets_of: what statements give values to.
- texts: what is between quotes; ruby_advice: what there is not; wording: messages in Ruby's words.
- to_python: the translation.
"""
