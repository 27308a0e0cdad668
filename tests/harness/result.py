"""What one command line of `ctl` did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """What one command line did.

    Args:
        code: exit code.
        out, err: what it printed.
        command: the arguments after `ctl`.
    """

    code: int
    out: str
    err: str
    command: tuple[str, ...]

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Its standard output read as JSON."""
        return json.loads(self.out)

    def ok(self) -> Result:
        """Itself, if it succeeded. Raises AssertionError with its output otherwise."""
        return self.exits(0)

    def exits(self, code: int) -> Result:
        """Itself, if it ended with this code and without a traceback. Raises AssertionError otherwise."""
        assert self.code == code, f"ctl {' '.join(self.command)} exited {self.code}, not {code}:\n{self.text}"
        assert "Traceback" not in self.text, f"ctl {' '.join(self.command)}:\n{self.text}"
        return self
