"""`ctl registry-inspect`: everything that is known of one image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK, UsageFault

if TYPE_CHECKING:
    from ctl.images.inspection import Inspection


@command(name="registry-inspect")
@click.argument("image", metavar="REPOSITORY:TAG|REPOSITORY@DIGEST")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_inspect(ctx: Context, *, image: str, config: Path | None, as_json: bool) -> int:
    """Show what an image is made of. Also what it says of itself, and what is about it.

    Manifest, platforms, configuration, layers, signatures and attestations. Of variables only the names are shown, as
    values may be secrets. What is not known is called unknown, with the reason below; the exit code is 1 then.
    """
    from ctl.cli.images import find_digest, find_repository, find_tag, parsed
    from ctl.cli.storages import opened
    from ctl.collector.manifests import Manifests
    from ctl.collector.tree import quarantine_of
    from ctl.images.facts import Images
    from ctl.images.inspection import inspect

    wanted = parsed(image)
    if not (wanted.tag or wanted.digest):
        raise UsageFault(
            f"{image} names no image", hint=f"Write {image}:TAG; `ctl registry-tags {image}` lists them."
        )
    with opened(ctx, config) as opened_one:
        storage = opened_one.tree
        scan = find_repository(storage, wanted.repository)
        tag = find_tag(storage, scan, wanted.tag) if wanted.tag else None
        digest = find_digest(scan, wanted.digest) if wanted.digest else tag.digest if tag else ""
        if not digest and tag is not None:
            ctx.console.error(f"{image}: {tag.problem}")
            if as_json:
                ctx.console.result_json({"repository": scan.name, "digest": None, "problems": [tag.problem]})
            return EXIT_FAILED
        cache = quarantine_of(storage).cache
        with closing(Manifests(storage, cache, writable=False)) as manifests:
            found = inspect(Images(storage), manifests, scan, digest)
    if as_json:
        ctx.console.result_json(found.as_json())
    else:
        for line in _lines(found):
            ctx.console.result(line)
    for problem in found.problems:
        ctx.console.note(f"unknown: {problem}")
    return EXIT_FAILED if found.problems else EXIT_OK


def _lines(found: Inspection) -> Iterator[str]:
    from ctl.cli.tables import size, table
    from ctl.collector.readable import readable
    from ctl.images.usage.usage import when

    document, facts = found.document, found.facts
    rows = [
        ["image:", f"{found.repository}@{found.digest}"],
        ["kind:", facts.kind],
        ["media type:", (document.media_type if document else "") or "unknown"],
        ["artifact type:", (document.artifact_type if document else "") or ("" if document else "unknown")],
        ["about:", document.subject if document else "unknown"],
        ["tags:", ", ".join(map(readable, found.tags)) or "none"],
        ["platforms:", ", ".join(facts.platforms) or ("none" if facts.kind == "artifact" else "unknown")],
        ["created:", when(facts.created) or "unknown"],
        ["pushed:", when(found.pushed) or "unknown"],
        ["size:", f"{size(facts.size)}" + ("" if facts.size is None else f" ({facts.size:,} bytes)")],
    ]
    rows += [[f"{key}:", _text(one)] for key, one in (found.config.facts.items() if found.config else ())]
    rows += [[f"{key}:", _text(one)] for key, one in (document.annotations.items() if document else ())]
    yield from table([row for row in rows if row[1]])
    if found.parts:
        yield "manifests:" if facts.kind == "index" else "layers:"
        parts = [
            [f"  {one.digest}", size(one.size) if one.size is not None else "missing",
             "attestation" if one.attestation else one.platform or one.media_type]
            for one in found.parts
        ]  # fmt: skip
        yield from table(parts, right=(1,))
    yield "signatures and attestations:" if found.notes else "signatures and attestations: none"
    for note in found.notes:
        yield f"  {note.kind}: {note.digest or 'unknown'}" + (f" ({readable(note.tag)})" if note.tag else "")


def _text(value: object) -> str:
    from ctl.collector.readable import readable

    if isinstance(value, dict):
        return ", ".join(
            readable(f"{key}={one}" if one not in ({}, None) else str(key)) for key, one in value.items()
        )
    if isinstance(value, list):
        return " ".join(readable(str(one)) for one in value)
    return readable(str(value))
