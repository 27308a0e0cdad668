"""The processes that belong to one root, and nothing but those."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A running process.

    Args:
        pid: its number.
        arguments: its command line.
        uid: whose rights it has (effective).
    """

    pid: int
    arguments: tuple[str, ...]
    uid: int

    @property
    def program(self) -> str:
        """The base name of the program."""
        return Path(self.arguments[0]).name if self.arguments else ""


_PATIENCE = 10.0
"""Seconds after which processes that do not even die are left to themselves."""


def below(top: Path) -> list[Process]:
    """The processes whose command line, working folder or program is below `top`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # a process may end while it is looked at
            with contextlib.suppress(OSError):
                if _belongs(entry, top):
                    found.append(_process(entry))
    return found


def command_lines() -> list[str]:
    """The command lines of all processes of the machine, as anyone can read them."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # a process may end while it is looked at
            with contextlib.suppress(OSError):
                lines.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
    return lines


def started(pid: int) -> float:
    """When a process began, as a time of the clock (proc(5))."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with."""
    parts = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
    return dict(part.split("=", 1) for part in parts if "=" in part)


def end_all(top: Path) -> None:
    """End every process of a root that nobody needs any more: at once, since asked to end, runit waits a second."""
    end = time.monotonic() + _PATIENCE
    while found := below(top):
        # first those that would start others anew
        _send(sorted(found, key=lambda one: one.program not in ("runsvdir", "runsv")), signal.SIGKILL)
        if time.monotonic() > end:
            return
        time.sleep(0.02)


def _send(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        # it may have ended by itself
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _belongs(entry: Path, top: Path) -> bool:
    command = (entry / "cmdline").read_bytes()
    marker = str(top).encode()
    if marker + b"/" in command or command.rstrip(b"\0").endswith(marker):
        return True
    return any((entry / link).readlink().is_relative_to(top) for link in ("cwd", "exe"))


def _process(entry: Path) -> Process:
    arguments = (entry / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    return Process(int(entry.name), tuple(arguments), _effective_uid(entry))


def _effective_uid(entry: Path) -> int:
    """From status: the folder's owner is root where a process gave up its rights without an exec."""
    for line in (entry / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[2])
    raise OSError(f"{entry}: no Uid line")
