"""The schema of the metadata database of GitLab's registry, which its own program brings up to date."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from ctl.registry.config import uses_database
from ctl.registry.launch import account_of, clean_environment, end, start
from ctl.registry.program import Flavour
from ctl.settings.attributes import Section

PENDING = "there are pending database migrations"
"""What it says where it does not start because of that (GitLab docs, 'Troubleshooting the container registry
metadata database').
"""
TIME_LIMIT = 30
"""Seconds that it may take to ask the database."""


def migrates(registry: Section, flavour: Flavour) -> bool:
    """Whether a run migrates the database: it is on, auto_migrate is, and the program is one that has it.

    Args:
        registry: the settings of the registry.
        flavour: of the program that is found.
    """
    on = registry.database is not None and uses_database(registry.database.get("enabled"))
    return bool(on and registry.auto_migrate and flavour is Flavour.GITLAB)


def up(program: Path, config: Path) -> list[str]:
    """The command line that applies what is pending."""
    return [str(program), "database", "migrate", "up", str(config)]


def is_pending(program: Path, config: Path, *, user: str | None, environment: Mapping[str, str]) -> bool:
    """Whether migrations are to be applied; also where that cannot be told yet, as before the first run.

    Args:
        program: the registry program.
        config: its configuration.
        user: whose rights it gets, or None for the caller's.
        environment: its own.
    """
    if not config.exists():
        return True
    process = start(
        [program, "database", "migrate", "status", "--up-to-date", config],
        account=account_of(user),
        environment=clean_environment(environment),
        cwd=Path("/"),
    )
    try:
        said, _ = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return True
    finally:
        end(process)
    return process.returncode != 0 or said.split()[-1:] != ["true"]
