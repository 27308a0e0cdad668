"""ctl: one settings file and one command for a container registry."""

__version__ = "0.1.0"
