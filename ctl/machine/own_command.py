"""Another command of ctl, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

TOO_LONG = 124
"""The exit code of timeout(1)."""


def own_command(
    arguments: Sequence[str],
    *,
    seconds: float | None = None,
    module: str = "ctl",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `ctl ARGUMENTS` with this Python and this code.

    Args:
        arguments: of the command line.
        seconds: after which it is ended; None for never.
        module: another one to run.
        environment: variables beside those of this process.

    Returns:
        What it printed; with the code TOO_LONG where it took too long.
    """
    command = [sys.executable, "-P", "-m", module, *arguments]
    path = os.pathsep.join(one for one in sys.path if one)
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            timeout=seconds,
            env={**os.environ, **(environment or {}), "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, TOO_LONG, "", "")


def last_line(text: str) -> str:
    """What a program printed last."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
