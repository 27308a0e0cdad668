"""`ctl reconfigure`: make the machine what the settings file says."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from ctl.cli.framework import Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK, CtlError
from ctl.output import Style

if TYPE_CHECKING:
    from pathlib import Path

    from ctl.acme.step import Outcome
    from ctl.cli.progress import Progress
    from ctl.converge import Item
    from ctl.converge.model import Machine, Report
    from ctl.node.history import History, Run
    from ctl.node.node import Node
    from ctl.node.trial import Trial
    from ctl.paths import Layout
    from ctl.settings.load import Loaded


@command(needs_root=lambda given: not given["dry_run"])
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would change.")
@click.option("--diff", is_flag=True, help="Show each change of a file as a unified diff, secrets masked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--try",
    "trial",
    metavar="TIME",
    help="Go back to the run before after TIME (90s, 10m, 2h), unless `ctl confirm` comes first.",
)
def reconfigure(ctx: Context, *, dry_run: bool, diff: bool, as_json: bool, trial: str | None) -> int:
    """Make this machine what the settings file says.

    Everything is planned and checked first, by the programs themselves; then it is applied, and services
    whose files changed are restarted. A run that fails puts everything back. With Let's Encrypt, a certificate
    that is due is then obtained; that this fails changes nothing else, and is an error if it was asked for.
    """
    return run(ctx, dry_run=dry_run, diff=diff, as_json=as_json, trial=trial)


def run(
    ctx: Context,
    *,
    dry_run: bool,
    diff: bool,
    as_json: bool,
    back: Run | None = None,
    trial: str | None = None,
    grace: float | None = None,
    after_trial: str | None = None,
) -> int:
    """Make this machine what the settings say: the present ones, or those of an earlier run.

    Args:
        ctx, dry_run, diff, as_json: as for `ctl reconfigure`.
        back: the earlier run; its settings and secrets become the present ones.
        trial: the time after which it is taken back unless it is confirmed.
        grace: seconds for which the registry goes on to accept tokens of a key that is replaced.
        after_trial: the token of a trial that is over: nothing is done where it has been confirmed meanwhile.

    Returns:
        The exit code.
    """
    from ctl.cli.accounts import warn_of_accounts
    from ctl.cli.loading import changing, load_for_command, machine, node
    from ctl.cli.progress import Progress
    from ctl.cli.renewal import note_renewal
    from ctl.converge import converge, to_json
    from ctl.converge.written import Written
    from ctl.node.history import History
    from ctl.node.outputs import refuse_strangers
    from ctl.node.overlap import GRACE
    from ctl.node.preflight import check, refuse_foreign_root
    from ctl.node.recipes import abandoned, components_of, items, load_recipes
    from ctl.registry.gate import Gate

    started = time.monotonic()
    refuse_foreign_root(ctx.layout)
    host = machine(ctx)
    with ExitStack() as held:
        undone = None if dry_run else held.enter_context(changing(ctx, host))
        if after_trial and trial_ended(ctx.layout, after_trial):
            return EXIT_OK
        history = History(ctx.layout)
        loaded = load_again(ctx, back) if back else load_for_command(ctx)
        recipes = load_recipes(ctx.layout)
        components = components_of(recipes)
        target = node(
            ctx, loaded, required=True, components=components, grace=GRACE if grace is None else grace
        )
        if not dry_run:
            held.enter_context(Gate(ctx.layout, shared=True))
        check(target, host, recipes)
        print_warnings(ctx, target)
        wanted = [*(way_back(ctx, history, back) if back else ()), *items(target, recipes)]
        wanted += abandoned(ctx.layout, wanted)
        refuse_strangers(target, wanted, host)
        former = Written.read(ctx.layout)
        until_made = held.enter_context(ExitStack())
        waits = until_made.enter_context(on_trial(ctx, history, trial)) if trial and not dry_run else None
        with Progress.to(ctx, diff=diff or dry_run, dry_run=dry_run, as_json=as_json) as progress:
            report = converge(
                wanted, machine=host, layout=ctx.layout, dry_run=dry_run, whole=True, observer=progress
            )
            until_made.close()
            report.recovered = undone is not None
            outcome = obtain_certificate(target, host, progress, report, dry_run=dry_run)
            if outcome:
                note_renewal(ctx, outcome)
            if outcome and outcome.error:
                progress.lines.append(f"no certificate: {outcome.error.message}")
            report.seconds = time.monotonic() - started
            progress.finish(report)
        if not dry_run:
            history.record(report, back.settings_file if back else ctx.settings_file, kept_sources(loaded))
        if back and not dry_run:
            end_trial(ctx)
    own = (ctx.layout.sv, ctx.layout.state)
    left = [
        one
        for one in former.left(Written.read(ctx.layout))
        if not any(one.is_relative_to(folder) for folder in own)
    ]
    for path in left:
        ctx.console.note(f"left: {path} (written by ctl, and not managed any more)")
    report_certificates(ctx, target, wanted, report)
    warn_of_accounts(ctx, target.attributes, report.stopped)
    note_restart_of_gitlab(ctx, target, report)
    if not dry_run:
        note_trial(ctx, waits)
        note_former_certificates(ctx, target, report)
    if as_json:
        more = {"letsencrypt": outcome.as_json()} if outcome else {}
        ctx.console.result_json(to_json(report) | {"left": left} | more)
    return report_failure(ctx, outcome) or report_problems(ctx, report)


def note_former_certificates(ctx: Context, node: Node, report: Report) -> None:
    """Tokens of a former key are accepted for some time."""
    from ctl.node.overlap import record

    former = node.overlap.former
    if not former or record(node.layout, node.overlap).name not in {one.resource for one in report.changes}:
        return
    until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(former[0].until))
    timed = any(one.name == "timer" for one in node.running())
    end = "`ctl secrets rotate --finish` ends it" + ("" if timed else "; no timer runs here that would")
    ctx.console.note(f"tokens of the former key are accepted until {until} ({end})")


def obtain_certificate(
    node: Node, host: Machine, progress: Progress, report: Report, *, dry_run: bool
) -> Outcome | None:
    """The second half of a run, where an authority is asked for a certificate; None elsewhere."""
    if not node.obtains_certificate:
        return None
    from ctl.acme.step import after_converging

    return after_converging(node, host, progress, report, dry_run=dry_run)


def load_again(ctx: Context, back: Run) -> Loaded:
    """The settings and secrets of an earlier run."""
    from ctl.cli.loading import print_diagnostics
    from ctl.language.text_files import as_they_were
    from ctl.node.history import FormerSecrets
    from ctl.settings.load import load

    with as_they_were(back.copies):
        loaded = load(back.settings_file, FormerSecrets(ctx.layout.root, back.folder))
    print_diagnostics(ctx, loaded.attributes.diagnostics)
    for path in loaded.sources:
        if path not in back.copies:
            ctx.console.note(f"{path} is read as it is now: that run did not read it, or did not keep it")
    return loaded


def kept_sources(loaded: Loaded) -> list[Path]:
    """The further files of the settings; one that has gone meanwhile cannot be kept."""
    return [path for path in loaded.sources if path.is_file()]


def way_back(ctx: Context, history: History, back: Run) -> Iterator[Item]:
    """The files of the settings as they were; before, copies of what was edited and would be lost."""
    from ctl.node.former import former_settings, unapplied

    for path, copy in unapplied(history, back):
        ctx.console.note(f"{path} is not as in any run of `ctl history`: it is kept as {copy.path}")
        yield copy
    yield from former_settings(back)


@contextmanager
def on_trial(ctx: Context, history: History, limit: str) -> Iterator[Trial]:
    """A run that is taken back after a time; one that fails in here has been taken back already.

    One on trial, too, goes back to the run before the first: what nobody has confirmed is nothing to go back to.
    """
    from ctl.node.trial import Trial, end, seconds

    if not history.runs():
        raise CtlError(
            "--try has nothing to go back to: this would be the first run", hint="Run: ctl reconfigure"
        )
    former = Trial.read(ctx.layout)
    back_to = former.back_to if former else history.earlier(0).folder.name
    trial = Trial.begin(ctx.layout, ctx.settings, back_to, seconds(limit))
    try:
        yield trial
    except BaseException:
        if former:
            former.go_on(ctx.layout)
        else:
            end(ctx.layout)
        raise


def trial_ended(layout: Layout, token: str) -> bool:
    """Whether a trial has been confirmed, or another one has taken its place. Whoever asks holds the lock of runs."""
    from ctl.node.trial import Trial

    trial = Trial.read(layout)
    return trial is None or trial.token != token


def end_trial(ctx: Context) -> None:
    """The machine has gone back: nothing is left to go back from."""
    from ctl.node.trial import end

    if end(ctx.layout):
        ctx.console.note("the trial is over")


def note_trial(ctx: Context, own: Trial | None) -> None:
    """That this run goes back by itself: it is on trial, or follows one that is, and goes back with it."""
    from ctl.node.trial import Trial, resume

    try:
        trial = own or Trial.read(ctx.layout)
        resume(ctx.layout)
    except CtlError as error:
        ctx.console.note(f"warning: {error.message}: {error.hint}")
        return
    if trial is not None:
        what = "" if own else "this run, too, goes back then; "
        ctx.console.note(f"on trial until {trial.until_text}: {what}`ctl confirm` keeps it")


def print_warnings(ctx: Context, node: Node) -> None:
    """What the programs of this machine will ignore or cannot reach, though they go on without it."""
    from ctl.cli.loading import print_diagnostics
    from ctl.nginx.modules import dropped_directives
    from ctl.registry.left_behind import left_behind
    from ctl.registry.reachable import cache_warnings
    from ctl.registry.support import ignored_settings

    print_diagnostics(ctx, left_behind(node.attributes, ctx.settings_file))
    print_diagnostics(ctx, ignored_settings(node.attributes))
    print_diagnostics(ctx, cache_warnings(node))
    print_diagnostics(ctx, dropped_directives(node.attributes, node.programs.nginx_build))


def report_failure(ctx: Context, outcome: Outcome | None) -> int:
    """Why there is no certificate of Let's Encrypt. Returns the exit code: what nobody asked for is no error."""
    from ctl.cli.renewal import report_failure

    if outcome is None:
        return EXIT_OK
    rest = "Everything else is as the settings say."
    return report_failure(ctx, outcome, fatal=outcome.job.asked_for, rest=rest)


