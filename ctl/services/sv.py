"""Calls runit's sv."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ctl.distribution import distribution
from ctl.errors import CtlError, PreflightError
from ctl.machine.search import SYSTEM_PATH
from ctl.services.status import Status, parse_status


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
        PreflightError: runit is not installed.
    """
    options = [] if wait is None else ["-w", str(wait)]
    done = run_runit(["sv", *options, command, *map(str, services)], {"SVDIR": str(folder)})
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


def run_runit(command: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one of runit's programs to its end, in a clean environment with these additions.

    Raises:
        PreflightError: runit is not installed.
    """
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env={"PATH": SYSTEM_PATH, **environment},
        )
    except FileNotFoundError as error:
        raise not_installed(command[0]) from error


def not_installed(program: str) -> PreflightError:
    """The error for a missing program of runit."""
    return PreflightError(
        f"{program} is not in {SYSTEM_PATH}", hint=f"Run: {distribution().install_hint(program)}"
    )
