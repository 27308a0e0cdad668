"""`registry[…]`: the program, its account, storage and configuration."""

from __future__ import annotations

from ctl.settings.option import Option
from ctl.settings.options.common import LOG_LIMITS, account_options, logging_options
from ctl.settings.options.database import DATABASE
from ctl.settings.options.notifications import ENDPOINTS, HEADERS
from ctl.settings.options.sections import GC, MIDDLEWARE, REDIS, REPORTING
from ctl.settings.options.storage import Storage
from ctl.settings.rules import default_paths, keys, storage, token_issuer, urls
from ctl.settings.types import (
    AbsolutePath,
    Address,
    Bool,
    Content,
    Duration,
    Enum,
    Extent,
    Integer,
    MapOf,
    Pem,
    Scalar,
    Text,
    Url,
)

_MANAGED = AbsolutePath(managed=True)

SERVICE = (
    Option(
        "registry.enable",
        Bool(),
        "Runs the registry on this machine. False stops and removes the service and its vhost; images, "
        "keys and secrets stay.",
        rule=urls.registry_enable,
        example="True",
        reaches=("service registry", "vhost"),
    ),
    Option(
        "registry.executable",
        AbsolutePath(),
        "The registry program: Distribution 2.8, Distribution 3 or GitLab's registry.",
        default_text="the first found of /opt/gitlab/embedded/bin/registry, registry, docker-registry",
        example='"/usr/bin/docker-registry"',
        reaches=("service registry",),
        added=True,
    ),
    *account_options("registry", "the registry", "registry", login_shell="/usr/sbin/nologin"),
    Option(
        "registry.dir",
        _MANAGED,
        "Working directory, mode 2770; config.yml and the certificate are in it.",
        default="/var/opt/gitlab/registry",
        reaches=("config.yml",),
    ),
    Option(
        "registry.log_directory",
        _MANAGED,
        "Where svlogd writes the log; the newest lines are in the file `current`.",
        default="/var/log/gitlab/registry",
        reaches=("log service",),
    ),
    Option(
        "registry.env_directory",
        _MANAGED,
        "Folder with one file a variable, mode 0640, from which the process gets its environment.",
        default="/opt/gitlab/etc/registry/env",
        reaches=("service registry",),
    ),
    Option(
        "registry.env",
        MapOf(Scalar(), key=r"[A-Za-z_][A-Za-z0-9_]*", form="the name of an environment variable"),
        "Environment of the process. Booleans are written true and false; SSL_CERT_DIR is the system's "
        "folder of certificates unless given.",
        default={},
        example='{"REGISTRY_HTTP_RELATIVEURLS": True}',
        reaches=("env_directory",),
    ),
    *logging_options("registry", "registry", LOG_LIMITS),
)

ADDRESSES = (
    Option(
        "registry.registry_http_addr",
        Address(),
        "Host and port of the registry without TLS, for GitLab and probes; NGINX passes them on. Not the vhost's port.",
        default="127.0.0.1:5000",
        reaches=("config.yml: http.addr", "vhost: listen", "gitlab.yml: registry.api_url"),
    ),
    Option(
        "registry.socket_directory",
        _MANAGED,
        "Folder of the Unix sockets through which NGINX reaches the registry: a restart switches between two.",
        default="/var/opt/gitlab/run/registry",
        added=True,
        reaches=("vhost: upstream", "service registry"),
    ),
    Option(
        "registry.drain_timeout",
        Duration(),
        "How long a replaced registry may finish transfers that are under way; the new one serves meanwhile.",
        default="15m",
        example='"1h"',
        added=True,
        reaches=("service registry",),
    ),
    Option(
        "registry.debug_addr",
        Address(),
        "Host and port of the debug server (health, metrics, profiles). Loopback only: it shows secrets.",
        example='"localhost:5001"',
        reaches=("config.yml: http.debug.addr", "config.yml: http.debug.prometheus"),
    ),
    Option(
        "registry.http_draintimeout",
        Duration(),
        "How long a stopping registry lets transfers finish that are under way.",
        default=0,
        example='"30s"',
        reaches=("config.yml: http.draintimeout",),
    ),
    Option(
        "registry.http_secret",
        Text(),
        "Signs the state of uploads. The same on every registry behind one load balancer.",
        rule=keys.http_secret,
        example='env("REGISTRY_HTTP_SECRET", None)',
        reaches=("config.yml: http.secret",),
        secret=True,
    ),
)

