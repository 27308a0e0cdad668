"""Places in a settings file, and what is reported about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ctl.errors import EXIT_USAGE, CtlError
from ctl.text.visible import visible


@dataclass(frozen=True, order=True)
class Location:
    """A place in a settings file.

    Args:
        file: the file as the user named it.
        line: counted from 1.
        column: counted from 1, in characters.
        text: the source line, without its newline, for the caret; empty where it is not known.
        width: how many characters the caret underlines, at least 1.
    """

    file: Path
    line: int
    column: int = 1
    text: str = ""
    width: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a diagnostic weighs: an error ends the run, a warning or note does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Diagnostic:
    """One finding about the settings.

    Args:
        message: what is wrong; one sentence. Never holds the value of a secret.
        location: where, or None when it is about no place in a file (a default, a missing setting).
        setting: dotted path of the setting ("registry.storage.s3.bucket"), or "".
        hint: what to do, with the nearest known name where there is one; or "".
        severity: error, warning or note.
    """

    message: str
    location: Location | None = None
    setting: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """The text shown to people: file:line:column, message, source line with caret, hint."""
        where = f"{self.location}: " if self.location else ""
        setting = f"{self.setting}: " if self.setting else ""
        lines = [f"{where}{self.severity}: {setting}{self.message}"]
        if self.location and self.location.text.strip():
            lines += [f"    {self.location.text}", f"    {_caret(self.location)}"]
        if self.hint:
            lines.append(f"    {self.hint}")
        return visible("\n".join(lines))

    def as_json(self) -> dict[str, object]:
        """For programs: severity, setting, message, hint, file, line, column."""
        place = self.location
        return {
            "severity": str(self.severity),
            "setting": self.setting,
            "message": self.message,
            "hint": self.hint,
            "file": str(place.file) if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
        }


def _caret(location: Location) -> str:
    """Spaces (tabs kept, so that it lines up) and the underline below the place."""
    before = location.text[: location.column - 1]
    return "".join("\t" if c == "\t" else " " for c in before) + "^" * max(1, location.width)


MOST_SHOWN = 50
"""Errors, warnings and notes each that are printed one by one; nobody reads more of them at a time."""


def first_of(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """As many of each severity as are printed one by one, and how many more there are."""
    count: Counter[Severity] = Counter()
    kept: list[Diagnostic] = []
    for one in diagnostics:
        count[one.severity] += 1
        if count[one.severity] <= MOST_SHOWN:
            kept.append(one)
    more = {severity: number - MOST_SHOWN for severity, number in count.items() if number > MOST_SHOWN}
    return (
        *kept,
        *(Diagnostic(f"and {number:,} more", severity=severity) for severity, number in more.items()),
    )


class SettingsError(CtlError):
    """The settings are wrong; nothing was changed (exit 2). Carries every error found, not only the first."""

    exit_code = EXIT_USAGE

    def __init__(self, diagnostics: Iterable[Diagnostic], *, hint: str | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics), hint=hint)
