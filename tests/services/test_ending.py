"""What a process says of its own end."""

from __future__ import annotations

import os
import subprocess

import pytest

from ctl.services.ending import VARIABLE, promised


@pytest.mark.parametrize(("value", "seconds"), [("180", 180), ("", 0), ("soon", 0), (None, 0)])
def test_what_it_was_given(value: str | None, seconds: int) -> None:
    environment = {} if value is None else {VARIABLE: value}
    process = subprocess.Popen(["/bin/cat"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"started\n")
    process.stdin.flush()
    process.stdout.readline()  # by now its environment is its own
    try:
        assert promised(process.pid) == seconds
    finally:
        process.communicate()
    assert promised(process.pid) == 0, "it has ended"


def test_no_process_has_no_reason() -> None:
    assert promised(None) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_others_may_not_see() -> None:
    assert promised(1) == 0
