"""`ctl registry-disk-usage`: what fills the storage, by repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK, UsageFault

if TYPE_CHECKING:
    from ctl.images.usage.usage import Usage

_SORTS = ("size", "own", "shared", "tags", "manifests", "last-push", "name")


@command(name="registry-disk-usage")
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option(
    "--sort", type=click.Choice(_SORTS), default="size", show_default=True, help="Order of repositories."
)
@click.option("--sums", is_flag=True, help="Print the sums only, of the whole storage.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line a repository, with commas.")
@click.option(
    "--html", type=FILE, metavar="FILE", help="Write a page with a map of repositories, for any browser."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_disk_usage(
    ctx: Context,
    *,
    repositories: tuple[str, ...],
    config: Path | None,
    sort: str,
    sums: bool,
    as_csv: bool,
    html: Path | None,
    as_json: bool,
) -> int:
    """Show what fills the storage, while it serves.

    For each repository: tags, manifests, bytes of blobs that it alone needs and of those that it shares, last push.
    Then sums: all blobs, those that nothing needs, the quarantine, uploads that are under way or dead. `ctl metrics`
    has the sums of the last time; with metrics["enable"] = True the timer asks for them each day.
    """
    from ctl.cli.storages import opened
    from ctl.collector.tree import quarantine_of
    from ctl.images.usage.measure import measure
    from ctl.node.last_usage import collections, note_usage
    from ctl.registry.collect.progress import shown_on

    if as_csv and as_json:
        raise UsageFault("--csv and --json do not go together")
    with opened(ctx, config) as storage, shown_on(ctx.console) as reporter:
        reporter.step("measuring repositories")
        usage = measure(storage.place, advance=reporter.advance)
        earlier = quarantine_of(storage.tree)
        history = collections(earlier.history(), [run.name for run in earlier.runs()])
    if config is None:
        totals = {name: (heap.count, heap.bytes) for name, heap in usage.totals().items()}
        note_usage(ctx.layout, len(usage.repositories), totals, history)
    _choose(usage, repositories)
    if html is not None:
        _write(html, usage)
    if as_json:
        ctx.console.result_json(usage.as_json())
    elif as_csv:
        from ctl.images.usage.export import as_csv as in_csv

        ctx.console.result(in_csv(usage, sort).rstrip("\n"))
    elif html is None:
        if not sums:
            _print(ctx, usage, sort)
        _print_sums(ctx, usage)
    else:
        ctx.console.say(f"{html} written: open it in a browser")
    return _judge(ctx, usage)


def _choose(usage: Usage, names: tuple[str, ...]) -> None:
    """Leave the repositories that were named.

    Raises:
        UsageFault: there is no such repository.
    """
    from ctl.cli.images import unknown_repository

    known = {one.name: one for one in usage.repositories}
    for name in names:
        if name not in known:
            raise unknown_repository(name, known)
    if names:
        usage.others = len(known) - len(set(names))
        usage.repositories = [known[name] for name in dict.fromkeys(names)]


def _write(path: Path, usage: Usage) -> None:
    from ctl.converge.atomic import write_atomic
    from ctl.images.usage.export import as_html

    if path.exists() and not path.is_file():
        raise UsageFault(f"{path} is no file")
    write_atomic(path.absolute(), as_html(usage).encode(), mode=0o644)


def _print(ctx: Context, usage: Usage, sort: str) -> None:
    from ctl.cli.tables import size, table
    from ctl.images.usage.export import in_order
    from ctl.images.usage.usage import when

    rows = [["REPOSITORY", "TAGS", "MANIFESTS", "SIZE", "OWN", "SHARED", "LAST PUSH"]]
    for one in in_order(usage, sort):
        least = "" if one.complete else "at least "
        sums = [f"{least}{size(one.size)}", size(one.own), size(one.shared)]
        rows.append([one.name, f"{one.tags:,}", f"{one.manifests:,}", *sums, when(one.last_push) or "never"])
    if len(rows) > 1:
        for line in table(rows, right=(1, 2, 3, 4, 5)):
            ctx.console.result(line)
    else:
        ctx.console.result("there is no repository")
    if usage.others:
        ctx.console.say(f"{usage.others:,} other repositories are not shown")


def _print_sums(ctx: Context, usage: Usage) -> None:
    from ctl.cli.tables import size, table

    names = {"blobs": "all blobs", "shared": "shared by repositories", "unreferenced": "needed by nothing",
             "quarantined": "in quarantine", "uploads": "uploads under way",
             "dead_uploads": "dead uploads"}  # fmt: skip
    sums_of_all = [
        [f"{names[name]}:", size(heap.bytes), f"({heap.count:,})"] for name, heap in usage.totals().items()
    ]
    for line in table(sums_of_all, right=(1, 2)):
        ctx.console.say(line)


def _judge(ctx: Context, usage: Usage) -> int:
    """Damages are warnings; where something could not be read at all, the sums are too small: a failure."""
    from ctl.cli.images import warn_of

    warn_of(ctx.console, usage.damages)
    if any(damage.blocks for damage in usage.damages):
        ctx.console.error("what cannot be read is not in these sums")
        return EXIT_FAILED
    return EXIT_OK
