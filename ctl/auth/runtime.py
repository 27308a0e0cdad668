"""What the issuer's service runs on: this Python and this code, by absolute paths; and whether its account may."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ctl
from ctl.converge.inspect import STAND_IN_ID, group_id, user_ids
from ctl.errors import PreflightError
from ctl.machine.access import may
from ctl.node.node import Node

NEEDED = ("uvicorn", "httptools", "josepy", "cryptography", "bcrypt")
"""Packages that the issuer imports."""


@dataclass(frozen=True)
class Runtime:
    """What the service runs on.

    Args:
        python: the interpreter.
        code: this version's package, links resolved; when it changes, the service must begin anew.
        packages: folders for PYTHONPATH, where the interpreter does not look by itself; "" for none.
    """

    python: Path
    code: Path
    packages: str


def runtime() -> Runtime:
    """The Python and the code that run now."""
    return Runtime(python(), Path(ctl.__file__).resolve().parent, os.pathsep.join(_packages()))


def python() -> Path:
    """This Python, by a link beside its environment where there is one, as install.sh makes it.

    An upgrade moves that link and removes the old environment: the service can then still be started.
    """
    prefix = Path(sys.prefix)
    executable = Path(sys.executable).absolute()
    if sys.prefix == sys.base_prefix or not executable.is_relative_to(prefix):
        return executable
    link = prefix.parent / "venv"
    if link.is_symlink() and link.resolve() == prefix.resolve():
        return link / executable.relative_to(prefix)
    return executable


def _packages() -> list[str]:
    """Folders of the code and of what it imports, less those in which the interpreter looks anyway."""
    usual = {str(Path(one).resolve()) for one in site.getsitepackages()}
    folders = [Path(ctl.__file__).resolve().parents[1]]
    folders += [Path(origin).parents[1] for origin in _origins()]
    found = (str(folder) for folder in folders if str(folder.resolve()) not in usual)
    return list(dict.fromkeys(found))


def _origins() -> Iterable[str]:
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise PreflightError(f"the Python package {name} is missing, which the token issuer needs")
        yield spec.origin


def refuse_unreachable(node: Node) -> None:
    """The issuer's account must get at this Python, at its code, and at the folder of the accounts.

    Raises:
        PreflightError: it cannot; names what is in the way.
    """
    if not node.privileged or not node.attributes.registry_auth.enable:
        return
    auth, found = node.attributes.registry_auth, runtime()
    readable = [Path(os.__file__), found.code / "auth/__main__.py", *map(Path, _origins())]
    accounts = next(one for one in Path(auth.accounts_file).parents if one.is_dir())
    tests = [("-x", found.python), *(("-r", path) for path in readable), ("-x", accounts)]
    if _may(node, tests):
        return
    path = next(path for access, path in tests if not _may(node, [(access, path)]))
    if path == accounts:
        _refuse_accounts(node, path)
    raise PreflightError(
        f"the token issuer cannot run as user {auth.username}: {_blocking(node, path)} keeps it from {path}",
        hint="install ctl with install.sh, which puts it where every account may read it; or let another program "
        'issue tokens: registry_auth["enable"] = False',
    )


def _refuse_accounts(node: Node, folder: Path) -> None:
    blocking = _blocking(node, folder)
    raise PreflightError(
        f"user {node.attributes.registry_auth.username} cannot reach the accounts in {folder}: {blocking} lets it "
        "not through",
        hint=f"chmod o+x {blocking}",
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
