"""Files that say that the registry must be read-only; `ctl status` reads them without the control of services."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ctl.paths import Layout


def read_only_file(layout: Layout) -> Path:
    """The file by whose lock the run script knows that the registry must be read-only."""
    return layout.state / "read-only.lock"


def hold_file(layout: Layout) -> Path:
    """The note of a migration of the storage that lets the registry refuse pushes."""
    return layout.state / "storage-migration" / "hold.json"


def read_only_left(layout: Layout) -> bool:
    """Whether a collection in read-only mode was killed, and the registry may still refuse pushes."""
    try:
        descriptor = os.open(read_only_file(layout), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return takes_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def takes_lock(descriptor: int, kind: int) -> bool:
    """Take a lock of a file (flock) if nobody is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
