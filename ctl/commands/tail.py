"""`ctl tail`: follow the logs of services."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from ctl.cli.framework import Context, command
from ctl.errors import CtlError, UsageFault, no_right_to_read
from ctl.paths import Layout
from ctl.services.definition import read_definition
from ctl.services.selection import select


@command()
@click.argument("services", nargs=-1, metavar="[SERVICE[/FILE]]...")
@click.option(
    "-n", "lines", type=click.IntRange(min=0), default=10, show_default=True, help="Lines of each log."
)
def tail(ctx: Context, services: Sequence[str], lines: int) -> NoReturn:
    """Follow the logs of services, also across rotation. SERVICE/FILE names one log of a service."""
    files = log_files(ctx.layout, services)
    if not files:
        raise CtlError("no log yet", hint="`ctl service-list` shows which services are enabled.")
    for file in files:
        _refuse_unreadable(file)
    _become(["tail", "-n", str(lines), "-F", *map(str, files)])


def _refuse_unreadable(file: Path) -> None:
    """What is not there yet is waited for; for what is closed to this user tail would wait for ever."""
    try:
        os.close(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise no_right_to_read(file) from error


def log_files(layout: Layout, given: Sequence[str]) -> list[Path]:
    """The logs that a command line asks for.

    Args:
        layout: the root.
        given: "SERVICE" for all logs of a service, "SERVICE/FILE" for one of them; none: all of all services.

    Raises:
        UsageFault: there is no such service, or no such log.
    """
    names = given or select(layout, ())
    return [path for name in names for path in _files_of(layout, *name.partition("/")[::2])]


def _files_of(layout: Layout, service: str, file: str) -> list[Path]:
    select(layout, [service])
    folder = read_definition(layout, service).log
    if folder is None:
        return []
    if not file:
        return [
            folder / "current",
            *sorted([*folder.glob("*.log"), *folder.glob("refused/*.log"), *folder.glob("*/current")]),
        ]
    known = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if file not in known:
        raise UsageFault(f"no log {file!r} of {service} in {folder}", hint=f"There are: {', '.join(known)}")
    return [folder / file]


def _become(command_line: list[str]) -> NoReturn:
    """Replace this process; Python ignores SIGPIPE, which the program would inherit (`ctl tail | head`)."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(command_line[0], command_line)  # noqa: S606 - no shell is meant
