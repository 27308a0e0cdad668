"""A key and its certificate, always replaced as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.diff import mask_all
from ctl.converge.inspect import Rights
from ctl.converge.model import Change, DesiredFile, Machine, Notification
from ctl.converge.resources.files import plan_file, rights_on
from ctl.errors import CtlError


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A private key and the certificate of its public half: two files, and further copies of the key.

    Args:
        key, certificate: absolute paths.
        key_pem, certificate_pem: PEM text (RFC 7468); they must belong together.
        key_rights, certificate_rights: mode and accounts of each.
        copies: further files with the same key, each with its rights, for others that sign with it.
        notifies: services to restart or reload when they change.
    """

    key: Path
    certificate: Path
    key_pem: str = field(repr=False)
    certificate_pem: str = field(repr=False)
    key_rights: Rights = Rights(0o600)  # noqa: RUF009 - frozen
    certificate_rights: Rights = Rights(0o644)  # noqa: RUF009 - frozen
    copies: tuple[tuple[Path, Rights], ...] = ()
    notifies: tuple[Notification, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"key pair[{self.key}]"

    def plan(self, machine: Machine) -> Change | None:
        """Replace all where one differs.

        Raises:
            CtlError: the two do not belong together, or would overwrite each other.
        """
        self._refuse_shared_files()
        changes = [change for change in self._parts(machine) if change is not None]
        if not changes:
            return None
        if not pair_matches(self.key_pem, self.certificate_pem):
            raise CtlError(f"the key for {self.key} and the certificate for {self.certificate} do not match")
        summary = "; ".join(f"{change.path}: {change.summary}" for change in changes)
        steps = tuple(step for change in changes for step in change.steps)
        diff = "".join(change.diff for change in changes)
        keys = tuple(path for path, _ in self._keys())
        return Change(self.name, summary, steps, diff, self.certificate, self.notifies, also=keys)

    def _refuse_shared_files(self) -> None:
        keys = [path for path, _ in self._keys()]
        if self.certificate in keys:
            raise CtlError(
                f"{self.certificate} cannot hold both the private key and the certificate: each needs a file"
            )
        twice = next((path for path in keys if keys.count(path) > 1), None)
        if twice is not None:
            raise CtlError(f"{twice} cannot hold the private key for two that sign: each needs a file")

    def _keys(self) -> tuple[tuple[Path, Rights], ...]:
        return ((self.key, self.key_rights), *self.copies)

    def _parts(self, machine: Machine) -> list[Change | None]:
        certificate = self.certificate_rights
        return [
            plan_file(
                self.certificate,
                self.certificate_pem.encode(),
                rights_on(machine, certificate.mode, certificate.owner, certificate.group),
                machine=machine,
                name=self.name,
            ),
            *(
                plan_file(
                    path,
                    self.key_pem.encode(),
                    rights_on(machine, rights.mode, rights.owner, rights.group),
                    machine=machine,
                    name=self.name,
                    mask=mask_all,
                )
                for path, rights in self._keys()
            ),
        ]

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """All."""
        return (
            DesiredFile(
                self.certificate, self.certificate_pem.encode(), self.certificate_rights.mode or 0o644
            ),
            *(
                DesiredFile(path, self.key_pem.encode(), rights.mode or 0o600)
                for path, rights in self._keys()
            ),
        )


def pair_matches(key_pem: str, certificate_pem: str) -> bool:
    """Whether a certificate holds the public half of a private key.

    Raises:
        ValueError: one of them cannot be read.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    key = load_pem_private_key(key_pem.encode(), password=None)
    certificate = load_pem_x509_certificate(certificate_pem.encode())
    return bool(key.public_key() == certificate.public_key())
