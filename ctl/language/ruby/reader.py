"""A gitlab.rb as a settings file: the Python form of its statements is carried out in their place."""

from __future__ import annotations

import ast

from ctl.language.limits import Budget
from ctl.language.parsing import Parsed
from ctl.language.ruby.program import Program, RubyText
from ctl.language.ruby.syntax import read_tree
from ctl.language.ruby.to_python.blocks import Blocks
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.written import Comment
from ctl.language.scope import Scope

_NODES_A_WORD = 3
"""About how many nodes of the tree there are for each word and sign."""


def parse_ruby(scope: Scope) -> Parsed:
    """Parses a gitlab.rb.

    Args:
        scope: the state of the reading. What is no Ruby is reported to it.

    Returns:
        The Python form of its statements, each at its place in the gitlab.rb. One that has no Python form fails
        when it is carried out.

    Raises:
        LimitReached: the file is too large or too tangled, or there are too many errors.
    """
    scope.source = RubyText(scope.source.path, scope.source.text)
    parsed = read_tree(scope.source, Budget(), scope.add)
    if parsed.root is None:
        return Parsed(ast.Module([], []), parsed.words, whole=False)
    scope.budget.spend_tokens(parsed.root.descendant_count // _NODES_A_WORD)
    program = Program(parsed.root, parsed.data)
    state = State(scope.names, program, doubtful=parsed.words | frozenset(scope.doubtful))
    state.kinds.update(dict.fromkeys(scope.variables, "any"))
    state.included = scope.incomplete or not parsed.whole or bool(scope.variables) or bool(scope.values)
    blocks = Blocks(state, scope.source, comments=False)
    statements = [one for one in blocks.whole() if not isinstance(one, Comment)]
    # What the gitlab.rb reads is no mistyped setting, also where its Python form needs it no more.
    scope.read.update(blocks.read())
    scope.doubtful.update(name for lost in blocks.lost for name in lost.names)
    return Parsed(ast.Module(statements, []), parsed.words, parsed.whole)
