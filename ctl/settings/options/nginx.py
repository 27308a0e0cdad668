"""`nginx[…]`: the server that carries the registry's vhost."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.options.common import logging_options, rotation_options
from ctl.settings.rules import vhost
from ctl.settings.types import (
    MOST_ADDRESSES,
    AbsolutePath,
    Bool,
    Enum,
    Integer,
    ListenAddress,
    ListOf,
    MapOf,
    NginxTime,
    OneOf,
    OnOff,
    Snippet,
    Text,
    Type,
    Words,
    hostname,
    port,
)

_MANAGED = AbsolutePath(managed=True)
LOG_FORMAT = (
    '$remote_addr - $loggable_user [$time_local] "$loggable_request" $status $body_bytes_sent '
    '"$loggable_referer" "$loggable_user_agent"'
)
"""The combined format without query strings, which may hold tokens, and with nothing longer than it needs to be."""
_VALUE = OneOf(Text(), OnOff())
COMPRESSED = (
    "text/plain text/css application/x-javascript text/xml application/xml application/xml+rss "
    "text/javascript application/json"
)


def _option(name: str, kind: Type, description: str, default: Any, example: str = "", **more: Any) -> Option:  # noqa: ANN401
    return Option(f"nginx.{name}", kind, description, default, example=example, **more)


def _directive(name: str, kind: Type, description: str, default: Any, example: str = "") -> Option:  # noqa: ANN401
    """An option that is an NGINX directive of the same name."""
    return _option(name, kind, description, default, example, reaches=(f"nginx.conf: {name}",))


def _status(name: str, kind: Type, description: str, default: Any, example: str = "", **more: Any) -> Option:  # noqa: ANN401
    return _option(
        f"status.{name}", kind, description, default, example, reaches=("nginx-status.conf",), **more
    )


SERVER = (
    _option(
        "enable",
        Bool(),
        "Runs NGINX on this machine.",
        None,
        "True",
        rule=vhost.nginx_enable,
        reaches=("service nginx",),
    ),
    _option(
        "executable",
        AbsolutePath(),
        "The NGINX program.",
        None,
        '"/usr/sbin/nginx"',
        added=True,
        default_text="nginx as it is found",
        reaches=("service nginx",),
    ),
    _option(
        "dir",
        _MANAGED,
        "Folder of the configuration and of temporary files.",
        "/var/opt/gitlab/nginx",
        reaches=("nginx.conf",),
    ),
    _option(
        "log_directory",
        _MANAGED,
        "Folder of access and error logs.",
        "/var/log/gitlab/nginx",
        reaches=("nginx.conf: access_log", "log service"),
    ),
    _option(
        "worker_processes",
        OneOf(Integer(1), Enum("auto")),
        "Number of NGINX's worker processes.",
        None,
        "4",
        rule=vhost.worker_processes,
        reaches=("nginx.conf: worker_processes",),
    ),
    _directive("worker_connections", Integer(1), "Connections of each worker process.", 10240),
    _directive(
        "log_format",
        Text(empty=False),
        "Format of access logs. $loggable_request and $loggable_referer are $request and $http_referer without the "
        "query string; they, $loggable_user and $loggable_user_agent are cut.",
        LOG_FORMAT,
        "'$remote_addr [$time_local] \"$loggable_request\" $status'",
    ),
    _option(
        "log_format_escape",
        Enum("default", "json", "none"),
        "How values are escaped in access logs.",
        "default",
        '"json"',
        reaches=("nginx.conf: log_format",),
    ),
    _directive("sendfile", OnOff(), "Files are sent by the kernel.", "on"),
    _directive("tcp_nopush", OnOff(), "Full packets with sendfile.", "on"),
    _directive("tcp_nodelay", OnOff(), "Small packets at once.", "on"),
    _option(
        "gzip_enabled",
        Bool(),
        "Compresses answers, except the registry's.",
        True,
        reaches=("nginx.conf: gzip",),
    ),
    _directive("gzip_http_version", Enum("1.0", "1.1"), "Lowest HTTP version for it.", "1.1"),
    _directive("gzip_comp_level", Integer(1, 9), "Level of compression.", 2),
    _directive(
        "gzip_proxied",
        Words(),
        "Which answers to other proxies are compressed.",
        "no-cache no-store private expired auth",
    ),
    _directive(
        "gzip_types",
        Words(),
        "Media types that are compressed.",
        COMPRESSED,
        '["text/plain", "application/json"]',
    ),
    _directive("keepalive_timeout", NginxTime(), "Seconds for which idle connections stay open.", 65),
    _directive("keepalive_time", NginxTime(), "How long a connection may be used in all.", "1h"),
    _directive("server_names_hash_bucket_size", Integer(1), "Room for long server names.", 64),
    _directive(
        "proxy_cache_path",
        Words(),
        "A cache for vhosts of one's own.",
        None,
        '"/var/cache/nginx keys_zone=own:10m max_size=1g levels=1:2"',
    ),
    _option(
        "custom_nginx_config",
        Snippet(),
        "NGINX directives that are put into the http block as they are.",
        None,
        '"include /etc/nginx/conf.d/*.conf;"',
        reaches=("nginx.conf",),
    ),
)

STATUS = (
    _status("enable", Bool(), "A page with numbers of connections at /nginx_status.", True),
    _status(
        "listen_addresses",
        ListOf(ListenAddress(), most=MOST_ADDRESSES),
        "Addresses on which the status page listens (gitlab.rb's default is every address).",
        ["127.0.0.1"],
    ),
    _status("fqdn", hostname(), "Server name of the status page.", "localhost"),
    _status("port", port(), "Port of the status page.", 8060),
    _status(
        "options",
        MapOf(_VALUE, key=r"[a-z][a-z0-9_]*", form="an NGINX directive", none_removes=True),
        "Directives of the page, over the default ones; None removes one.",
        {},
        '{"access_log": "off"}',
        finish=vhost.status_options,
        default_text='{"server_tokens": "off", "access_log": "off", "allow": "127.0.0.1", "deny": "all"}',
    ),
)

OPTIONS = (*SERVER, *STATUS, *logging_options("nginx", "nginx"), *rotation_options("nginx", falls_back=True))
