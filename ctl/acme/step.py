"""The way to a certificate: is one due, may the authority be asked, what does it say, and into place with it.

Who calls holds the lock of runs. Whatever fails, the certificate that is served stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.acme.challenge import Listener, require_answer
from ctl.acme.due import why_due
from ctl.acme.reasons import NotIssued
from ctl.acme.record import Attempts, Obtained
from ctl.acme.wanted import Job
from ctl.converge import Directory, File, Item, Observer, Service, Validation, converge, reload
from ctl.converge.inspect import look, read_file
from ctl.converge.model import Machine, Report
from ctl.converge.signals import Signals
from ctl.errors import CtlError
from ctl.nginx.validate import nginx_accepts
from ctl.nginx.vhost import refused_folder
from ctl.node.node import Node
from ctl.tls import ServerCertificate
from ctl.tls.certificates import CertificateFacts, inspect

if TYPE_CHECKING:
    from ctl.acme.client import Issued


class Result(StrEnum):
    """How a visit ended."""

    KEPT = "kept"
    OBTAINED = "obtained"
    TRIED = "tried"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of the certificate.

    Args:
        result: how it ended.
        job: what was wanted.
        reason: why a certificate was due; "" where none was.
        error: why there is none, of FAILED and WAITING.
        report: what was changed on the machine, of OBTAINED.
    """

    result: Result
    job: Job
    reason: str = ""
    error: CtlError | None = None
    report: Report | None = None

    def facts(self) -> CertificateFacts | None:
        """What is served now; None where that cannot be read."""
        try:
            return self.job.pair.facts()
        except CtlError:  # reported elsewhere, or there is none
            return None

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        facts = self.facts()
        return {
            "result": str(self.result),
            "names": list(self.job.wanted.names),
            "authority": self.job.wanted.directory,
            "certificate": str(self.job.pair.certificate),
            "issuer": facts.issuer if facts else None,
            "not_after": facts.not_after.isoformat() if facts else None,
            "reason": self.reason or None,
            "error": self.error.message if self.error else None,
            "hint": self.error.hint if self.error else None,
        }


@dataclass(frozen=True)
class Visit:
    """One look after the certificate.

    Args:
        job: what is wanted.
        machine: with its services.
        observer: gets each event.
        force: whether a certificate that is not due is obtained too, and nobody waits for a pause to end.
    """

    job: Job
    machine: Machine
    observer: Observer
    force: bool = False

    def renew_if_due(self) -> Outcome:
        """Obtain the certificate if it is due, and put it into place.

        Raises:
            KeyboardInterrupt: a signal came; nothing was changed.
        """
        now = datetime.now(UTC)
        try:
            reason = why_due(self.job, now) or ("it was asked for" if self.force else "")
        except CtlError as error:
            return Outcome(Result.FAILED, self.job, "", error)
        if not reason:
            self._forget_failures()
            return Outcome(Result.KEPT, self.job)
        wait = None if self.force else self._wait(now)
        if wait:
            return Outcome(Result.WAITING, self.job, reason, wait)
        return self._kept_in_mind(lambda: self._obtain(reason), reason)

    def rehearse(self) -> Outcome:
        """Let the authority for trials issue a certificate, and throw it away."""
        try:
            self._ask(self.job.settings.acme_staging_endpoint)
        except CtlError as error:
            return Outcome(Result.FAILED, self.job, "a trial was asked for", error)
        return Outcome(Result.TRIED, self.job, "a trial was asked for")

    def _forget_failures(self) -> None:
        attempts = Attempts.read(self.job.places.attempts)
        if attempts.failed:
            Attempts().write(self.job.places.attempts)

    def _wait(self, now: datetime) -> CtlError | None:
        """Why nobody is asked yet; None where there is nothing to wait for."""
        attempts = Attempts.read(self.job.places.attempts)
        until = attempts.from_when(now)
        if until <= now:
            return None
        return CtlError(
            f"not asked again before {until.astimezone():%Y-%m-%d %H:%M}, since authorities count failures; "
            f"the last: {attempts.reason}",
            hint="Sooner, once the cause is gone: ctl renew-le-certs --force",
        )

    def _kept_in_mind(self, obtain: Callable[[], Report], reason: str) -> Outcome:
        """Obtain it, and note how that went."""
        attempts = Attempts.read(self.job.places.attempts)
        try:
            report = obtain()
        except CtlError as error:
            refusal = error if isinstance(error, NotIssued) else None
            attempts.after_failure(
                error.message,
                datetime.now(UTC),
                counted=refusal is not None and refusal.counted,
                until=refusal.until if refusal else None,
            ).write(self.job.places.attempts)
            return Outcome(Result.FAILED, self.job, reason, error)
        Attempts().write(self.job.places.attempts)
        return Outcome(Result.OBTAINED, self.job, reason, None, report)

    def _obtain(self, reason: str) -> Report:
        wanted, settings = self.job.wanted, self.job.settings
        self.observer.note(f"a certificate for {', '.join(wanted.names)} is due: {reason}")
        if settings.staging_first and settings.acme_staging_endpoint != wanted.directory:
            self._ask(settings.acme_staging_endpoint)
        issued = self._ask(wanted.directory)
        if issued.remark:
            self.observer.note(f"warning: {issued.remark}")
        return install(self.job, issued, self.machine, self.observer)

    def _ask(self, directory: str) -> Issued:
        """Let an authority issue a certificate. Raises CtlError with the reason why it does not."""
        with Signals():
            require_answer(Listener.of(self.job.node), self.job.places.challenges, self.job.host)
            from ctl.acme.client import Session

            session = Session(self.job, directory)
            self.observer.note(f"asking {session.authority}")
            try:
                return session.obtain()
            except OSError as error:
                raise CtlError(f"{error.filename or directory}: {error.strerror or error}") from error


