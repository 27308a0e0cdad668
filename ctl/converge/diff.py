"""How a file would change, in words for people, with nothing in it that is secret."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

Mask = Callable[[str], str]
"""Hides the secrets of a text; applied to both sides before they are compared."""


def mask_all(text: str) -> str:
    """The mask of a file that is secret as a whole."""
    return "********\n" if text else ""


def unified(path: Path, old: bytes | None, new: bytes | None, mask: Mask | None = None) -> str:
    """A unified diff.

    Args:
        path: for its header.
        old, new: content; None where there is no file.
        mask: hides secrets, or None where there are none.

    Returns:
        The diff; "" where only hidden parts differ.
    """
    before, after = _lines(old, mask), _lines(new, mask)
    name = str(path)
    header_old, header_new = (
        name if old is not None else "/dev/null",
        name if new is not None else "/dev/null",
    )
    return "".join(difflib.unified_diff(before, after, header_old, header_new))


def _lines(content: bytes | None, mask: Mask | None) -> list[str]:
    if content is None:
        return []
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [f"({len(content)} bytes that are no text)\n"]
    lines = (mask(text) if mask else text).splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines
