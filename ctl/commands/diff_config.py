"""`ctl diff-config`: what on disk was changed by hand since the last run."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK


@command(name="diff-config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff_config(ctx: Context, *, as_json: bool) -> int:
    """List ctl's files that were changed by hand. Exit status 1 if there are any.

    `ctl reconfigure --dry-run --diff` shows how a run would put them right.
    """
    from ctl.node.history import changed_by_hand

    found = list(changed_by_hand(ctx.layout))
    if as_json:
        ctx.console.result_json({"changed": [{"path": str(path), "what": what} for path, what in found]})
    else:
        for path, what in found:
            ctx.console.result(f"{path}: {what}")
        if not found:
            unknown = "no run yet, or its record of the files is lost"
            known = ctx.layout.written.exists()
            ctx.console.say("every file is as the last run left it" if known else unknown)
    return EXIT_FAILED if found else EXIT_OK
