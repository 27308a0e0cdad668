"""What a settings file would come to with another text: checked before that is written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX, created
from ctl.errors import naming
from ctl.language import read_settings
from ctl.language.source import Diagnostic, Location
from ctl.language.text_files import as_they_were
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.settings.editing.naming import VHOST, Setting
from ctl.settings.load import load
from ctl.settings.options import NAMES, OLD_VHOST
from ctl.settings.place import location_in

NOT_GIVEN = object()
"""Stands for the value of a setting that the file does not give."""


@dataclass(frozen=True)
class Given:
    """What a settings file gives for one setting.

    Args:
        value: plain values, or NOT_GIVEN.
        location: where, or None.
    """

    value: object = NOT_GIVEN
    location: Location | None = None


@dataclass(frozen=True)
class Preview:
    """A text in the place of a settings file's.

    Args:
        file: the settings file as the user named it; places in the text are reported as places in it.
        text: its new text.
        layout: the root.
    """

    file: Path
    text: str
    layout: Layout

    def check(self) -> tuple[Diagnostic, ...]:
        """Load the settings as they would be.

        Returns:
            Warnings and notes.

        Raises:
            SettingsError: they are wrong, with every error.
        """
        return self.attributes().diagnostics

    def attributes(self) -> Attributes:
        """The settings as they would be, with what follows from them. Raises as `check`."""
        with self._in_place():
            return load(self.file, self.layout, use_secrets=False).attributes

    def given(self, setting: Setting) -> Given:
        """What the text gives for a setting; of two spellings the later one.

        Raises:
            SettingsError: the text cannot be read.
        """
        with self._in_place():
            values = read_settings(self.file, names=NAMES, environment=os.environ).values
        found = [_lookup(values, path) for path in _spellings(setting)]
        found = [one for one in found if one.value is not NOT_GIVEN]
        return max(found, key=lambda one: _order(one.location), default=Given())

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """The settings file is read from a copy of the text."""
        copy = self.file.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{self.file.suffix}"
        with created(copy) as descriptor:
            try:
                with naming(copy), os.fdopen(os.dup(descriptor), "wb") as file:
                    file.write(self.text.encode())
                with as_they_were({self.file: copy}):
                    yield
            finally:
                copy.unlink(missing_ok=True)


def _spellings(setting: Setting) -> Iterator[tuple[str, ...]]:
    yield setting.path
    if setting.path[: len(VHOST)] == VHOST and len(setting.path) > len(VHOST):
        yield (OLD_VHOST, *setting.path[len(VHOST) :])


def _lookup(values: object, path: tuple[str, ...]) -> Given:
    location: Location | None = None
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return Given()
        location = location_in(values, key) or location
        values = values[key]
    return Given(_plain(values), location)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _order(location: Location | None) -> tuple[int, int]:
    return (location.line, location.column) if location else (0, 0)