TOKENS = (
    Option(
        "registry.token_realm",
        Url(Extent.BASE),
        "Who issues tokens: usually GitLab's URL. Clients are sent to it with /jwt/auth behind it.",
        rule=token_issuer.token_realm,
        example='"https://gitlab.example.com"',
        reaches=("config.yml: auth.token.realm",),
    ),
    Option(
        "registry.internal_key",
        Pem(Content.KEY),
        "The private key with which GitLab signs tokens, as PEM text. Give the certificate too; a node "
        "that runs only GitLab needs the key alone.",
        rule=keys.internal_key,
        example='env("REGISTRY_INTERNAL_KEY", None)',
        reaches=('gitlab_rails["registry_key_path"]',),
        secret=True,
    ),
    Option(
        "registry.internal_certificate",
        Pem(Content.CERTIFICATE),
        "The certificate of that key, with which the registry checks tokens, as PEM text. A node that "
        "runs only the registry needs the certificate alone.",
        rule=keys.internal_certificate,
        example='env("REGISTRY_INTERNAL_CERTIFICATE", None)',
        reaches=('registry["rootcertbundle"]',),
    ),
    Option(
        "registry.rootcertbundle",
        _MANAGED,
        "Where that certificate is written.",
        rule=default_paths.rootcertbundle,
        example='"/var/opt/gitlab/registry/gitlab-registry.crt"',
        reaches=("config.yml: auth.token.rootcertbundle",),
    ),
    Option(
        "registry.autoredirect",
        Bool(),
        "The registry sends clients to /auth/token of its own host for tokens, instead of to token_realm.",
        default=False,
        reaches=("config.yml: auth.token.autoredirect",),
    ),
)

CONTENT = (
    Option(
        "registry.storage",
        Storage(),
        "Where images are stored: one driver with its parameters; cache, delete, redirect, maintenance beside it.",
        rule=storage.storage,
        finish=storage.complete_storage,
        example='{"s3": {"bucket": "images", "region": "eu-west-1"}}',
        reaches=("config.yml: storage",),
    ),
    Option(
        "registry.storage_probe_enabled",
        Bool(),
        "Before a run changes in which object storage images are stored, it asks that storage, through the registry, "
        "whether it can be used. False where it is down on purpose.",
        default=True,
        added=True,
    ),
    Option(
        "registry.storage_delete_enabled",
        Bool(),
        "Images can be deleted; garbage collection needs it.",
        default=True,
        reaches=("config.yml: storage.delete.enabled",),
    ),
    Option(
        "registry.middleware",
        MIDDLEWARE,
        "Middleware of the registry, such as a CDN in front of storage.",
        example='{"storage": [{"name": "redirect", "options": {"baseurl": "https://cdn.example.com/"}}]}',
        reaches=("config.yml: middleware",),
    ),
    Option(
        "registry.validation_enabled",
        Bool(),
        "Manifests are checked when they are pushed.",
        default=False,
        reaches=("config.yml: validation.disabled",),
    ),
    Option(
        "registry.compatibility_schema1_enabled",
        Bool(),
        "Docker clients 1.9 and older can push (manifests of schema 1).",
        default=False,
        reaches=("config.yml: compatibility.schema1.enabled",),
    ),
    Option(
        "registry.health_storagedriver_enabled",
        Bool(),
        "The registry looks every 10 seconds whether storage answers, and reports itself unhealthy if not.",
        default=True,
        reaches=("config.yml: health.storagedriver.enabled",),
    ),
    Option(
        "registry.health_gate_timeout",
        Integer(0),
        "Seconds after a start within which the registry must answer directly and through NGINX, and be able to use "
        "its storage; else reconfigure puts everything back. 0: that is not waited for.",
        default=30,
        example="60",
        reaches=("reconfigure",),
    ),
    Option(
        "registry.log_level",
        Enum("error", "warn", "info", "debug", "trace"),
        "How much the registry logs; trace is known to GitLab's registry only.",
        default="info",
        reaches=("config.yml: log.level",),
    ),
    Option(
        "registry.log_formatter",
        Enum("text", "json", "logstash"),
        "Form of log lines; before those in JSON (json, logstash) svlogd puts no time stamp.",
        default="text",
        example='"json"',
        reaches=("config.yml: log.formatter", "log service"),
    ),
)

