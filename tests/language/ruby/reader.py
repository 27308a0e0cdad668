"""What the tests of gitlab.rb share: short ways to read a text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ctl.language import Reading
from ctl.language.source import Diagnostic, SettingsError
from ctl.settings.load import reading_of


def read(text: str | bytes, environment: Mapping[str, str] | None = None, /, **files: str) -> Reading:
    """Reads a gitlab.rb with this text; `files` are written beside it, with "_rb" at the end as ".rb"."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "gitlab.rb").write_bytes(text if isinstance(text, bytes) else text.encode())
        for name, content in files.items():
            Path(folder, name.removesuffix("_rb") + ".rb" * name.endswith("_rb")).write_text(content)
        return reading_of(Path(folder, "gitlab.rb"), environment or {})


def errors(
    text: str | bytes, environment: Mapping[str, str] | None = None, /, **files: str
) -> list[Diagnostic]:
    """The errors of a gitlab.rb that has some."""
    with pytest.raises(SettingsError) as caught:
        read(text, environment, **files)
    return list(caught.value.diagnostics)


def value(expression: str, environment: Mapping[str, str] | None = None, /, **files: str) -> object:
    """What an expression is, once it is a setting."""
    return read(f"registry['x'] = {expression}\n", environment, **files).values["registry"]["x"]  # type: ignore[index]
