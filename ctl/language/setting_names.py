"""The names that a settings file may give values to, and paths of them: `registry["nginx"]["listen_port"]`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


def _nothing(_section: str, _key: str) -> bool:
    return False


@dataclass(frozen=True)
class Names:
    """What the language must know of the settings: their names, and how each is written.

    Args:
        sections: names that are subscripted: `registry["log_level"] = …`.
        settings: names that have one value: `external_url("…")` or `external_url = "…"`.
        foreign: whether a name belongs to a component that is not managed here ("postgresql"); such a name is
            accepted as a section and as a setting.
        foreign_key: whether a key of one of our sections is another component's: ("gitlab_rails",
            "ldap_servers"), ("registry.nginx", "proxy_cache").
        followed: keys of other components that settings of ours follow: {"postgresql": {"port"}}.
    """

    sections: frozenset[str]
    settings: frozenset[str]
    foreign: Callable[[str], bool]
    foreign_key: Callable[[str, str], bool] = _nothing
    followed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def is_foreign(self, name: str, keys: Sequence[str]) -> bool:
        """Whether nothing of ours depends on the setting `name[key][key]…`, as it is another component's.

        Args:
            name: the name at the top.
            keys: its keys, as far as they are known.
        """
        if self.foreign(name):
            followed = self.followed.get(name)
            return not followed or bool(keys and keys[0] not in followed)
        path = [name, *keys]
        return any(self.foreign_key(".".join(path[:end]), path[end]) for end in range(1, len(path)))


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
