"""What a recipe sees: attributes, layout, and the programs of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ctl.nginx.build import NginxBuild
from ctl.nginx.modules import serves_registry, serves_status
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, OriginKind


@dataclass(frozen=True)
class Programs:
    """Where the programs lie that services run; absolute paths.

    Args:
        registry: the registry program, of any flavour.
        nginx, runsvdir, chpst, svlogd, logrotate: as in the distribution.
        nginx_build: what that NGINX is: it decides which directives are written, and how.
    """

    registry: Path
    nginx: Path
    runsvdir: Path
    chpst: Path
    svlogd: Path
    logrotate: Path
    nginx_build: NginxBuild


@dataclass(frozen=True)
class Node:
    """One machine (or private root) with everything a recipe may depend on.

    Args:
        attributes: what the settings say.
        layout: where things lie.
        programs: where programs lie.
        privileged: whether services run under accounts of their own (running as root).
        log_account: the account that writes logs (Debian's _runit-log), or None to write as the caller.
        secrets: the wanted content of the secrets file, or None where it is not to be written; waits for
            the RSA pair if that is still being made.
        settings_file: where the settings were read, if that is not the root's usual place.
    """

    attributes: Attributes
    layout: Layout
    programs: Programs
    privileged: bool
    log_account: str | None
    secrets: Callable[[], bytes | None]
    settings_file: Path | None = None

    def listens(self) -> dict[str, list[str]]:
        """Every enabled service with the addresses on which it listens, as "host:port"."""
        services = {}
        if self.attributes.registry.enable:
            registry = self.attributes.registry
            services["registry"] = [a for a in (registry.registry_http_addr, registry.debug_addr) if a]
        if self.attributes.registry_auth.enable:
            services["registry-auth"] = [self.attributes.registry_auth.listen_addr]
        if self.attributes.nginx.enable:
            services["nginx"] = [f"{address}:{port}" for address, port in self._nginx_listens()]
        return services

    def _nginx_listens(self) -> Iterator[tuple[str, int]]:
        vhost, status = self.attributes.registry.nginx, self.attributes.nginx.status
        if self.serves_registry:
            ports = [vhost.listen_port]
            plain = vhost.redirect_http_to_https or self.obtains_certificate
            ports += [vhost.redirect_http_to_https_port] if plain else []
            yield from ((address, port) for port in ports for address in vhost.listen_addresses)
        if self.serves_status:
            yield from ((address, status["port"]) for address in status["listen_addresses"])

    @property
    def serves_registry(self) -> bool:
        """Whether NGINX has a vhost for the registry here."""
        return serves_registry(self.attributes)

    @property
    def obtains_certificate(self) -> bool:
        """Whether the vhost's certificate comes from Let's Encrypt, whose challenges NGINX then answers."""
        return obtains_certificate(self.attributes)

    @property
    def serves_status(self) -> bool:
        """Whether NGINX has a status page here."""
        return serves_status(self.attributes, self.programs.nginx_build)


def obtains_certificate(attributes: Attributes) -> bool:
    """Whether Let's Encrypt is on, and has something to certify that is not certified by what the settings name."""
    served = serves_registry(attributes) and attributes.registry.nginx.https
    return bool(served and attributes.letsencrypt.enable and not certificate_given(attributes))


def certificate_given(attributes: Attributes) -> bool:
    """Whether the settings name the vhost's certificate."""
    names = ("registry.nginx.ssl_certificate", "registry.nginx.ssl_certificate_key")
    return any(attributes.origin(name).kind is OriginKind.FILE for name in names)
