"""`ctl rollback`: make the machine what an earlier run made it."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command


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
    go back too; one that was not kept with that run is named.
    """
    from ctl.commands.reconfigure import run
    from ctl.errors import EXIT_OK
    from ctl.node.history import History
    from ctl.node.trial import waiting

    if token:
        with waiting(ctx.layout) as alone:
            return after_trial(ctx, token) if alone else EXIT_OK
    back = History(ctx.layout).earlier(number)
    ctx.console.note(f"going back to the run of {back.when} by {back.user}")
    return run(ctx, dry_run=dry_run, diff=diff, as_json=as_json, back=back)


def after_trial(ctx: Context, token: str) -> int:
    """Wait until a trial is over, and go back unless it has been confirmed; another run is waited for."""
    import time

    from ctl.commands.reconfigure import run
    from ctl.errors import EXIT_OK, LockHeld
    from ctl.node.history import History
    from ctl.node.trial import Trial, end

    while True:
        trial = Trial.read(ctx.layout)
        if trial is None or trial.token != token:
            return EXIT_OK
        if time.time() < trial.until:
            time.sleep(min(1.0, trial.until - time.time()))
            continue
        back = next(one for one in History(ctx.layout).runs() if one.folder.name == trial.back_to)
        try:
            code = run(ctx, dry_run=False, diff=False, as_json=False, back=back)
        except LockHeld:
            time.sleep(1)
            continue
        end(ctx.layout)
        return code
