"""Who holds a lock that is an object: so that one whose owner was killed here need not be waited for."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """What names this process: a line for people, and one that says where its number means something."""
    return f"process {os.getpid()} on {os.uname().nodename}\n{_where()}\n"


def is_gone(owner: str) -> bool:
    """Whether an owner was a process of this machine, and is no more. Of any other nobody here knows."""
    first, _, where = owner.strip().partition("\n")
    number = first.removeprefix("process ").partition(" ")[0]
    return bool(where) and where == _where() and number.isdecimal() and not Path("/proc", number).exists()


def _where() -> str:
    """This boot, and this namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
