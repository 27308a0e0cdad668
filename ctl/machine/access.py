"""What an account may do with files, as the kernel sees it: mode bits alone do not decide (ACLs, mounts)."""

from __future__ import annotations

from pathlib import Path

from ctl.machine.child import run_child

_SECONDS = 30.0
"""It takes thousandths; in a storage that hangs, for ever."""


def may(chpst: Path, account: str, *tests: tuple[str, Path]) -> bool:
    """Whether an account passes all tests of test(1). Needs root.

    Args:
        chpst: the program that takes on the account.
        account: as chpst's -u has it: "user", "user:group", ":uid:gid".
        tests: operators with their paths, as ("-r", path), ("-x", path).

    Raises:
        ChildFailed: it cannot be asked.
    """
    words = [word for access, path in tests for word in ("-a", access, str(path))][1:]
    command = [str(chpst), "-u", account, "/usr/bin/test", *words]
    return run_child(command, seconds=_SECONDS).returncode == 0
