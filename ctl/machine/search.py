"""Finds programs: on PATH, then in the system's folders, which an ordinary user's PATH leaves out."""

from __future__ import annotations

import os
from pathlib import Path

from ctl.distribution import distribution
from ctl.errors import UnsafeProgram
from ctl.machine.trusted import unsafe

SYSTEM_PATH = distribution().path
"""PATH of programs that must not depend on the caller's."""


def find_program(*names: str) -> Path | None:
    """The first of some programs that is there: an absolute path, or a name on PATH and the system's folders.

    Raises:
        UnsafeProgram: another account can change it.
    """
    import shutil  # imported here because it loads its compressors

    path = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_PATH])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return _trusted(Path(found))
    return None


def _trusted(program: Path) -> Path:
    found = unsafe(program)
    if found:
        raise UnsafeProgram(f"{program} {found.message}", hint=found.hint)
    return program
