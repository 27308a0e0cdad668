"""Text for files and terminals: quoting for each language, templates, content."""
