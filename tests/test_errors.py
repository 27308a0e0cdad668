"""Errors name the file and the reason, and carry the exit code."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ctl.errors import CtlError, Interrupted, LockHeld, UsageFault, as_json, naming, os_error


def test_exit_codes() -> None:
    assert [kind("x").exit_code for kind in (CtlError, UsageFault, LockHeld)] == [1, 2, 75]
    assert Interrupted("TERM", 15, "").exit_code == 143


def test_an_error_of_a_descriptor_is_given_its_file() -> None:
    with pytest.raises(OSError, match="No space left") as caught, naming(Path("/etc/a")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert os_error(caught.value) == "/etc/a: No space left on device"
    assert as_json(caught.value) == {"error": "/etc/a: No space left on device", "hint": None}


def test_json_of_a_failure() -> None:
    assert as_json(CtlError("what", hint="do")) == {"error": "what", "hint": "do"}
    assert as_json(Interrupted("TERM", 15, "again")) == {"error": "interrupted by TERM", "hint": "again"}


def test_an_interruption_is_no_ordinary_exception() -> None:
    assert not issubclass(Interrupted, Exception)
