"""`ctl registry-delete`: delete a tag, a manifest or a repository, so that it can be brought back."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ctl.cli.framework import FILE, Context, command
from ctl.cli.recovery import recover_first
from ctl.cli.values import not_empty
from ctl.errors import RunFailed, UsageFault

_SWITCH = "The command that starts the registry anew, where ctl does not run it."


@command(name="registry-delete")
@click.argument("what", metavar="REPOSITORY[:TAG|@DIGEST]")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--switch", callback=not_empty, metavar="COMMAND", help=_SWITCH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_delete(
    ctx: Context, *, what: str, config: Path | None, yes: bool, switch: str | None, as_json: bool
) -> None:
    """Delete a tag, a manifest or a repository. A manifest goes with all its tags; the registry serves meanwhile.

    Of a tag nothing else goes: not its manifest, nor other tags of that. What goes is moved into the quarantine of
    `ctl registry-garbage-collect`, which brings it back with --restore, and frees the space later. A deletion that is
    killed is undone by the next command that deletes or collects.
    """
    from ctl.cli.deletion import make_plan
    from ctl.cli.images import confirmed, parsed
    from ctl.cli.storages import opened
    from ctl.collector.readable import readable
    from ctl.collector.restoring import undo_killed
    from ctl.registry.collect.progress import shown_on
    from ctl.registry.collect.removing import removing

    recover_first(ctx)
    wanted = parsed(what)
    if wanted.tag and wanted.digest:
        raise UsageFault(f"{what} names a tag and a digest", hint="Write one of them.")
    with opened(ctx, config) as storage:
        with shown_on(ctx.console) as reporter:
            undo_killed(storage.place, reporter.warn)
        plan = make_plan(storage.tree, wanted)
    confirmed(ctx, readable(plan.question), yes=yes)
    command_line = shlex.split(switch) if switch else None
    removal = removing(
        storage.setup, storage.place, note="delete", cached=not wanted.tag, switch=command_line
    )
    with removal as remover:
        plan.carry_out(remover)
    removed = remover.removed
    if as_json:
        ctx.console.result_json(removed.as_json())
    else:
        for one in removed.kept:
            ctx.console.note(readable(f"left alone: {one}"))
        if removed.run:
            ctx.console.say(readable(f"deleted {plan.what}"))
            ctx.console.say(f"    ctl registry-garbage-collect --restore {removed.run} brings it back")
    if not removed.run:
        raise RunFailed(f"nothing was deleted: {what} was changed meanwhile")
