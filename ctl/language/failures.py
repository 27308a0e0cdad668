"""Statements that cannot be evaluated: an error if one of our settings depends on it, otherwise a note.

A gitlab.rb takes much of what other components need from files, programs and libraries that are not read here:
passwords, the number of processors, YAML. None of that has a bearing on the registry, so it must not keep the
file from being read. What is wrong with a statement that gives values only to settings of other components, or to
variables, is therefore held back until the end. It is an error as soon as one of our own settings needs the value.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from ctl.language.faults import Aim, Failure, Poison
from ctl.language.functions import INCLUDE
from ctl.language.methods import CHANGING
from ctl.language.setting_names import Names, keys_of, names_read, root_name
from ctl.language.source import Diagnostic, Severity
from ctl.language.tracked import TrackedDict, TrackedList

IGNORED = "ignored, as only settings of other components need it: "
"""Begins the note on what would be an error of one of our own settings."""


class Failures:
    """The failures of one reading.

    Args:
        names: the names of the settings.
        variables: the variables that have a value.
        read: how often each name is read.
        report: takes each error and note.
    """

    def __init__(
        self,
        names: Names,
        variables: Mapping[str, object],
        read: Mapping[str, int],
        report: Callable[[Diagnostic], None],
    ) -> None:
        self._names = names
        self._variables = variables
        self._read = read
        self._report = report
        self._found: dict[ast.stmt, Failure] = {}
        self._reported: set[int] = set()

    def of(self, statement: ast.stmt) -> Failure:
        """The failure of a statement, which may be about several things."""
        failure = self._found.get(statement)
        if failure is None:
            failure = self._found[statement] = self._new(statement)
        return failure

    def add(self, failure: Failure, diagnostic: Diagnostic) -> None:
        """Report an error of a statement, or hold it back."""
        failure.held.append(diagnostic)
        if failure.aim is Aim.OURS:
            self._report_held(failure)

    def follow(self, failure: Failure, cause: Failure | None) -> None:
        """A statement failed because another one gave no value: report that, or hold it back as well."""
        if cause is None or cause is failure:
            return
        known = set(map(id, failure.held))
        failure.held += [one for one in cause.held if id(one) not in known]
        if failure.aim is Aim.OURS:
            self._report_held(failure)

    def settle(self, *, whole: bool) -> None:
        """Report what was held back: notes, and errors of variables that nobody reads.

        Args:
            whole: everything was read; if not, settings of ours may need any variable.
        """
        for failure in self._found.values():
            if failure.aim is Aim.VARIABLES and (not whole or self._is_unused(failure)):
                self._report_held(failure)
        for failure in self._found.values():
            self._report_held(failure, as_notes=True)

    def _is_unused(self, failure: Failure) -> bool:
        return all(self._read.get(name, 0) <= failure.reads[name] for name in failure.names)

    def _report_held(self, failure: Failure, *, as_notes: bool = False) -> None:
        for one in failure.held:
            if id(one) not in self._reported:
                self._reported.add(id(one))
                note = Diagnostic(IGNORED + one.message, one.location, severity=Severity.NOTE)
                self._report(note if as_notes else one)

    def _new(self, statement: ast.stmt) -> Failure:
        targets = list(_targets(statement, self._names))
        aims = {self._aim_of(target) for target in targets}
        aim = next((aim for aim in (Aim.OURS, Aim.OTHERS, Aim.VARIABLES) if aim in aims), Aim.OURS)
        names = frozenset(root for target in targets if (root := root_name(target)))
        return Failure(aim, names, Counter(names_read(statement) if aim is Aim.VARIABLES else ()))

    def _aim_of(self, target: ast.expr) -> Aim:
        name, names = root_name(target), self._names
        if name is None or name == INCLUDE:
            return Aim.OURS
        if name in self._variables:
            value = self._variables[name]
            # A variable may be another name of a section: x = registry.
            is_alias = isinstance(value, (TrackedDict, TrackedList)) and value.owned
            return Aim.OURS if is_alias and not isinstance(target, ast.Name) else Aim.VARIABLES
        if names.is_foreign(name, keys_of(target)):
            return Aim.OTHERS
        is_ours = name in names.sections or name in names.settings or names.foreign(name)
        return Aim.VARIABLES if isinstance(target, ast.Name) and not is_ours else Aim.OURS


def _targets(statement: ast.stmt, names: Names) -> Iterator[ast.expr]:
    """Everything that a statement gives a value to, changes, or includes."""
    for node in ast.walk(statement):
        target = target_of(node, names)
        if target is not None:
            yield target
        elif isinstance(node, ast.Name) and node.id == INCLUDE:
            yield node


def target_of(node: ast.AST, names: Names) -> ast.expr | None:
    """The target that a syntax node by itself gives a value to, or changes.

    Args:
        node: any node.
        names: the names of the settings, as one that is called is given a value.
    """
    if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
        return None if isinstance(node.ctx, ast.Load) else node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        return node.func.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        is_setting = name in names.settings or name in names.sections or names.foreign(name)
        return node.func if is_setting else None
    if isinstance(node, ast.Expr):
        return _foreign_receiver(node.value, names)
    if isinstance(node, ast.alias):
        return ast.copy_location(ast.Name((node.asname or node.name).partition(".")[0], ast.Store()), node)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return ast.copy_location(ast.Name(node.name, ast.Store()), node)
    return None


def _foreign_receiver(node: ast.expr, names: Names) -> ast.expr | None:
    """Another component's setting that a statement calls a method of, whatever that does: postgresql["x"].each()."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    name = root_name(node)
    return node if name and names.is_foreign(name, keys_of(node)) else None


def without_ignored(values: TrackedDict) -> None:
    """Put an empty text where a setting of another component has no value: it counts as given."""
    for key, value in values.items():
        if isinstance(value, Poison) and value.failure is not None and value.failure.aim is not Aim.OURS:
            values[key] = ""
        elif isinstance(value, TrackedDict):
            without_ignored(value)
