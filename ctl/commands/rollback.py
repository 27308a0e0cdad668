"""`ctl rollback`: make the machine what an earlier run made it."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
"""Seconds after which going back from a trial is tried again: a disk may be full for a moment."""


@command(needs_root=lambda given: not given["dry_run"])
@click.argument("number", type=click.IntRange(min=1), default=1)
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would change.")
@click.option("--diff", is_flag=True, help="Show each change of a file as a unified diff, secrets masked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--after-trial", "token", help="Wait for the end of this trial first; what reconfigure --try starts."
)
def rollback(
    ctx: Context, *, number: int, dry_run: bool, diff: bool, as_json: bool, token: str | None
) -> int:
    """Go back to the settings of an earlier run. Its secrets come back, and all that follows from both.

    NUMBER is that of `ctl history` [default: 1, the run before the last]. It is a run of its own: checked first,
    undone when it fails, and itself in the history. Files that the settings read (from_file, read_file, read_json)
    go back too; one that was not kept with that run is named. What was edited and never applied is kept beside
    them. It ends a trial (reconfigure --try).
    """
    from ctl.commands.reconfigure import run
    from ctl.node.history import History

    if token:
        return after_trial(ctx, token)
    back = History(ctx.layout).earlier(number)
    ctx.console.note(f"going back to the run of {back.when} by {back.user}")
    return run(ctx, dry_run=dry_run, diff=diff, as_json=as_json, back=back)


def after_trial(ctx: Context, token: str) -> int:
    """Wait until a trial is over, and go back unless it has been confirmed; what fails is tried again later.

    Whoever starts this process gives it the lock on the trial, which it keeps until its end (ctl.node.trial).
    """
    import time

    from ctl.commands.reconfigure import run
    from ctl.errors import EXIT_OK, LockHeld
    from ctl.node.trial import Trial, note_failure

    after, pause = 0.0, FIRST_PAUSE
    while (trial := Trial.read(ctx.layout)) is not None and trial.token == token:
        left = max(trial.until, after) - time.time()
        if left > 0:
            time.sleep(min(1.0, left))
            continue
        try:
            back = trial.earlier_run(ctx.layout)
            return run(ctx, dry_run=False, diff=False, as_json=False, back=back, after_trial=token)
        except LockHeld:
            time.sleep(1)
        except Exception as error:  # nobody sees this process end: `ctl status` says why
            note_failure(ctx.layout, error)
            after, pause = time.time() + pause, min(2 * pause, LONGEST_PAUSE)
    return EXIT_OK
