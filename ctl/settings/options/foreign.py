"""Names of a gitlab.rb that belong to programs which are not run here: accepted, noted, not rendered.

`gitlab_rails` and `nginx` are half ours: of several hundred keys a few dozen have to do with the registry,
and GitLab adds others with every release, so that a list of them would be wrong soon. Any key of these two
sections is therefore taken for GitLab's own, unless it looks like one of ours: it begins with "registry", or
differs from a known key by a slip of the finger. Those are errors, because a mistyped setting that is
silently ignored is found only when something breaks.
"""

from __future__ import annotations

from collections.abc import Iterable

from ctl.settings.nearest import very_near

FOREIGN = frozenset({
    "actioncable", "alertmanager", "bootstrap", "consul", "crond", "geo_logcursor", "geo_postgresql",
    "geo_secondary", "gitaly", "gitaly_client", "gitlab_backup_cli", "gitlab_ci", "gitlab_exporter",
    "gitlab_kas", "gitlab_kas_external_url", "gitlab_kas_nginx", "gitlab_pages", "gitlab_shell",
    "gitlab_sshd", "gitlab_workhorse", "git_data_dir", "git_data_dirs", "high_availability",
    "logrotate", "mailroom", "mattermost", "mattermost_external_url", "mattermost_nginx",
    "monitoring_role", "node_exporter", "oak", "pages_external_url", "pages_nginx", "patroni",
    "pgbouncer", "pgbouncer_exporter", "postgres_exporter", "postgresql", "praefect", "prometheus",
    "prometheus_monitoring", "puma", "redis", "redis_exporter", "remote_syslog", "repmgr", "repmgrd",
    "roles", "runtime_dir", "sentinel", "sidekiq", "sidekiq_cluster", "spamcheck", "storage_check",
    "suggested_reviewers", "unicorn",
})  # fmt: skip
"""Other components, and settings of theirs at the top."""

HALF_OURS = ("gitlab_rails", "nginx")
"""Sections of which only some keys are ours."""


def is_foreign(name: str) -> bool:
    """Whether a name at the top belongs to another component; NAME_role is one for every NAME."""
    return name in FOREIGN or name.endswith("_role")


def belongs_to_gitlab(section: str, key: str, known: Iterable[str]) -> bool:
    """Whether an unknown key of a section is GitLab's own, and so of no bearing on the registry.

    Args:
        section: the section ("gitlab_rails").
        key: the key.
        known: the keys of that section that are ours.
    """
    if section not in HALF_OURS or key.startswith("registry"):
        return False
    return very_near(key, known) is None
