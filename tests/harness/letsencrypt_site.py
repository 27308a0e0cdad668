"""A node whose certificate comes from a real authority (Pebble)."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from tests.harness.acme_site import issued
from tests.harness.pebble import Pebble
from tests.harness.result import Result
from tests.harness.root import Root

NAME, FURTHER = "registry.public-site.eu", "images.public-site.eu"
PATIENCE = 180.0
DAY = timedelta(days=1)


@dataclass
class Site:
    """A root whose certificates come from an authority.

    Args:
        root: the root.
        authority: the authority.
    """

    root: Root
    authority: Pebble

    def settings(self, *more: str, first: str = 'letsencrypt["enable"] = True') -> None:
        """Write the settings."""
        self.root.settings(
            first,
            f'registry_external_url = "https://{NAME}:{self.root.port}"',
            f'letsencrypt["acme_production_endpoint"] = "{self.authority.directory}"',
            f'letsencrypt["acme_ca_file"] = "{self.authority.ca_file}"',
            f'registry["nginx"]["redirect_http_to_https_port"] = {self.root.redirect_port}',
            *more,
        )

    def ctl(self, *arguments: str) -> Result:
        """Run `ctl`, with time for the authority."""
        return self.root.ctl(*arguments, timeout=PATIENCE)

    def served(self, name: str = NAME, *, trusted: Path | bytes | None = None) -> x509.Certificate:
        """What NGINX shows to a client who trusts the authority's root, or another one, and nothing else.

        Raises:
            ssl.SSLError: that client does not trust it.
        """
        root = trusted.read_bytes() if isinstance(trusted, Path) else trusted or self.authority.root()
        context = ssl.create_default_context(cadata=root.decode("ascii"))
        with (
            socket.create_connection(("127.0.0.1", self.root.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")

    def put(self, *, days: float) -> x509.Certificate:
        """Put a certificate in place that another program obtained, and that ends in some days."""
        pair = issued([NAME], begin=datetime.now(UTC) - (90 - days) * DAY, days=90)
        for end, content in ((".key", pair.key), (".crt", pair.certificate)):
            self.root.write(f"etc/gitlab/ssl/{NAME}{end}", content.decode("ascii"), mode=0o600)
        return x509.load_pem_x509_certificate(pair.certificate)

    @property
    def challenges(self) -> list[Path]:
        """Files that NGINX shows to authorities."""
        return list((self.root.path / "var/opt/gitlab/nginx/www/.well-known/acme-challenge").iterdir())
