"""Calls runit's sv."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ctl.errors import CtlError
from ctl.machine.child import run_child
from ctl.machine.search import SYSTEM_PATH
from ctl.services.status import Status, parse_status

_PATIENCE = 60.0
"""Seconds for an answer of sv beyond those for which it is asked to wait; by itself it waits for 7."""


class Answer(NamedTuple):
    """What one call of sv printed.

    Args:
        failures: the number of services for which it failed (sv(8), 'EXIT CODES').
        lines: what it printed.
    """

    failures: int
    lines: tuple[str, ...]


def sv(folder: Path, command: str, services: Sequence[str | Path], *, wait: int | None = None) -> Answer:
    """Call sv.

    Args:
        folder: of the enabled services, in which names are looked up.
        command: as "status" or "hup".
        services: names, or paths of definitions.
        wait: seconds to wait for the command to take effect; None leaves sv's own rule.

    Raises:
        ChildFailed: it is not installed, cannot be run, or does not end in time.
    """
    options = [] if wait is None else ["-w", str(wait)]
    seconds = _PATIENCE + (wait or 0)
    done = run_runit(["sv", *options, command, *map(str, services)], {"SVDIR": str(folder)}, seconds)
    return Answer(done.returncode, tuple(done.stdout.splitlines()))


def sv_status(folder: Path, services: Sequence[str | Path]) -> list[Status]:
    """The states of services, in the order of their names.

    Raises:
        CtlError: runit is not installed, or sv says something unheard of.
    """
    if not services:
        return []
    lines = sv(folder, "status", services).lines
    try:
        return [parse_status(line) for line in lines]
    except ValueError as error:
        raise CtlError(f"sv status: {error}") from error


def run_runit(
    command: Sequence[str], environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run one of runit's programs to its end, in a clean environment with these additions.

    Raises:
        ChildFailed: it is not installed, cannot be run, or does not end in time.
    """
    return run_child(
        command,
        seconds=seconds,
        environment={"PATH": SYSTEM_PATH, **environment},
        stderr=subprocess.STDOUT,
    )
