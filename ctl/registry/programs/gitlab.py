"""GitLab's container registry, with its metadata database."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ctl.errors import ValidationError
from ctl.registry.config import RegistryConfig, uses_database
from ctl.registry.launch import account_of, clean_environment, end, start
from ctl.registry.programs.base import Ignored, RegistryProgram, names_with, split_addresses
from ctl.registry.reason import reason
from ctl.settings.attributes import Attributes, OriginKind

if TYPE_CHECKING:
    from ctl.settings.named import Registry

TIME_LIMIT = 30
"""Seconds that it may take to ask the database."""
_AUTO = 'registry["auto_migrate"] = True'
_DATABASE_HINT = 'Correct registry["database"], or see to it that this database answers.'


@dataclass(frozen=True)
class GitlabRegistry(RegistryProgram):
    """gitlab.com/gitlab-org/container-registry."""

    title = "GitLab's registry"
    drivers = frozenset({"azure", "azure_v2", "gcs", "s3_v2"})
    # how it refuses to start (GitLab docs, 'Troubleshooting the container registry metadata database')
    PENDING: ClassVar[str] = "there are pending database migrations"
    IN_USE: ClassVar[str] = "registry metadata database in use"

    def redis_addresses(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """One text, in which several are parted by commas."""
        return split_addresses(given)

    def ignored_notifications(self, attributes: Attributes) -> Iterator[Ignored]:
        """`threshold` ('Configure container registry notifications': deprecated in 17.0, removed in 18.0)."""
        old = [one for one in attributes.registry.notifications or [] if "threshold" in one]
        if old:
            what = f"threshold is deprecated since GitLab 17.0 and dropped in 18.0: {names_with(old)} should have"
            yield Ignored(
                "registry.notifications", f"{what} maxretries", "It is used only where maxretries is absent."
            )
        option = "registry.default_notifications_threshold"
        if attributes.origin(option).kind is OriginKind.FILE:
            hint = "Use registry.default_notifications_maxretries."
            yield Ignored(option, f"has no effect: {self} does not know it", hint)

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
            config: the file in force.
            user: whose rights the program gets, or None for the caller's.
            environment: its own.
        """
        if not config.exists():
            return True
        code, lines = self._migration_status(RegistryConfig(config, {}, environment), user)
        return code != 0 or not _up_to_date(lines)

    def check_database(self, config: RegistryConfig, *, user: str | None, migrates: bool) -> None:
        """Through the program's own question for the state of migrations, which connects and changes nothing."""
        if not config.database_required:
            return
        code, lines = self._migration_status(config, user)
        if code != 0:
            why = reason(lines, secrets=config.secrets)
            raise ValidationError(f"the registry cannot use its database: {why}", hint=_DATABASE_HINT)
        if not migrates and not _up_to_date(lines):
            hint = f"Apply them ({' '.join(self.migration(config.path))}), or let the run do it: {_AUTO}"
            raise ValidationError(f"the registry would not start: {self.PENDING}", hint=hint)

    def trial_environment(self, config: RegistryConfig) -> dict[str, str]:
        """Without the database: with it on, the program marks the storage as the database's own (the lock file
        `database-in-use`) before it listens, and without it as the files' own.
        """
        if not config.database:
            return {}
        return {"REGISTRY_DATABASE_ENABLED": "false", "REGISTRY_FF_ENFORCE_LOCKFILES": "false"}

    def pardons(self, config: RegistryConfig, reason: str) -> bool:
        """Versions without that switch refuse storage that is the database's; this comes after the other checks but
        those of authentication."""
        return config.database and self.IN_USE in reason

    def _migration_status(self, config: RegistryConfig, user: str | None) -> tuple[int, list[str]]:
        process = start(
            [self.path, "database", "migrate", "status", "--up-to-date", config.path],
            account=account_of(user),
            environment=clean_environment(config.environment),
            cwd=Path("/"),
        )
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return 1, [f"it does not answer within {TIME_LIMIT} s"]
        finally:
            end(process)
        return process.returncode, output.splitlines()


def _up_to_date(lines: list[str]) -> bool:
    return " ".join(lines).split()[-1:] == ["true"]
