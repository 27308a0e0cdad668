"""A folder with the certificates of a server, and runs that converge it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ctl.converge.model import Change, Machine, ServiceManager
from ctl.converge.resources.actions import reload
from ctl.tls import Authority, ServerCertificate
from tests.harness.certificates import NOW, certificate_pem, key_pem, make_key

HOST = "registry.example.com"
MACHINE = Machine(cast(ServiceManager, None), privileged=False)
BLANK = Machine(cast(ServiceManager, None), privileged=False, blank=True)


class Place:
    """A folder for certificates, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.ca, self.ca_key = folder / "ca.crt", folder / "ca.key"
        self.certificate, self.key = folder / f"{HOST}.crt", folder / f"{HOST}.key"

    def resource(
        self, host: str = HOST, *, given: bool = False, password_file: Path | None = None
    ) -> ServerCertificate:
        """A resource as a new run makes it; `given`: the settings name the paths."""
        return ServerCertificate(
            self.certificate,
            self.key,
            host=host,
            authority=None if given else Authority(self.ca, self.ca_key),
            password_file=password_file,
            notifies=(reload("nginx"),),
            clock=lambda: self.now,
        )

    def converge(self, host: str = HOST) -> Change | None:
        """One run."""
        change = self.resource(host).plan(MACHINE)
        for step in change.steps if change else ():
            step.apply()
        return change

    def put(self, certificate: bytes, key: bytes) -> None:
        """Files of an administrator."""
        self.certificate.write_bytes(certificate)
        self.key.write_bytes(key)
        self.key.chmod(0o600)

    def state(self) -> Mapping[str, bytes]:
        """Every file's content."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


def own_pair(*names: str, days: int = 365) -> tuple[bytes, bytes]:
    """A self-signed certificate of an administrator, and its key."""
    key = make_key()
    return certificate_pem(key, *names, days=days), key_pem(key)
