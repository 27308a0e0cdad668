"""The project and all it needs as wheels, so that installing needs no network where it is tested."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.harness.people import CHECKOUT

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def fill(folder: Path) -> Path:
    """Download what the project needs, and what builds it, into a folder, for the Python that install.sh takes.

    What a package needs may depend on the last part of Python's version.
    """
    environment = folder / "environment"
    subprocess.run([_python(), "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--wheel-dir", str(folder), str(CHECKOUT), "hatchling>=1.21"], check=True)
    return folder


def _python() -> str:
    script = f"PATH={_PATH}; . {CHECKOUT}/packaging/apt.sh; find_python"
    return subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def offline(folder: Path) -> dict[str, str]:
    """Environment in which pip takes everything from that folder."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
