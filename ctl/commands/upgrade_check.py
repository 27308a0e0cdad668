"""`ctl upgrade-check`: what the settings would meet in later versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.registry.upgrades import Concern


@command(name="upgrade-check")
@click.option(
    "--to", "target", metavar="VERSION", help="The version of GitLab that it goes to [default: all known]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def upgrade_check(ctx: Context, *, target: str | None, as_json: bool) -> int:
    """Compare the settings with later versions.

    With the programs found here, and with what GitLab deprecates, drops or sets otherwise: each setting with its place
    and the line that should be there.

    Exit status 1 where something would be dropped, or is not supported by the program of this machine.
    """
    from ctl.cli.loading import unsupported_warnings
    from ctl.node.locate import locate
    from ctl.registry.programs import program_at
    from ctl.registry.upgrades import Kind, concerns, parse_version
    from ctl.settings.load import load

    until = parse_version(target) if target else None
    attributes = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    found = list(concerns(attributes, until))
    here = unsupported_warnings(attributes)
    programs = locate(attributes, required=False, root=ctx.layout.root)
    named = str(program_at(programs.registry)) if attributes.registry.enable else None
    if as_json:
        ctx.console.result_json(
            {
                "program": named,
                "now": [one.as_json() for one in here],
                "later": [one.as_json() for one in found],
            }
        )
    else:
        for one in here:
            where = ": ".join(str(part) for part in (one.location, one.setting) if part)
            ctx.console.result(f"now, {named}: {where and f'{where}: '}{one.message}")
        for concern in found:
            _print(ctx, concern)
        if not here and not found:
            ctx.console.say(f"nothing to change{f' up to {target}' if target else ''}")
    dropped = any(one.change.kind is Kind.DROPPED for one in found)
    return EXIT_FAILED if dropped or here else EXIT_OK


def _print(ctx: Context, one: Concern) -> None:
    word = ctx.console.paint(str(one.change.kind), Style.BAD if one.change.kind == "dropped" else Style.WARN)
    place = f"{one.place}: " if one.place else ""
    ctx.console.result(f"{one.version}: {word}: {place}{one.hit.setting}: {one.change.effect}")
    ctx.console.result(f"    {one.hit.line}")
