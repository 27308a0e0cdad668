"""`ctl recover`: undo a run that was cut off."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, always, command


@command(needs_root=always)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def recover(ctx: Context, *, as_json: bool) -> None:
    """Undo a run that was cut off. Every file is put back, and the services take them up.

    A registry that a killed garbage collection, or migration of the storage, left read-only takes pushes again.

    A run on trial goes back at its time also after a boot. Runs by itself: at boot, before `ctl start` and at the
    beginning of each command that changes something.
    Exit status 75 while a run is under way.
    """
    from ctl.cli.loading import machine, recovered
    from ctl.cli.recovery import end_read_only
    from ctl.node.preflight import refuse_foreign_root
    from ctl.node.trial import resume

    refuse_foreign_root(ctx.layout)
    undone = None
    if ctx.layout.state.is_dir():
        with recovered(ctx, machine(ctx)) as undone:
            pass
        resume(ctx.layout)
    ended = end_read_only(ctx) | _end_migration(ctx)
    if as_json:
        ctx.console.result_json({"interrupted": undone is not None, **(undone.as_json() if undone else {})})
    elif undone and undone.set_aside:
        ctx.console.note("`ctl reconfigure` brings about what the settings say")
    elif undone is None and not ended:
        ctx.console.say("no run was interrupted")


def _end_migration(ctx: Context) -> bool:
    from ctl.registry.read_only import hold_file

    if not hold_file(ctx.layout).exists():
        return False
    from ctl.commands.storage_migration import undo_killed

    note = undo_killed(ctx)
    if note is not None:
        ctx.console.note(
            f"a migration of the storage was killed: the registry takes pushes again; `{note.command}` goes on"
        )
    return note is not None
