"""Whether a certificate should be obtained, judged by the files on the machine; nobody is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from ctl.acme.record import Obtained
from ctl.acme.wanted import Job, Wanted
from ctl.tls.certificates import CertificateFacts
from ctl.tls.vhost_files import RENEW_DAYS

SHORT_LIFE = timedelta(days=45)
"""Certificates that live no longer are renewed in the last third of their life, not from their first day on."""


def why_due(job: Job, now: datetime) -> str | None:
    """Why a certificate is due, as the end of "a certificate is due: …"; None where it is not.

    Raises:
        CtlError: one of the two files is missing, or the certificate cannot be read.
    """
    if len(job.pair.missing()) == 2:
        return "there is none yet"
    facts = job.pair.facts()
    if facts.self_signed or job.local_ca.issued(job.pair.certificate):
        return "a certificate of this machine's local CA is used meanwhile"
    recorded = Obtained.read(job.places.record)
    if recorded and recorded.fingerprint == facts.fingerprint:
        changed = _changed(recorded.wanted, job.wanted)
    else:
        changed = _uncovered(facts, job.wanted)
    return changed or _ending(facts, now)


def renewal_from(facts: CertificateFacts) -> datetime:
    """From when on a certificate is renewed."""
    life = facts.not_after - facts.not_before
    return facts.not_after - (timedelta(days=RENEW_DAYS) if life > SHORT_LIFE else life / 3)


def _changed(had: Wanted, wanted: Wanted) -> str | None:
    if set(had.names) != set(wanted.names):
        return f"it is for {', '.join(had.names)}, and should be for {', '.join(wanted.names)}"
    if had.key != wanted.key:
        return f"its key is {had.key}, and should be {wanted.key}"
    if had.chain != wanted.chain:
        return f"its chain should lead to {wanted.chain or 'whatever root the authority prefers'}"
    if had.directory != wanted.directory:
        return f"it is of {had.authority}, and should be of {wanted.authority}"
    return None


def _uncovered(facts: CertificateFacts, wanted: Wanted) -> str | None:
    """Of a certificate that was put there otherwise, only what clients would object to counts."""
    missing = [name for name in wanted.names if not facts.covers(name)]
    return f"it is not for {', '.join(missing)}" if missing else None


def _ending(facts: CertificateFacts, now: datetime) -> str | None:
    if now < renewal_from(facts):
        return None
    verb = "has ended" if facts.not_after <= now else "ends"
    return f"it {verb} on {facts.not_after:%Y-%m-%d}"
