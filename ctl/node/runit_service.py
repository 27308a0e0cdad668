"""The resources of one supervised service, for recipes."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctl.converge import Directory, File, Item, Service, Template, reload, restart
from ctl.converge.model import Change, Machine, Notification
from ctl.errors import CtlError
from ctl.node.node import Node
from ctl.services.definition import FACTS_FILE, Definition, read_facts
from ctl.services.ports import excludes

SVLOGD = {
    "svlogd_size": "s",
    "svlogd_num": "n",
    "svlogd_timeout": "t",
    "svlogd_udp": "u",
    "svlogd_prefix": "p",
}
"""Logging settings, and the letter that begins their line of svlogd's config (svlogd(8), 'CONFIG')."""


def runit_service(
    node: Node,
    name: str,
    *,
    run_source: str,
    variables: Mapping[str, object],
    listen: Sequence[str],
    wait: int,
    log_directory: str | Path,
    logging: Mapping[str, object],
    timestamps: bool = True,
    finish_source: str | None = None,
    log_group: str | None = None,
    unlogged: Sequence[str] = (),
) -> Iterator[Item]:
    """Everything of one service: its definition, its log, and that the supervisor runs it.

    Args:
        node: the machine.
        name: of the service.
        run_source: template of its run script, which must end by `exec`-ing the program in the foreground.
        variables: for that template (and the finish script's); `programs` and `wait` are added.
        listen: addresses whose answer means that it is up: "127.0.0.1:5000", "*:443", "unix:/path".
        wait: seconds that it may take to end (draining included) or to answer.
        log_directory: where svlogd writes; `current` inside.
        logging: holds the svlogd_* settings and log_group, for this service (a section of the attributes).
        timestamps: whether svlogd puts the time before each line; False for logs in JSON.
        finish_source: template of a finish script, or None.
        log_group: the group that may enter the log folder where the settings name none; None: svlogd's own.
        unlogged: patterns of lines that are not to enter the log (svlogd(8), 'PATTERN MATCHING').
    """
    definition, logs = node.layout.sv / name, Path(log_directory)
    scripts = {"programs": node.programs, "wait": wait, **variables}
    yield Directory(definition, owner="root", group="root")
    yield _script(definition / "run", run_source, scripts, restart(name))
    if finish_source is not None:
        yield _script(definition / "finish", finish_source, scripts)
    yield _facts(definition / FACTS_FILE, Definition(tuple(listen), wait, logs))
    chosen = logging.get("log_group") or node.attributes.logging.log_group or log_group
    lines = svlogd_lines(logging) + [f"-{pattern}" for pattern in unlogged]
    yield from _log_folder(node, name, logs, lines, group=str(chosen) if chosen else None)
    yield from _log_service(node, name, logs, timestamps=timestamps)
    yield Service(name)


@dataclass(frozen=True, kw_only=True)
class Facts(File):
    """What ctl knows of a service; a new address that the old one is in the way of makes it restart.

    NGINX binds the new addresses of a reload before it closes the old: from *:443 to 127.0.0.1:443 it cannot.

    Args:
        definition: the same as the content.
    """

    definition: Definition

    def plan(self, machine: Machine) -> Change | None:
        """Write it where it differs."""
        change = super().plan(machine)
        if change is None or machine.blank or not self._obstructed():
            return change
        return replace(change, notifies=(*change.notifies, restart(self.path.parent.name)))

    def _obstructed(self) -> bool:
        try:
            held = read_facts(self.path).listen
        except CtlError:  # damaged: what it listens on cannot be told, and the file is about to be mended
            return False
        wanted = set(self.definition.listen) - set(held)
        return any(excludes(old, new) for old in held for new in wanted)


def _facts(path: Path, definition: Definition) -> Facts:
    return Facts(path, content=definition.content(), owner="root", group="root", definition=definition)


def _script(path: Path, source: str, variables: Mapping[str, object], *notifies: Notification) -> Template:
    """A script that runsv runs with the rights of root, and that nobody else may change."""
    return Template(
        path, source=source, variables=variables, owner="root", group="root", mode=0o755, notifies=notifies
    )


def _log_folder(
    node: Node, name: str, folder: Path, lines: Sequence[str], *, group: str | None
) -> Iterator[Item]:
    entitled = group or _group_of(node.log_account)
    yield Directory(folder, owner=node.log_account, group=entitled, mode=0o750)
    yield Template(
        folder / "config",
        source="runit/log-config.j2",
        variables={"lines": lines},
        owner="root",
        group="root",
        notifies=(reload(f"{name}/log"),),
    )


def _log_service(node: Node, name: str, folder: Path, *, timestamps: bool) -> Iterator[Item]:
    definition = node.layout.sv / name / "log"
    variables = {
        "programs": node.programs,
        "account": node.log_account if node.privileged else None,
        "timestamps": timestamps,
        "folder": folder,
    }
    yield Directory(definition, owner="root", group="root")
    yield _script(definition / "run", "runit/log-run.j2", variables, restart(f"{name}/log"))


def svlogd_lines(logging: Mapping[str, object]) -> list[str]:
    """svlogd's config, from the svlogd_* settings; what is not set is left to svlogd.

    Raises:
        CtlError: a value holds a line break, which would become a line of its own.
    """
    lines = [f"{letter}{logging[name]}" for name, letter in SVLOGD.items() if logging[name] is not None]
    if logging["svlogd_filter"]:
        lines.append(f"!{logging['svlogd_filter']}")
    for line in lines:
        if not line.isprintable():
            raise CtlError(f"a svlogd setting holds a control character: {line!r}")
    return lines


def _group_of(account: str | None) -> str | None:
    """The primary group of the account that writes logs; its namesake where there is no such account."""
    if account is None:
        return None
    try:
        return grp.getgrgid(pwd.getpwnam(account).pw_gid).gr_name
    except KeyError:
        return account
