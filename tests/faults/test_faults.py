"""Runs broken at system calls, as they come by a seed; `python -m tests.faults.run` breaks more of them."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.run import CALLS, PROGRAMS, campaign

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine"),
]


@pytest.mark.parametrize(
    ("change", "points", "at"),
    [
        ("everything", 8, CALLS),
        ("ports", 3, CALLS),
        ("vhost", 3, CALLS),
        ("key pair", 3, CALLS),
        ("everything", 3, PROGRAMS),
    ],
)
def test_the_next_run_brings_about_one_state(change: str, points: int, at: str) -> None:
    met, failures = campaign(change, "tests", points, at=[at])
    assert met.total() == points
    assert not failures, "\n".join(failures)
