"""Paths into settings as they are written: `registry["nginx"]["ssl_certificate"]`."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def root_name(node: ast.expr) -> str | None:
    """The name that a chain of subscripts and attributes begins with, or None where there is none."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def names_read(node: ast.AST) -> Iterator[str]:
    """Every name that is read in a node."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            yield one.id
        elif isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
            yield one.target.id


def keys_of(node: ast.expr) -> list[str]:
    """The keys of a chain of subscripts and attributes up to the first that is not written out."""
    keys: list[str] = []
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        key = _key_of(node)
        keys = [] if key is None else [key, *keys]
        node = node.value
    return keys


def path_text(node: ast.expr) -> str:
    """A chain of subscripts as it is written, with "…" for keys that are computed (they may be secrets)."""
    if isinstance(node, (ast.Subscript, ast.Attribute)):
        key = _key_of(node)
        written = "…" if key is None else f'"{key}"'
        return f"{path_text(node.value)}[{written}]"
    return node.id if isinstance(node, ast.Name) else "…"


def _key_of(node: ast.Subscript | ast.Attribute) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return (
        node.slice.value
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
        else None
    )
