"""Names in a storage as they can be printed: folders there may be called anything."""

from __future__ import annotations


def readable(name: str) -> str:
    """A name that can be printed: a folder may be called anything."""
    if name.isascii() and name.isprintable():
        return name
    whole = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole if whole.isprintable() else whole.encode("unicode_escape").decode("ascii")
