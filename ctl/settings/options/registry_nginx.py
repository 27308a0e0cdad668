"""`registry["nginx"][…]`: the registry's vhost."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.rules import default_paths, vhost
from ctl.settings.types import (
    MOST_ADDRESSES,
    AbsolutePath,
    Bool,
    Enum,
    Integer,
    ListenAddress,
    ListOf,
    MapOf,
    Network,
    NginxTime,
    OnOff,
    Snippet,
    Text,
    Type,
    Words,
    port,
)

_MANAGED = AbsolutePath(managed=True)
_VHOST = ("vhost",)
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
)
"""Mozilla's intermediate configuration."""
PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
LOG_LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")


def _option(name: str, kind: Type, description: str, example: str = "", **more: Any) -> Option:  # noqa: ANN401
    return Option(f"registry.nginx.{name}", kind, description, example=example, reaches=_VHOST, **more)


def _directive(name: str, kind: Type, description: str, default: Any, example: str = "") -> Option:  # noqa: ANN401
    """An option that is an NGINX directive of the same name."""
    return Option(
        f"registry.nginx.{name}", kind, description, default, example=example, reaches=(f"vhost: {name}",)
    )


LISTENERS = (
    _option(
        "enable",
        Bool(),
        "The registry has a vhost on this machine.",
        "True",
        rule=vhost.vhost_enable,
        finish=vhost.vhost_of_registry,
    ),
    _option(
        "listen_addresses",
        ListOf(ListenAddress(), most=MOST_ADDRESSES),
        "Addresses on which the vhost listens.",
        '["*", "[::]"]',
        default=["*"],
    ),
    _option(
        "listen_port",
        port(),
        "Port on which the vhost listens; another one than users see behind a load balancer.",
        "5050",
        rule=vhost.listen_port,
    ),
    _option(
        "listen_https",
        Bool(),
        "Whether the listener has TLS, whatever https says: False behind a proxy that ends TLS.",
        "True",
        default_text="as https",
    ),
    _option(
        "https", Bool(), "Whether the vhost has TLS.", "True", rule=vhost.https, finish=vhost.listener_https
    ),
    _option("http2_enabled", Bool(), "HTTP/2.", default=False),
    _option(
        "redirect_http_to_https",
        Bool(),
        "A second listener sends http to https.",
        "False",
        rule=vhost.redirect_http_to_https,
        finish=vhost.redirect_leads_to_https,
    ),
    _option("redirect_http_to_https_port", port(), "Port of that listener.", default=80),
    _option("proxy_protocol", Bool(), "Connections begin with the PROXY protocol.", default=False),
)

TLS = (
    _option(
        "ssl_certificate",
        _MANAGED,
        "Certificate that clients see, with its chain. A path that is given here "
        "must exist and is never written.",
        '"/etc/gitlab/ssl/registry.example.com.crt"',
        rule=default_paths.ssl_certificate,
    ),
    _option(
        "ssl_certificate_key",
        _MANAGED,
        "Private key of ssl_certificate.",
        '"/etc/gitlab/ssl/registry.example.com.key"',
        rule=default_paths.ssl_certificate_key,
    ),
    _directive(
        "ssl_password_file",
        _MANAGED,
        "File with the key's passphrases.",
        None,
        '"/etc/gitlab/ssl/passphrases"',
    ),
    _directive(
        "ssl_ciphers",
        Text(empty=False),
        "Ciphers up to TLS 1.2, as OpenSSL writes them.",
        CIPHERS,
        '"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"',
    ),
    _directive("ssl_protocols", Words(*PROTOCOLS), "TLS versions.", "TLSv1.2 TLSv1.3"),
    _directive("ssl_prefer_server_ciphers", OnOff(), "The server's order of ciphers holds.", "off"),
    _directive("ssl_session_cache", Words(), "Cache of sessions.", "shared:SSL:10m"),
    _directive("ssl_session_tickets", OnOff(), "Sessions by tickets.", "off"),
    _directive("ssl_session_timeout", NginxTime(), "How long sessions hold.", "1d"),
    _directive("ssl_dhparam", _MANAGED, "File with DH parameters.", None, '"/etc/gitlab/ssl/dhparams.pem"'),
    _directive(
        "ssl_ecdh_curve", Text(empty=False), "Curves, as OpenSSL writes them.", None, '"X25519:prime256v1"'
    ),
    _option(
        "ssl_conf_command",
        ListOf(Text(empty=False), remark=False),
        "OpenSSL commands, one or a list.",
        '["Options PrioritizeChaCha"]',
    ),
    _directive(
        "ssl_client_certificate",
        _MANAGED,
        "Authorities of client certificates.",
        None,
        '"/etc/gitlab/ssl/clients.crt"',
    ),
    _directive(
        "ssl_verify_client",
        OnOff("optional", "optional_no_ca"),
        "Clients must show a certificate.",
        None,
        '"optional"',
    ),
    _directive("ssl_verify_depth", Integer(), "Longest chain of a client's certificate.", 1),
    _option(
        "hsts_max_age",
        Integer(),
        "Seconds for which browsers keep to https; 0 for no such header. Sent over TLS only.",
        default=63072000,
    ),
    _option("hsts_include_subdomains", Bool(), "The same for subdomains.", default=False),
)

