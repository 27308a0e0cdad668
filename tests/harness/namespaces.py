"""Whether this machine lets root have a mount namespace: a chroot does not, nor do some containers."""

from __future__ import annotations

import subprocess
from functools import lru_cache

import pytest


def need_mounts() -> None:
    """Skip the test, with the machine's own reason, where root can have no mount namespace."""
    if why := _missing():
        pytest.skip(f"no mount namespace here: {why}")


@lru_cache
def _missing() -> str:
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or f"unshare ends with {done.returncode}" if done.returncode else ""
