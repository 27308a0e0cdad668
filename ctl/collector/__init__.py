"""A collector of garbage for the storage of a Distribution registry: it knows that layout and nothing else.

It imports nothing of settings, services or the command line, and runs beside any registry.
"""
