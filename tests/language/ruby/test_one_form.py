"""What is read in the place of a gitlab.rb is what convert-settings writes, with the same errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.language.places import SourceText
from ctl.language.ruby.reader import python_form
from ctl.language.scope import Scope
from ctl.language.source import Severity
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


def assert_one_form(text: str) -> None:
    """Compare both ways that a gitlab.rb goes."""
    source = SourceText(HERE, text)
    scope = Scope(NAMES, {}, source)
    read = ast.dump(ast.parse(python_form(source, scope).text))
    converted = convert_ruby(HERE, text, NAMES)
    assert ast.dump(ast.parse(converted.text)) == read, converted.text
    errors = [str(one) for one in scope.diagnostics if one.severity is Severity.ERROR]
    assert sorted(errors) == sorted(map(str, converted.problems))
    notes = [one for one in scope.diagnostics if one.severity is Severity.NOTE]
    assert len(notes) == min(50, sum("only other components" in remark for remark in converted.remarks))


@pytest.mark.parametrize("text", EXAMPLES, ids=[text[:40] for text in EXAMPLES])
def test_every_example(text: str) -> None:
    assert_one_form(text)


@pytest.mark.real
@often
@given(st.one_of(PROGRAMS, programs, statements))
def test_random_programs(text: str) -> None:
    assert_one_form(text.replace("\0", "").replace("\r", ""))
