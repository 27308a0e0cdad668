"""The token issuer of a registry without GitLab: its account, configuration and service.

Its key comes with the registry's certificate, as one pair (recipe token_pair); its accounts from `ctl user` and
`ctl token`. Both stay where the issuer is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.auth.decisions import OF_ANYBODY
from ctl.auth.runtime import NEEDED, refuse_unreachable
from ctl.auth.wanted import wanted_config
from ctl.converge import Absent, Directory, File, FileRights, Item, restart
from ctl.machine.python import runtime
from ctl.machine.search import SYSTEM_PATH
from ctl.node.graceful_service import master, sockets
from ctl.node.node import Node
from ctl.node.runit_service import REFUSED, as_user, component_account, runit_service, script
from ctl.settings.components.registry_auth import ISSUER as COMPONENT
from ctl.settings.rules.token_issuer import issuer_through_socket

DRAIN = 60
"""Seconds in which a replaced process must have ended: its requests take some tenths, in a flood 20."""


def preflight(node: Node) -> None:
    """Its account gets at this Python, at its code, and at the folder of the accounts."""
    refuse_unreachable(node)


def recipe(node: Node) -> Iterator[Item]:
    """Its account, under which nothing else may read the key, its configuration and its service."""
    yield from component_account(node, COMPONENT)
    yield from configuration(node)
    yield from service(node)


def configuration(node: Node) -> Iterator[Item]:
    """Its folder and configuration, and that it may read the accounts; it may write nothing."""
    auth = node.attributes.registry_auth
    yield Directory(Path(auth.dir), owner="root", group=auth.group, mode=0o750)
    yield File(
        config_file(node),
        content=wanted_config(node).render(),
        owner="root",
        group=auth.group,
        mode=0o640,
        notifies=(restart(COMPONENT.name),),
    )
    yield FileRights(
        Path(auth.accounts_file), owner="root", group=auth.group, mode=0o640, known_by=holds_accounts
    )


def holds_accounts(data: bytes) -> bool:
    """Whether a file's content is accounts, which `ctl user` wrote or an administrator brought along."""
    from ctl.auth.accounts_file import BrokenAccounts, parse_accounts  # rarely needed, and slow to import

    try:
        parse_accounts(data, "")
    except BrokenAccounts:
        return False
    return True


def config_file(node: Node) -> Path:
    """Where its configuration is."""
    return Path(node.attributes.registry_auth.dir) / "config.json"


def service(node: Node) -> Iterator[Item]:
    """The supervised process, under its own account: the Python and the code that run now."""
    auth, found = node.attributes.registry_auth, runtime(NEEDED)
    graceful = Path(auth.socket_directory) if issuer_through_socket(node.attributes) else None
    serve = node.layout.sv / COMPONENT.name / "serve"
    variables: dict[str, object] = {
        "path": SYSTEM_PATH,
        "python": found.python,
        "code": found.code,
        "packages": found.packages,
        "home": auth.dir,
        "config": config_file(node),
        "graceful": graceful,
        "programs": node.programs,
        "definition": node.layout.sv / COMPONENT.name,
        "as_user": as_user(node, COMPONENT),
    }
    if graceful:
        variables |= master(node, serve, graceful, directory=auth.dir, drain=DRAIN)
        yield from sockets(graceful, auth.username, auth.group)
        yield script(serve, "registry_auth/serve.j2", variables, restart(COMPONENT.name))
    else:
        yield Absent(serve)
    yield from runit_service(
        node,
        COMPONENT,
        "graceful/run.j2" if graceful else "registry_auth/serve.j2",
        variables=variables,
        unlogged=OF_ANYBODY,
        apart={REFUSED: [f"+{one}" for one in OF_ANYBODY]},
        graceful=graceful,
    )
