"""A node with Let's Encrypt in a root of the test's own, and certificates as an authority issues them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ctl.acme.wanted import Job
from ctl.node.node import Node, Programs
from ctl.paths import Layout
from ctl.settings.load import load
from ctl.tls.authority import Pair
from tests.harness.certificates import key_pem, make_key

HOST = "registry.public-site.eu"
SETTINGS = f'registry_external_url = "https://{HOST}"\nletsencrypt["enable"] = True\n'


@dataclass
class Site:
    """A root with a settings file.

    Args:
        folder: the root.
    """

    folder: Path

    def node(self, more: str = "") -> Node:
        """The node of the usual settings and further lines."""
        layout = Layout(self.folder)
        layout.settings_file.parent.mkdir(parents=True, exist_ok=True)
        layout.settings_file.write_text(SETTINGS + more, encoding="utf-8")
        loaded = load(layout.settings_file, layout, environment={}, use_secrets=False)
        return Node(
            attributes=loaded.attributes,
            layout=layout,
            programs=cast(Programs, None),
            privileged=False,
            log_account=None,
            secrets=lambda: None,
        )

    def job(self, more: str = "") -> Job:
        """What that node obtains."""
        found = Job.of(self.node(more))
        assert found is not None
        return found

    def put(self, pair: Pair) -> None:
        """Let NGINX serve a certificate."""
        ssl = Layout(self.folder).ssl
        ssl.mkdir(parents=True, exist_ok=True)
        (ssl / f"{HOST}.crt").write_bytes(pair.certificate)
        (ssl / f"{HOST}.key").write_bytes(pair.key)


def issued(
    names: Sequence[str] = (HOST,), *, begin: datetime, days: float, issuer: str = "Some Authority"
) -> Pair:
    """A certificate of an authority that is not on this machine."""
    key, authority = make_key(), make_key("rsa")
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0]))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    )
    certificate = builder.sign(authority, hashes.SHA256())
    return Pair(certificate.public_bytes(Encoding.PEM), key_pem(key))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
