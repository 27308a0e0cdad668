"""A Linux that runs as a process, with an NFS server and a client of it. `sh tests/nfs.sh` fetches what it needs."""

from __future__ import annotations

import subprocess
import tempfile

import pytest

from tests.harness.people import CHECKOUT

_TOOLS = CHECKOUT / ".cache/nfs"
_INIT = CHECKOUT / "tests/harness/nfs_init.sh"


def on_nfs(script: str) -> str:
    """Run a script where TMPDIR is on NFS. Returns what it printed, with its exit status; skips where there is no NFS.

    Args:
        script: for sh; it sees the machine's files, but not those in /dev, /run and /mnt.
    """
    program = _TOOLS / "usr/bin/linux.uml"
    if not program.exists():
        pytest.skip("no NFS: run `sh tests/nfs.sh`")
    kernel = ["mem=900M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={_INIT}"]
    console = ["con=null", "con0=fd:0,fd:1", "quiet"]
    with tempfile.NamedTemporaryFile("w", dir=_TOOLS, suffix=".sh") as file:
        file.write(script)
        file.flush()
        command = [str(program), *kernel, *console, f"TOOLS={_TOOLS}", f"SCRIPT={file.name}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    return done.stdout + done.stderr
