"""A gitlab.rb of several thousand lines with every registry setting in use."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ctl.settings.load import reading_of
from ctl.settings.options import OPTIONS
from tests.harness import full_size
from tests.harness.work import at_most
from tests.settings.conversion.both import converted
from tests.settings.conversion.outcomes import outcome

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def text() -> str:
    return full_size.text()


def test_both_forms_give_the_same_attributes(text: str, tmp_path: Path) -> None:
    ruby, python = tmp_path / "gitlab.rb", tmp_path / "gitlab.py"
    ruby.write_text(text)
    python.write_text(converted(text))
    (direct, reported), (via, _) = outcome(ruby, tmp_path), outcome(python, tmp_path)
    assert direct, reported
    assert direct == via


def test_every_registry_setting_is_in_the_file(text: str) -> None:
    wanted = [one for one in OPTIONS.values() if one.name.startswith("registry.") and one.example]
    missing = [one.name for one in wanted if f"['{one.name.split('.')[-1]}'] = " not in text]
    assert not missing
    used = [one for one in wanted if f"\nregistry['{one.name.split('.')[1]}']" in text]
    assert len(used) > 0.7 * len(wanted)


def test_it_is_read_with_little_work(text: str, tmp_path: Path) -> None:
    file = tmp_path / "gitlab.rb"
    file.write_text(text)
    assert text.count("\n") >= 4_000
    reading_of(file, {})  # the parser is loaded once
    with at_most(calls=500_000):
        reading_of(file, {})


def test_every_comment_is_kept_in_its_place(text: str) -> None:
    python = converted(text)
    ast.parse(python)
    before = [line for line in text.split("\n") if line.startswith("##")]
    after = [line for line in python.split("\n") if line.startswith("##")]
    assert before == after
    assert sum(not line for line in text.rstrip().split("\n")) == sum(
        not line for line in python.rstrip().split("\n")
    )
    commented_out = [line for line in python.split("\n") if line.startswith("# ") and " = " in line]
    assert len(commented_out) > 500
    assert not [line for line in commented_out if "=>" in line or "nil" in line]
