"""Taking ctl off a machine: services and programs go, data only where that is asked for; what stays is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.written import Written
from ctl.distribution import distribution
from ctl.distribution.base import account_exists
from ctl.machine.search import SYSTEM_PATH, find_program
from ctl.paths import Layout
from ctl.services.runit import Runit
from ctl.services.supervisor import SYSTEMD_RUNS, UNIT
from ctl.settings.attributes import Attributes
from ctl.settings.checks.accounts import accounts
from ctl.settings.component import Component

HOME = Path("/opt/registry-ctl")
"""Where install.sh puts ctl, and what its links lead to."""
LINKS = ("/usr/local/bin/ctl", "/usr/local/bin/gitlab-ctl", "/usr/local/bin/registry")
UNIT_FILE = Path("/etc/systemd/system") / UNIT
EMBEDDED = Path("/opt/gitlab/embedded")
OTHERS = ("/usr/local/share/man/man8/ctl.8", "/usr/local/share/bash-completion/completions/ctl")
CRON = "/etc/cron.d"


@dataclass(frozen=True)
class Left:
    """Something that stays.

    Args:
        what: in words.
        path: where; None for what is not in one place.
    """

    what: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.path} ({self.what})" if self.path else self.what


def end_services(layout: Layout, runit: Runit) -> None:
    """Stop every service, and the supervisor.

    Raises:
        CtlError: one does not end.
    """
    for name in runit.names():
        if runit.running(name):
            runit.stop(name)
    runit.end_supervisor()


def remove_services(layout: Layout) -> Iterator[Path]:
    """Remove the definitions of services that ctl wrote, with runsv's own files, and the links to them.

    Of their environments, and of cron files, what nobody has changed.

    Yields:
        Each path that is gone.
    """
    written = Written.read(layout)
    names = {path.relative_to(layout.sv).parts[0] for path in written.entries if _below(path, layout.sv)}
    for name in sorted(names):
        link = layout.service / name
        if link.is_symlink():
            link.unlink()
            yield link
        if (layout.sv / name).is_dir():
            shutil.rmtree(layout.sv / name)
            yield layout.sv / name
    programs = layout.sv.parent
    for path in written.entries:
        ours = path.parent == layout.path(CRON) or _below(path, programs)
        if ours and written.unchanged(path):
            path.unlink()
            yield path
    places = {one for path in (*written.entries, layout.service, layout.sv) for one in (path, *path.parents)}
    for folder in sorted((one for one in places if _below(one, programs)), reverse=True):
        yield from _remove_empty(folder)


def _below(path: Path, folder: Path) -> bool:
    return path != folder and path.is_relative_to(folder)


def _remove_empty(folder: Path) -> Iterator[Path]:
    (folder / ".forced-rescan").unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        yield folder


def remove_programs() -> Iterator[Path]:
    """Remove what install.sh put on this machine; links that lead elsewhere stay. Yields each path that is gone."""
    if UNIT_FILE.is_file():
        if SYSTEMD_RUNS.is_dir():
            _systemctl("disable", "--now", UNIT)
        yield from _unlink(UNIT_FILE)
        if SYSTEMD_RUNS.is_dir():
            _systemctl("daemon-reload")
    for link in map(Path, LINKS):
        if link.is_symlink() and link.readlink().is_relative_to(HOME):
            yield from _unlink(link)
    for link in (EMBEDDED / "bin").glob("*"):
        if link.is_symlink():
            yield from _unlink(link)
    for folder in (EMBEDDED / "bin", EMBEDDED, EMBEDDED.parent):
        yield from _remove_empty(folder)
    for path in map(Path, OTHERS):
        yield from _unlink(path)
    if HOME.is_dir():
        shutil.rmtree(HOME)
        yield HOME


def _systemctl(*arguments: str) -> None:
    program = find_program("systemctl")
    if program:
        subprocess.run([program, "--quiet", *arguments], check=False, env={"PATH": SYSTEM_PATH})


def _unlink(path: Path) -> Iterator[Path]:
    if os.path.lexists(path):
        path.unlink()
        yield path


def remove_data(layout: Layout) -> Iterator[Path]:
    """Remove settings, secrets, data, images and logs, and what ctl wrote elsewhere and nobody has changed since.

    Yields:
        Each path that is gone.
    """
    written = Written.read(layout)
    trees = (layout.data, layout.logs, layout.settings_file.parent)
    elsewhere = [path for path in written.entries if not any(path.is_relative_to(one) for one in trees)]
    for path in elsewhere:
        if written.unchanged(path):
            path.unlink()
            yield path
    for tree in trees:
        if tree.is_dir():
            shutil.rmtree(tree)
            yield tree


def left_by_uninstall(
    layout: Layout, attributes: Attributes | None, components: Iterable[Component]
) -> Iterator[Left]:
    """What stays after services and programs have gone.

    Args:
        layout: of the root.
        attributes: what the settings say; None where they cannot be read.
        components: whose accounts there may be.
    """
    yield from _there(
        Left("settings, secrets, certificates, accounts of the registry", layout.settings_file.parent),
        Left("data of the services", layout.data),
        Left("logs", layout.logs),
    )
    yield from left_by_cleanse(layout, attributes, components)


def left_by_cleanse(
    layout: Layout, attributes: Attributes | None, components: Iterable[Component]
) -> Iterator[Left]:
    """What stays after data has gone, too: images in other places, changed files, trust, accounts, packages."""
    trees = (layout.data, layout.logs, layout.settings_file.parent, layout.sv, layout.service)
    if attributes is not None and attributes.registry.enable:
        yield from _images(layout, attributes)
    for path in sorted(Written.read(layout).entries):
        if path.is_file() and not any(map(path.is_relative_to, trees)):
            yield Left("written by ctl", path)
    if not layout.is_machine:
        return
    yield from _there(Left("by it this machine trusts the local CA", distribution().ca_own))
    if attributes is not None and attributes.manage_accounts.enable:
        found = sorted(
            {one.username for _, one in accounts(components, attributes) if account_exists(one.username)}
        )
        yield from (
            [Left(f"the accounts {', '.join(found)}: {distribution().remove_user('NAME')[0]}")]
            if found
            else []
        )
    yield Left("packages: nginx, runit, logrotate and the registry program")


def _images(layout: Layout, attributes: Attributes) -> Iterator[Left]:
    filesystem = attributes.registry.storage.get("filesystem")
    if filesystem is None:
        driver = next(iter(attributes.registry.storage), "storage")
        yield Left(f"images, in the storage of the driver {driver}")
    elif not (place := Path(filesystem["rootdirectory"])).is_relative_to(layout.data):
        yield from _there(Left("images", place))


def _there(*candidates: Left) -> Iterator[Left]:
    return (one for one in candidates if one.path and os.path.lexists(one.path))
