"""`ctl registry-tags`: which tags a repository has, and what they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ctl.cli.framework import FILE, Context, command

if TYPE_CHECKING:
    from ctl.images.catalogue import Tag
    from ctl.images.facts import Facts

_SHORT = len("sha256:") + 12


@command(name="registry-tags")
@click.argument("repository")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_tags(ctx: Context, *, repository: str, config: Path | None, as_json: bool) -> None:
    """List the tags of a repository. The newest image comes first: date, last push, size, platforms, digest.

    The date is the one that the image itself gives. What is not known is called unknown, with the reason below.
    """
    from ctl.cli.images import find_repository, warn_of
    from ctl.cli.storages import opened
    from ctl.images.catalogue import tags_and_facts
    from ctl.images.facts import Images

    with opened(ctx, config) as storage:
        scan = find_repository(storage.tree, repository)
        found = tags_and_facts(Images(storage.tree), scan)
    found.sort(key=lambda one: one[0].name)
    found.sort(key=lambda one: -(one[1].created or 0))
    if as_json:
        ctx.console.result_json(
            {"repository": repository, "tags": [_as_json(*one) for one in found],
             "damages": [one.as_json() for one in scan.damages]}
        )  # fmt: skip
    elif not found:
        ctx.console.result(f"{repository} has no tags")
    else:
        _print(ctx, found)
    warn_of(ctx.console, scan.damages)


def _as_json(tag: Tag, facts: Facts) -> dict[str, Any]:
    from ctl.collector.readable import readable
    from ctl.images.usage.usage import when

    return {
        "name": readable(tag.name),
        "digest": tag.digest or None,
        "created": when(facts.created),
        "pushed": when(tag.pushed),
        "size": facts.size,
        "kind": facts.kind,
        "platforms": list(facts.platforms),
        "problem": facts.problem or None,
    }


def _print(ctx: Context, found: list[tuple[Tag, Facts]]) -> None:
    from ctl.cli.tables import size, table
    from ctl.collector.readable import readable
    from ctl.images.usage.usage import when

    rows = [["TAG", "CREATED", "PUSHED", "SIZE", "PLATFORMS", "DIGEST"]]
    for tag, facts in found:
        dates = [when(facts.created) or "unknown", when(tag.pushed) or "unknown"]
        platforms = ", ".join(facts.platforms) or ("unknown" if facts.problem else facts.kind)
        digest = tag.digest if ctx.console.verbose else tag.digest[:_SHORT]
        rows.append([readable(tag.name), *dates, size(facts.size), platforms, digest or "unknown"])
    for line in table(rows, right=(3,)):
        ctx.console.result(line)
    for tag, facts in found:
        if facts.problem:
            ctx.console.note(f"{readable(tag.name)}: {facts.problem}")
