"""What is carried out in the place of a gitlab.rb is what convert-settings writes, with the same errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.language.places import SourceText
from ctl.language.refusals import Unreadable
from ctl.language.ruby.reader import parse_ruby
from ctl.language.ruby.to_python.written import lines_of
from ctl.language.scope import Scope
from ctl.language.source import Severity
from ctl.language.survey import survey
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.options import NAMES
from tests.harness import full_size
from tests.language.ruby.test_expressions import VALUES
from tests.language.ruby.test_random import programs, statements
from tests.language.ruby.test_wrong_files import CASES
from tests.settings.conversion.test_same_values import PROGRAMS, STATEMENTS

SNIPPETS = sorted((Path(__file__).parent / "guide_snippets").glob("*.rb"))
EXAMPLES = [
    *(path.read_text() for path in SNIPPETS),
    *(f"registry['x'] = {expression}\n" for expression, _ in VALUES),
    *STATEMENTS,
    *(case[0] for case in CASES),
    full_size.text(),
]
HERE = Path("/nowhere/gitlab.rb")
often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def assert_one_form(text: str, *, following: bool = False) -> None:
    """Compare both ways that a gitlab.rb goes.

    Args:
        text: the gitlab.rb.
        following: there may be errors in statements that read a variable which has no value.
    """
    scope = Scope(NAMES, {}, SourceText(HERE, text))
    parsed = parse_ruby(scope)
    form = "\n".join(lines_of(one for one in parsed.tree.body if not _has_no_form(one)))
    converted = convert_ruby(HERE, text, NAMES)
    written = ast.parse(converted.text)
    if not converted.problems and not any("only other components" in one for one in converted.remarks):
        assert _without_marks(ast.parse(form)) == _without_marks(written), converted.text
    survey(parsed.tree.body, scope)
    scope.settle()
    errors = {str(one) for one in scope.diagnostics if one.severity is Severity.ERROR}
    # What follows from a lost variable is not looked at again by the conversion.
    assert errors <= set(map(str, converted.problems)) or (following and converted.problems)


def _without_marks(tree: ast.Module) -> str:
    """A program, without the underscores before variables that nothing reads."""
    return ast.dump(tree).replace("Name(id='_", "Name(id='")


def _has_no_form(statement: ast.stmt) -> bool:
    return any(isinstance(one, Unreadable) for one in ast.walk(statement))


@pytest.mark.parametrize("text", EXAMPLES, ids=[text[:40] for text in EXAMPLES])
def test_every_example(text: str) -> None:
    assert_one_form(text)


@pytest.mark.real
@often
@given(st.one_of(PROGRAMS, programs, statements))
def test_random_programs(text: str) -> None:
    assert_one_form(text.replace("\0", "").replace("\r", ""), following=True)
