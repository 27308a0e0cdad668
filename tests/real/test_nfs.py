"""Collections of a storage on NFS: a real server and a real client of it."""

from __future__ import annotations

import sys

import pytest

from tests.harness.nfs import on_nfs
from tests.harness.people import CHECKOUT

pytestmark = pytest.mark.real

TESTS = ("collection", "reading", "remembered", "interrupted", "no_repository")
"""Files of tests/collector that need no program."""


def test_a_collection_on_nfs_does_as_on_a_disk() -> None:
    files = " ".join(f"tests/collector/test_{name}.py" for name in TESTS)
    out = on_nfs(
        f"cd {CHECKOUT}\n"
        "stat -f -c 'kind: %T' $TMPDIR\n"
        f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:xdist --basetemp=$TMPDIR/tests {files}\n"
    )
    assert "kind: nfs" in out, out
    assert " passed" in out, out
    assert "exit status: 0" in out, out
