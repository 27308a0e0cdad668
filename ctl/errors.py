"""Errors that reach a user: each carries what is wrong, what to do, and the exit code of the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_LOCKED = 75
USE_SUDO = "Run the command with sudo."
"""The hint wherever rights are missing."""


class CtlError(Exception):
    """A failure that is reported to the user in plain words, without a traceback.

    Args:
        message: what is wrong, and where.
        hint: what to do about it, or None where the message already says so.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def as_json(error: CtlError | Interrupted | OSError) -> dict[str, object]:
    """What a command that reports in JSON prints of its failure.

    Returns:
        error: what is wrong; hint: what to do, or None; diagnostics: of wrong settings, one for each mistake.
    """
    if isinstance(error, OSError):
        error = of_system(error)
    diagnostics = getattr(error, "diagnostics", None)
    more = {} if diagnostics is None else {"diagnostics": [one.as_json() for one in diagnostics]}
    return {"error": error.message, "hint": error.hint, **more}


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the system are about this file: writing to a descriptor, or below one, does not know its name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def os_error(error: OSError) -> str:
    """An error of the system in words."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def of_system(error: OSError) -> CtlError:
    """An error of the system as one of ctl's: with a hint where rights are missing."""
    lacking = isinstance(error, PermissionError) and os.geteuid() != 0
    return CtlError(os_error(error), hint=USE_SUDO if lacking else None)


class Interrupted(BaseException):
    """The run was asked to end by a signal (exit 128 + its number, as shells do it).

    No Exception: whoever handles the errors of a server or a file must not take it for one of these.

    Args:
        name: of the signal.
        number: of the signal.
        hint: what is done and what is not.
    """

    def __init__(self, name: str, number: int, hint: str) -> None:
        super().__init__(name)
        self.message = f"interrupted by {name}"
        self.hint = hint
        self.exit_code = 128 + number


def no_right_to_read(path: object) -> CtlError:
    """The error of a file that this user may not read: rights are no fault of what is in it, so exit status 1."""
    return CtlError(f"{path} may not be read by this user", hint=USE_SUDO)


class UsageFault(CtlError):
    """The command line asks for something that does not exist or does not go together (exit 2)."""

    exit_code = EXIT_USAGE


class OutputFailed(CtlError):
    """Nothing can be printed: a full disk behind standard output (exit 1)."""


class PreflightError(CtlError):
    """The machine is not ready for the run; nothing was changed (exit 1)."""


class UnsafeProgram(PreflightError):
    """A program that root would run may be changed by other accounts."""


class ValidationError(CtlError):
    """A program refused the files of the plan; nothing was changed (exit 1)."""


class RunFailed(CtlError):
    """A run failed after it began to change things; what it changed was undone (exit 1)."""


class LockHeld(CtlError):
    """Another run holds the lock of this root (exit 75)."""

    exit_code = EXIT_LOCKED
