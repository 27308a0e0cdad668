"""The files of a server certificate as they are on the machine: read, judged, distinguished; never written here."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ctl.converge.inspect import look
from ctl.errors import PreflightError
from ctl.machine.trusted import unsafe
from ctl.tls.certificates import CertificateFacts, inspect, public_of_chain, public_of_key

SETTING = 'registry["nginx"]["ssl_certificate"]'
KEY_SETTING = 'registry["nginx"]["ssl_certificate_key"]'
PASSWORD_SETTING = 'registry["nginx"]["ssl_password_file"]'  # noqa: S105 - the name of a setting
RENEW_DAYS = 30
"""Days before its end from which a certificate is warned about, or reissued where it is ours."""


@dataclass(frozen=True)
class ServedPair:
    """A certificate and its key, where NGINX reads them.

    Args:
        certificate, key: paths; symbolic links are followed, as NGINX does.
        password_file: pass phrases of the key, one a line, or None.
        guarded: whether nobody but root and the caller may be able to change them.
    """

    certificate: Path
    key: Path
    password_file: Path | None = field(default=None, kw_only=True)
    guarded: bool = field(default=True, kw_only=True)

    def missing(self) -> list[Path]:
        """Which of the two are not there; a link that leads nowhere is there: it is not to be replaced."""
        return [path for path in (self.certificate, self.key) if not os.path.lexists(path)]

    def facts(self) -> CertificateFacts:
        """What the certificate says. Raises CtlError naming the file."""
        return inspect(read(self.certificate, SETTING), where=str(self.certificate))

    def check(self) -> None:
        """Whether the two can be read and belong together.

        Raises:
            CtlError: which one cannot be read, or how to see that they differ; never with key material.
        """
        certificate, key = read(self.certificate, SETTING), read(self.key, KEY_SETTING)
        if self.guarded:
            refuse_unsafe(self.certificate, SETTING)
            refuse_unsafe(self.key, KEY_SETTING)
        public = public_of_key(key, passwords=self._passwords(), where=str(self.key))
        chain = public_of_chain(certificate, where=str(self.certificate))
        if public == chain[0]:
            return
        if public in chain:
            place = chain.index(public) + 1
            raise PreflightError(
                f"{self.certificate}: the server's own certificate must come first, but it is number {place}",
                hint="Order: the server's certificate, then the one that issued it, and so on.",
            )
        raise PreflightError(
            f"{self.key} is not the key of {self.certificate}",
            hint=_how_to_compare(self.certificate, self.key),
        )

    def _passwords(self) -> list[bytes]:
        if self.password_file is None:
            return []
        return [line for line in read(self.password_file, PASSWORD_SETTING).splitlines() if line]

    def warnings(self, host: str, now: datetime) -> list[str]:
        """What clients will object to, or soon will. Raises CtlError where the certificate cannot be read."""
        facts = self.facts()
        return [
            *_time(self.certificate, facts, now),
            *_name(self.certificate, facts, host),
            *_purpose(self.certificate, facts),
            *self._open_key(),
        ]

    def _open_key(self) -> list[str]:
        found = look(self.key, follow=True)
        if found is None or not found.mode & (stat.S_IROTH | stat.S_IWOTH):
            return []
        return [f"{self.key} is open to every account (mode {found.mode:04o}): chmod 0600 {self.key}"]


def _time(path: Path, facts: CertificateFacts, now: datetime) -> list[str]:
    day = f"{facts.not_after:%Y-%m-%d}"
    if facts.not_before > now:
        moment = f"{facts.not_before:%Y-%m-%d %H:%M} UTC"
        return [f"{path} is good from {moment} only: clients refuse it until then. Is the clock right?"]
    if facts.not_after <= now:
        return [f"{path} has ended on {day}: clients refuse it"]
    if facts.days_left(now) < RENEW_DAYS:
        return [f"{path} ends on {day}, in {facts.days_left(now)} days"]
    return []


def _name(path: Path, facts: CertificateFacts, host: str) -> list[str]:
    if facts.covers(host):
        return []
    names = ", ".join(facts.names) or "no name at all (it has no subject alternative names)"
    return [f"{path} is not for {host} but for {names}: clients refuse it"]


def _purpose(path: Path, facts: CertificateFacts) -> list[str]:
    return [f"{path} {facts.not_for_servers()}"] if facts.not_for_servers() else []


def _how_to_compare(certificate: Path, key: Path) -> str:
    return (
        "These two must print the same: "
        f"openssl x509 -noout -pubkey -in {shlex.quote(str(certificate))}; "
        f"openssl pkey -pubout -in {shlex.quote(str(key))}"
    )


def read(path: Path, setting: str) -> bytes:
    """Content of a regular file.

    Args:
        path: the file; a link is followed.
        setting: what named it, for the error.

    Raises:
        PreflightError: it is not there, cannot be read, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise PreflightError(
            f"{path} ({setting}) {'does not exist' if missing else f'cannot be read: {error.strerror}'}",
            hint="Put the file there, or correct the setting." if missing else None,
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PreflightError(f"{path} ({setting}) is not a regular file")
        return file.read()


def refuse_unsafe(path: Path, setting: str) -> None:
    """Refuse a file that NGINX reads as root and that another account can change.

    Raises:
        PreflightError: says what to do.
    """
    found = unsafe(path)
    if found:
        raise PreflightError(f"{path} ({setting}) {found.message}", hint=found.hint)
