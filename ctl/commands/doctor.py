"""`ctl doctor`: ask the running node everything that an administrator would ask by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK, CtlError, UsageFault
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.doctor.check import Check, Finding, Result
    from ctl.doctor.site import Site
    from ctl.doctor.trace import Exchange

EXIT_UNKNOWN = 3
"""Nothing is broken as far as could be asked, and something could not."""
WATCH_SECONDS = 5.0
_STYLES = {"ok": Style.GOOD, "warning": Style.WARN, "unknown": Style.WARN, "failure": Style.BAD}


@command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "listing", is_flag=True, help="List the checks, and what each proves.")
@click.option(
    "--user", metavar="NAME", help="Get a token as this user too; the password is read from standard input."
)
@click.option(
    "--from", "front", metavar="URL", help="Where clients reach the registry, if something is before NGINX."
)
@click.option("--push", is_flag=True, help="Push and pull a small image, and remove every trace of it.")
@click.option(
    "--trace", metavar="REPOSITORY", help="Show one login, push and pull of it, request by request."
)
@click.option("--watch", is_flag=True, help="Ask again every 5 seconds until it is interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(
    ctx: Context,
    *,
    names: Sequence[str],
    listing: bool,
    user: str | None,
    front: str | None,
    push: bool,
    trace: str | None,
    watch: bool,
    as_json: bool,
) -> int:
    """Ask this node what is wrong, and how to mend it. Changes nothing.

    Exit status 1 when something is broken, 3 when nothing is but something could not be asked (as root most can),
    else 0, also with warnings. A check whose cause is another failure is not asked. To see where the registry sends
    clients, an upload to a repository of its own is begun and cancelled.
    """
    from ctl.cli.site import site_of
    from ctl.doctor.checks import CHECKS
    from ctl.doctor.run import select
    from ctl.doctor.site import Wishes

    if listing:
        _print_list(ctx, CHECKS, as_json=as_json)
        return EXIT_OK
    selected = select(CHECKS, names)
    wishes = Wishes(user or "", _password(user) if user else "", _url(front), push)
    site = site_of(ctx, wishes)
    if trace is not None:
        return _trace(ctx, site, trace, as_json=as_json)
    code = _once(ctx, selected, names, site, as_json=as_json)
    while watch:
        time.sleep(WATCH_SECONDS)
        site = site_of(ctx, wishes)
        ctx.console.result("" if as_json else f"--- {time.strftime('%H:%M:%S')}")
        code = _once(ctx, selected, names, site, as_json=as_json)
    return code


def _password(user: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Password of {user}", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")


def _url(text: str | None) -> str:
    from urllib.parse import urlsplit

    if text is None:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageFault(f"--from {text!r} is not a URL", hint="Write it as https://registry.example.com")
    return text.rstrip("/")


def _print_list(ctx: Context, checks: Sequence[Check], *, as_json: bool) -> None:
    if as_json:
        ctx.console.result_json(
            [{"name": one.name, "proves": one.proves, "needs": one.needs} for one in checks]
        )
        return
    width = max(len(one.name) for one in checks)
    for one in checks:
        ctx.console.result(f"{one.name:<{width}}  {one.proves}")


def _once(ctx: Context, selected: Sequence[Check], names: Sequence[str], site: Site, *, as_json: bool) -> int:
    from ctl.doctor.check import State, worst
    from ctl.doctor.run import examine

    results = examine(selected, site)
    shown = [one for one in results if not names or one.check.name in names or one.state is State.FAILURE]
    state = worst(one.state for one in shown)
    if as_json:
        ctx.console.result_json({"state": str(state), "checks": [one.as_json() for one in shown]})
    else:
        _print(ctx, shown)
    return {State.FAILURE: EXIT_FAILED, State.UNKNOWN: EXIT_UNKNOWN}.get(state, EXIT_OK)


def _print(ctx: Context, results: Sequence[Result]) -> None:
    width = max((len(one.check.name) for one in results), default=0)
    for result in results:
        name = result.check.name
        for finding in _worth_showing(ctx, result):
            word = ctx.console.paint(f"{finding.state:<8}", _STYLES[finding.state])
            ctx.console.result(f"{word} {name:<{width}}  {finding.cause}")
            if finding.remedy:
                ctx.console.result(f"{'':<8} {'':<{width}}  -> {finding.remedy}")
            name = ""
    states = [one.state for one in results]
    counts = ", ".join(f"{states.count(one)} {one}" for one in dict.fromkeys(states))
    ctx.console.say(f"{len(results)} check{'s' * (len(results) != 1)}: {counts}")


def _worth_showing(ctx: Context, result: Result) -> Sequence[Finding]:
    """All that is wrong; of what is well one line, or with --verbose all."""
    wrong = [one for one in result.findings if one.state != "ok"]
    if ctx.console.verbose:
        return result.findings
    return wrong or [_joined(result)]


def _joined(result: Result) -> Finding:
    from ctl.doctor.check import ok

    first, *more = result.findings
    return ok(f"{first.cause}{f'; and {len(more)} more' if more else ''}")


def _trace(ctx: Context, site: Site, repository: str, *, as_json: bool) -> int:
    """Each request as it is made; ends with the first that is answered wrongly."""
    from ctl.doctor.trace import Tracer
    from ctl.registry.token import parse_repository

    server = site.public or site.direct
    if server is None:
        raise CtlError("this node has no registry that could be asked", hint='Set registry["enable"] = True')
    found = []
    for exchange in Tracer(site, server, parse_repository(repository)).run():
        found.append(exchange)
        if not as_json:
            _print_exchange(ctx, exchange)
    problems = [one.problem for one in found if one.problem]
    if as_json:
        ctx.console.result_json(
            {"exchanges": [one.as_json() for one in found], "problem": problems[0] if problems else None}
        )
    elif not problems:
        ctx.console.say(
            f"{len(found)} requests, {sum(one.total for one in found):.0f} ms: all answered as they should be"
        )
    return EXIT_FAILED if problems else EXIT_OK


def _print_exchange(ctx: Context, exchange: Exchange) -> None:
    style = Style.BAD if exchange.problem else Style.GOOD
    status = ctx.console.paint(exchange.status or "no answer", style)
    ctx.console.result(f"{exchange.step}\n  {exchange.method} {exchange.url}")
    for name, value in exchange.sent.items():
        ctx.console.result(f"  > {name}: {value}")
    times = ", ".join(f"{name} {value:.1f}" for name, value in exchange.milliseconds.items() if value >= 0.1)
    ctx.console.result(f"  {status}  {exchange.total:.1f} ms{f' ({times})' if times else ''}")
    for name, value in exchange.received.items():
        ctx.console.result(f"  < {name}: {value}")
    if exchange.problem:
        ctx.console.result(f"  {ctx.console.paint('wrong', Style.BAD)}: {exchange.problem}")