NOTIFICATIONS = (
    Option(
        "registry.notifications",
        ENDPOINTS,
        "Endpoints that get every push, pull and deletion.",
        finish=storage.complete_endpoints,
        example='[{"name": "events", "url": "https://events.example.com/registry", '
        '"headers": {"Authorization": ["Bearer " + env("EVENTS_TOKEN", "")]}}]',
        reaches=("config.yml: notifications.endpoints",),
    ),
    Option(
        "registry.default_notifications_timeout",
        Duration(),
        "Timeout of endpoints that have none.",
        default="500ms",
        reaches=("config.yml: notifications.endpoints",),
    ),
    Option(
        "registry.default_notifications_maxretries",
        Integer(),
        "Number of retries of endpoints that have none; with Distribution their threshold.",
        default=5,
        reaches=("config.yml: notifications.endpoints",),
    ),
    Option(
        "registry.default_notifications_threshold",
        Integer(),
        "Threshold of endpoints that have none, with Distribution (without it 10). GitLab's registry has dropped it.",
        example="10",
        reaches=("config.yml: notifications.endpoints",),
    ),
    Option(
        "registry.default_notifications_backoff",
        Duration(),
        "Backoff of endpoints that have none.",
        default="1s",
        reaches=("config.yml: notifications.endpoints",),
    ),
    Option(
        "registry.default_notifications_headers",
        HEADERS,
        "Headers of every endpoint; an endpoint's own win.",
        default={},
        example='{"X-Registry": ["main"]}',
        reaches=("config.yml: notifications.endpoints",),
        secret=True,
    ),
)

GITLAB_ONLY = (
    Option(
        "registry.database",
        DATABASE,
        "The metadata database of GitLab's registry. Other programs cannot serve it.",
        finish=storage.complete_database,
        default_text="none; given: user and dbname registry, port 5432, sslmode prefer, host and enabled by "
        "`postgresql`",
        example='{"enabled": True, "host": "db.example.com", "password": env("REGISTRY_DB_PASSWORD", "")}',
        reaches=("config.yml: database",),
    ),
    Option(
        "registry.auto_migrate",
        Bool(),
        "`ctl reconfigure` runs the registry's own schema migrations while the database is on.",
        default=True,
    ),
    Option(
        "registry.gc",
        GC,
        "Online garbage collection of GitLab's registry; needs the database.",
        example='{"disabled": False}',
        reaches=("config.yml: gc",),
    ),
    Option(
        "registry.redis",
        REDIS,
        "Redis for the cache: `addr` for Distribution 2 and GitLab's registry, `addrs` for Distribution 3. Its "
        "blocks are for GitLab's registry.",
        finish=storage.complete_redis,
        default_text='{"loadbalancing": {"enabled": False}, "cache": {"enabled": False}}, which is left out',
        example='{"addr": "127.0.0.1:6379", "db": 1}',
        reaches=("config.yml: redis",),
    ),
    Option(
        "registry.reporting",
        REPORTING,
        "Error reporting of GitLab's registry and of Distribution 2.",
        example='{"sentry": {"enabled": True, "dsn": env("REGISTRY_SENTRY_DSN", "")}}',
        reaches=("config.yml: reporting",),
    ),
)

OPTIONS = (*SERVICE, *ADDRESSES, *TOKENS, *CONTENT, *NOTIFICATIONS, *GITLAB_ONLY)
