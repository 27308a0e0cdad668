"""Runs one command line inside the test's process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.__main__ import run
from tests.harness.result import Result


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

    def __call__(self, *arguments: str) -> Result:
        """Run `ctl ARGUMENTS --root ROOT`."""
        self._capture.readouterr()
        code = run([*arguments, "--root", str(self.root)])
        captured = self._capture.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err, arguments)
