"""How long a running process may take to end: what it read when it started, whatever its files say now."""

from __future__ import annotations

from pathlib import Path

VARIABLE = "CTL_WAIT"
"""Environment variable that a run script exports: the wait of the definition with which the process started.

A registry drains as long as the configuration that it has read has it; once a run has lowered the drain time, its
files no longer have it."""


def promised(pid: int | None) -> int:
    """Seconds that a process was given to end when it started; 0 where it says nothing, or to others only."""
    if pid is None:
        return 0
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    prefix = f"{VARIABLE}=".encode()
    found = (one.removeprefix(prefix) for one in variables if one.startswith(prefix))
    return next((int(text) for text in found if text.isdigit()), 0)
