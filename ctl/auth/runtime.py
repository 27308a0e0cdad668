"""What the issuer's service runs on: this Python and this code, by absolute paths; and whether its account may."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ctl.converge.inspect import STAND_IN_ID, group_id, user_ids
from ctl.errors import PreflightError
from ctl.machine.access import may
from ctl.machine.python import origins, runtime
from ctl.node.node import Node

NEEDED = ("uvicorn", "httptools", "josepy", "cryptography", "bcrypt")
"""Packages that the issuer imports."""


def refuse_unreachable(node: Node) -> None:
    """The issuer's account must get at this Python, at its code, and at the folder of the accounts.

    Raises:
        PreflightError: it cannot; names what is in the way.
    """
    if not node.privileged or not node.attributes.registry_auth.enable:
        return
    auth, found = node.attributes.registry_auth, runtime(NEEDED)
    readable = [Path(os.__file__), found.code / "auth/__main__.py", *map(Path, origins(NEEDED))]
    accounts = next(one for one in Path(auth.accounts_file).parents if one.is_dir())
    tests = [("-x", found.python), *(("-r", path) for path in readable), ("-x", accounts)]
    if _may(node, tests):
        return
    path = next(path for access, path in tests if not _may(node, [(access, path)]))
    if path == accounts:
        _refuse_accounts(node, path)
    raise PreflightError(
        f"the token issuer cannot run as user {auth.username}: {_blocking(node, path)} keeps it from {path}",
        hint="Install ctl with install.sh, which puts it where every account may read it; or let another program "
        'issue tokens: registry_auth["enable"] = False',
    )


def _refuse_accounts(node: Node, folder: Path) -> None:
    blocking = _blocking(node, folder)
    user = node.attributes.registry_auth.username
    raise PreflightError(
        f"user {user} cannot reach the accounts in {folder}: it may not enter {blocking} (no x permission)",
        hint=f"Run: chmod o+x {blocking}",
    )


def _blocking(node: Node, path: Path) -> Path:
    """The outermost folder on the way that does not let the account through; else the path itself."""
    real = path.resolve()
    ways = [*reversed(path.parents), *reversed(real.parents)]
    return next((one for one in ways if not _may(node, [("-x", one)])), path)


def _may(node: Node, tests: Iterable[tuple[str, Path]]) -> bool:
    auth = node.attributes.registry_auth
    return may(node.programs.chpst, _account(auth.username, auth.group), *tests)


def _account(user: str, group: str) -> str:
    """For chpst; numbers that nobody has where this run is to make the account."""
    ids = user_ids(user)
    if ids is None:
        return f":{STAND_IN_ID}:{STAND_IN_ID}"
    found = group_id(group)
    return f":{ids[0]}:{ids[1] if found is None else found}"
