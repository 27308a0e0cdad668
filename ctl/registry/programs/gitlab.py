"""GitLab's container registry, with its metadata database."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ctl.registry.config import uses_database
from ctl.registry.launch import account_of, clean_environment, end, start
from ctl.registry.programs.base import RegistryProgram, split_addresses

if TYPE_CHECKING:
    from ctl.settings.named import Registry

TIME_LIMIT = 30
"""Seconds that it may take to ask the database."""


@dataclass(frozen=True)
class GitlabRegistry(RegistryProgram):
    """gitlab.com/gitlab-org/container-registry."""

    title = "GitLab's registry"
    drivers = frozenset({"azure", "gcs", "s3_v2"})
    # how it refuses to start (GitLab docs, 'Troubleshooting the container registry metadata database')
    PENDING: ClassVar[str] = "there are pending database migrations"

    def redis_addresses(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """One text, in which several are parted by commas."""
        return split_addresses(given)

    def migrates(self, registry: Registry) -> bool:
        """Where the database is on, and auto_migrate is."""
        on = registry.database is not None and uses_database(registry.database.get("enabled"))
        return bool(on and registry.auto_migrate)

    def migration(self, config: Path) -> list[str]:
        """The command line that applies what is pending."""
        return [str(self.path), "database", "migrate", "up", str(config)]

    def is_pending(self, config: Path, *, user: str | None, environment: Mapping[str, str]) -> bool:
        """Whether migrations must be applied; also where that is not known yet, as before the first run.

        Args:
            config: its configuration.
            user: whose rights it gets, or None for the caller's.
            environment: its own.
        """
        if not config.exists():
            return True
        process = start(
            [self.path, "database", "migrate", "status", "--up-to-date", config],
            account=account_of(user),
            environment=clean_environment(environment),
            cwd=Path("/"),
        )
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return True
        finally:
            end(process)
        return process.returncode != 0 or output.split()[-1:] != ["true"]
