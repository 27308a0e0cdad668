"""Tests' folders in memory, where there is room: making and removing them on a disk was a tenth of the fast tests."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 8 << 30
"""In a container it may be as small as 64 MB."""


def folders_in_memory() -> None:
    """Send temporary folders there, unless TMPDIR says where they should be."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and _is_roomy(os.statvfs(_MEMORY)):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _is_roomy(found: os.statvfs_result) -> bool:
    """Whether programs can run there, and large images have room."""
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize > _ENOUGH
