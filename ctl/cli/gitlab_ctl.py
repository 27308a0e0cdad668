"""Words of gitlab-ctl that are no commands here: one sentence each, with what does the same or why nothing does."""

from __future__ import annotations

_GITLAB = "this is GitLab's own; ctl runs its registry alone, so use the tools of that GitLab installation."
_POSTGRESQL = "the database is not ctl's: use the tools of your PostgreSQL."
_GEO = "Geo replicates GitLab; copy the registry's storage by your storage's own means, or `ctl backup-etc` the rest."
_MONITORING = (
    "ctl brings no Prometheus or Grafana; let yours read the registry's debug server (registry.debug_addr)."
)

ANSWERS: dict[str, str] = {
    "deploy-page": "no page is needed here: while the registry is down NGINX answers 503 with Retry-After by itself.",
    "upgrade": "run install.sh of the new version: it keeps the settings and converges.",
    "remove-accounts": "`ctl uninstall` lists the accounts that are left, and the command that removes one.",
    "registry-database": "`ctl reconfigure` migrates the database of GitLab's registry; import images with its own "
    "`registry database import`.",
    "get-redis-master": "registry.redis in the settings names the Redis that the registry uses.",
    "write-pgpass": 'the password of the database is registry["database"]["password"] in the settings.',
    "restart-all": "write `ctl restart`.",
    **dict.fromkeys(
        (
            *("pg-upgrade", "revert-pg-upgrade", "pg-password-md5", "pg-decomposition-migration"),
            *("pg-database-collations-check", "get-postgresql-primary", "set-replication-password"),
            *(
                "patroni",
                "repmgr",
                "consul",
                "pgb-console",
                "pgb-kick",
                "pgb-notify",
                "check-postgresql-version",
            ),
        ),
        _POSTGRESQL,
    ),
    **dict.fromkeys(
        (
            *(
                "geo",
                "geo-replication-pause",
                "geo-replication-resume",
                "promote",
                "promote-db",
                "promote-to-primary-node",
            ),
            *("promotion-preflight-checks", "replicate-geo-database", "set-geo-primary-node"),
        ),
        _GEO,
    ),
    **dict.fromkeys(("set-grafana-password", "reset-grafana", "prometheus-upgrade"), _MONITORING),
    **dict.fromkeys(("praefect", "mattermost", "gitlab-kas", "license-check", "registry-migrate"), _GITLAB),
}
