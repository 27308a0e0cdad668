"""`ctl registry-garbage-collect`: delete what no image needs any more."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ctl.cli.durations import duration
from ctl.cli.framework import FILE, Context, command
from ctl.cli.recovery import recover_first
from ctl.cli.values import not_empty
from ctl.errors import EXIT_FAILED, EXIT_OK, CtlError, UsageFault
from ctl.errors import as_json as as_json_error
from ctl.output import Style
from ctl.storage.drivers import WITH_CLIENT

if TYPE_CHECKING:
    from ctl.collector.progress import Reporter
    from ctl.collector.report import Report
    from ctl.output import Console
    from ctl.registry.collect.collector import Setup
    from ctl.registry.collect.result import Result

    Work = Callable[[Reporter, Callable[[Report | Result], None]], None]

_UNTAGGED = "Delete manifests that no tag leads to, too. The images of a tagged index stay."
_QUARANTINE = "Collect while the registry serves; what goes can be brought back for --keep-for [default]."
_READ_ONLY = "Use the registry's own collector; the registry takes no pushes meanwhile, and is not stopped."
_STOP = "As --read-only, but the registry is stopped meanwhile, as by gitlab-ctl."
_NOW = "Delete at once, without a quarantine, while pushes wait (without ctl's NGINX: are refused): for a full disk."
_NOW_BELOW = "As --now, where less than PERCENT of the disk are free; else as --quarantine."
_ALLOW_EMPTY = (
    "Collect though there is no repository at all; else that is taken for a disk that is not mounted."
)
_NOTHING = "nothing was deleted: what cannot be read may need any blob"
_SWITCH = "The command that starts the registry anew, where ctl does not run it."

TASK = "registry-garbage-collect"


@command(name=TASK)
@click.argument("config", required=False, type=FILE)
@click.option("--config", "named", type=FILE, metavar="FILE", help="The same as CONFIG.")
@click.option("-m", "--delete-untagged", "--delete-manifests", "untagged", is_flag=True, help=_UNTAGGED)
@click.option("-d", "--dry-run", is_flag=True, help="Change nothing; show what would go.")
@click.option("--older-than", callback=duration, default="24h", show_default=True, metavar="TIME",
              help="Leave alone what is newer, or was linked to later. With 0 pushes under way can fail.")  # fmt: skip
@click.option("--keep-for", callback=duration, default="24h", show_default=True, metavar="TIME",
              help="Delete for good what is in quarantine for longer.")  # fmt: skip
@click.option("--quarantine", is_flag=True, help=_QUARANTINE)
@click.option("--now", is_flag=True, help=_NOW)
@click.option("--now-below", type=click.FloatRange(0, 100), default=0, metavar="PERCENT", help=_NOW_BELOW)
@click.option("--read-only", is_flag=True, help=_READ_ONLY)
@click.option("--stop", is_flag=True, help=_STOP)
@click.option("--allow-empty", is_flag=True, help=_ALLOW_EMPTY)
@click.option("--switch", callback=not_empty, metavar="COMMAND", help=_SWITCH)
@click.option(
    "--restore", callback=not_empty, metavar="RUN", help="Bring back what a run has moved into quarantine."
)
@click.option("--history", is_flag=True, help="Show earlier runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_garbage_collect(
    ctx: Context,
    *,
    config: Path | None,
    named: Path | None,
    untagged: bool,
    dry_run: bool,
    older_than: int,
    keep_for: int,
    quarantine: bool,
    now: bool,
    now_below: float,
    read_only: bool,
    stop: bool,
    allow_empty: bool,
    switch: str | None,
    restore: str | None,
    history: bool,
    as_json: bool,
) -> int:
    """Delete the blobs that no image needs.

    CONFIG is the registry's config.yml [default: the service's own]. The registry goes on serving: what goes is
    moved into a quarantine beside the images, and deleted by a later run, once it was there for --keep-for and still
    nothing needs it; --restore brings it back until then. A registry that keeps descriptors in memory is started
    anew; keys in Redis are deleted.
    """
    from ctl.collector.collection import Options

    own = {"--read-only": read_only, "--stop": stop}
    _refuse_together({"--now": now, **own, "--restore": restore, "--history": history})
    _refuse_together({"--quarantine": quarantine, **own})
    _refuse_together({"--now-below": now_below, **own})
    recover_first(ctx)
    from ctl.cli.registry_setup import registry_setup
    from ctl.registry.collect import serving

    setup = registry_setup(ctx, named or config)
    keep = None if dry_run or restore or named or config else ctx
    show = _Shown(ctx.console, keep, as_json=as_json)
    if history:
        return show.history(*serving.history(setup))
    if restore:
        return show.result(lambda _, done: done(serving.restore_run(setup, restore)))
    own_only = not (_has_client(setup) or quarantine or now or now_below)
    if read_only or stop or own_only:
        return _by_its_own(setup, show, untagged=untagged, dry_run=dry_run, read_only=read_only)
    now = now or serving.is_short(setup, now_below, ctx.console.note)
    options = Options(untagged, dry_run, older_than, 0 if now else keep_for, allow_empty=allow_empty)
    if now:
        return show.result(lambda reporter, done: serving.collect_now(setup, options, reporter, done))
    command_line = shlex.split(switch) if switch else None
    return show.result(
        lambda reporter, done: done(serving.collect_serving(setup, options, reporter, switch=command_line))
    )


def _by_its_own(setup: Setup, show: _Shown, *, untagged: bool, dry_run: bool, read_only: bool) -> int:
    """By the collector of the registry's program."""
    from ctl.registry.collect.run import collect

    def work(reporter: Reporter, done: Callable[[Report | Result], None]) -> None:
        collect(setup, untagged=untagged, dry_run=dry_run, reporter=reporter, report=done, serves=read_only)

    return show.result(work)


