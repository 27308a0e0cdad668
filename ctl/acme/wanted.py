"""The certificate that the settings want, and where its files are. No heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ctl.node.node import Node
from ctl.paths import Layout
from ctl.settings.attributes import OriginKind
from ctl.settings.rules.letsencrypt import RECORD
from ctl.tls.certificates import normal_host
from ctl.tls.local_ca import Authority
from ctl.tls.vhost_files import ServedPair

if TYPE_CHECKING:
    from ctl.settings.named import Letsencrypt


@dataclass(frozen=True)
class Wanted:
    """What is asked of the authority; a certificate that was obtained for other wishes is due.

    Args:
        names: DNS names, the registry's host first.
        key: kind of the key: "rsa 2048", "ecdsa prime256v1".
        chain: common name of the root to which the chain must lead, or None.
        directory: URL of the authority's directory.
    """

    names: tuple[str, ...]
    key: str
    chain: str | None
    directory: str

    @property
    def authority(self) -> str:
        """The authority as people call it: the host of its directory."""
        return urlsplit(self.directory).netloc


@dataclass(frozen=True)
class Places:
    """The folders and files of Let's Encrypt.

    Args:
        folder: what must outlive the machine, and so is in /etc/gitlab, which `ctl backup-etc` saves: the
            account's key, and what was obtained. Mode 0700.
        attempts: what failed, and when it is tried again.
        challenges: where an authority looks for its challenges, through NGINX.
    """

    folder: Path
    attempts: Path
    challenges: Path

    @classmethod
    def of(cls, layout: Layout, letsencrypt: Letsencrypt) -> Places:
        """Those of a root."""
        return cls(
            layout.path(RECORD).parent,
            layout.state / "letsencrypt.json",
            Path(letsencrypt.wwwroot) / ".well-known/acme-challenge",
        )

    @property
    def account_key(self) -> Path:
        """The key of the account, mode 0600."""
        return self.folder / "account.key"

    @property
    def record(self) -> Path:
        """What was obtained last."""
        return self.folder / Path(RECORD).name


@dataclass(frozen=True)
class Job:
    """All that a node has to do with its authority.

    Args:
        node: the machine.
        wanted: the certificate.
        places: where its files are.
    """

    node: Node
    wanted: Wanted
    places: Places

    @classmethod
    def of(cls, node: Node) -> Job | None:
        """The job of a node; None where it obtains no certificate."""
        if not node.obtains_certificate:
            return None
        settings = node.attributes.letsencrypt
        host = urlsplit(node.attributes.registry_external_url).hostname or ""
        names = dict.fromkeys(normal_host(name) for name in (host, *settings.alt_names))
        wanted = Wanted(tuple(names), key_kind(settings), settings.chain, settings.acme_production_endpoint)
        return cls(node, wanted, Places.of(node.layout, settings))

    @property
    def settings(self) -> Letsencrypt:
        """letsencrypt[…]."""
        return self.node.attributes.letsencrypt

    @property
    def host(self) -> str:
        """The registry's host."""
        return self.wanted.names[0]

    @property
    def pair(self) -> ServedPair:
        """The files that NGINX serves."""
        vhost = self.node.attributes.registry.nginx
        return ServedPair(Path(vhost.ssl_certificate), Path(vhost.ssl_certificate_key))

    @property
    def local_ca(self) -> Authority:
        """The authority whose certificate is used meanwhile."""
        return Authority(self.node.layout.ssl / "ca.crt", self.node.layout.ssl / "ca.key")

    @property
    def asked_for(self) -> bool:
        """Whether the settings ask for it, so that a failure is one of the run."""
        return self.node.attributes.origin("letsencrypt.enable").kind is OriginKind.FILE


def key_kind(settings: Letsencrypt) -> str:
    """The kind of key that the settings want, in words."""
    size = settings.ec_curve if settings.key_type == "ecdsa" else settings.key_size
    return f"{settings.key_type} {size}"
