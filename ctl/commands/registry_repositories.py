"""`ctl registry-repositories`: which repositories there are."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK


@command(name="registry-repositories")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_repositories(ctx: Context, *, config: Path | None, as_json: bool) -> int:
    """List repositories: tags, manifests, last push. Nothing is asked of the registry itself."""
    from ctl.cli.images import warn_of
    from ctl.cli.storages import opened
    from ctl.cli.tables import table
    from ctl.collector.readable import readable
    from ctl.images.catalogue import repositories
    from ctl.images.usage.usage import when

    with opened(ctx, config) as storage:
        scans = sorted(repositories(storage.tree), key=lambda one: one.name)
    found = [
        {
            "name": readable(scan.name),
            "tags": len(scan.tags),
            "manifests": len(scan.revisions),
            "last_push": when(max((link.mtime for link in (*scan.revisions, *scan.tags)), default=None)),
        }
        for scan in scans
        if scan.name
    ]
    damages = [damage for scan in scans for damage in scan.damages]
    if as_json:
        ctx.console.result_json({"repositories": found, "damages": [one.as_json() for one in damages]})
    elif not found:
        ctx.console.result("there is no repository")
    else:
        rows = [["REPOSITORY", "TAGS", "MANIFESTS", "LAST PUSH"]]
        rows += [
            [str(one["name"]), f"{one['tags']:,}", f"{one['manifests']:,}", str(one["last_push"] or "never")]
            for one in found
        ]
        for line in table(rows, right=(1, 2)):
            ctx.console.result(line)
    warn_of(ctx.console, damages)
    return EXIT_FAILED if any(one.blocks for one in damages) else EXIT_OK
