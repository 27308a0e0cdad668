"""What accounts may be called, and the order of actions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from ctl.errors import UsageFault
from ctl.registry.token import ACTIONS

ANONYMOUS = "anonymous"
"""Whoever asks without a password; no account may have this name."""
MAX_NAME = 64
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]*[A-Za-z0-9])?", re.ASCII)


class Kind(StrEnum):
    """What a name is of."""

    USER = "user"
    GROUP = "group"
    TOKEN = "token"  # noqa: S105 - the word itself


def check_name(text: str, kind: Kind) -> str:
    """Check a name as an administrator gives it. A colon would end it in Basic authentication (RFC 7617).

    Raises:
        UsageFault: it is none, or a reserved one.
    """
    if text.lower() == ANONYMOUS:
        raise UsageFault(
            f"{ANONYMOUS} is not the name of a {kind}: it means whoever does not log in",
            hint=f"To open repositories to everybody: ctl user grant {ANONYMOUS} 'public/**' pull",
        )
    if len(text) > MAX_NAME:
        raise UsageFault(f"a name of {len(text)} characters: at most {MAX_NAME} are allowed")
    if _NAME.fullmatch(text) is None:
        raise UsageFault(
            f"{text!r} cannot be the name of a {kind}",
            hint="Names are letters, digits, and . _ @ + - between them: alice, ci-bot, bob@example.com",
        )
    return text


def ordered(actions: Iterable[str]) -> tuple[str, ...]:
    """Actions in their usual order, each once; "*" alone where it is among them."""
    given = set(actions)
    return ("*",) if "*" in given else tuple(action for action in ACTIONS if action in given)
