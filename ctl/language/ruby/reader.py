"""A gitlab.rb as a settings file: its Python form is read in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctl.language.failures import IGNORED
from ctl.language.faults import LimitReached
from ctl.language.limits import MAX_NESTING, Budget
from ctl.language.places import SourceText
from ctl.language.ruby.grammar import Span, named
from ctl.language.ruby.program import Program, PythonForm
from ctl.language.ruby.syntax import read_tree
from ctl.language.ruby.targets_of import changed, walk
from ctl.language.ruby.to_python.blocks import Blocks
from ctl.language.ruby.to_python.python_lines import Lost
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.terms import ANY
from ctl.language.scope import Scope
from ctl.language.source import Diagnostic, Severity


def python_form(source: SourceText, scope: Scope) -> SourceText:
    """The Python form of a gitlab.rb, to be read in its place; errors in it have their places in the gitlab.rb.

    Args:
        source: the gitlab.rb.
        scope: the state of the reading. What is no Ruby, or has no Python form, is reported to it.

    Raises:
        LimitReached: the file is too large or too tangled, or there are too many errors.
    """
    parsed = read_tree(source, Budget(), scope.add)
    scope.doubtful |= parsed.words
    scope.incomplete |= not parsed.whole
    if parsed.root is None:
        return PythonForm(source, "", [])
    program = Program(parsed.root, parsed.data)
    state = State(scope.names, program, comments=False, doubtful=frozenset(scope.doubtful))
    state.kinds.update(dict.fromkeys(scope.variables, ANY))
    state.included = scope.incomplete or bool(scope.variables) or bool(scope.values)
    blocks = Blocks(state, source.lines)
    lines = blocks.whole()
    _report(source, scope, blocks)
    texts = [(text, line.origin) for line in lines for text in line.text.split("\n")]
    return PythonForm(source, "\n".join(text for text, _ in texts), [origin for _, origin in texts])


def _report(source: SourceText, scope: Scope, blocks: Blocks) -> None:
    """Reports what has no Python form; what it would have given a value has none that could be used."""
    outer, scope.source = scope.source, source
    try:
        for lost in in_order(blocks.problems):
            try:
                scope.report(lost.fault, Span(lost.node))
            except LimitReached as limit:
                limit.location = limit.location or source.location(Span(lost.node))
                raise
            for path, node in _given(lost, blocks.state):
                scope.poison(path, (source, node))
        for lost in in_order(blocks.ignored):
            where = source.location(lost.fault.node or Span(lost.node))
            scope.add(Diagnostic(IGNORED + lost.fault.message, where, severity=Severity.NOTE))
        scope.doubtful |= blocks.state.lost.keys()
    finally:
        scope.source = outer


def in_order(lost: Iterable[Lost]) -> list[Lost]:
    """Statements without a Python form, in the order of their faults, each fault once."""
    once = {id(one.fault): one for one in reversed(list(lost))}
    return sorted(once.values(), key=_place)


def _place(lost: Lost) -> tuple[int, int]:
    node = lost.fault.node or Span(lost.node)
    return node.lineno, node.col_offset


def _given(lost: Lost, state: State) -> Iterator[tuple[tuple[str, ...], Span]]:
    """The settings that a statement would have given values."""
    for one in walk(lost.node):
        target = changed(one, state.program.text)
        path = state.path(target) if target is not None else ("",)
        if target is not None and state.is_setting(path[0]):
            is_name = len(path) == 1 and path[0] in state.names.sections
            if not is_name:
                yield (
                    path[:MAX_NESTING],
                    Span(named(target)[-1] if target.type == "element_reference" else target),
                )
