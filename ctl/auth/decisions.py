"""The log of decisions: one line each, on standard output, which svlogd dates and keeps."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

_PLAIN = re.compile(r"[A-Za-z0-9._@:/+*,()-]+", re.ASCII)
_LONGEST = 300
"""Characters of a value; svlogd breaks lines of more than 1000."""


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
    outcome: str = ""

    def line(self) -> str:
        """One line; text of the client cannot end it, or look like another field."""
        values = {
            "address": self.address,
            "account": self.account,
            "service": self.service,
            "asked": _several(self.asked),
            "granted": _several(self.granted),
            "outcome": self.outcome,
        }
        return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


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
        self._write(f"event={_quoted(text)}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def _several(values: Iterable[str]) -> str:
    text = " ".join(values)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _quoted(value: str) -> str:
    """A value that needs no quotes as it is, else as JSON writes it, in ASCII."""
    if len(value) > _LONGEST + 30:
        value = f"{value[:_LONGEST]}... ({len(value)} characters)"
    return value if _PLAIN.fullmatch(value) else json.dumps(value)
