"""`ctl uninstall` and `ctl cleanse`: take services and programs off the machine, or data too."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, always, command
from ctl.errors import CtlError, UsageFault

if TYPE_CHECKING:
    from ctl.node.removal import Left
    from ctl.settings.attributes import Attributes

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@command(needs_root=always)
@AS_JSON
def uninstall(ctx: Context, *, as_json: bool) -> None:
    """Remove services and ctl; data stays.

    Stops every service and the supervisor, and removes what ctl and install.sh put on the machine: definitions
    of services, cron files, the systemd unit, ctl itself and its links. Settings, secrets, images and logs stay:
    after install.sh the registry is there again. With --root only the services of that root are removed.
    """
    from ctl.node import removal
    from ctl.settings.components import COMPONENTS

    _begin(ctx)
    attributes = _attributes(ctx)
    with _locked(ctx):
        _end_services(ctx)
        gone = list(removal.remove_services(ctx.layout))
    left = list(removal.left_by_uninstall(ctx.layout, attributes, COMPONENTS))
    if ctx.layout.is_machine:
        gone += removal.remove_programs()
    _report(ctx, gone, left, as_json=as_json)


@command(needs_root=always)
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
def cleanse(ctx: Context, *, yes: bool, as_json: bool) -> None:
    """Delete all data, after a backup of the settings.

    Deletes settings, secrets, certificates, accounts of the registry, images on this machine and logs, and stops
    and removes the services. ctl itself stays. /etc/gitlab is archived first, below /root; images are not.
    """
    from ctl.node import removal
    from ctl.node.backup import EtcBackup
    from ctl.settings.components import COMPONENTS

    _begin(ctx)
    _ask(ctx, yes=yes)
    attributes = _attributes(ctx)
    saved = None
    if ctx.layout.settings_file.parent.is_dir():
        folder = ctx.layout.path("/root") / time.strftime("gitlab-cleanse-%Y-%m-%dT%H-%M-%S")
        saved = EtcBackup(ctx.layout, folder).take(time.time())
        ctx.console.note(f"saved {saved}")
    with _locked(ctx):
        _end_services(ctx)
        gone = list(removal.remove_services(ctx.layout))
        left = list(removal.left_by_cleanse(ctx.layout, attributes, COMPONENTS))
        gone += removal.remove_data(ctx.layout)
    _report(ctx, gone, [one for one in left if one.path not in gone], as_json=as_json, saved=saved)


def _begin(ctx: Context) -> None:
    from ctl.cli.recovery import recover_first
    from ctl.node.preflight import refuse_foreign_root

    refuse_foreign_root(ctx.layout)
    recover_first(ctx)


def _ask(ctx: Context, *, yes: bool) -> None:
    """Raises UsageFault where nobody can be asked, and click.Abort where the answer is no."""
    if yes:
        return
    layout = ctx.layout
    folders = f"{layout.settings_file.parent}, {layout.data} (images included) and {layout.logs}"
    if not sys.stdin.isatty():
        raise UsageFault(f"cleanse deletes {folders}", hint="To do so without being asked: ctl cleanse --yes")
    click.confirm(f"Delete {folders}?", abort=True, err=True)


def _attributes(ctx: Context) -> Attributes | None:
    """What the settings say; what is installed must go also where they are wrong."""
    from ctl.settings.load import load

    try:
        return load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    except CtlError as error:
        ctx.console.note(f"note: the settings cannot be used: {error.message.splitlines()[0]}")
        return None


def _locked(ctx: Context) -> nullcontext[None]:
    from ctl.converge.lock import run_lock

    return run_lock(ctx.layout) if ctx.layout.state.is_dir() else nullcontext()  # type: ignore[return-value]


def _end_services(ctx: Context) -> None:
    """End them, and the trial of a run: going back would set them up again."""
    from ctl.node.removal import end_services
    from ctl.node.trial import end
    from ctl.services.runit import Runit

    end(ctx.layout)
    end_services(ctx.layout, Runit(ctx.layout, note=ctx.console.note))


def _report(
    ctx: Context, gone: Sequence[Path], left: Iterable[Left], *, as_json: bool, saved: Path | None = None
) -> None:
    if as_json:
        names = [{"what": one.what, "path": one.path} for one in left]
        ctx.console.result_json({"removed": list(gone), "left": names, "backup": saved})
        return
    for path in gone:
        ctx.console.result(f"removed: {path}")
    for one in left:
        ctx.console.result(f"left: {one}")
    if not gone:
        ctx.console.say("nothing was installed")
