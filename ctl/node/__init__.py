"""One node: its settings, layout and programs together, its recipes, and what is checked before a run."""
