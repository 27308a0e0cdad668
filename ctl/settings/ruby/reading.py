"""Reading a gitlab.rb and the files that it includes: Ruby in, settings with their places out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.settings.language.faults import Fault, LimitReached
from ctl.settings.language.limits import MAX_INCLUDE_DEPTH
from ctl.settings.language.places import Place, SourceText, locate
from ctl.settings.language.reading import FileReader, Reading
from ctl.settings.language.scope import did_you_mean
from ctl.settings.language.setting_names import Names
from ctl.settings.language.text_files import FileProblem, read_text
from ctl.settings.nearest import nearest, very_near
from ctl.settings.ruby.grammar import Span, heredocs
from ctl.settings.ruby.statements import Statements
from ctl.settings.ruby.syntax import Parsed, read_tree
from ctl.settings.ruby.targets import names_read
from ctl.settings.source import Diagnostic, Location, Severity

if TYPE_CHECKING:
    from tree_sitter import Node

Others = Callable[[str, str], bool]


def read_ruby(
    path: Path, *, names: Names, environment: Mapping[str, str], others: Others = lambda _section, _key: False
) -> Reading:
    """Reads a gitlab.rb: its Ruby is parsed and walked, never run.

    Args:
        path: the file.
        names: the names of the settings.
        environment: what ENV holds.
        others: whether a key of one of our sections is another component's, so that Ruby which is not read is
            no error in it: ("gitlab_rails", "ldap_servers").

    Returns:
        The settings as given, without defaults.

    Raises:
        ReadingError: the file cannot be read, or anything in it is wrong; with every error found.
    """
    return _Reader(path, names, environment, others).reading()


class _Reader(FileReader):
    """One reading; the arguments are those of read_ruby."""

    def __init__(self, path: Path, names: Names, environment: Mapping[str, str], others: Others) -> None:
        super().__init__(path, names, environment)
        self._parsed: list[Parsed] = []
        self._statements = Statements(self.scope, self._include, others)

    def read_all(self) -> None:
        """Reads everything, and keeps what is to be said about it."""
        try:
            self._read(self._path)
            self.scope.drop_mentioned()
            self._check_variables()
            self._note_ignored()
        except FileProblem as problem:
            message = f"the settings file {self._path} {problem.message}"
            where = Location(self._path, problem.line, problem.column) if problem.line else None
            self.scope.diagnostics.append(Diagnostic(message, where, hint=problem.hint))
        except LimitReached as limit:
            at = limit.location or Location(self._path, 1)
            self._last = (Diagnostic(limit.message, at, hint=limit.hint),)
        except (MemoryError, RecursionError):
            self._last = (Diagnostic("the settings take too much memory", Location(self._path, 1)),)

    def _read(self, path: Path) -> None:
        scope, expressions = self.scope, self._statements.expressions
        scope.budget.charge_file()
        text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
        if path not in self.files:
            self.files.append(path)
        outer = scope.source, expressions.data, expressions.bodies
        scope.source = SourceText(path, text)
        self._open.append(path.resolve())
        try:
            parsed = read_tree(scope.source, scope.budget, scope.add)
            scope.doubtful |= parsed.words
            scope.incomplete |= not parsed.whole
            self._parsed.append(parsed)
            if parsed.root is not None:
                expressions.data, expressions.bodies = parsed.data, heredocs(parsed.root, parsed.data)
                self._statements.run(parsed.root.named_children)
        finally:
            self._open.pop()
            scope.source, expressions.data, expressions.bodies = outer

    def _include(self, path: Path, call: Node) -> None:
        if len(self._open) >= MAX_INCLUDE_DEPTH:
            raise Fault(f"settings files include each other more than {MAX_INCLUDE_DEPTH} deep", Span(call))
        try:
            if path.resolve() in self._open:
                raise Fault(f"{path} includes itself", Span(call), "Take one of the from_file away.")
            self._read(path)
        except FileProblem as problem:
            self.scope.incomplete = True
            message = f"the settings file {path} {problem.message}"
            if not problem.line:
                raise Fault(message, Span(call), problem.hint) from None
            where = Location(path, problem.line, problem.column)
            self.scope.diagnostics.append(Diagnostic(message, where, hint=problem.hint))

    def _check_variables(self) -> None:
        """Tells variables from settings with a wrong name: a variable is read somewhere."""
        unread = {name: place for name, place in self.scope.assigned.items() if name not in self.scope.read}
        if unread:
            read = self._names_read()
            for name, place in unread.items():
                if name not in read and name not in self.scope.doubtful and not name.startswith("_"):
                    self._report_unread(name, place)

    def _names_read(self) -> set[str]:
        """Every name that the files read anywhere, also where nothing was carried out."""
        return {name for one in self._parsed if one.root for name in names_read(one.root, one.data)}

    def _report_unread(self, name: str, place: Place) -> None:
        known = sorted(self.scope.names.settings | self.scope.names.sections)
        near = very_near(name, known) if self.scope.incomplete else nearest(name, known)
        if self.scope.incomplete and not near:
            return
        hint = did_you_mean(near) or f"A variable that is not needed is called _{name}."
        message = f"unknown setting {name}, and no variable either, as nothing reads it"
        self.scope.add(Diagnostic(message, locate(place), hint=hint))

    def _note_ignored(self) -> None:
        ignored = self._statements.ignored
        if ignored:
            lines = ", ".join(str(place[1].lineno) for place in ignored[:5])
            more = f" and {len(ignored) - 5} more" if len(ignored) > 5 else ""
            message = f"settings of other components that are not understood, and not needed here: line {lines}{more}"
            self.scope.add(Diagnostic(message, locate(ignored[0]), severity=Severity.NOTE))