def _has_client(setup: Setup) -> bool:
    """Whether ctl reads its storage; what is in another one only the program itself can reach."""
    return setup.config.root is not None or setup.config.driver in (*WITH_CLIENT, "inmemory")


def _refuse_together(given: dict[str, object]) -> None:
    chosen = [name for name, value in given.items() if value]
    if len(chosen) > 1:
        raise UsageFault(f"{' and '.join(chosen)} do not go together")


class _Shown:
    """Shows what a collection does and did.

    Args:
        console: where.
        keep: whose node keeps how it ended; None for nobody's.
        as_json: whether as JSON.
    """

    def __init__(self, console: Console, keep: Context | None, *, as_json: bool) -> None:
        self._console, self._keep = console, keep
        self._as_json = as_json

    def result(self, work: Work) -> int:
        """Show the result of a collection as soon as there is one: its end may still fail. Returns the exit code."""
        if self._keep is None:
            return self._result(work)
        from ctl.cli.noted import noted

        return noted(self._keep, TASK, lambda: self._result(work), _NOTHING)

    def _result(self, work: Work) -> int:
        from ctl.registry.collect.progress import shown_on

        found: list[Report | Result] = []

        def done(result: Report | Result) -> None:
            found.append(result)
            if not self._as_json:
                self._print(result)

        try:
            with shown_on(self._console) as reporter:
                work(reporter, done)
        except CtlError as error:
            if not (self._as_json and found):
                raise
            # one document, of what was done and of what then failed
            self._console.result_json(found[0].as_json() | as_json_error(error))
            self._console.error(error.message)
            return error.exit_code
        if self._as_json:
            self._console.result_json(found[0].as_json())
        return self._judge(found[0])

    def _print(self, result: Report | Result) -> None:
        from ctl.cli.collections import print_report, print_result
        from ctl.collector.report import Report

        if isinstance(result, Report):
            print_report(self._console, result)
        else:
            print_result(self._console, result)

    def _judge(self, result: Report | Result) -> int:
        """Damages are warnings, unless nothing could be deleted because of them."""
        from ctl.collector.report import Report

        if not isinstance(result, Report):
            return EXIT_OK
        for damage in result.damages:
            word = self._console.paint("warning", Style.WARN, err=True)
            self._console.note(f"{word}: {damage}")
        if result.blocked:
            self._console.error(_NOTHING)
            return EXIT_FAILED
        return EXIT_OK

    def history(self, runs: list[dict[str, Any]], held: list[str]) -> int:
        """Show earlier runs."""
        from ctl.cli.collections import print_history

        if self._as_json:
            self._console.result_json({"runs": runs, "in_quarantine": held})
        else:
            print_history(self._console, runs, held)
        return EXIT_OK
