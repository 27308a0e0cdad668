"""The project and all it needs as wheels, so that installing needs no network where it is tested."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.harness.machine import Machine
from tests.harness.people import CHECKOUT
from tests.harness.result import Result

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def fill(folder: Path) -> Path:
    """Download the pinned wheels into a folder, and build the project's, for the Python that install.sh takes.

    What a package needs may depend on the last part of Python's version.
    """
    environment = folder / "environment"
    subprocess.run([_python(), "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    pinned = ["--require-hashes", "--requirement", str(CHECKOUT / "packaging/requirements.txt")]
    wheel = [*pip, "wheel", "--wheel-dir", str(folder)]
    subprocess.run([*wheel, *pinned], check=True)
    subprocess.run([*pip, "install", *pinned], check=True, env=os.environ | offline(folder))
    subprocess.run([*wheel, "--no-deps", "--no-build-isolation", str(CHECKOUT)], check=True)
    return folder


def _python() -> str:
    script = f"PATH={_PATH}; . {CHECKOUT}/packaging/apt.sh; find_python"
    return subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def offline(folder: Path) -> dict[str, str]:
    """Environment in which pip takes everything from that folder."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def install(
    machine: Machine, checkout: Path, wheels: Path, *arguments: str, environment: Sequence[str] = ()
) -> Result:
    """Run install.sh on another machine; pip finds everything in a folder."""
    environment = [*environment, *(f"{name}={value}" for name, value in offline(wheels).items())]
    script = str(checkout / "install.sh")
    usual = ["prlimit", "--nofile=1024:"]  # of files, as most machines have it
    return machine.run(*usual, "sh", script, *arguments, timeout=300, environment=environment)
