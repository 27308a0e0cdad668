"""Reading a settings file and the files that it includes: text in, settings with their places out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ctl.cycles import no_cycles_sought
from ctl.language.faults import Fault, LimitReached
from ctl.language.limits import MAX_INCLUDE_DEPTH
from ctl.language.parsing import Parsed, parse
from ctl.language.places import Place, SourceText
from ctl.language.scope import Scope, did_you_mean
from ctl.language.setting_names import Names
from ctl.language.source import Diagnostic, Location, SettingsError, Severity
from ctl.language.statements import Statements
from ctl.language.survey import survey
from ctl.language.text_files import FileProblem, read_trusted
from ctl.language.tracked import TrackedDict
from ctl.text.nearest import nearest, very_near


@dataclass(frozen=True)
class Reading:
    """What settings files give.

    Args:
        values: setting or section name to what was given: `{"external_url": "…", "registry": {…}}`. Values
            are strings, numbers, booleans, None, TrackedDict and TrackedList.
        diagnostics: warnings, in the order of the files.
        files: the settings files that were read, in the order in which they were begun.
        contents: the files whose content they use (read_file, read_json).
    """

    values: TrackedDict
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[Path, ...]
    contents: tuple[Path, ...] = ()


Parse = Callable[[Scope], Parsed]
"""Parses the file that a scope is about, of whatever language; reports what is wrong to the scope."""


def parse_python(scope: Scope) -> Parsed:
    """Parses a settings file in Python's syntax. Raises LimitReached."""
    return parse(scope.source, scope.budget, scope.add)


def read_settings(
    path: Path, *, names: Names, environment: Mapping[str, str], parse_file: Parse = parse_python
) -> Reading:
    """Reads a settings file: a restricted Python, which is walked and never run.

    Values are copied when they are put into a setting, so that changing a variable afterwards does not change
    the setting; apart from that, names and values behave as in Python. Reading costs at most about a second
    and 200 MB, whatever the file says (see limits.py).

    Args:
        path: the settings file.
        names: the names of the settings.
        environment: what env() reads.
        parse_file: parses this file, and each that it includes.

    Returns:
        The settings as given, without defaults.

    Raises:
        ReadingError: the file cannot be read, or anything in it is wrong; with every error found.
    """
    return _Reader(path, names, environment, parse_file).reading()


class ReadingError(SettingsError):
    """The text of a settings file is wrong.

    Args:
        errors: every error of the text.
        partial: what could be read all the same, so that its names and types can be checked in the same go.
    """

    def __init__(self, errors: Iterable[Diagnostic], partial: Reading) -> None:
        super().__init__(errors)
        self.partial = partial


class _Reader:
    """One reading; the arguments are those of read_settings."""

    def __init__(self, path: Path, names: Names, environment: Mapping[str, str], parse_file: Parse) -> None:
        self.scope = Scope(names, environment, SourceText(path, ""))
        self.files: list[Path] = []
        self._path = path
        self._parse_file = parse_file
        self._open: list[Path] = []
        self._last: tuple[Diagnostic, ...] = ()
        self._statements = Statements(self.scope, self._include)

    def reading(self) -> Reading:
        """The settings as given. Raises ReadingError with every error found."""
        with no_cycles_sought():
            self.read_all()
        diagnostics = self.sorted_diagnostics()
        reading = Reading(self.scope.values, diagnostics, tuple(self.files), tuple(self.scope.contents))
        errors = [found for found in diagnostics if found.severity is Severity.ERROR]
        if errors:
            raise ReadingError(errors, reading)
        return reading

    def sorted_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything to report, in the order of files and lines; last why the reading stopped."""
        order = {path: number for number, path in enumerate(self.files)}

        def rank(found: Diagnostic) -> tuple[int, int, int]:
            where = found.location
            return (order.get(where.file, 0), where.line, where.column) if where else (-1, 0, 0)

        return (*sorted(self.scope.diagnostics, key=rank), *self._last)

    def read_all(self) -> None:
        """Read everything; what is wrong is in the diagnostics afterwards."""
        try:
            self._read(self._path)
            self.scope.settle()
            self.scope.drop_mentioned()
            self._check_variables()
        except FileProblem as problem:
            self._add(f"the settings file {self._path} {problem.message}", problem, self._path)
        except LimitReached as limit:
            with suppress(LimitReached):
                self.scope.settle(whole=False)
            where = limit.location or Location(self._path, 1)
            self._last = (Diagnostic(limit.message, where, hint=limit.hint),)
        except MemoryError:
            self._last = (Diagnostic("the settings take too much memory", Location(self._path, 1)),)

    def _read(self, path: Path) -> None:
        self.scope.budget.spend_file()
        text = read_trusted(path).replace("\r\n", "\n").replace("\r", "\n")
        if path not in self.files:
            self.files.append(path)
        outer, self.scope.source = self.scope.source, SourceText(path, text)
        self._open.append(path.resolve())
        try:
            parsed = self._parse_file(self.scope)
            self.scope.doubtful |= parsed.words
            self.scope.incomplete |= not parsed.whole
            survey(parsed.tree.body, self.scope)
            self._statements.run(parsed.tree.body)
        finally:
            self._open.pop()
            self.scope.source = outer

    def _include(self, path: Path, call: ast.Call) -> None:
        if len(self._open) >= MAX_INCLUDE_DEPTH:
            raise Fault(f"settings files include each other more than {MAX_INCLUDE_DEPTH} deep", call)
        try:
            if path.resolve() in self._open:
                raise Fault(f"{path} includes itself", call, "Take one of the from_file() away.")
            self._read(path)
        except FileProblem as problem:
            self.scope.incomplete = True
            if not problem.line:
                raise Fault(f"the settings file {path} {problem.message}", call, problem.hint) from None
            self._add(f"the settings file {problem.message}", problem, path)

    def _check_variables(self) -> None:
        """Distinguish variables from settings with a wrong name: a variable is read somewhere."""
        scope = self.scope
        for name, place in scope.assigned.items():
            if name in scope.read:
                self._warn_of_likeness(name, place)
            elif name not in scope.doubtful and not name.startswith("_"):
                self._report_unread(name, place)

    def _report_unread(self, name: str, place: Place) -> None:
        known = sorted(self.scope.names.settings | self.scope.names.sections)
        near = very_near(name, known) if self.scope.incomplete else nearest(name, known)
        if self.scope.incomplete and not near:
            return
        hint = did_you_mean(near) or f"A variable that is not needed is called _{name}."
        message = f"unknown setting {name}, and no variable either, as nothing reads it"
        self.scope.add(Diagnostic(message, place[0].location(place[1]), hint=hint))

    def _warn_of_likeness(self, name: str, place: Place) -> None:
        near = very_near(name, sorted(self.scope.names.settings | self.scope.names.sections))
        if near:
            message = f"{name} is a variable here, though it looks like the setting {near}"
            where = place[0].location(place[1])
            self.scope.add(Diagnostic(message, where, hint="Use another name.", severity=Severity.WARNING))

    def _add(self, message: str, problem: FileProblem, path: Path) -> None:
        where = Location(path, problem.line, problem.column) if problem.line else None
        self.scope.diagnostics.append(Diagnostic(message, where, hint=problem.hint))