def report_problems(ctx: Context, report: Report) -> int:
    """Secondary services that failed. Returns the exit code."""
    for problem in report.problems:
        ctx.console.error(f"{problem}\nEverything else is as the settings say.")
    return EXIT_FAILED if report.problems else EXIT_OK


def note_restart_of_gitlab(ctx: Context, node: Node, report: Report) -> None:
    """GitLab reads its gitlab.yml only when it starts, and one that is self-compiled is not restarted here."""
    path = node.attributes.gitlab_rails.gitlab_yml_path
    if path and f"yaml[{path}]" in {change.resource for change in report.changes}:
        ctx.console.note(
            f"{ctx.console.paint('note', Style.PLACE, err=True)}: GitLab reads {path} when it starts: restart it "
            "(sudo systemctl restart gitlab.target, or sudo service gitlab restart)"
        )


def report_certificates(ctx: Context, node: Node, wanted: Sequence[Item], report: Report) -> None:
    """Certificates that end soon, and, when one of the local CA has just been made, how clients trust it."""
    from ctl.cli.loading import print_diagnostics
    from ctl.tls import ServerCertificate
    from ctl.tls.client_trust import HTTPS, trust_note
    from ctl.tls.served import remarks

    changed = {change.resource for change in report.changes}
    for item in wanted:
        if not isinstance(item, ServerCertificate):
            continue
        print_diagnostics(ctx, remarks(node.attributes, node.layout))
        if item.name in changed and item.authority and item.local():
            port = urlsplit(node.attributes.registry_external_url).port or HTTPS
            ctx.console.note(trust_note(item.host, port, item.authority.certificate))
