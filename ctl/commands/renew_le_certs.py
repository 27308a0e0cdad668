"""`ctl renew-le-certs`: renew the certificate of Let's Encrypt, if it is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, always, command
from ctl.errors import CtlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctl.acme.step import Outcome
    from ctl.acme.wanted import Job
    from ctl.converge.model import Change, Notification


@command(name="renew-le-certs", needs_root=always)
@click.option("--force", is_flag=True, help="Obtain a new one also where none is due, or failures say wait.")
@click.option("--staging", is_flag=True, help="Only try, at acme_staging_endpoint; install nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def renew_le_certs(ctx: Context, *, force: bool, staging: bool, as_json: bool) -> int:
    """Renew the certificate of Let's Encrypt if due.

    It is if it ends within 30 days, or is not as the settings want it.

    NGINX is reloaded only for a new one, and no connection is dropped. What is served stays where none can be had;
    exit status 1 then. The timer does this by itself at the times of letsencrypt["auto_renew_hour"].
    """
    from ctl.acme.step import Visit
    from ctl.cli.loading import changing, machine
    from ctl.cli.renewal import note_renewal
    from ctl.node.preflight import refuse_foreign_root

    refuse_foreign_root(ctx.layout)
    host = machine(ctx)
    printer = _Printer((lambda _: None) if as_json else ctx.console.say)
    with changing(ctx, host):
        visit = Visit(_job(ctx), host, printer, force=force)
        outcome = visit.rehearse() if staging else visit.renew_if_due()
        if not staging:
            note_renewal(ctx, outcome)
    return _print(ctx, outcome, as_json=as_json)


def _job(ctx: Context) -> Job:
    from ctl.acme.wanted import Job
    from ctl.cli.loading import load_for_command, node

    found = Job.of(node(ctx, load_for_command(ctx, use_secrets=False), required=True))
    if found is None:
        raise CtlError(
            "certificates are not obtained here: Let's Encrypt is off, or has nothing to certify",
            hint="What is so, and why: ctl show-config --origin letsencrypt.enable",
        )
    return found


def _print(ctx: Context, outcome: Outcome, *, as_json: bool) -> int:
    from ctl.cli.renewal import report_failure

    if as_json:
        ctx.console.result_json(outcome.as_json())
    elif outcome.error is None:
        ctx.console.say(_in_words(outcome))
    return report_failure(ctx, outcome, fatal=True)


def _in_words(outcome: Outcome) -> str:
    from ctl.acme.due import renewal_from
    from ctl.acme.step import Result

    if outcome.result is Result.TRIED:
        names = ", ".join(outcome.job.wanted.names)
        return f"the authority for trials issued a certificate for {names}; nothing was installed"
    facts = outcome.facts()
    assert facts is not None  # noqa: S101 - it has just been read, or put there
    day, end = renewal_from(facts).astimezone(), f"{facts.not_after:%Y-%m-%d}"
    did = "has been obtained, it" if outcome.result is Result.OBTAINED else "is not due: it"
    return (
        f"the certificate of {outcome.job.host} {did} is good until {end}, and renewed from {day:%Y-%m-%d} on"
    )


class _Printer:
    """An observer that passes on what happens, a line each.

    Args:
        say: prints a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def change(self, change: Change) -> None:
        """A change that is made now."""
        self._say(f"{change.resource}: {change.summary}")

    def notify(self, notification: Notification) -> None:
        """A service that reads its files anew."""
        self._say(f"service[{notification.service}]: {notification.action}")

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        self._say(text)

    def rollback(self, text: str) -> None:
        """A step on the way back after a failure."""
        self._say(text)
