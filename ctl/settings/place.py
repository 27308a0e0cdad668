"""Where a value is while it is read: the dotted path of its setting and its place in the file."""

from __future__ import annotations

from ctl.language.source import Diagnostic, Location, Severity

_LONGEST_SHOWN = 60
_MOST_REPORTED = 1_000
"""Findings of one file that are kept with place and name; some dozens of them are printed."""


class Refused(Exception):
    """A value cannot be taken; the setting and the place are added by whoever reads it.

    Args:
        message: what is wrong, as a clause that follows the setting's name ("must be a port").
        hint: what to do, or "".
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def location_in(container: object, key: object) -> Location | None:
    """The place of a key or index, or None where the container does not know places."""
    location_of = getattr(container, "location_of", None)
    found = location_of(key) if location_of else None
    return found if isinstance(found, Location) else None


class Place:
    """The place of one value; values inside it have places of their own. Worked out only when it is needed.

    Args:
        findings: collects what is reported about values here and below.
        parent: the place of the container, or None for the whole file.
        container: what the value is in.
        key: its name or index there.
        secret: whether the value must not be shown.
        named: the setting's name, where that is not what the file says.
    """

    __slots__ = ("_container", "_key", "_named", "_parent", "findings", "secret")

    def __init__(
        self,
        findings: list[Diagnostic],
        parent: Place | None = None,
        container: object = None,
        key: str | int = "",
        *,
        secret: bool = False,
        named: str = "",
    ) -> None:
        self.findings, self.secret = findings, secret
        self._parent, self._container, self._key, self._named = parent, container, key, named

    def inside(self, container: object, key: str | int, *, secret: bool = False) -> Place:
        """The place of a value inside this one."""
        return Place(self.findings, self, container, key, secret=secret or self.secret)

    @property
    def setting(self) -> str:
        """The dotted path: "registry.notifications[0].url"."""
        if self._named:
            return self._named
        before = self._parent.setting if self._parent else ""
        if isinstance(self._key, int):
            return f"{before}[{self._key}]"
        key = self._key if self._key.isprintable() else repr(self._key)[1:-1]
        return f"{before}.{key}" if before else key

    @property
    def location(self) -> Location | None:
        """The nearest known place in the file."""
        found = location_in(self._container, self._key)
        return found or (self._parent.location if self._parent else None)

    @property
    def crowded(self) -> bool:
        """Whether so much has been reported that more of it is only counted; hints for that need not be found."""
        return len(self.findings) >= _MOST_REPORTED

    def got(self, value: object) -> str:
        """ "", or ", not 'what was given'" where that may be shown."""
        return "" if self.secret else f", not {shown(value)}"

    def error(self, message: str, hint: str = "") -> None:
        """Say that the value here is wrong."""
        self._say(message, hint, Severity.ERROR)

    def warning(self, message: str, hint: str = "") -> None:
        """Say something about the value here that does not end the run."""
        self._say(message, hint, Severity.WARNING)

    def note(self, message: str, hint: str = "") -> None:
        """Say something about the value here that is good to know."""
        self._say(message, hint, Severity.NOTE)

    def _say(self, message: str, hint: str, severity: Severity) -> None:
        if self.crowded:
            self.findings.append(Diagnostic(message, severity=severity))
        else:
            self.findings.append(Diagnostic(message, self.location, self.setting, hint, severity))


def shown(value: object) -> str:
    """A value as an error shows it: as Python writes it, shortened; containers by their kind only."""
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
