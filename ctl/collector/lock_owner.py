"""Who holds a lock of a storage; one that is an object need not be waited for where its owner was killed here."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """What names this process to people."""
    return f"process {os.getpid()} on {os.uname().nodename}\n"


def this_process_and_place() -> str:
    """As `this_process`, with a line that says where its number means something."""
    return f"{this_process()}{_where()}\n"


def is_gone(owner: str) -> bool:
    """Whether an owner was a process of this machine, and is no more. Of any other nobody here knows."""
    first, _, where = owner.strip().partition("\n")
    number = first.removeprefix("process ").partition(" ")[0]
    return bool(where) and where == _where() and number.isdecimal() and not Path("/proc", number).exists()


def _where() -> str:
    """This boot, and this namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
