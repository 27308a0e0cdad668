"""Errors that reach a user: each carries what is wrong, what to do, and the exit code of the process."""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_LOCKED = 75


class CtlError(Exception):
    """A failure that is told to the user in plain words, without a traceback.

    Args:
        message: what is wrong, and where.
        hint: what to do about it, or None where the message already says so.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageFault(CtlError):
    """The command line asks for something that does not exist or does not go together (exit 2)."""

    exit_code = EXIT_USAGE


class PreflightError(CtlError):
    """The machine is not ready for the run; nothing was changed (exit 1)."""


class ValidationError(CtlError):
    """A program refused the files of the plan; nothing was changed (exit 1)."""


class RunFailed(CtlError):
    """A run failed after it began to change things; what it changed was undone (exit 1)."""


class LockHeld(CtlError):
    """Another run holds the lock of this root (exit 75)."""

    exit_code = EXIT_LOCKED
