"""What the tests of the settings language share: a small set of names, and short ways to read a text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ctl.language import Names, Reading, read_settings
from ctl.language.source import Diagnostic, SettingsError

FOREIGN = frozenset({"postgresql", "sidekiq", "redis", "roles", "git_data_dirs"})
NAMES = Names(
    sections=frozenset(
        {"registry", "gitlab_rails", "nginx", "registry_nginx", "letsencrypt", "user", "logging"}
    ),
    settings=frozenset({"external_url", "registry_external_url"}),
    foreign=lambda name: name in FOREIGN or name.endswith("_role"),
)


def read(text: str | bytes, environment: Mapping[str, str] | None = None, /, **files: str | bytes) -> Reading:
    """Reads a settings file with this text; `files` are written beside it, with "_py" at the end as ".py"."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"settings_py": text, **files}.items():
            data = content if isinstance(content, bytes) else content.encode()
            Path(folder, name.removesuffix("_py") + ".py" * name.endswith("_py")).write_bytes(data)
        return read_settings(Path(folder, "settings.py"), names=NAMES, environment=environment or {})


def errors(
    text: str | bytes, environment: Mapping[str, str] | None = None, /, **files: str | bytes
) -> list[Diagnostic]:
    """The errors of a settings file that has some."""
    with pytest.raises(SettingsError) as caught:
        read(text, environment, **files)
    return list(caught.value.diagnostics)


def places(found: list[Diagnostic]) -> list[str]:
    """Where the diagnostics are, as "line:column"."""
    return [f"{one.location.line}:{one.location.column}" if one.location else "" for one in found]


def value(expression: str, environment: Mapping[str, str] | None = None) -> object:
    """What an expression is, once it is a setting."""
    return read(f'registry["x"] = {expression}\n', environment).values["registry"]["x"]  # type: ignore[index]
