"""From other forms of settings to the Python form: a gitlab.rb, or a Distribution registry's config.yml.

- files: from a file to the text of its Python form.
- ruby: blocks, with their layout; comments: settings that are commented out; statements: one at a time.
- expressions, strings, methods: values; terms: what binds how strongly, and what it is; literals: plain values.
- distribution: a registry's config.yml.
"""
