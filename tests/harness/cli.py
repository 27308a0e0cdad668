"""Runs one command line inside the test's process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ctl.__main__ import run


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Its standard output as JSON."""
        return json.loads(self.out)


class Cli:
    """`ctl` with a root of its own.

    Args:
        root: the root.
        capture: of the test.
    """

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capture = capture

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.root / "etc/gitlab/gitlab.py"

    def settings(self, text: str) -> Path:
        """Write the settings file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)
        return self.file

    def __call__(self, *arguments: str) -> Said:
        """Run `ctl ARGUMENTS --root ROOT`."""
        self._capture.readouterr()
        code = run([*arguments, "--root", str(self.root)])
        captured = self._capture.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Said(code, captured.out, captured.err)
