"""What commands about repositories, tags and images have in common: names that are not known, damages."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context
from ctl.collector.damage import Damage
from ctl.collector.filesystem import RepositoryScan
from ctl.collector.readable import readable
from ctl.collector.tree import Tree
from ctl.errors import CtlError, UsageFault
from ctl.images.catalogue import Tag, repositories, tags
from ctl.images.references import Reference, WrongName, is_repository, parse_reference, repository_name
from ctl.output import Style
from ctl.text.nearest import nearest

if TYPE_CHECKING:
    from ctl.output import Console

_SHOWN = 20
"""Damages that are printed."""


def unknown_repository(name: str, known: Iterable[str]) -> UsageFault:
    """The error about a repository that is not in the storage."""
    return _unknown("repository", name, "", known, "`ctl registry-repositories` lists them.")


def unknown_tag(repository: str, tag: str, known: Iterable[str]) -> UsageFault:
    """The error about a tag that is not in its repository."""
    return _unknown("tag", tag, repository, known, f"`ctl registry-tags {repository}` lists them.")


def _unknown(what: str, name: str, repository: str, known: Iterable[str], otherwise: str) -> UsageFault:
    names = list(known)
    last = name.rpartition("/")[2]
    near = nearest(name, names) or next((one for one in names if one.rpartition("/")[2] == last), None)
    where = f" in {repository}" if repository else ""
    return UsageFault(
        f'there is no {what} "{readable(name)}"{where}',
        hint=f'Did you mean "{near}"?' if near else otherwise,
    )


def find_repository(storage: Tree, name: str) -> RepositoryScan:
    """A repository by the name that was given.

    Raises:
        UsageFault: nothing can be called so, or nothing is; with the nearest name that is there.
        CtlError: it cannot be read.
    """
    try:
        scan = storage.repository(repository_name(name))
    except WrongName as error:
        wrong = str(error)
    else:
        _refuse_unread([scan] if scan is not None else [])
        if scan is not None and (scan.revisions or scan.tags or scan.damages):
            return scan
        wrong = ""
    known = list(repositories(storage))
    _refuse_unread(known)
    fault = unknown_repository(name, sorted(one.name for one in known if is_repository(one.name)))
    raise UsageFault(wrong or fault.message, hint=fault.hint)


def _refuse_unread(scans: Iterable[RepositoryScan]) -> None:
    for damage in (one for scan in scans for one in scan.damages if one.blocks):
        raise CtlError(str(damage))


def parsed(text: str) -> Reference:
    """The reference that was given.

    Raises:
        UsageFault: it can name nothing.
    """
    try:
        return parse_reference(text)
    except WrongName as error:
        raise UsageFault(
            str(error),
            hint="Write REPOSITORY, REPOSITORY:TAG or REPOSITORY@sha256:…, without the registry's host.",
        ) from error


def find_tag(storage: Tree, scan: RepositoryScan, name: str) -> Tag:
    """A tag by the name that was given.

    Raises:
        UsageFault: there is none; with the nearest name that is there.
    """
    link = next((one for one in scan.tags if one.name == name), None)
    if link is None:
        raise unknown_tag(scan.name, name, sorted(one.name for one in scan.tags))
    return next(tags(storage, replace(scan, tags=[link])))


def find_digest(scan: RepositoryScan, digest: str) -> str:
    """A manifest by the digest that was given.

    Raises:
        UsageFault: the repository has none such.
    """
    known = [one.name for one in scan.revisions]
    if digest not in known:
        otherwise = f"`ctl registry-tags -v {scan.name}` lists digests."
        raise _unknown("manifest", digest, scan.name, (), otherwise)
    return digest


def warn_of(console: Console, damages: Iterable[Damage]) -> None:
    """Print damages as warnings."""
    for number, damage in enumerate(damages):
        word = console.paint("warning", Style.WARN, err=True)
        if number == _SHOWN:
            console.note(f"{word}: and further damages; --json lists all")
            return
        console.note(f"{word}: {damage}")


def confirmed(ctx: Context, question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on.

    Raises:
        UsageFault: there is nobody to ask, and --yes was not given.
        CtlError: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageFault(
            f"{question} There is no terminal to ask on; nothing was deleted", hint="Give --yes."
        )
    if not click.confirm(question, err=True):
        raise CtlError("nothing was deleted")
