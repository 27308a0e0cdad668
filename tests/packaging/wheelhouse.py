"""The project and all it needs as wheels, so that installing needs no network where it is tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.real.harness.people import CHECKOUT


def fill(folder: Path) -> Path:
    """Download what the project needs, and what builds it, into a folder."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--wheel-dir", str(folder), str(CHECKOUT), "hatchling>=1.21"], check=True)
    return folder


def offline(folder: Path) -> dict[str, str]:
    """Environment in which pip takes everything from that folder."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
