"""What must hold whatever bytes come in: an end with little work and memory, in our own words, nothing written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from ctl.errors import CtlError
from ctl.language.source import Diagnostic, SettingsError
from tests.harness.work import TooMuch, at_most

T = TypeVar("T")
CALLS = 4_000_000
"""Calls of functions: about what a second allows. What hangs in one call, libFuzzer's own limit ends."""
MEGABYTES = 200

_WRITING = re.compile(
    r"os\.(rename|remove|mkdir|rmdir|chmod|chown|link|symlink|truncate|utime|mknod|exec|fork|forkpty|posix_spawn|system)"
    r"|subprocess\.Popen|socket\.(connect|bind)|shutil\..*|tempfile\..*"
)
_watching: list[str] | None = None
"""Forbidden events since watching began; None while nothing is watched."""


class Broken(AssertionError):
    """A property does not hold."""


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watching is None:
        return
    if (event == "open" and _opens_to_write(*arguments[1:3])) or _WRITING.fullmatch(event):
        _watching.append(f"{event}{arguments}"[:300])


def _opens_to_write(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return isinstance(flags, int) and bool(flags & writing)


@cache
def _install() -> None:
    """Let Python report what happens; from then on it does for as long as the process lives."""
    sys.addaudithook(_hook)


@contextmanager
def nothing_written() -> Iterator[None]:
    """Break where a file is opened for writing, a name on disk changed, a program run or a host spoken to."""
    global _watching
    _install()
    found: list[str] = []
    _watching = found
    try:
        yield
    finally:
        _watching = None
    if found:
        raise Broken(f"it did more than read: {found[0]}")


@contextmanager
def bounded() -> Iterator[None]:
    """Break where it takes more work or memory than it may."""
    before = _peak()
    try:
        with at_most(CALLS):
            yield
    except TooMuch as found:
        raise Broken(f"it took {found}") from found
    grown = (_peak(reset=False) - before) // 1024
    if grown > MEGABYTES:
        raise Broken(f"it took {grown} MB")


def _peak(*, reset: bool = True) -> int:
    """The most memory that this process had since the last reset, in KiB (proc(5), clear_refs)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def reported_well(job: Callable[[], T], *, placed: bool) -> T | None:
    """Run a job that may refuse its input; break where the refusal is not one that helps.

    Args:
        job: does something with the input.
        placed: whether each error must have a place in a file; else the name of a setting will do.

    Returns:
        What the job gives, or None where it refuses.
    """
    try:
        with nothing_written():
            return job()
    except SettingsError as error:
        if not error.diagnostics:
            raise Broken("it is refused without a reason") from error
        for one in error.diagnostics:
            _check(one, placed=placed)
    except CtlError as error:
        if not error.message.strip() or "/" not in error.message:
            raise Broken(f"no place is reported: {error.message}") from error
    return None


def _check(one: Diagnostic, *, placed: bool) -> None:
    if "too much memory" in one.message:
        raise Broken(str(one))
    if one.location is None and (placed or not (one.setting or one.message)):
        raise Broken(f"no place is reported: {one}")
    if one.location is not None and (one.location.line < 1 or one.location.column < 1):
        raise Broken(f"that is no place: {one}")
    _check_printed(str(one))


def _check_printed(printed: str) -> None:
    if any(not letter.isprintable() and letter not in "\n\t" for letter in printed):
        raise Broken(f"it prints control characters: {printed!r}")
