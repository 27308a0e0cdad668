"""The resources of one supervised service and of its account, for recipes."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ctl.converge import (
    Absent,
    Directory,
    File,
    Group,
    Item,
    OwnedFiles,
    Service,
    Symlink,
    Template,
    User,
    reload,
    restart,
)
from ctl.converge.model import Change, Machine, Notification
from ctl.errors import CtlError
from ctl.machine.ports import excludes
from ctl.node.confinement import as_account, option
from ctl.node.node import Node
from ctl.services.definition import FACTS_FILE, Definition, read_facts
from ctl.settings.component import Account, Component, needs

COMMAND = "runit/run.j2"
"""The run script of a service that is a command and nothing more."""
SVLOGD = {
    "svlogd_size": "s",
    "svlogd_num": "n",
    "svlogd_timeout": "t",
    "svlogd_udp": "u",
    "svlogd_prefix": "p",
}
"""Logging settings, and the letter that begins their line of svlogd's config (svlogd(8), 'CONFIG')."""
REFUSED = "refused"
"""The folder of a log of what was refused, in that of a service's log."""
APART_LIMITS = ("s2000000", "n2")
"""Of a log that any client can fill, in svlogd's words: 6 MB."""
LONGEST_LINE = 65_536
"""Bytes of a line that svlogd compares with patterns; of longer ones it writes the rest as lines of their own."""


def runit_service(
    node: Node,
    service: Component | str,
    run: str | Sequence[object],
    *,
    variables: Mapping[str, object] | None = None,
    wait: int | None = None,
    timestamps: bool = True,
    finish: str | None = None,
    log_group: str | None = None,
    unlogged: Sequence[str] = (),
    apart: Mapping[str, Sequence[str]] = MappingProxyType({}),
    graceful: Path | None = None,
    pid_file: Path | None = None,
    after: Sequence[str] = (),
) -> Iterator[Item]:
    """Everything of one service: its definition, its log, and that the supervisor runs it.

    Args:
        node: the machine.
        service: its declaration, or its name where there is nothing more to declare.
        run: the command that stays in the foreground; or the template of a run script, which must end by
            `exec`-ing one and export CTL_SERVICE, by which ctl knows the process again.
        variables: for that template (and the finish script's); `programs`, `wait`, `definition` (its folder) and
            `as_user` (what follows the options of chpst, to take on its account) are added.
        wait: seconds that it may take to end (draining included) or to answer; by default as declared.
        timestamps: whether svlogd puts the time before each line; False for logs in JSON.
        finish: template of a finish script, or None.
        log_group: the group that may enter the log folder where the settings name none; None: svlogd's own.
        unlogged: patterns of lines that must not enter the log (svlogd(8), 'PATTERN MATCHING').
        apart: small logs beside it, for lines that any client can cause: name of the folder, and patterns with "+" of
            the lines that enter it or "-" of those that do not, of which the last that fits decides.
        graceful: the folder of its sockets, where its process is a master (ctl.graceful).
        pid_file: where the program writes its pid, for one that overwrites its environment.
        after: services that must have taken up their files before, beside those that are declared.
    """
    component = Component(service) if isinstance(service, str) else service
    attributes, name = node.attributes, component.name
    definition, logs = node.layout.sv / name, Path(component.log_folder(attributes, node.layout))
    seconds = component.wait if wait is None else wait
    facts = Definition(
        listen=tuple(node.addresses(component)),
        wait=seconds,
        log=logs,
        signals=component.signals,
        graceful=graceful,
        pid_file=pid_file,
        health=component.checks(attributes, privileged=node.privileged),
        health_seconds=component.seconds_to_health(attributes),
        hands_over=component.hands_over,
        users=_users(node),
    )
    scripts = {
        "programs": node.programs,
        "wait": seconds,
        "definition": definition,
        "as_user": as_user(node, component),
        **({} if isinstance(run, str) else {"command": run}),
        **(variables or {}),
    }
    yield Directory(definition, owner="root", group="root")
    yield script(definition / "run", run if isinstance(run, str) else COMMAND, scripts, restart(name))
    if finish is not None:
        yield script(definition / "finish", finish, scripts)
    yield _facts(definition / FACTS_FILE, facts)
    reread = (reload(f"{name}/log"),)
    yield from log_folder(node, component, group=log_group, unlogged=unlogged, notifies=reread)
    folders = [svlogd_folder(component, logs)]
    for name_apart, patterns in apart.items():
        folders.append(folders[0] / name_apart)
        yield from _apart(node, folders[-1], log_group, patterns, reread)
    longest = LONGEST_LINE if unlogged or apart else None
    yield from _log_service(node, component, folders, timestamps=timestamps, longest=longest)
    yield Service(name, secondary=component.secondary, after=(*needs(node.components, component), *after))


