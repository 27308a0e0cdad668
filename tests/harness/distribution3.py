"""Distribution 3, the second registry program of the tests; `tests/distribution3.sh` builds it."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from tests.harness.people import CHECKOUT

VERSION = "3.1.1"
_FOLDER = CHECKOUT / ".cache" / f"registry-{VERSION}"


@functools.cache
def path() -> Path | None:
    """The program, where every account can run it; None where it was not built."""
    built = _FOLDER / "registry"
    if not built.exists():
        return None
    if all(folder.stat().st_mode & 0o001 for folder in built.parents):
        return built
    return _copy(built)


def missing() -> str:
    """Why there is none, for the reason of a skipped test."""
    reported = _FOLDER / "missing"
    reason = reported.read_text().strip() if reported.exists() else "run `sh tests/run.sh --prepare`"
    return f"no Distribution {VERSION}: {reason}"


def _copy(built: Path) -> Path:
    """A copy for this process, as the registry's account may not enter the checkout (/root)."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-registry-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return Path(shutil.copy2(built, folder / "registry"))
