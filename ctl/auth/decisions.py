"""The log of decisions: one line each, on standard output, which svlogd dates and keeps."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import TextIO

from ctl.auth.account_names import ANONYMOUS

_PLAIN = re.compile(r"[A-Za-z0-9._@:/+*,()-]+", re.ASCII)
_LONGEST = {"address": 50, "account": 100, "service": 70, "asked": 270, "granted": 240, "outcome": 150}
"""Characters of each value as it is written: svlogd breaks lines of 1000, and what a client wrote would begin one."""
_LONGEST_EVENT = 900
GRANTED, NOTHING = "granted", "granted-nothing"
_GIVEN_UP = "refused: the client has gone"
OF_ANYBODY = (
    'address=* outcome="*',
    *(f"address=* outcome={word} account={ANONYMOUS} *" for word in (GRANTED, NOTHING)),
)
"""Lines that clients without an account can cause, as svlogd's patterns: so outcome and account come first, and all
other outcomes are several words, and so quoted."""


@dataclass
class Decision:
    """What was asked and what came of it. It never holds a secret.

    Args:
        address: of the client.
        account: that it named; "" for none.
        service: that it named.
        asked: scopes, as the client wrote them.
        granted: resources with the actions that the token holds.
        outcome: "granted", or why not: "refused: …".
    """

    address: str
    account: str = ""
    service: str = ""
    asked: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    outcome: str = _GIVEN_UP

    def line(self) -> str:
        """One line; text of the client cannot end it, or look like another field."""
        values = {
            "address": self.address,
            "outcome": self.outcome,
            "account": self.account,
            "service": self.service,
            "asked": " ".join(self.asked),
            "granted": " ".join(self.granted),
        }
        return " ".join(f"{name}={_quoted(value, _LONGEST[name])}" for name, value in values.items())


class Log:
    """Writes lines.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream

    def decision(self, decision: Decision) -> None:
        """A decision."""
        self._write(decision.line())

    def event(self, text: str) -> None:
        """Something that happened to the service itself."""
        self._write(f"event={_quoted(text, _LONGEST_EVENT)}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def _quoted(value: str, longest: int) -> str:
    """A value that needs no quotes as it is, else as JSON writes it, in ASCII; cut where it is too long."""
    text = _written(value)
    kept = value[:longest]
    while len(text) > longest:
        kept = kept[: len(kept) * 3 // 4]
        text = _written(f"{kept}... ({len(value)} characters)")
    return text


def _written(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)