def component_account(node: Node, component: Component) -> Iterator[Item]:
    """The account that a component runs under, unless manage_accounts["enable"] is False.

    Args:
        node: the machine.
        component: its declaration.
    """
    if component.account is None or not node.attributes.manage_accounts.enable:
        return
    account = component.account(node.attributes)
    yield Group(account.group, gid=account.gid)
    yield User(
        account.username,
        group=account.group,
        uid=account.uid,
        home=account.home,
        shell=account.shell,
        shared=not node.layout.is_machine,
    )


def _users(node: Node) -> tuple[str, ...]:
    """The accounts of processes that services start; the timer starts some under each of them."""
    if not node.privileged:
        return ()
    accounts = (one.account(node.attributes).username for one in node.running() if one.account)
    return tuple(dict.fromkeys([*accounts, node.log_account or "root"]))


def as_user(node: Node, component: Component) -> str:
    """What follows the options of chpst(8), to take on the account of a component for good."""
    account = component.account(node.attributes) if component.account else None
    return option(as_account(node, account))


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
        except CtlError:  # damaged: what it listens on is not known, and the file is about to be mended
            return False
        wanted = set(self.definition.listen) - set(held)
        return any(excludes(old, new) for old in held for new in wanted)


def _facts(path: Path, definition: Definition) -> Facts:
    return Facts(path, content=definition.content(), owner="root", group="root", definition=definition)


def script(path: Path, source: str, variables: Mapping[str, object], *notifies: Notification) -> Template:
    """A script that runsv runs with the rights of root, and that nobody else may change."""
    return Template(
        path, source=source, variables=variables, owner="root", group="root", mode=0o755, notifies=notifies
    )


def log_folder(
    node: Node,
    component: Component,
    *,
    group: str | None = None,
    unlogged: Sequence[str] = (),
    notifies: tuple[Notification, ...] = (),
) -> Iterator[Item]:
    """The folder in which svlogd writes, and nobody else: a program that opens logs by name as root has its own.

    Args:
        node: the machine.
        component: whose log.
        group, unlogged: as `runit_service` has them.
        notifies: what must read svlogd's config anew.
    """
    logging, folder = (
        node.attributes[component.logging],
        Path(component.log_folder(node.attributes, node.layout)),
    )
    chosen = logging.get("log_group") or node.attributes.logging.log_group or group
    entitled = str(chosen) if chosen else _group_of(node.log_account)
    if component.writes_logs:
        yield Directory(folder, owner="root", group=entitled, mode=0o750)
        yield Absent(folder / "config")
        beside = svlogd_folder(component, folder)
        yield Symlink(folder / "current", target=f"../{beside.name}/current")
        folder = beside
    yield Directory(folder, owner=node.log_account, group=entitled, mode=0o750)
    yield OwnedFiles(folder, owner=node.log_account, keep=("config",))
    yield Template(
        folder / "config",
        source="runit/log-config.j2",
        variables={"lines": svlogd_lines(logging) + [f"-{pattern}" for pattern in unlogged]},
        owner="root",
        group="root",
        notifies=notifies,
    )


def _apart(
    node: Node, folder: Path, group: str | None, patterns: Sequence[str], notifies: tuple[Notification, ...]
) -> Iterator[Item]:
    """A second log of the same svlogd, with nothing but the lines of some patterns."""
    yield Directory(folder, owner=node.log_account, group=group or _group_of(node.log_account), mode=0o750)
    yield OwnedFiles(folder, owner=node.log_account, keep=("config",))
    yield Template(
        folder / "config",
        source="runit/log-config.j2",
        variables={"lines": [*APART_LIMITS, "-*", *patterns]},
        owner="root",
        group="root",
        notifies=notifies,
    )


def svlogd_folder(component: Component, logs: Path) -> Path:
    """Where svlogd writes: in the log folder, or beside one that only root and the program's group may enter."""
    return logs.with_name(f"{logs.name}-svlogd") if component.writes_logs else logs


def log_command(node: Node, component: Component) -> tuple[str, ...]:
    """What takes lines on standard input and writes them to the log of a component; without one of its own."""
    folder = str(svlogd_folder(component, Path(component.log_folder(node.attributes, node.layout))))
    return (*as_account(node, _log_account(node)), str(node.programs.svlogd), "-tt", folder)


def _log_account(node: Node) -> Account | None:
    return Account(node.log_account, _group_of(node.log_account) or "") if node.log_account else None


def _log_service(
    node: Node, component: Component, folders: Sequence[Path], *, timestamps: bool, longest: int | None
) -> Iterator[Item]:
    definition = node.layout.sv / component.name / "log"
    variables = {
        "programs": node.programs,
        "definition": definition,
        "as_user": option(as_account(node, _log_account(node))),
        "timestamps": timestamps,
        "longest": longest,
        "folders": folders,
    }
    yield Directory(definition, owner="root", group="root")
    yield script(definition / "run", "runit/log-run.j2", variables, restart(f"{component.name}/log"))


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
