"""`ctl registry-cleanup`: remove old tags by policies, so that they can be brought back, and collect."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.durations import duration
from ctl.cli.framework import FILE, Context, command
from ctl.cli.recovery import recover_first
from ctl.cli.values import not_empty
from ctl.collector.readable import readable
from ctl.errors import EXIT_FAILED, EXIT_OK, CtlError

if TYPE_CHECKING:
    from ctl.cli.cleanup import Outcome
    from ctl.collector.collection import Options
    from ctl.collector.progress import Reporter
    from ctl.images.cleanup.plan import Planner, RepositoryPlan
    from ctl.images.cleanup.policy import Policy
    from ctl.registry.collect.collector import Setup
    from ctl.storage.store import Store

TASK = "registry-cleanup"
_SWITCH = "The command that starts the registry anew, where ctl does not run it."
NOTE = "cleanup"
"""By which its runs in quarantine are known."""
_DATE = "Which date counts: of the image, or of the last push of the tag."


def _optional_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    return None if value is None else duration(ctx, param, value)


@command(name=TASK)
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--config", type=FILE, metavar="FILE", help="The registry's config.yml [default: the service's own]."
)
@click.option("--name-regex", metavar="RE2", help="Tags that may go.")
@click.option("--name-regex-keep", metavar="RE2", help="Tags of these that stay.")
@click.option(
    "--keep-n", type=click.IntRange(0), metavar="N", help="How many of the newest of the rest stay."
)
@click.option("--older-than", callback=_optional_duration, metavar="TIME", help="What is younger stays.")
@click.option("--date", type=click.Choice(("created", "pushed")), default=None, help=_DATE)
@click.option("-d", "--dry-run", is_flag=True, help="Change nothing; show what would go.")
@click.option(
    "--explain", is_flag=True, help="Change nothing; show for each tag the rule that keeps or removes it."
)
@click.option(
    "--max-share", type=click.IntRange(0, 100), metavar="PERCENT", help="Ask where more of a repository goes."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--undo", callback=not_empty, metavar="RUN", help="Bring back what a run has removed.")
@click.option("--switch", callback=not_empty, metavar="COMMAND", help=_SWITCH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_cleanup(
    ctx: Context,
    *,
    repositories: tuple[str, ...],
    config: Path | None,
    name_regex: str | None,
    name_regex_keep: str | None,
    keep_n: int | None,
    older_than: int | None,
    date: str | None,
    dry_run: bool,
    explain: bool,
    max_share: int | None,
    yes: bool,
    undo: str | None,
    switch: str | None,
    as_json: bool,
) -> int:
    """Remove old tags by policies, as GitLab does.

    The policies are those of registry_cleanup["policies"], or one of the options. Of each repository (a name, or a
    pattern with * and **) these stay, in this order: latest; what name_regex does not match; what name_regex_keep
    matches; the newest keep_n; what is younger than older_than. A tag whose image cannot be read, or has no date,
    stays, too. Signatures and attestations go with their image. Where more than half would go, ctl asks. At the end
    it collects what nothing needs any more.
    """
    from ctl.cli.cleanup import Outcome
    from ctl.cli.noted import noted
    from ctl.images.cleanup.policy import Policy
    from ctl.registry.collect.acting import acting_in
    from ctl.registry.collect.progress import shown_on

    recover_first(ctx)
    if undo:
        return _undo(ctx, config, undo, as_json=as_json)
    given = {"name_regex": name_regex, "name_regex_keep": name_regex_keep, "keep_n": keep_n,
             "older_than": older_than, "date": date}  # fmt: skip
    own = {name: value for name, value in given.items() if value is not None}
    policies, share = _policies(ctx, Policy(**own) if own else None, max_share)  # type: ignore[arg-type]
    dry = dry_run or explain

    def work() -> int:
        with shown_on(ctx.console) as reporter:
            setup, place, planner, plans = _plan(ctx, config, policies, repositories, reporter, dry=dry)
        _hold_back(ctx, plans, share, ask=not dry, yes=yes)
        ages = _ages(ctx)
        outcome = Outcome(plans, dry, keep_for=ages.keep_for)
        if not dry:
            with acting_in(setup):
                planner.memory.remember()
        if not dry and any(plan.removed and plan.confirmed for plan in plans):
            with shown_on(ctx.console) as reporter:
                _carry_out(setup, place, outcome, ages, switch, reporter)
        return _report(ctx, outcome, planner, explain=explain, as_json=as_json)

    return (
        work() if dry or config else noted(ctx, TASK, work, "not all of it could be done: run it to see why")
    )


def _policies(ctx: Context, own: Policy | None, max_share: int | None) -> tuple[list[Policy], int]:
    """The policies that hold, and the share of a repository in percent that goes without a question."""
    from ctl.cli.cleanup import policies_of
    from ctl.settings.load import load

    try:
        settings = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes.registry_cleanup
    except CtlError:
        if own is None or ctx.settings is not None:
            raise
        return [own], 50 if max_share is None else max_share
    share = settings.max_share if max_share is None else max_share
    return [own] if own else policies_of(settings.policies), share


def _ages(ctx: Context) -> Options:
    """How long the collection at the end leaves alone what is new, and keeps what goes: as by time."""
    from ctl.collector.collection import Options
    from ctl.settings.load import load
    from ctl.settings.types.quantities import lifetime_seconds

    try:
        given = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes.registry_garbage_collect
    except CtlError:  # reported where policies are read from them
        return Options()
    older_than, keep_for = (lifetime_seconds(one) * 10**9 for one in (given.older_than, given.keep_for))
    return Options(older_than=older_than, keep_for=keep_for)


def _plan(
    ctx: Context,
    config: Path | None,
    policies: list[Policy],
    names: tuple[str, ...],
    reporter: Reporter,
    *,
    dry: bool,
) -> tuple[Setup, str | Store, Planner, list[RepositoryPlan]]:
    from ctl.cli.cleanup import matchers_of, wanted_by
    from ctl.cli.images import find_repository
    from ctl.cli.storages import opened
    from ctl.collector.restoring import undo_killed
    from ctl.images.cleanup.plan import Planner

    matchers, wanted = matchers_of(policies, ctx.console), wanted_by(names)
    with opened(ctx, config) as storage:
        if not dry:
            undo_killed(storage.place, reporter.warn)
        for name in names:
            if "*" not in name:
                find_repository(storage.tree, name)
        planner = Planner(storage.place, matchers, time.time_ns())
        reporter.step("looking at tags")
        plans = planner.plans(wanted, reporter.advance)
    for name in names:
        if not any(wanted_by([name])(plan.name) for plan in plans):
            ctx.console.note(f"warning: no repository with a policy is called {name}")
    return storage.setup, storage.place, planner, plans


def _hold_back(ctx: Context, plans: list[RepositoryPlan], share: int, *, ask: bool, yes: bool) -> None:
    """Leave alone what would lose more than a share of its tags, unless somebody says that it may."""
    large = [plan for plan in plans if plan.removed and plan.share * 100 > share]
    for plan in large:
        lost = f"{len(plan.removed):,} of {len(plan.verdicts):,} tags ({plan.share:.0%})"
        part = f"{readable(plan.name)} would lose {lost}"
        if yes:
            continue
        plan.confirmed = ask and sys.stdin.isatty() and click.confirm(f"{part}; go on?", err=True)
        if not plan.confirmed:
            ctx.console.note(f"warning: {part}, more than {share} %: it needs --yes")


def _carry_out(
    setup: Setup,
    place: str | Store,
    outcome: Outcome,
    ages: Options,
    switch: str | None,
    reporter: Reporter,
) -> None:
    from ctl.registry.collect.removing import removing
    from ctl.registry.collect.serving import collect_serving

    command_line = shlex.split(switch) if switch else None
    with removing(setup, place, note=NOTE, cached=True, switch=command_line) as remover:
        outcome.removed = remover.removed
        reporter.step("removing tags")
        for plan in outcome.plans:
            if plan.removed and plan.confirmed:
                remover.tags_and_manifests(plan.scan, plan.removed)
            reporter.advance()
    try:
        outcome.collection = collect_serving(setup, ages, reporter, switch=command_line)
    except CtlError as error:  # what was removed is removed: that is reported before
        outcome.problem = error.message


def _report(ctx: Context, outcome: Outcome, planner: Planner, *, explain: bool, as_json: bool) -> int:
    from ctl.cli.cleanup import explanation
    from ctl.cli.collections import print_report
    from ctl.cli.images import warn_of

    if as_json:
        ctx.console.result_json(outcome.as_json(explain=explain))
    else:
        for plan in outcome.plans if explain else ():
            ctx.console.result(explanation(plan))
        for plan in outcome.plans if outcome.dry_run and not explain else ():
            for tag in sorted(plan.removed):
                ctx.console.say(readable(f"would remove {plan.name}:{tag}"))
        for line in outcome.lines():
            ctx.console.say(line)
        for one in outcome.removed.kept:
            ctx.console.note(readable(f"left alone: {one}"))
        if outcome.collection is not None:
            print_report(ctx.console, outcome.collection)
    warn_of(ctx.console, planner.damages)
    if outcome.problem:
        ctx.console.error(f"the collection failed: {outcome.problem}")
    blocked = outcome.collection is not None and bool(outcome.collection.blocked)
    unread = any(damage.blocks for damage in planner.damages)
    failed = bool(outcome.problem or blocked or unread or (outcome.refused and not outcome.dry_run))
    return EXIT_FAILED if failed else EXIT_OK


def _undo(ctx: Context, config: Path | None, run: str, *, as_json: bool) -> int:
    from ctl.cli.collections import print_report
    from ctl.cli.images import warn_of
    from ctl.cli.registry_setup import registry_setup
    from ctl.registry.collect.serving import restore_run

    report = restore_run(registry_setup(ctx, config), run)
    if as_json:
        ctx.console.result_json(report.as_json())
    else:
        print_report(ctx.console, report)
    warn_of(ctx.console, report.damages)
    return EXIT_FAILED if report.damages else EXIT_OK
