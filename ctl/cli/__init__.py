"""The command line: global options, loading of settings, and what several commands share."""
