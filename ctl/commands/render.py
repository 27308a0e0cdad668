"""`ctl render`: write every file that reconfigure would manage, and touch nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import Context, command


@command()
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder below which each file is written under its absolute path.",
)
def render(ctx: Context, *, output: Path) -> None:
    """Write all that reconfigure would manage below DIR.

    Works as any user and without the programs. Secrets that cannot be read, or do not exist yet, are made
    for this rendering only; DIR is private to its owner because of them.
    """
    from ctl.cli.loading import load_for_command, machine, node, print_diagnostics, unsupported_warnings
    from ctl.converge import render_to
    from ctl.node.recipes import components_of, items, load_recipes

    loaded = load_for_command(ctx, use_secrets=readable_secrets(ctx))
    print_diagnostics(ctx, unsupported_warnings(loaded.attributes))
    recipes = load_recipes(ctx.layout)
    target = node(ctx, loaded, required=False, components=components_of(recipes))
    count = render_to(items(target, recipes), output, machine(ctx, blank=True))
    ctx.console.say(f"{count} files written below {output}")


def readable_secrets(ctx: Context) -> bool:
    """Whether the secrets file can be read by this user; else this rendering makes its own."""
    import os

    return os.access(ctx.layout.secrets_file, os.R_OK)
