"""`ctl secrets rotate`: a new key pair, with no request refused meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.durations import duration
from ctl.cli.framework import Context, always, command
from ctl.commands.secrets_elsewhere import GRACE, TO_GITLAB, refuse_others_key, rotate_for_registry
from ctl.errors import EXIT_OK, CtlError, UsageFault
from ctl.settings.rules.token_issuer import signers

if TYPE_CHECKING:
    from ctl.settings.attributes import Attributes
    from ctl.settings.load import Loaded

PAIR = ("registry.internal_key", "registry.internal_certificate")
HTTP_SECRET = "registry.http_secret"  # noqa: S105 - a name


@command(needs_root=always)
@click.option(
    "--grace",
    metavar="TIME",
    callback=lambda ctx, param, value: None if value is None else duration(ctx, param, value),
    help="How long tokens of the former key are accepted: 90s, 10m, 2h; 0 for not at all [default: 10m; with GitLab on "
    "another node 7d].",
)
@click.option("--finish", is_flag=True, help="Accept tokens of the former key no longer, from now on.")
@click.option(
    "--http-secret",
    is_flag=True,
    help="A new secret for the state of uploads instead; those under way go on, for an hour.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--due", is_flag=True, hidden=True, help="Finish what is due by now: the timer's command.")
def rotate(
    ctx: Context, *, grace: int | None, finish: bool, http_secret: bool, as_json: bool, due: bool
) -> int:
    """Make a new key pair for tokens, or a new http_secret. It is put in the place of the present one.

    A run as `ctl reconfigure` makes it: the registry accepts both certificates first, then GitLab or the token
    issuer signs with the new key; the timer takes the former certificate away when --grace is over. One that is cut
    off is finished by the next `ctl reconfigure` or `ctl secrets rotate`; one that fails is undone.
    """
    if finish or due:
        return drop(ctx, time.time() if due else None)
    from ctl.settings.load import load

    names = (HTTP_SECRET,) if http_secret else PAIR
    loaded = load(ctx.settings_file, ctx.layout)
    if names == PAIR:
        refuse_others_key(loaded)
    refuse_given(loaded, names)
    if names == PAIR and not loaded.attributes.registry.enable:
        return rotate_for_registry(ctx, as_json=as_json)
    elsewhere = names == PAIR and not any(signers(loaded.attributes))
    seconds = grace / 10**9 if grace is not None else GRACE if elsewhere else None
    code = renew(ctx, names, seconds, as_json=as_json)
    if elsewhere and code == EXIT_OK:
        ctx.console.note(TO_GITLAB)
    return code


def renew(ctx: Context, names: tuple[str, ...], grace: float | None, *, as_json: bool) -> int:
    """Make new secrets and run with them; put the former back where that fails. Returns the exit code."""
    from ctl.commands.reconfigure import run

    before = keep_new(ctx, names)
    try:
        return run(ctx, dry_run=False, diff=False, as_json=as_json, grace=grace)
    except (CtlError, OSError):
        put_back(ctx, ctx.layout.secrets_file, before)
        raise


def keep_new(ctx: Context, names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Put new secrets into the secrets file, from where a run takes them; such that no run has taken yet stay.

    Args:
        names: PAIR, or that of the http_secret.

    Returns:
        The content of the file before and after.
    """
    from ctl.cli.loading import changing, load_for_command, machine
    from ctl.converge.atomic import write_atomic
    from ctl.settings.secrets.secrets_file import Secrets

    path = ctx.layout.secrets_file
    with changing(ctx, machine(ctx)):
        loaded = load_for_command(ctx)
        before = path.read_bytes()
        if is_pending(loaded.attributes, names):
            ctx.console.note("a rotation was cut off: it is finished")
            return before, before
        after = Secrets.read(path).with_registry(dict(zip(names, made(names), strict=True)))
        write_atomic(path, after, mode=0o600)
    return before, after


def made(names: tuple[str, ...]) -> tuple[str, ...]:
    """New secrets of these names."""
    from ctl.settings.secrets.secrets_file import new_http_secret
    from ctl.settings.secrets.token_pair import make_pair

    if names != PAIR:
        return (new_http_secret(),)
    pair = make_pair()
    return pair.key, pair.certificate


def refuse_given(loaded: Loaded, names: tuple[str, ...]) -> None:
    """Only what ctl has made can be made anew by it.

    Raises:
        UsageFault: it is given in the settings, or may not be written.
        CtlError: there is none yet.
    """
    from ctl.settings.attributes import OriginKind

    for name in (*names, *(("gitlab_rails.internal_key",) if names == PAIR else ())):
        origin = loaded.attributes.origin(name)
        if origin.kind is OriginKind.FILE:
            raise UsageFault(
                f"{origin}: {name} is given in the settings, which win",
                hint="Change it there, of a pair both halves, and run `ctl reconfigure`: tokens of the former key are "
                "accepted for ten more minutes, and uploads under way go on, too.",
            )
    if not loaded.secrets.persistent:
        raise UsageFault('package["generate_secrets_json_file"] is False: secrets may not be written')
    if loaded.secrets.new or not loaded.secrets.stored(names[-1].removeprefix("registry.")):
        raise CtlError(f"there is no {names[-1]} yet", hint="`ctl reconfigure` makes it.")


def is_pending(attributes: Attributes, names: tuple[str, ...]) -> bool:
    """Whether the secrets file has one that the registry does not have yet."""
    from ctl.node.overlap import certificates, der, text_of
    from ctl.settings.secrets.deployed import http_secret

    if not attributes.registry.enable:
        return False
    if names != PAIR:
        found = http_secret(Path(attributes.registry.dir) / "config.yml")
        return found is not None and found.text != attributes.registry.http_secret
    deployed = {der(one) for one in certificates(text_of(Path(attributes.registry.rootcertbundle)))}
    wanted = {der(one) for one in certificates(attributes.registry.internal_certificate)}
    return bool(deployed) and not wanted & deployed


def put_back(ctx: Context, path: Path, contents: tuple[bytes, bytes]) -> None:
    """The former secrets, after a run that failed and was undone; unless somebody has changed the file since."""
    from ctl.converge import run_lock
    from ctl.converge.atomic import write_atomic

    before, after = contents
    with run_lock(ctx.layout):
        if path.read_bytes() == after and before != after:
            write_atomic(path, before, mode=0o600)
            ctx.console.note(f"{path}: has the former secrets again")


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
