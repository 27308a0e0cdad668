"""What the settings want of NGINX, and which of its modules does it: NGINX can be built without each of them.

A directive of a module that is missing is an error to NGINX, so it is dropped; where that would change what
is served, or to whom, nothing is dropped and the program is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.distribution import distribution
from ctl.errors import PreflightError
from ctl.language.source import Diagnostic, Severity
from ctl.nginx.build import ANOTHER, NginxBuild
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.components.nginx import STATUS_MODULES
from ctl.settings.rules.vhost import serves_registry

Wanted = Callable[[Attributes], bool]


@dataclass(frozen=True)
class Need:
    """A module without which the node cannot be what the settings say.

    Args:
        module: as `nginx -V` names it.
        why: what needs it.
        wanted: whether the settings want that.
    """

    module: str
    why: str
    wanted: Wanted


NEEDS = (
    Need("http_ssl_module", "https", lambda one: serves_registry(one) and bool(one.registry.nginx.https)),
    Need("http_proxy_module", "passing requests on to the registry", serves_registry),
    Need("http_map_module", "access logs without query strings", lambda _: True),
    Need(
        "http_rewrite_module",
        "the redirect to https",
        lambda one: serves_registry(one) and bool(one.registry.nginx.redirect_http_to_https),
    ),
)

OPTIONAL: dict[str, tuple[str, ...]] = {
    "registry.nginx.http2_enabled": ("http_v2_module",),
    "registry.nginx.real_ip_header": ("http_realip_module",),
    "registry.nginx.real_ip_recursive": ("http_realip_module",),
    "registry.nginx.real_ip_trusted_addresses": ("http_realip_module",),
    "nginx.gzip_enabled": ("http_gzip_module",),
    "nginx.status.enable": STATUS_MODULES,
}
"""Settings whose directives are dropped without these modules."""
KEEPALIVE_TIME_SINCE = (1, 19, 10)
"""The version that brought keepalive_time (nginx.org/en/CHANGES)."""


def serves_status(attributes: Attributes, build: NginxBuild) -> bool:
    """Whether there is a status page."""
    nginx = attributes.nginx
    return bool(
        nginx.enable and nginx.status["enable"] and all(map(build.has, OPTIONAL["nginx.status.enable"]))
    )


def refuse_missing_modules(attributes: Attributes, program: Path, build: NginxBuild) -> None:
    """Refuse an NGINX that cannot be what the settings say.

    Args:
        attributes: of a node.
        program: the NGINX.
        build: what it was built with.

    Raises:
        PreflightError: names the modules, and what needs each.
    """
    problems = missing_modules(attributes, build)
    if problems:
        raise PreflightError(
            f"{program}: {'; '.join(problems)}",
            hint=f"Install another one ({distribution().install_hint('nginx')}), or {ANOTHER}",
        )


def missing_modules(attributes: Attributes, build: NginxBuild) -> list[str]:
    """What this NGINX cannot do and the node cannot be without, a sentence each."""
    if not attributes.nginx.enable:
        return []
    return [
        f"this NGINX was built without {need.module}, which {need.why} needs"
        for need in NEEDS
        if need.wanted(attributes) and not build.has(need.module)
    ]


def dropped_directives(attributes: Attributes, build: NginxBuild) -> list[Diagnostic]:
    """What the settings file gave and this NGINX cannot do: a warning each. Defaults are dropped without one."""
    return list(_dropped(attributes, build)) if attributes.nginx.enable else []


def _dropped(attributes: Attributes, build: NginxBuild) -> Iterator[Diagnostic]:
    for setting, modules in OPTIONAL.items():
        missing = [module for module in modules if not build.has(module)]
        origin = attributes.origin(setting)
        if missing and origin.kind is OriginKind.FILE and _value(attributes, setting):
            message = f"has no effect: this NGINX was built without {' and '.join(missing)}"
            hint = f"{ANOTHER[0].upper()}{ANOTHER[1:]}, or remove the setting."
            yield Diagnostic(message, origin.location, setting, hint, Severity.WARNING)


def _value(attributes: Attributes, setting: str) -> object:
    found: Any = attributes
    for part in setting.split("."):
        found = found[part]
    return found
