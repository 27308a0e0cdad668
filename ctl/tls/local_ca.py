"""The local CA as it is on the machine: found, complete or not, able to sign or not; never written here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ctl.errors import PreflightError
from ctl.tls.authority import SERVER_LIFE, Pair, end, is_local, make_authority, outlives, renew_authority
from ctl.tls.certificates import after_first, issued_by, load_chain, matches
from ctl.tls.vhost_files import SETTING, read


@dataclass(frozen=True)
class Authority:
    """Where the local CA is. An administrator's own CA may be in its place.

    Args:
        certificate: what clients are to trust (/etc/gitlab/ssl/ca.crt).
        key: what signs (ca.key).
    """

    certificate: Path
    key: Path

    @property
    def next_key(self) -> Path:
        """Where the key of a new CA waits (ca-next.key)."""
        return self.key.with_name("ca-next.key")

    def issued(self, certificate: Path) -> bool:
        """Whether the certificate in a file is of this CA, if there is one. Raises CtlError: it is damaged."""
        own = self._own()
        return own is not None and issued_by(read(certificate, SETTING), own, where=str(certificate))

    def can_sign(self) -> bool:
        """Whether its key is here, not kept elsewhere."""
        return os.path.lexists(self.key)

    def next_end(self, now: datetime) -> datetime:
        """When a certificate would end that it issues now; a CA of our making is renewed for it."""
        own = read(self.certificate, "the local CA")
        return now + SERVER_LIFE if is_local(own) else min(now + SERVER_LIFE, end(own))

    def issuer(self, host: str, now: datetime, *, blank: bool) -> tuple[Pair, bool, bool]:
        """The CA that is to sign.

        Args:
            host: names a new CA.
            now: aware time.
            blank: whether to ignore the files on the machine.

        Returns:
            The CA; whether its certificate is new; whether its key is new, too.

        Raises:
            CtlError: it is incomplete, has ended, or its files do not belong together.
        """
        present = None if blank else self._present()
        if present is None:
            return make_authority(host, now=now), True, True
        if is_local(present.certificate) and not outlives(present.certificate, now=now):
            renewed = renew_authority(present, now=now)
            return Pair(renewed.certificate + after_first(present.certificate), renewed.key), True, False
        if end(present.certificate) <= now:
            raise PreflightError(f"the local CA cannot sign: {self.certificate} has ended")
        return present, False, False

    def _present(self) -> Pair | None:
        certificate, key = self._own(), _read(self.key)
        if certificate is None and key is None:
            return None
        if certificate is None:
            raise _incomplete(there=self.key, missing=self.certificate)
        if key is None:
            raise _incomplete(there=self.certificate, missing=self.key)
        if not matches(key, certificate):
            raise PreflightError(
                f"the local CA cannot sign: {self.key} is not the key of {self.certificate}",
                hint="Put the right one back; or move both away: a new CA is made, to be trusted anew.",
            )
        return Pair(certificate, key)

    def _own(self) -> bytes | None:
        found = _read(self.certificate)
        if found is not None:
            load_chain(found, where=str(self.certificate))  # what reads it below does not know its name
        return found


def _read(path: Path) -> bytes | None:
    return read(path, "the local CA") if os.path.lexists(path) else None


def _incomplete(*, there: Path, missing: Path) -> PreflightError:
    return PreflightError(
        f"the local CA cannot sign: {there} is there, {missing} is not",
        hint=f"Put {missing} back; or move {there} away: a new CA is made, to be trusted anew by clients.",
    )
