"""The resource that gives NGINX its certificate: made where the settings name none, checked where they do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ctl.converge.diff import mask_all, unified
from ctl.converge.inspect import Rights, look, read_file
from ctl.converge.model import Change, DesiredFile, Machine, Notification, Step
from ctl.converge.resources.entries import missing_parents, rights_on
from ctl.converge.steps import SetRights, WriteFile
from ctl.errors import CtlError, PreflightError
from ctl.tls.authority import Pair, issue
from ctl.tls.certificates import inspect, matches
from ctl.tls.chain import Chain, follow
from ctl.tls.host_names import certificate_names
from ctl.tls.local_ca import Authority
from ctl.tls.vhost_files import RENEW_DAYS, SETTING, ServedPair, read

CERTIFICATE_MODE = 0o644
KEY_MODE = 0o600


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ServerCertificate:
    """The certificate that clients see, and its key.

    With an authority: both files are made where both are missing; what that authority issued is issued again
    when it ends within 30 days or is not for the host; anything else there is an administrator's,
    checked and left alone. Without: the files must be there. One of the two alone is never replaced.
    One that another authority issued just now is put in their place, both files as one.

    Args:
        certificate, key: paths.
        host: DNS name or IP literal under which clients come.
        authority: the local CA, where the paths are the default ones; None where the settings name them.
        served: remembers the certificate with which the services were reloaded last, so that one which an
            administrator put in place of another under the same name is taken up too; None: it is not.
        password_file: registry["nginx"]["ssl_password_file"].
        issued: a certificate with its chain, and its key, to be put in place.
        owner, group: of the two files; None leaves them as they are.
        notifies: services that read the files.
        clock: the present time, aware.
    """

    certificate: Path
    key: Path
    host: str = field(kw_only=True)
    authority: Authority | None = field(kw_only=True)
    served: Path | None = field(default=None, kw_only=True)
    password_file: Path | None = field(default=None, kw_only=True)
    issued: Pair | None = field(default=None, kw_only=True, repr=False)
    owner: str | None = field(default=None, kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    notifies: tuple[Notification, ...] = field(default=(), kw_only=True)
    clock: Callable[[], datetime] = field(default=_utc_now, kw_only=True, compare=False, repr=False)
    _made: list[DesiredFile] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Identity."""
        return f"certificate[{self.certificate}]"

    @property
    def _pair(self) -> ServedPair:
        own = self.owner not in (None, "root")  # given to an account by the settings: that may change them
        return ServedPair(self.certificate, self.key, password_file=self.password_file, guarded=not own)

    def plan(self, machine: Machine) -> Change | None:
        """Make it or make it again; check what is given.

        Raises:
            CtlError: the files cannot be used as they are; says which and why.
        """
        authority = self._maker(machine)
        if authority is None and self.issued is None:
            return self._take_up(machine)
        summary, files = self._summary(authority, machine), self._files(authority, machine)
        steps = [WriteFile(file.path, file.content, self._rights(file, machine)) for file in files]
        diff = "".join(_diff(file, machine) for file in files)
        made = tuple(step for file in files for step in missing_parents(file.path, machine))
        return Change(self.name, summary, (*made, *steps), diff, self.certificate, self.notifies)

    def _take_up(self, machine: Machine) -> Change | None:
        """The files are as wanted; whether they are those that the services know is another question."""
        if machine.blank:
            return None
        steps, summary = self._fix_owner(machine)
        notifies: tuple[Notification, ...] = ()
        if self.served and not self._known(self.served):
            wanted = _digest(read(self.certificate, SETTING))
            write = WriteFile(self.served, wanted, Rights(CERTIFICATE_MODE))
            steps += [*missing_parents(self.served, machine), write]
            summary, notifies = [*summary, "take up"], self.notifies
        if not steps:
            return None
        return Change(self.name, ", ".join(summary), tuple(steps), "", self.certificate, notifies)

    def _known(self, served: Path) -> bool:
        present = look(served)
        return bool(
            present and present.is_file and read_file(served) == _digest(read(self.certificate, SETTING))
        )

    def _fix_owner(self, machine: Machine) -> tuple[list[Step], list[str]]:
        """Steps that give the two files their owner and group; a link leads to what is somebody else's."""
        steps: list[Step] = []
        wrong: list[str] = []
        rights = rights_on(machine, None, self.owner, self.group)
        for path in (self.key, self.certificate):
            found = look(path)
            differences = rights.differences(found) if found and not found.is_link else []
            if differences:
                steps.append(SetRights(path, rights))
                wrong.append(f"{path}: {', '.join(differences)}")
        return steps, wrong

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """The files that `plan` writes; none where it writes none."""
        authority = self._maker(machine)
        unchanged = authority is None and self.issued is None
        return () if unchanged else tuple(self._files(authority, machine))

    def keeps(self) -> tuple[Path, ...]:
        """Files that stay its own in a run that does not write them."""
        own = self.authority
        authority = (own.key, own.certificate, own.next_key) if own else ()
        return (self.certificate, self.key, *authority, *([self.served] if self.served else []))

    def warnings(self) -> list[str]:
        """What clients object to or soon will; ask after `plan`, whose errors are not repeated."""
        try:
            if self.authority and (self._pair.missing() or self._stale(self.authority)):
                return []
            return self._pair.warnings(self.host, self.clock())
        except CtlError:
            # Unreadable: `plan` has reported it, or this is a rendering, which needs no certificate.
            return []

    def chain(self, local: Path) -> Chain | None:
        """Where the file leads; None where it cannot be read, must be made, or came from an authority just now.

        Args:
            local: a CA of this node, which may be missing.
        """
        try:
            if self.authority and (self._pair.missing() or self._stale(self.authority)):
                return None
            own = read(local, "the local CA") if local.is_file() else b""
            return follow(
                read(self.certificate, SETTING), self.clock(), where=str(self.certificate), local=own
            )
        except CtlError:  # as in `warnings`
            return None

    def local(self) -> bool:
        """Whether the certificate there is of the local CA, which clients must trust."""
        if self.authority is None or self._pair.missing():
            return False
        return self.authority.issued(self.certificate)

    def _summary(self, authority: Authority | None, machine: Machine) -> str:
        if self.issued:
            return f"install, good until {inspect(self.issued.certificate).not_after:%Y-%m-%d}"
        return (self._reason(authority, machine) if authority else None) or ""

    def _rights(self, file: DesiredFile, machine: Machine) -> Rights:
        own = file.path in (self.certificate, self.key)
        return rights_on(machine, file.mode, self.owner, self.group) if own else Rights(file.mode)

    def _maker(self, machine: Machine) -> Authority | None:
        """The authority, if files must be made; else None, once the files there have been checked."""
        if self.issued:
            return None
        if self.authority and self._reason(self.authority, machine):
            return self.authority
        if not machine.blank:
            self._pair.check()
        return None

    def _reason(self, authority: Authority, machine: Machine) -> str | None:
        """Why the files must be made; None where they need not."""
        missing = [] if machine.blank else self._pair.missing()
        if len(missing) == 1:
            raise self._half_present(missing[0])
        if machine.blank or missing:
            return f"create for {self.host}"
        stale = self._stale(authority)
        return f"issue again: it {stale}" if stale else None

    def _half_present(self, missing: Path) -> PreflightError:
        present = self.key if missing == self.certificate else self.certificate
        return PreflightError(
            f"{present} is there, but {missing}, which belongs to it, is not",
            hint=f"Put {missing} in its place; or move {present} away, and a new pair is made.",
        )

    def _stale(self, authority: Authority) -> str | None:
        """Why a certificate of the local CA must be issued again; None where it cannot be, or need not."""
        if not authority.can_sign() or not authority.issued(self.certificate):
            return None
        facts, now = self._pair.facts(), self.clock()
        if not facts.covers(self.host):
            return f"is not for {self.host}"
        # An administrator's CA near its own end could not issue anything better, run after run.
        if facts.days_left(now) < RENEW_DAYS and authority.next_end(now) > facts.not_after:
            return f"ends on {facts.not_after:%Y-%m-%d}"
        return None

    def _files(self, authority: Authority | None, machine: Machine) -> list[DesiredFile]:
        """The wanted files, keys first; made once, so that what was checked is what is written."""
        if not self._made and self.issued:
            self._add(self.issued)
        elif not self._made and authority:
            now = self.clock()
            issuer, new_certificate, new_key = authority.issuer(self.host, now, blank=machine.blank)
            server = issue(issuer, certificate_names(self.host), now=now)
            if new_key:
                self._made.append(DesiredFile(authority.key, issuer.key, KEY_MODE))
            if new_certificate:
                self._made.append(DesiredFile(authority.certificate, issuer.certificate, CERTIFICATE_MODE))
            self._add(server)
        return self._made

    def _add(self, server: Pair) -> None:
        if not matches(server.key, server.certificate):
            raise CtlError(f"the key for {self.key} and the certificate for {self.certificate} do not match")
        self._made.append(DesiredFile(self.key, server.key, KEY_MODE))
        self._made.append(DesiredFile(self.certificate, server.certificate, CERTIFICATE_MODE))
        if self.served:
            self._made.append(DesiredFile(self.served, _digest(server.certificate), CERTIFICATE_MODE))


def _digest(certificate: bytes) -> bytes:
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}\n".encode()


def _diff(file: DesiredFile, machine: Machine) -> str:
    present = None if machine.blank else look(file.path)
    old = read_file(file.path) if present and present.is_file else None
    return unified(file.path, old, file.content, mask_all if file.mode == KEY_MODE else None)
