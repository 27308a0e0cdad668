"""What services in Python run on: this Python and this code, by absolute paths."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ctl
from ctl.errors import PreflightError


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


def runtime(needed: Iterable[str] = ()) -> Runtime:
    """The Python and the code that run now.

    Args:
        needed: packages that the service imports beside the standard library.

    Raises:
        PreflightError: one of them is missing.
    """
    return Runtime(python(), Path(ctl.__file__).resolve().parent, os.pathsep.join(_packages(needed)))


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


def _packages(needed: Iterable[str]) -> list[str]:
    """Folders of the code and of what it imports, less those in which the interpreter looks anyway."""
    usual = {str(Path(one).resolve()) for one in site.getsitepackages()}
    folders = [Path(ctl.__file__).resolve().parents[1]]
    folders += [Path(origin).parents[1] for origin in origins(needed)]
    found = (str(folder) for folder in folders if str(folder.resolve()) not in usual)
    return list(dict.fromkeys(found))


def origins(needed: Iterable[str]) -> Iterable[str]:
    """The file of each package. Raises PreflightError where one is missing."""
    for name in needed:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise PreflightError(f"the Python package {name} is missing", hint="Install ctl with install.sh.")
        yield spec.origin
