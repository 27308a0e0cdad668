"""`ctl registry-garbage-collect`: delete what no image needs any more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.cli.recovery import recover_first
from ctl.errors import EXIT_OK, CtlError, PreflightError
from ctl.errors import as_json as as_json_error

if TYPE_CHECKING:
    from ctl.output import Console
    from ctl.registry.collect.result import Result
    from ctl.settings.attributes import Attributes
    from ctl.settings.named import Registry


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
) -> int:
    """Delete the blobs that no image needs, and say how many bytes that freed.

    CONFIG is the registry's config.yml [default: the service's own]. The registry is stopped meanwhile, and
    comes back whatever happens; one that was stopped before stays stopped. What it has cached in Redis is
    forgotten.
    """
    from ctl.registry.collect.progress import shown_on
    from ctl.registry.collect.run import collect
    from ctl.registry.collect.setup import make_setup

    recover_first(ctx)
    attributes = _attributes(ctx)
    registry = attributes.registry if attributes else None
    setup = make_setup(ctx.layout, registry, _program(registry), config)
    results: list[Result] = []

    def report(result: Result) -> None:
        results.append(result)
        if not as_json:
            _print_result(ctx.console, result)

    with shown_on(ctx.console) as reporter:
        try:
            collect(setup, untagged=untagged, dry_run=dry_run, reporter=reporter, report=report)
        except CtlError as error:
            if not (as_json and results):
                raise
            # one document, of what was done and of what then failed
            ctx.console.result_json(results[0].as_json() | as_json_error(error))
            ctx.console.error(error.message)
            return error.exit_code
    if as_json:
        ctx.console.result_json(results[0].as_json())
    return EXIT_OK


def _attributes(ctx: Context) -> Attributes | None:
    """The settings, or None: broken ones do not stand in the way of a collection, if nobody named them."""
    from ctl.settings.load import load

    try:
        return load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    except CtlError as error:
        missing = not os.path.lexists(ctx.settings_file)
        if missing and ctx.settings is not None:
            raise
        if not missing:
            ctx.console.note(f"{ctx.settings_file} cannot be read, going on with defaults: {error.message}")
        return None


def _program(registry: Registry | None) -> Path:
    from ctl.distribution import distribution
    from ctl.machine.search import find_program
    from ctl.registry.programs import NAMES, names_of

    names = names_of(registry.executable if registry else None)
    found = find_program(*names)
    if found is None:
        hint = distribution().install_hint(NAMES[-1])
        raise PreflightError(f"{' or '.join(names)} is not installed", hint=hint)
    return found


def _print_result(console: Console, result: Result) -> None:
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
        console.say(f"the storage driver does not give the size of {_count(unknown, 'blob')}")


def _kept(result: Result) -> str:
    manifests, repositories = _count(result.kept, "manifest"), _count(result.repositories, "repository")
    stay = "stays" if result.kept == 1 else "stay"
    return f"; {manifests} in {repositories} {stay}" if result.repositories else ""


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number:,} {noun}s"