def after_converging(
    node: Node, machine: Machine, observer: Observer, report: Report, *, dry_run: bool
) -> Outcome | None:
    """The second half of a run: NGINX answers now, and the authority can be asked.

    Args:
        report: of the first half; what is changed here is added.
        dry_run: whether to say only what would be asked.

    Returns:
        None where there is no certificate to obtain, and in a dry run.
    """
    job = Job.of(node)
    if job is None:
        return None
    if dry_run:
        reason = why_due(job, datetime.now(UTC))
        if reason:
            observer.note(f"{job.wanted.authority} would be asked for a certificate: {reason}")
        return None
    outcome = Visit(job, machine, observer).renew_if_due()
    if outcome.report:
        report.changes += outcome.report.changes
        report.notifications += outcome.report.notifications
    return outcome


def install(job: Job, issued: Issued, machine: Machine, observer: Observer) -> Report:
    """Put a certificate and its key into place, as one, and let NGINX read them.

    Raises:
        RunFailed: that did not work; everything was put back.
    """
    record = Obtained(inspect(issued.pair.certificate).fingerprint, job.wanted)
    items = (
        Directory(job.pair.certificate.parent),
        Directory(job.places.folder, mode=0o700),
        replace(server_certificate(job), issued=issued.pair),
        File(job.places.record, content=record.content(), mode=0o600),
        *_checked_by_nginx(job),
        Service("nginx"),
    )
    return converge(items, machine=machine, layout=job.node.layout, observer=observer)


def _checked_by_nginx(job: Job) -> Iterator[Item]:
    """NGINX's files as they are, so that it judges them with the new certificate before that is put in place.

    A reload that NGINX refuses goes by without a word: it stays with what it has.
    """
    node = job.node
    top, nginx = Path(node.attributes.nginx.dir), node.attributes.nginx
    vhost_logs = Path(node.attributes.registry.nginx.log_directory)
    logs = (Path(nginx.log_directory), vhost_logs, refused_folder(node.attributes))
    for path in sorted((top / "conf").glob("*.conf")):
        found = look(path)
        if found and found.is_file:
            yield File(path, content=read_file(path), mode=found.mode)
    yield Validation(
        "NGINX accepts the certificate",
        watches=(job.pair.certificate, job.pair.key),
        check=lambda staging: nginx_accepts(
            staging.path(top / "conf/nginx.conf"), program=node.programs.nginx, prefix=staging.folder
        ),
        redirect=(top / "tmp", top / "run", *logs),
    )


def server_certificate(job: Job) -> ServerCertificate:
    """The files that NGINX serves."""
    return ServerCertificate(
        job.pair.certificate,
        job.pair.key,
        host=job.host,
        authority=job.local_ca,
        served=Path(job.node.attributes.nginx.dir) / "run/certificate",
        owner=job.settings.owner,
        group=job.settings.group,
        notifies=(reload("nginx"),),
    )
