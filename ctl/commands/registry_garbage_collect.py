"""`ctl registry-garbage-collect`: delete what no image needs any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command

if TYPE_CHECKING:
    from ctl.output import Console
    from ctl.registry.collect.result import Result


@command(name="registry-garbage-collect")
@click.argument("config", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-m",
    "--delete-untagged",
    "--delete-manifests",
    "untagged",
    is_flag=True,
    help="Delete manifests that no tag leads to, too. The images of a tagged index stay.",
)
@click.option("-d", "--dry-run", is_flag=True, help="Delete nothing, stop nothing; show what would go.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def registry_garbage_collect(
    ctx: Context, *, config: Path | None, untagged: bool, dry_run: bool, as_json: bool
) -> None:
    """Delete the blobs that no image needs, and say how many bytes that freed.

    CONFIG is the registry's config.yml [default: the service's own]. The registry is stopped meanwhile, and
    comes back whatever happens; one that was stopped before stays stopped. What it has cached in Redis is
    forgotten.
    """
    from ctl.registry.collect.progress import shown_on
    from ctl.registry.collect.run import collect
    from ctl.registry.collect.setup import find_setup

    setup = find_setup(ctx, config)
    with shown_on(ctx.console) as reporter:
        result = collect(setup, untagged=untagged, dry_run=dry_run, reporter=reporter)
    if as_json:
        ctx.console.result_json(result.as_json())
    else:
        _tell(ctx.console, result)


def _tell(console: Console, result: Result) -> None:
    from ctl.registry.collect.sizes import human

    for repository, digest in result.manifests if result.dry_run else ():
        console.say(f"would delete manifest {repository}@{digest}")
    for digest, size in result.blobs.items() if result.dry_run else ():
        console.say(f"would delete blob {digest}" + (f" ({size:,} bytes)" if size is not None else ""))
    if not result.manifests and not result.blobs:
        console.say(f"nothing to collect{_kept(result)}")
        return
    verb, free = ("would delete", "would free") if result.dry_run else ("deleted", "freed")
    what = _count(len(result.blobs), "blob")
    if result.untagged:
        what = f"{_count(len(result.manifests), 'manifest')} and {what}"
    unknown = sum(size is None for size in result.blobs.values())
    least = "at least " if unknown else ""
    freed = f", {free} {least}{human(result.bytes_known)}" if result.bytes_known else ""
    console.say(f"{verb} {what}{freed} in {result.seconds:.1f} s{_kept(result)}")
    if unknown:
        console.say(f"the storage driver does not tell the size of {_count(unknown, 'blob')}")


def _kept(result: Result) -> str:
    manifests, repositories = _count(result.kept, "manifest"), _count(result.repositories, "repository")
    stay = "stays" if result.kept == 1 else "stay"
    return f"; {manifests} in {repositories} {stay}" if result.repositories else ""


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number:,} {noun}s"
