"""What commands about repositories, tags and images have in common: names that are not known, damages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ctl.errors import UsageFault
from ctl.output import Style
from ctl.text.nearest import nearest

if TYPE_CHECKING:
    from ctl.collector.damage import Damage
    from ctl.output import Console

_SHOWN = 20
"""Damages that are printed."""


def unknown_repository(name: str, known: Iterable[str]) -> UsageFault:
    """The error about a repository that is not in the storage."""
    return _unknown("repository", name, known, "`ctl registry-repositories` lists them")


def unknown_tag(repository: str, tag: str, known: Iterable[str]) -> UsageFault:
    """The error about a tag that is not in its repository."""
    return _unknown(f"tag in {repository}", tag, known, f"`ctl registry-tags {repository}` lists them")


def _unknown(what: str, name: str, known: Iterable[str], otherwise: str) -> UsageFault:
    names = list(known)
    last = name.rpartition("/")[2]
    near = nearest(name, names) or next((one for one in names if one.rpartition("/")[2] == last), None)
    return UsageFault(
        f"there is no {what} {name!r}".replace("'", '"'),
        hint=f'Did you mean "{near}"?' if near else otherwise,
    )


def warn_of(console: Console, damages: Iterable[Damage]) -> None:
    """Print damages as warnings."""
    for number, damage in enumerate(damages):
        word = console.paint("warning", Style.WARN, err=True)
        if number == _SHOWN:
            console.note(f"{word}: and further damages; --json lists all")
            return
        console.note(f"{word}: {damage}")
