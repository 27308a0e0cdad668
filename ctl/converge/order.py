"""The order of things that need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ctl.errors import CtlError


def order(needed: Mapping[str, Iterable[str]]) -> list[str]:
    """Names in their own order, but each right after those that it needs.

    Args:
        needed: what each needs; names that are not among the keys are ignored.

    Raises:
        CtlError: they need each other in a circle; names it.
    """
    found: dict[str, None] = {}

    def visit(name: str, chain: Sequence[str]) -> None:
        if name in chain:
            circle = " -> ".join([*chain[chain.index(name) :], name])
            raise CtlError(f"each of these must start after the next: {circle}")
        if name in needed and name not in found:
            for one in needed[name]:
                visit(one, [*chain, name])
            found[name] = None

    for name in needed:
        visit(name, [])
    return list(found)
