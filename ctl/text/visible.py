"""Text of others' files on a terminal: names and values there may hold anything."""

from __future__ import annotations


def visible(text: str) -> str:
    """Text in which nothing steers a terminal: neither controls nor marks that turn the direction of writing.

    Args:
        text: of one or several lines; line breaks and tabs stay.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)
