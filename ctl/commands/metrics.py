"""`ctl metrics`: the node's numbers in Prometheus' text format."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import FILE, Context, command


@command()
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write them there, as node_exporter's textfile collector reads them, instead of printing them.",
)
def metrics(ctx: Context, *, output: Path | None) -> None:
    """Print the node's numbers for Prometheus.

    Processes, health, certificates, space, scheduled tasks, requests by repository, tokens. With
    metrics["enable"] = True the timer writes them each minute to metrics["textfile"], and NGINX's status page has them
    at /metrics.
    """
    from ctl.cli.loading import node
    from ctl.converge.atomic import write_atomic
    from ctl.doctor.metrics.exposition import text_of
    from ctl.doctor.metrics.gather import gather
    from ctl.settings.load import load

    loaded = load(ctx.settings_file, ctx.layout, use_secrets=False)
    text = text_of(gather(node(ctx, loaded, required=False)))
    if output is None:
        ctx.console.result(text.rstrip("\n"))
    else:
        write_atomic(output.absolute(), text.encode(), mode=0o644)
