"""`ctl history`: the runs of this node."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command

SHOWN = 3
"""Changes that are shown of each run; --json has all."""


@command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every change.")
def history(ctx: Context, *, as_json: bool) -> None:
    """List the runs that changed something. The newest comes first: number, time, who, what.

    `ctl rollback NUMBER` goes back to one.
    """
    from ctl.node.history import History

    runs = History(ctx.layout).runs()
    if as_json:
        ctx.console.result_json({"runs": [{"number": n, **run.as_json()} for n, run in enumerate(runs)]})
        return
    for number, run in enumerate(runs):
        more = len(run.changes) - SHOWN
        what = "; ".join(run.changes[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
        ctx.console.result(f"{number}  {run.when}  {run.user}  {what or 'nothing changed'}")
    if not runs:
        ctx.console.say("no run yet")
