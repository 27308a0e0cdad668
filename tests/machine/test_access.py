"""What an account may do is asked of the kernel, on the whole way to a file."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ctl.machine.access import may

CHPST = shutil.which("chpst", path="/usr/bin:/bin")
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or CHPST is None, reason="only root may take on an account, and chpst does it"
)


def test_every_test_must_pass() -> None:
    chpst = Path(CHPST or "")
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), Path(name, "file")
        file.touch(0o644)
        folder.chmod(0o755)
        assert may(chpst, "nobody", ("-r", file), ("-x", folder))
        assert not may(chpst, "nobody", ("-r", file), ("-w", file))
        folder.chmod(0o700)
        assert not may(chpst, "nobody", ("-r", file))
        assert may(chpst, "root", ("-r", file), ("-w", file))
        assert not may(chpst, "no-such-account", ("-r", file))
