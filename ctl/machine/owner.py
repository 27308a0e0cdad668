"""Whose root it is: an ordinary user's is kept by that user, whom its services run as."""

from __future__ import annotations

import os
import pwd

from ctl.errors import PreflightError
from ctl.paths import Layout


def refuse_root_of_another(layout: Layout) -> None:
    """Keep root from writing where an ordinary user has worked: services would no longer get to their files.

    Raises:
        PreflightError: the caller is root, and somebody else made this root.
    """
    if os.geteuid() != 0 or layout.is_machine:
        return
    try:
        owner = layout.state.stat().st_uid
    except FileNotFoundError:
        return  # nobody has worked here yet
    if owner != 0:
        name = _name(owner)
        raise PreflightError(
            f"{layout.root} is the root of user {name}, and its services run as that user",
            hint=f"Run: sudo -u {name} ctl --root {layout.root} …",
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
