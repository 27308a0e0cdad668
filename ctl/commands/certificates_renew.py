"""`ctl certificates renew --ca`: another local CA, while clients of both are served."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ctl.cli.durations import duration
from ctl.cli.framework import Context, always, command
from ctl.errors import EXIT_OK, UsageFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctl.converge import Item


@command(needs_root=always)
@click.option("--ca", is_flag=True, help="The local CA: a new key under a new name.")
@click.option(
    "--grace",
    metavar="TIME",
    default="30d",
    show_default=True,
    callback=duration,
    help="How long clients have to take up the new CA before it signs: 12h, 30d; 0 for no time.",
)
@click.option("--finish", is_flag=True, help="Let the new CA sign from now on; the former one goes.")
@click.option("--due", is_flag=True, hidden=True, help="Finish if its time has come: the timer's command.")
def renew(ctx: Context, *, ca: bool, grace: int, finish: bool, due: bool) -> int:
    """Put another local CA in the place of the present one.

    First ca.crt has both, and the present CA's certificate is served: give that file to all clients again (`ctl
    trust` on each; it prints the commands for others). After --grace the timer lets the new CA issue the
    certificate that is served, and the former one goes; who has both notices nothing. The key of tokens is another
    matter: `ctl secrets rotate`. Let's Encrypt's certificates: `ctl renew-le-certs`.
    """
    from ctl.tls.ca_renewal import renewal_end

    if not ca:
        raise UsageFault(
            "what should be renewed? --ca", hint="Let's Encrypt's certificates: ctl renew-le-certs"
        )
    end = renewal_end(ctx.layout)
    if due and (not end or end > time.time()):
        return EXIT_OK
    if not end and finish:
        raise UsageFault("no new CA waits", hint="`ctl certificates renew --ca` makes one.")
    if not end or not (finish or due or _is_whole(ctx)):
        _begin(ctx, time.time() + grace / 10**9)
    if finish or due or not grace:
        return _finish(ctx)
    return _wait(ctx)


def _is_whole(ctx: Context) -> bool:
    """Whether the new CA that waits can be used; if not, another is begun."""
    from ctl.cli.loading import load_for_command
    from ctl.tls.ca_renewal import next_pair
    from ctl.tls.served import served_certificate

    attributes = load_for_command(ctx, use_secrets=False).attributes
    whole = next_pair(served_certificate(attributes, ctx.layout)) is not None
    if not whole:
        ctx.console.note("the new CA that waited is not whole: another is made")
    return whole


def _begin(ctx: Context, until: float) -> None:
    from ctl.cli.loading import changing, load_for_command, machine
    from ctl.tls.ca_renewal import begin
    from ctl.tls.served import served_certificate

    with changing(ctx, machine(ctx)):
        loaded = load_for_command(ctx, use_secrets=False)
        _converge(ctx, list(begin(ctx.layout, served_certificate(loaded.attributes, ctx.layout), until)))


def _wait(ctx: Context) -> int:
    """Let the timer know when the time is over, and people what they have to do. Returns the exit code."""
    from ctl.commands.reconfigure import run
    from ctl.tls.ca_renewal import renewal_end

    code = run(ctx, dry_run=False, diff=False, as_json=False)
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(renewal_end(ctx.layout)))
    ctx.console.note(
        f"{ctx.layout.ssl / 'ca.crt'} has the present CA and the new one: give it to all clients until {until} "
        "(ctl trust).\nThen the new CA signs; at once with: ctl certificates renew --ca --finish"
    )
    return code


def _finish(ctx: Context) -> int:
    from ctl.cli.loading import changing, load_for_command, machine
    from ctl.node.timed_end import LOCAL_CA, tasks_after
    from ctl.tls.ca_renewal import finish
    from ctl.tls.served import served_certificate

    with changing(ctx, machine(ctx)):
        loaded = load_for_command(ctx, use_secrets=False)
        served = served_certificate(loaded.attributes, ctx.layout)
        _converge(ctx, [*finish(ctx.layout, served), *tasks_after(ctx.layout, LOCAL_CA)])
    return EXIT_OK


def _converge(ctx: Context, items: Sequence[Item]) -> None:
    from ctl.cli.loading import machine
    from ctl.cli.progress import Progress
    from ctl.converge import converge
    from ctl.registry.gate import Gate

    with (
        Gate(ctx.layout, shared=True),
        Progress.to(ctx, diff=False, dry_run=False, as_json=False) as progress,
    ):
        report = converge(items, machine=machine(ctx), layout=ctx.layout, observer=progress)
        progress.finish(report)
