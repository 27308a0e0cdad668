"""The names that a settings file may give values to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """What the language must know of the settings: their names, and how each is written.

    Args:
        sections: names that are subscripted: `registry["log_level"] = …`.
        settings: names that have one value: `external_url("…")` or `external_url = "…"`.
        foreign: tells whether a name belongs to a component that is not managed here ("postgresql"); such a
            name is accepted as a section and as a setting.
    """

    sections: frozenset[str]
    settings: frozenset[str]
    foreign: Callable[[str], bool]
