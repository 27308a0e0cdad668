"""Who runs `ctl` in a test: the user who runs the tests, or, when that is root, an ordinary user too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ORDINARY_ID = 65533
_UNNEEDED = shutil.ignore_patterns("mypy*", "ruff*", "pip*", "pytest*", "_pytest", "hypothesis*")


@dataclass(frozen=True)
class Person:
    """A user with a Python that can run `ctl`.

    Args:
        name: for the names of tests: "root" or "ordinary".
        uid, gid: as numbers; no account needs to exist.
        switch: put before a command to run it as this user.
        python: the interpreter.
        pythonpath: where `ctl` and what it needs are.
    """

    name: str
    uid: int
    gid: int
    switch: tuple[str, ...]
    python: str
    pythonpath: str

    @property
    def is_root(self) -> bool:
        """Whether accounts and owners can be changed."""
        return self.uid == 0

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs `ctl` with these arguments as this user."""
        return [*self.switch, self.python, "-m", "ctl", *arguments]


def myself() -> Person:
    """The user who runs the tests."""
    name = "root" if os.geteuid() == 0 else "ordinary"
    return Person(name, os.geteuid(), os.getegid(), (), sys.executable, str(CHECKOUT))


@contextmanager
def ordinary() -> Iterator[Person | None]:
    """An ordinary user: oneself, or as root a number without an account; None where no Python serves it.

    A checkout, its environment and its Python may be in folders that only root can enter (/root): so the
    code is copied (links where the file system allows) and another Python of the same version is taken. What
    was compiled comes along, as an ordinary user's `ctl` would have to compile everything at each call.
    """
    if os.geteuid() != 0:
        yield myself()
        return
    folder = Path(tempfile.mkdtemp(prefix="ctl-code-"))
    try:
        folder.chmod(0o755)
        path = os.pathsep.join((str(_copy_code(folder)), str(_copy_packages(folder))))
        yield _ordinary(path)
    finally:
        shutil.rmtree(folder)


def _ordinary(pythonpath: str) -> Person | None:
    switch = ("setpriv", f"--reuid={ORDINARY_ID}", f"--regid={ORDINARY_ID}", "--clear-groups")
    for python in _pythons():
        probe = [
            *switch,
            "env",
            "-i",
            f"PYTHONPATH={pythonpath}",
            python,
            "-c",
            "import ctl.cli.framework, cryptography, yaml",
        ]
        if subprocess.run(probe, capture_output=True, check=False, cwd="/").returncode == 0:
            return Person("ordinary", ORDINARY_ID, ORDINARY_ID, switch, python, pythonpath)
    return None


def _pythons() -> list[str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    system = [f"{folder}/{version}" for folder in ("/usr/bin", "/usr/local/bin")]
    return [python for python in (sys.executable, *system) if Path(python).exists()]


def _copy_code(folder: Path) -> Path:
    code = folder / "code"
    for name in ("ctl", "recipes", "templates"):
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, code / name, ignore=_UNNEEDED)
    _open_up(code)
    return code


def _copy_packages(folder: Path) -> Path:
    """What the environment's site-packages hold; the tools of development are not included."""
    packages = folder / "packages"
    source = Path(sysconfig.get_paths()["purelib"])
    shutil.copytree(source, packages, ignore=_UNNEEDED, copy_function=_link_or_copy, symlinks=True)
    packages.chmod(0o755)
    return packages


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _open_up(top: Path) -> None:
    """Let everybody read what a strict umask of the checkout closed."""
    for path in (top, *top.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
