"""Messages about a certificate that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.output import Style
from ctl.settings.components.letsencrypt import TASK

if TYPE_CHECKING:
    from ctl.acme.step import Outcome
    from ctl.cli.framework import Context


def report_failure(ctx: Context, outcome: Outcome, *, fatal: bool, rest: str = "") -> int:
    """Say why there is no certificate, what to do, and what goes on meanwhile.

    Args:
        outcome: one with an error; any other is not reported.
        fatal: whether that is an error of the command, or a warning.
        rest: a sentence about everything else.

    Returns:
        The exit code.
    """
    if outcome.error is None:
        return EXIT_OK
    word, style = ("error", Style.BAD) if fatal else ("warning", Style.WARN)
    say = ctx.console.error if fatal else ctx.console.note
    host = outcome.job.host
    say(f"{ctx.console.paint(word, style, err=True)}: no certificate for {host}: {outcome.error.message}")
    for line in (outcome.error.hint, " ".join(filter(None, (rest, meanwhile(outcome))))):
        if line:
            say(f"    {line}")
    return EXIT_FAILED if fatal else EXIT_OK


def meanwhile(outcome: Outcome) -> str:
    """What clients see as long as there is no new certificate, and who tries again."""
    facts, settings = outcome.facts(), outcome.job.settings
    again = (
        "The timer tries again. At once: ctl renew-le-certs."
        if settings.auto_renew
        else "Try again: ctl renew-le-certs."
    )
    if facts is None:
        return again
    verb = "which has ended on" if facts.not_after <= datetime.now(UTC) else "good until"
    issuer = facts.issuer or "an unnamed issuer"
    return f"NGINX goes on with the certificate that it has ({issuer}, {verb} {facts.not_after:%Y-%m-%d}). {again}"


def note_renewal(ctx: Context, outcome: Outcome) -> None:
    """Keep what came of it, so that the timer tries again what failed and `ctl status` forgets what was mended.

    Raises:
        OSError: that cannot be written.
    """
    from ctl.timer.outcome import note_outcome

    status, reason = (EXIT_FAILED, outcome.error.message) if outcome.error else (EXIT_OK, "")
    note_outcome(ctx.layout, TASK, status, reason)
