"""registry["env"]: variables that are misspelt, and those that override what other settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from ctl.settings.option import View
from ctl.settings.options import OPTIONS
from ctl.settings.types import Type
from ctl.settings.written import python_name
from ctl.text.nearest import very_near

ENV = "registry.env"
_PREFIX = "REGISTRY_"
_BY_KEY = {"relativeurls": "REGISTRY_HTTP_RELATIVEURLS", "http_relativeurls": "REGISTRY_HTTP_RELATIVEURLS"}
_OVERRIDES: Mapping[str, str] = {
    "AUTH_TOKEN_AUTOREDIRECT": "registry.autoredirect",
    "AUTH_TOKEN_ISSUER": "gitlab_rails.registry_issuer",
    "AUTH_TOKEN_REALM": "registry.token_realm",
    "AUTH_TOKEN_ROOTCERTBUNDLE": "registry.rootcertbundle",
    "COMPATIBILITY_SCHEMA1_ENABLED": "registry.compatibility_schema1_enabled",
    "DATABASE": "registry.database",
    "GC": "registry.gc",
    "HEALTH_STORAGEDRIVER_ENABLED": "registry.health_storagedriver_enabled",
    "HTTP_ADDR": "registry.registry_http_addr",
    "HTTP_DEBUG_ADDR": "registry.debug_addr",
    "HTTP_DRAINTIMEOUT": "registry.http_draintimeout",
    "HTTP_SECRET": "registry.http_secret",
    "LOG_FORMATTER": "registry.log_formatter",
    "LOG_LEVEL": "registry.log_level",
    "MIDDLEWARE": "registry.middleware",
    "NOTIFICATIONS": "registry.notifications",
    "REDIS": "registry.redis",
    "REPORTING": "registry.reporting",
    "STORAGE": "registry.storage",
    "VALIDATION_DISABLED": "registry.validation_enabled",
}
"""Variables, or what they begin with, of keys that ctl writes to config.yml, and the settings of these."""
_OTHERS = (
    "CATALOG_MAXENTRIES COMPATIBILITY_SCHEMA1_TRUSTKEY HEALTH_STORAGEDRIVER_INTERVAL HEALTH_STORAGEDRIVER_THRESHOLD "
    "HTTP_DEBUG_PROMETHEUS_ENABLED HTTP_DEBUG_PROMETHEUS_PATH HTTP_H2C_ENABLED HTTP_HEADERS HTTP_HOST "
    "HTTP_HTTP2_DISABLED HTTP_NET HTTP_PREFIX HTTP_RELATIVEURLS HTTP_TLS_CERTIFICATE HTTP_TLS_CIPHERSUITES "
    "HTTP_TLS_CLIENTCAS HTTP_TLS_KEY HTTP_TLS_MINIMUMTLS LOG_ACCESSLOG_DISABLED LOG_ACCESSLOG_FORMATTER LOG_FIELDS "
    "LOG_HOOKS LOG_REPORTCALLER LOGLEVEL POLICY_REPOSITORY_CLASSES PROXY_PASSWORD PROXY_REMOTEURL PROXY_TTL "
    "PROXY_USERNAME VALIDATION_ENABLED VALIDATION_MANIFESTS_URLS_ALLOW VALIDATION_MANIFESTS_URLS_DENY"
)
"""Variables without a setting of ours (configuration.go of Distribution)."""


def variables_are_meant(view: View) -> None:
    """A misspelt variable is nobody's, and the registry prints nothing of it."""
    known = known_variables()
    for name in view.given_value(ENV) or {}:
        if near := _misspelt(known, name):
            view.warning(ENV, f"{name} is no variable of the registry", f"Did you mean {near}?")


def _misspelt(known: frozenset[str], name: str) -> str | None:
    if name in known:
        return None
    # two slips leave most of the prefix's letters: other names need no search
    alike = len(set(_PREFIX) & set(name.upper())) >= len(set(_PREFIX)) - 2
    return _BY_KEY.get(name.lower()) or (very_near(name, known) if alike else None)


def variables_override_nothing(view: View) -> None:
    """The registry follows its environment: what ctl, NGINX and GitLab take from the setting is then another."""
    known = known_variables()
    for name in view.given_value(ENV) or {}:
        setting = _overridden(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
        if setting and view[setting] is not None and not _misspelt(known, name):
            written = python_name(setting.split("."))
            view.warning(
                ENV, f"{name} overrides {written} for the registry alone", f"Write {written} in its place."
            )


def _overridden(name: str) -> str | None:
    parts = name.split("_")
    beginnings = ("_".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_OVERRIDES[one] for one in beginnings if one in _OVERRIDES), None)


@cache
def known_variables() -> frozenset[str]:
    """Every variable that a registry program reads, as far as its configuration is declared here."""
    inside = (one for name, setting in _OVERRIDES.items() for one in _below(name, OPTIONS[setting].type))
    return frozenset(f"{_PREFIX}{one}" for one in (*_OTHERS.split(), *_OVERRIDES, *inside))


def _below(name: str, kind: Type) -> Iterator[str]:
    for key, one in kind.elements().parameters().items():
        yield f"{name}_{key.upper()}"
        yield from _below(f"{name}_{key.upper()}", one.type)
