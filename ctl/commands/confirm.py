"""`ctl confirm`: keep what a run on trial has changed."""

from __future__ import annotations

from ctl.cli.framework import Context, always, command


@command(needs_root=always)
def confirm(ctx: Context) -> None:
    """Keep what `reconfigure --try` has changed. It does not go back by itself any more."""
    from ctl.converge import run_lock
    from ctl.errors import CtlError
    from ctl.node.trial import end

    with run_lock(ctx.layout):
        if not end(ctx.layout):
            raise CtlError("no run is on trial: there is nothing to confirm", hint="See `ctl history`.")
    ctx.console.say("confirmed: the machine stays as it is")
