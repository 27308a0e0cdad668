"""What clients must be given to trust the certificate that NGINX shows them: the local CA, another, or itself."""

from __future__ import annotations

import os
import shlex
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from ctl.certificates.stores import CONTAINERD_FOLDER, DOCKER_FOLDER, SYSTEM_FILE, file_names, hosts_toml
from ctl.distribution import distribution
from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.tls.certificates import each, ip_literal
from ctl.tls.chain import Chain, Reach, follow
from ctl.tls.client_trust import HTTPS, registry_name
from ctl.tls.vhost_files import SETTING, read

CA_OPTION = "--ca"


@dataclass(frozen=True)
class ForClients:
    """What clients meet, and what they need.

    Args:
        registry: as image names write it.
        host: its host.
        ca: what they must trust, PEM; empty where they need nothing.
        path: a file with just that on this machine; None where it is a part of a chain.
        what: in words.
        unneeded: why they need nothing.
    """

    registry: str
    host: str
    ca: bytes = b""
    path: Path | None = None
    what: str = ""
    unneeded: str = ""

    @property
    def local_only(self) -> bool:
        """Whether clients elsewhere cannot reach it under this name."""
        address = ip_literal(self.host)
        return (
            address.is_loopback if address else self.host == "localhost" or self.host.endswith(".localhost")
        )

    def docker_commands(self) -> list[str]:
        """For another machine: Docker's folder, where podman, skopeo and buildah look, too."""
        folder = f"{DOCKER_FOLDER}/{self.registry}"
        return [f"mkdir -p {shlex.quote(folder)}", self._copy(f"{folder}/ca.crt")]

    def system_commands(self) -> list[str]:
        """For another machine: its list of CAs, for every program; a file for each, as OpenSSL wants it."""
        command = distribution().ca_command
        if len(each(self.ca)) < 2:
            return [self._copy(SYSTEM_FILE), command]
        files = zip(file_names(Path(SYSTEM_FILE)), each(self.ca), strict=False)
        return [*(f"printf %s {shlex.quote(ca.decode('ascii'))} > {path}" for path, ca in files), command]

    def containerd_commands(self) -> list[str]:
        """For another machine: containerd's folder."""
        folder = f"{CONTAINERD_FOLDER}/{self.registry}"
        return [
            f"mkdir -p {shlex.quote(folder)}",
            self._copy(f"{folder}/ca.crt"),
            f"printf %s {shlex.quote(hosts_toml(self.registry))} > {shlex.quote(folder + '/hosts.toml')}",
        ]

    def _copy(self, target: str) -> str:
        if self.path is None:
            return f"printf %s {shlex.quote(self.ca.decode('ascii'))} > {shlex.quote(target)}"
        host = socket.gethostname() if self.local_only else self.host
        source = f"[{host}]:{self.path}" if ":" in host else f"{host}:{self.path}"
        return f"scp {shlex.quote(source)} {shlex.quote(target)}"


def for_clients(attributes: Attributes, layout: Layout, ca: Path | None = None) -> ForClients:
    """What clients of this node's registry need.

    Args:
        attributes: what the settings say.
        layout: where the local CA is.
        ca: the CA that clients must know, where the certificate's file does not hold it.

    Raises:
        CtlError: there is no registry or no certificate yet, or its issuer is nowhere to be found.
    """
    url = attributes.registry_external_url
    if not url or not attributes.registry.enable:
        raise CtlError("this node has no registry", hint="Set registry_external_url, or run it on that node.")
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    name = registry_name(host, parts.port or HTTPS)
    if not attributes.registry.nginx.https:
        return ForClients(
            name, host, unneeded=f"{name} is served without TLS here: there is no certificate to trust"
        )
    certificate = Path(attributes.registry.nginx.ssl_certificate)
    if not os.path.lexists(certificate):
        raise CtlError(f"there is no certificate yet ({certificate})", hint="`ctl reconfigure` makes one.")
    own = ca or layout.ssl / "ca.crt"
    chain = _chain(certificate, own)
    if ca and chain.reach is not Reach.LOCAL:
        raise CtlError(
            f"{ca} ({CA_OPTION}) did not issue the certificate of {name} ({certificate}): it {chain}"
        )
    return _needed(name, host, chain, certificate, own)


def _chain(certificate: Path, own: Path) -> Chain:
    local = read(own, "the CA") if os.path.lexists(own) else b""
    return follow(read(certificate, SETTING), datetime.now(UTC), where=str(certificate), local=local)


def _needed(name: str, host: str, chain: Chain, certificate: Path, own: Path) -> ForClients:
    if chain.reach is Reach.MISSING:
        raise CtlError(
            f"the CA that clients must know is not here: the certificate of {name} was issued by {chain.last}, "
            f"which is not in {certificate}",
            hint=f"Append its certificate to that file, or name it: ctl trust {CA_OPTION} FILE",
        )
    if chain.reach is Reach.LOCAL:
        return ForClients(
            name, host, read(own, "the CA"), own, "the local CA" if own.name == "ca.crt" else chain.last
        )
    if chain.reach is Reach.KNOWN and not _added(chain.root):
        return ForClients(
            name,
            host,
            unneeded=f"{name} has a certificate that leads to {chain.last}, which this machine knows: "
            "clients that know it need nothing",
        )
    return ForClients(name, host, chain.root, certificate if chain.alone else None, chain.last)


def _added(root: bytes) -> bool:
    """Whether an administrator, or `ctl trust --system`, put the CA among those that this machine knows."""
    folder = distribution().ca_own.parent
    return any(root.strip() in path.read_bytes() for path in folder.glob("**/*.crt") if path.is_file())
