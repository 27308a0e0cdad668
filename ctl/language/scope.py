"""The state of a reading: settings, variables, and what is wrong."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from ctl.language import advice, functions
from ctl.language.failures import Failures, without_ignored
from ctl.language.faults import POISON, Aim, Fault, LimitReached, NoValue, Poison, Poisoned, computed
from ctl.language.limits import MAX_DIAGNOSTICS, Budget
from ctl.language.places import Place, Positioned, SourceText, locate, presentable
from ctl.language.setting_names import Names, keys_of, path_text
from ctl.language.source import Diagnostic, Location, Severity
from ctl.language.tracked import TrackedDict
from ctl.text.nearest import nearest

NOT_NAMES = frozenset({"nil", "null", "true", "false"})
"""Names that other languages have for None, True and False."""

_FAILURE_STEPS = 150
"""What it costs to find something wrong: looking for the nearest known name takes that long."""

_MOST_LIKE = 100
"""How many variables, the last ones, a mistyped name is compared with."""


@dataclass
class Scope:
    """The state of one reading.

    Attributes:
        names: the names of the settings.
        environment: what env() reads.
        budget: what is left of the limits.
        values: the settings given so far.
        variables: local variables, of all files together.
        read: how often each name is read in the text.
        assigned: where each variable was first assigned, apart from loop variables.
        source: the file being read.
        incomplete: a part of the files was not read, so what is not there may be in that part.
        mentioned: sections that were read before anything was given in them.
        doubtful: words of statements that were not read.
        fstring: the f-string that is being evaluated.
        statement: the statement that is being run.
        failures: what keeps statements from being evaluated.
        contents: the files whose content is used, beside settings files.
    """

    names: Names
    environment: Mapping[str, str]
    source: SourceText
    budget: Budget = field(default_factory=Budget)
    values: TrackedDict = field(default_factory=lambda: TrackedDict(owned=True))
    variables: dict[str, object] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    assigned: dict[str, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    incomplete: bool = False
    mentioned: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    fstring: ast.JoinedStr | None = None
    statement: ast.stmt | None = None
    failures: Failures = field(init=False)
    contents: list[Path] = field(default_factory=list)
    _reported: set[tuple[str, str]] = field(default_factory=set)
    _counts: Counter[Severity] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.failures = Failures(self.names, self.variables, self.read, self.add)

    def place(self, node: Positioned) -> Place:
        """The place of a node of the file being read."""
        return self.source, node

    def report(self, problem: NoValue, node: Positioned) -> None:
        """Reports a failure of the statement that is being run, once for each place.

        Args:
            problem: the failure; one that follows from another is not reported by itself.
            node: where, unless the failure knows better.

        Raises:
            LimitReached: there are too many errors already.
        """
        self.budget.spend(_FAILURE_STEPS if isinstance(problem, Fault) else 1)
        failure = self.failures.of(self.statement) if self.statement else None
        if isinstance(problem, Poisoned) and failure:
            self.failures.follow(failure, problem.failure)
        if not isinstance(problem, Fault):
            return
        place = problem.place or self.place(self.trusted(problem.node or node))
        location = locate(place)
        if location and self._is_new(location, problem.message):
            # What has no Python form is reported in the words of its own language already.
            is_python = isinstance(problem.node, ast.AST | None)
            worded = (place[0] if isinstance(place, tuple) else self.source).worded if is_python else str
            found = Diagnostic(worded(problem.message), location, hint=worded(problem.hint))
            if failure:
                self.failures.add(failure, found)
            else:
                self.add(found)

    def poison_of(self, statement: ast.stmt) -> Poison:
        """What is put in the place of the values of a statement that failed."""
        failure = self.failures.of(statement)
        return POISON if failure.aim is Aim.OURS else Poison(failure)

    def settle(self, *, whole: bool = True) -> None:
        """Reports what was held back. Raises LimitReached for too many errors.

        Args:
            whole: everything was read.
        """
        self.failures.settle(whole=whole)
        without_ignored(self.values)

    def warn(self, message: str, node: Positioned) -> None:
        """Report a warning, once for each place, and no more than the limit."""
        if self._counts[Severity.WARNING] < MAX_DIAGNOSTICS:
            location = self.source.location(self.trusted(node))
            if self._is_new(location, message):
                self.add(Diagnostic(self.source.worded(message), location, severity=Severity.WARNING))

    def add(self, diagnostic: Diagnostic) -> None:
        """Add something to report; no more warnings and notes than the limit. Raises LimitReached for more errors."""
        severity = diagnostic.severity
        if self._counts[severity] < MAX_DIAGNOSTICS:
            self._counts[severity] += 1
            message, hint = presentable(diagnostic.message), presentable(diagnostic.hint)
            self.diagnostics.append(replace(diagnostic, message=message, hint=hint))
        elif severity is Severity.ERROR:
            raise LimitReached(f"there are more than {MAX_DIAGNOSTICS} errors", "The rest is not shown.")

    def _is_new(self, where: Location, message: str) -> bool:
        key = (str(where), message)
        known = key in self._reported
        self._reported.add(key)
        return not known

    def trusted(self, node: Positioned) -> Positioned:
        """The node, or the f-string it is in where its own place cannot be relied on (before Python 3.12)."""
        fstring = self.fstring
        if fstring is None or self.source.exact or node is fstring:
            return node
        exact = isinstance(node, ast.Name) and self.source.segment(node) == node.id
        return node if exact else fstring

    def is_section(self, name: str) -> bool:
        """Whether a name, read or subscripted, is a section of settings (of whatever component)."""
        return name in self.names.sections or self.names.foreign(name)

    def is_setting(self, name: str) -> bool:
        """Whether assigning or calling a name gives it a value as a setting."""
        return name in self.names.settings or self.is_section(name)

    def drop_mentioned(self) -> None:
        """Takes sections away that were only read: nothing was given in them."""
        for name in self.mentioned:
            if self.values.get(name) == {}:
                del self.values[name]

    def poison(self, path: Sequence[str], place: Place, poison: Poison = POISON) -> None:
        """Give a setting no value that could be used: nothing that depends on it is reported.

        Args:
            path: the setting's name and keys.
            place: of the last key, where that is not known yet.
            poison: why it has no value.
        """
        inner: TrackedDict = self.values
        *outer, last = path
        for key in outer:
            if inner.get(key) is None:
                inner[key] = TrackedDict(owned=True)
            found = inner[key]
            if not isinstance(found, TrackedDict):
                return
            inner = found
        inner.put(last, poison, inner.places.get(last, place))

    def can_be_variable(self, name: str) -> bool:
        """Whether assigning a name makes a variable: it is no setting, no function, and not reserved."""
        reserved = name in functions.RESERVED or name in NOT_NAMES or name.startswith("__")
        return not reserved and not self.is_setting(name)

    def read_name(self, node: ast.Name) -> object:
        """The value of a name.

        Raises:
            Fault: there is no such name, or it has no value yet.
            Poisoned: its value was not computed.
        """
        name = node.id
        value = self.variables.get(name, self)
        if value is self:
            value = self._read_setting(node)
        return computed(value)

    def _read_setting(self, node: ast.Name) -> object:
        name = node.id
        if name in self.values:
            return self.values[name]
        if self.is_section(name):
            # A variable may be made of it (x = registry), through which values are given.
            self.mentioned.add(name)
            self.values.put(name, TrackedDict(owned=True), self.place(node))
            return self.values[name]
        if name in self.names.settings:
            raise self.not_set(node)
        raise self.unknown(node)

    def may_exist(self, *names: str) -> bool:
        """Whether something that is not there may have been given by statements that could not be read."""
        return self.incomplete or not self.doubtful.isdisjoint(names)

    def not_set(self, node: ast.expr) -> NoValue:
        """The failure of reading a setting that was not given above."""
        name = path_text(node)
        if self.may_exist(*keys_of(node)[-1:] or [name]):
            return Poisoned()
        return Fault(
            f"{name} is not set above this line",
            node,
            "Only what the file has set can be read back; defaults are not visible in it.",
        )

    def unknown(self, node: ast.Name) -> NoValue:
        """The failure of reading a name that there is not."""
        name = node.id
        if name in functions.NAMES:
            return Fault(f"{name} is a function", node, f"Call it: {name}(…).")
        hint = advice.NAMES.get(name, "")
        if not hint and self.may_exist(name):
            return Poisoned()
        return Fault(
            f"unknown name {name}", node, hint or did_you_mean(nearest(name, self.known())) or AS_TEXT
        )

    def known(self) -> list[str]:
        """Every name that can be read: variables, settings, functions."""
        variables = islice(reversed(self.variables), _MOST_LIKE)
        return [*variables, *sorted(self.names.sections | self.names.settings), *sorted(functions.NAMES)]


AS_TEXT: Final = "Text is written in quotes; a variable is given its value above."
"""The hint for a name that is like no known one."""


def did_you_mean(name: str | None) -> str:
    """The hint that names the nearest known name, or an empty string."""
    return f"Did you mean {name}?" if name else ""
