"""Finds recipes and templates: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def content_folder(kind: str) -> Path:
    """The folder of shipped content.

    Args:
        kind: "recipes" or "templates".

    Raises:
        FileNotFoundError: a broken installation holds neither.
    """
    for candidate in (PACKAGE / "_content" / kind, PACKAGE.parent / kind):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{kind}/ is neither in {PACKAGE / '_content'} nor in {PACKAGE.parent}")
