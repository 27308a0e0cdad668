"""What a service has beside runit's where a master restarts it without a failed request (ctl.graceful)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Directory, Item
from ctl.graceful.master import SOCKETS
from ctl.machine.python import runtime
from ctl.machine.search import SYSTEM_PATH
from ctl.node.node import Node


def sockets(folder: Path, username: str, group: str) -> Iterator[Item]:
    """Where NGINX reaches it: the folder of the link is root's, that of the sockets its own.

    Args:
        folder: of the link.
        username, group: the account that the program runs under.
    """
    yield Directory(folder.parent)
    yield Directory(folder, owner="root", group="root", mode=0o711)
    yield Directory(folder / SOCKETS, owner=username, group=group, mode=0o711)


def master(
    node: Node,
    serve: Path,
    folder: Path,
    *,
    directory: str,
    drain: int,
    debug: str | None = None,
    key: str = "",
    pause: float = 0.0,
    deletions: Path | None = None,
) -> dict[str, object]:
    """What the master's run script says beside what every service's does.

    Args:
        node: the machine.
        serve: the script that becomes the program.
        folder: of the link.
        directory: in which the program binds its socket.
        drain: seconds after which a process that was replaced must end.
        debug: the address of the program's debug server.
        key: of the requests that a process alone can answer.
        pause: seconds for which requests to a new process wait for the last answers of the former one.
        deletions: NGINX's log of them.
    """
    return {
        "path": SYSTEM_PATH,
        "runtime": runtime(),
        "serve": serve,
        "directory": directory,
        "folder": folder,
        "group": node.attributes.web_server.group if node.privileged else None,
        "drain": drain,
        "debug": debug,
        "key": key,
        "pause": pause,
        "deletions": deletions,
        "root": node.layout.root,
    }
