"""A file system that hangs, as one of a server that is gone: every look into it waits for ever."""

from __future__ import annotations

import os
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_INIT, _HEADER, _ANSWER = 26, "<IIQQ", "<IIIIHHIIHHI28x"
"""FUSE_INIT, the beginning of a request, and the answer to it (include/uapi/linux/fuse.h)."""


@contextmanager
def hanging(folder: Path) -> Iterator[None]:
    """Mount one over a folder; needs root. Skips the test where the machine allows no such mount."""
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    command = ["mount", "--internal-only", "-t", "fuse", "-o", options, "hanging", str(folder)]
    mounted = subprocess.run(command, pass_fds=[device], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        os.close(device)
        pytest.skip(f"no FUSE here: {mounted.stderr.strip()}")
    threading.Thread(target=_begin, args=(device,), daemon=True).start()
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        os.close(device)


def _begin(device: int) -> None:
    """Take up the connection, and answer nothing else."""
    with suppress(OSError):
        request = os.read(device, 1 << 18)
        _, operation, unique, _ = struct.unpack_from(_HEADER, request)
        assert operation == _INIT
        major, minor, ahead, _ = struct.unpack_from("<IIII", request, 40)
        body = struct.pack(_ANSWER, major, min(minor, 31), ahead, 0, 12, 10, 1 << 17, 1, 32, 0, 0)
        os.write(device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