PROXY = (
    _option(
        "proxy_set_headers",
        MapOf(Text(), key=r"[A-Za-z0-9_-]+", form="the name of an HTTP header", none_removes=True),
        "Headers to the registry, over the default ones; None removes one.",
        '{"X-Forwarded-Proto": "https"}',
        default={},
        finish=vhost.proxy_set_headers,
        default_text="Host, X-Real-IP, X-Forwarded-For, X-Forwarded-Proto, with TLS X-Forwarded-Ssl",
    ),
    _option(
        "real_ip_header",
        Text(r"[A-Za-z0-9_-]+", "the name of a header"),
        "Where the client's address comes from.",
        '"X-Forwarded-For"',
        rule=vhost.real_ip_header,
    ),
    _directive(
        "real_ip_recursive", OnOff(), "The last address that is not trusted is the client's.", None, '"on"'
    ),
    _option(
        "real_ip_trusted_addresses",
        ListOf(Network(), remark=False),
        "Proxies whose word is taken.",
        '["10.0.0.0/8"]',
        default=[],
    ),
    _option(
        "log_directory",
        _MANAGED,
        "Folder of the vhost's access and error log, which are rotated with those of NGINX.",
        '"/var/log/gitlab/nginx"',
        rule=default_paths.vhost_logs,
    ),
    _option(
        "error_log_level",
        Enum(*LOG_LEVELS, label="log level"),
        "How much goes to gitlab_registry_error.log.",
        default="error",
    ),
    _option(
        "host_names",
        ListOf(Text(r"(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)", 'a host name, "*.DOMAIN" or "*"')),
        "Further names under which clients, and proxies in front, ask for the registry; others get 421. Its own, "
        'localhost, the machine\'s and all addresses are known; "*" lets any pass.',
        '["registry.internal"]',
        default=[],
        added=True,
    ),
    _option(
        "connections_per_address",
        Integer(0, 100_000),
        "Requests that one address, or network of 64 bits of IPv6, may have under way (limit_conn); more are refused "
        "(429). 0 for no limit, as it is behind a proxy that ends TLS and hides addresses (real_ip_trusted_addresses).",
        "2000",
        default=500,
        added=True,
    ),
    _option(
        "anonymous_requests_per_second",
        Integer(0, 10_000),
        "Requests without credentials that NGINX passes on from one address (limit_req), and four times as many with a "
        "token for whoever does not log in; more are refused (429). 0 for no limit (one in ten is logged then), as it "
        "is behind a proxy that ends TLS and hides addresses.",
        "500",
        default=50,
        added=True,
    ),
    _option(
        "anonymous_requests_burst",
        Integer(0, 100_000),
        "Requests above that rate that are passed on at once.",
        "5000",
        default=1000,
        added=True,
    ),
    _option(
        "custom_gitlab_server_config",
        Snippet(),
        "NGINX directives that are put into the vhost as they are.",
        '"location = /ping { return 204; }"',
    ),
)


OPTIONS = (*LISTENERS, *TLS, *PROXY)
