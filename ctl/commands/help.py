"""`ctl help`: gitlab-ctl's word for --help."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, cli, command


@command(name="help")
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
def help_(ctx: Context, *, names: tuple[str, ...]) -> None:
    """Show the help of a command, or of all.

    `ctl help settings set` is `ctl settings set --help`.
    """
    del ctx
    found: click.Command = cli
    at = click.Context(cli, info_name="ctl")
    for name in names:
        if not isinstance(found, click.Group):
            raise click.UsageError(f"{found.name} has no commands of its own, so no {name!r}", at)
        _, inner, _ = found.resolve_command(at, [name])
        assert inner is not None  # noqa: S101 - resolve_command refuses an unknown name
        found, at = inner, click.Context(inner, info_name=name, parent=at)
    click.echo(found.get_help(at))
