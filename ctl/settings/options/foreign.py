"""Names of a gitlab.rb that belong to programs which are not run here: accepted, noted, not rendered.

Sections that are ours have a few keys more in a gitlab.rb, for the same reason: they are known by name.

`gitlab_rails` and `nginx` are half ours: of several hundred keys a few dozen have to do with the registry,
and GitLab adds others with every release, so that a list of them would be wrong soon. Any key of these two
sections is therefore taken for GitLab's own, unless it looks like one of ours: it begins with "registry", or
differs from a known key by a slip of the finger. Those are errors, because a mistyped setting that is
silently ignored is found only when something breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ctl.text.nearest import very_near

FOREIGN = frozenset({
    "actioncable", "alertmanager", "bootstrap", "consul", "crond", "geo_logcursor", "geo_postgresql",
    "geo_secondary", "gitaly", "gitaly_client", "gitlab_backup_cli", "gitlab_ci", "gitlab_exporter",
    "gitlab_kas", "gitlab_kas_external_url", "gitlab_kas_nginx", "gitlab_pages", "gitlab_shell",
    "gitlab_monitor", "gitlab_sshd", "gitlab_workhorse", "git_data_dir", "git_data_dirs", "high_availability",
    "logrotate", "mailroom", "mattermost", "mattermost_external_url", "mattermost_nginx",
    "monitoring_role", "node_exporter", "oak", "omnibus_gitconfig", "pages_external_url", "pages_nginx", "patroni",
    "pgbouncer", "pgbouncer_exporter", "postgres_exporter", "postgresql", "praefect", "prometheus",
    "prometheus_monitoring", "puma", "redis", "redis_exporter", "remote_syslog", "repmgr", "repmgrd",
    "roles", "runtime_dir", "sentinel", "sidekiq", "sidekiq_cluster", "spamcheck", "storage_check",
    "suggested_reviewers", "unicorn",
})  # fmt: skip
"""Other components, and settings of theirs at the top."""

FOLLOWED: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset({"enable", "port", "dir", "listen_address"}),
}
"""Keys of other components that settings of ours follow: the registry's database may be in GitLab's PostgreSQL."""

HALF_OURS = ("gitlab_rails", "nginx")
"""Sections of which only some keys are ours."""

ELSEWHERE: Mapping[str, frozenset[str]] = {
    "letsencrypt": frozenset({"authorization_method", "auto_enabled", "crt"}),
    "manage_storage_directories": frozenset({"manage_etc"}),
    "nginx.status": frozenset({"vts_enable"}),
    "package": frozenset({
        "detect_init", "install-dir", "modify_kernel_parameters", "public_attributes", "selinux_policy_version",
        "systemd_after", "systemd_tasks_max", "systemd_wanted_by",
    }),
    "registry": frozenset({"ha"}),
    "registry.nginx": frozenset({"consul_service_meta", "consul_service_name", "ha"}),
    "user": frozenset({"git_user_email", "git_user_name"}),
    "web_server": frozenset({"external_users"}),
}  # fmt: skip
"""Keys that a gitlab.rb may have in sections of ours, and that have no bearing on what is run here."""

_OF_THE_SERVER = frozenset({
    "custom_nginx_config", "dir", "gzip_comp_level", "gzip_enabled", "gzip_http_version", "gzip_proxied",
    "gzip_types", "keepalive_time", "keepalive_timeout", "log_format", "log_format_escape", "proxy_cache_path",
    "sendfile", "server_names_hash_bucket_size", "status", "tcp_nodelay", "tcp_nopush", "worker_connections",
    "worker_processes",
})  # fmt: skip
_FIXED = {
    "client_max_body_size": "layers may be of any size",
    **dict.fromkeys(("cache_max_size", "proxy_cache"), "answers of a registry are not cached"),
    **dict.fromkeys(
        ("proxy_custom_buffer_size", "request_buffering_off_path_regex"), "layers are not buffered"
    ),
    **dict.fromkeys(("proxy_connect_timeout", "proxy_read_timeout"), "NGINX waits 900 s for the registry"),
    "hide_server_tokens": "the version of NGINX is never shown",
    **dict.fromkeys(("custom_error_pages", "referrer_policy"), "clients of a registry are no browsers"),
    "default_server_enabled": "there is no server for other names",
}
_BY_SVLOGD = 'svlogd rotates the registry\'s log, as registry["svlogd_size"], ["svlogd_num"] and ["svlogd_timeout"] say'
_REOPENED = "NGINX opens its logs anew after each rotation"
_LOGROTATE = frozenset({
    "logrotate_compress", "logrotate_dateformat", "logrotate_delaycompress", "logrotate_frequency",
    "logrotate_maxsize", "logrotate_method", "logrotate_postrotate", "logrotate_rotate", "logrotate_size",
})  # fmt: skip
_REOPENING = dict.fromkeys(("logrotate_method", "logrotate_postrotate"), _REOPENED)
NOT_DONE: Mapping[str, Mapping[str, str]] = {
    "logging": _REOPENING,
    "nginx": _REOPENING,
    "registry": dict.fromkeys(sorted(_LOGROTATE), _BY_SVLOGD),
    "registry.nginx": {
        **_FIXED,
        **{one: f'it is a setting of the whole server, nginx["{one}"]' for one in sorted(_OF_THE_SERVER)},
    },
}
"""Keys of a gitlab.rb about programs that run here, and why they are not followed."""


def is_foreign(name: str) -> bool:
    """Whether a name at the top belongs to another component; NAME_role is one for every NAME."""
    return name in FOREIGN or name.endswith("_role")


def belongs_to_gitlab(section: str, key: str, known: Iterable[str]) -> bool:
    """Whether an unknown key of a section has no effect here: it is GitLab's own, or not done.

    Args:
        section: the section ("gitlab_rails").
        key: the key.
        known: the keys of that section that are ours.
    """
    if key in ELSEWHERE.get(section, ()) or key in NOT_DONE.get(section, ()):
        return True
    if section not in HALF_OURS or key.startswith("registry"):
        return False
    return very_near(key, known) is None
