"""Asks a registry program by running it to its end."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

from ctl.distribution import distribution
from ctl.errors import PreflightError
from ctl.machine.child import ChildFailed, run_child
from ctl.registry.drivers import LOCAL_DRIVERS
from ctl.registry.launch import clean_environment
from ctl.text.quoting import yaml as quoted

TIME_LIMIT = 20
"""Seconds that a program may take to answer; it takes some hundredths."""


def run_program(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a clean environment.

    Raises:
        PreflightError: it cannot be run, or does not end in time.
    """
    try:
        return run_child([str(path), *arguments], seconds=TIME_LIMIT, environment=clean_environment({}))
    except ChildFailed as error:
        reason = str(error.__cause__ or error)
        raise PreflightError(f"registry program {path}: {reason}", hint=executable_hint()) from error


@functools.cache
def has_driver(program: Path, driver: str) -> bool:
    """Whether a program was built with a storage driver: it reports that itself, before it looks at any storage.

    A table would be wrong for the next build: drivers are chosen when the program is compiled.

    Raises:
        PreflightError: the program cannot be run.
    """
    if driver in LOCAL_DRIVERS:
        return True
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(f"version: 0.1\nstorage:{quoted({driver: {}})}\n")
        config.flush()
        done = run_program(program, "garbage-collect", "--dry-run", config.name)
    return "StorageDriver not registered" not in done.stdout + done.stderr


def executable_hint() -> str:
    """What to do about a program that is no registry."""
    return f'registry["executable"] must name a container registry: {distribution().install_hint("docker-registry")}'
