"""`ctl secrets rotate`: a new key pair, with no request refused meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.durations import duration
from ctl.cli.framework import Context, always, command
from ctl.errors import EXIT_OK, CtlError, UsageFault

if TYPE_CHECKING:
    from ctl.settings.attributes import Attributes
    from ctl.settings.load import Loaded

NAMES = ("registry.internal_key", "registry.internal_certificate")


@command(needs_root=always)
@click.option(
    "--grace",
    metavar="TIME",
    default="10m",
    show_default=True,
    callback=duration,
    help="How long tokens of the former key are accepted: 90s, 10m, 2h; 0 for not at all.",
)
@click.option("--finish", is_flag=True, help="Accept tokens of the former key no longer, from now on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--due", is_flag=True, hidden=True, help="Finish what is due by now: the timer's command.")
def rotate(ctx: Context, *, grace: int, finish: bool, as_json: bool, due: bool) -> int:
    """Make a new key pair for tokens. It is put in the place of the present one.

    A run as `ctl reconfigure` makes it: the registry accepts both certificates first, then GitLab or the token
    issuer signs with the new key; the timer takes the former certificate away when --grace is over. One that is cut
    off is finished by the next `ctl reconfigure` or `ctl secrets rotate`; one that fails is undone.
    """
    if finish or due:
        return drop(ctx, time.time() if due else None)
    from ctl.commands.reconfigure import run

    path = ctx.layout.secrets_file
    before = keep_new_pair(ctx)
    try:
        return run(ctx, dry_run=False, diff=False, as_json=as_json, grace=grace / 10**9)
    except CtlError:
        put_back(ctx, path, before)
        raise


def keep_new_pair(ctx: Context) -> tuple[bytes, bytes]:
    """Put a new pair into the secrets file, from where a run takes it; one that no run has taken yet stays.

    Returns:
        The content of the file before and after.
    """
    from ctl.cli.loading import changing, load_for_command, machine
    from ctl.converge.atomic import write_atomic
    from ctl.settings.secrets.secrets_file import Secrets
    from ctl.settings.secrets.token_pair import make_pair

    path = ctx.layout.secrets_file
    with changing(ctx, machine(ctx)):
        loaded = load_for_command(ctx)
        refuse_foreign(ctx, loaded)
        before = path.read_bytes()
        if is_pending(loaded.attributes):
            ctx.console.note("a rotation was cut off: it is finished")
            return before, before
        pair = make_pair()
        after = Secrets.read(path).with_registry(dict(zip(NAMES, (pair.key, pair.certificate), strict=True)))
        write_atomic(path, after, mode=0o600)
    return before, after


def refuse_foreign(ctx: Context, loaded: Loaded) -> None:
    """Only a pair of ctl's own making can be made anew by it.

    Raises:
        UsageFault: it is given in the settings, or is another machine's.
        CtlError: there is none yet.
    """
    from ctl.settings.attributes import OriginKind

    for name in (*NAMES, "gitlab_rails.internal_key"):
        origin = loaded.attributes.origin(name)
        if origin.kind is OriginKind.FILE:
            raise UsageFault(
                f"{origin}: {name} is given in the settings, which win",
                hint="Change both halves there and run `ctl reconfigure`: the former certificate is accepted for "
                "ten more minutes, too.",
            )
    if not loaded.attributes.registry.enable:
        raise UsageFault(
            "the registry is on another node, which would refuse tokens of a new key until it has the certificate",
            hint="There is no gentle way between two nodes yet: `ctl secrets export` and `import --replace`, both at "
            "once.",
        )
    if loaded.secrets.new or not loaded.secrets.stored("internal_certificate"):
        raise CtlError("there is no pair yet", hint="`ctl reconfigure` makes it")
    if not loaded.secrets.stored("internal_key"):
        raise UsageFault(
            "this node has only the certificate: another machine has the key", hint="Run the command there."
        )
    if not loaded.secrets.persistent:
        raise UsageFault('package["generate_secrets_json_file"] is False: secrets may not be written')


def is_pending(attributes: Attributes) -> bool:
    """Whether the secrets have a pair that the registry does not have yet."""
    from ctl.node.overlap import certificates, der, text_of

    deployed = {der(one) for one in certificates(text_of(Path(attributes.registry.rootcertbundle)))}
    wanted = {der(one) for one in certificates(attributes.registry.internal_certificate)}
    return attributes.registry.enable and bool(deployed) and not wanted & deployed


def put_back(ctx: Context, path: Path, contents: tuple[bytes, bytes]) -> None:
    """The former pair, after a run that failed and was undone; unless somebody has changed the file since."""
    from ctl.converge import run_lock
    from ctl.converge.atomic import write_atomic

    before, after = contents
    with run_lock(ctx.layout):
        if path.read_bytes() == after and before != after:
            write_atomic(path, before, mode=0o600)
            ctx.console.note(f"{path}: has the former pair again")


def drop(ctx: Context, at: float | None) -> int:
    """Let the registry accept former certificates no longer.

    Args:
        at: only those whose time is over by then, in seconds since 1970; None for all.

    Returns:
        The exit code.
    """
    from ctl.cli.loading import changing, machine
    from ctl.cli.progress import Progress
    from ctl.converge import converge
    from ctl.registry.gate import Gate
    from ctl.registry.rotation import without_former

    host = machine(ctx)
    with changing(ctx, host), Gate(ctx.layout, shared=True):
        items = list(without_former(ctx.layout, at))
        if not items:
            ctx.console.say("no former certificate is accepted: nothing to do")
            return EXIT_OK
        with Progress.to(ctx, diff=False, dry_run=False, as_json=False) as progress:
            report = converge(items, machine=host, layout=ctx.layout, observer=progress)
            progress.finish(report)
    return EXIT_OK
