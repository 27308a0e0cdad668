"""Another command of ctl, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def own_command(
    arguments: Sequence[str], seconds: float, module: str = "ctl"
) -> subprocess.CompletedProcess[str] | None:
    """Run `ctl ARGUMENTS` with this Python and this code.

    Args:
        arguments: of the command line.
        seconds: after which it is ended.
        module: another one to run.

    Returns:
        What it printed; None where it took too long.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    try:
        return subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return None


def last_line(text: str) -> str:
    """What a program printed last."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
