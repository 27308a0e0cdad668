"""`ctl status`: what the services do, as sv says it, and what is wrong; or as JSON with more."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ctl.cli.condition import print_condition
from ctl.cli.framework import Context, command
from ctl.cli.services import SERVICES


@command()
@SERVICES
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with memory, files, addresses and more.")
def status(ctx: Context, services: Sequence[str], as_json: bool) -> int:
    """Show the state of services, and what is wrong. Exit status 0 only if nothing is."""
    return print_condition(ctx, services, as_json=as_json)
