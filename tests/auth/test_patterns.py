"""Patterns of repositories: what they stand for, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given

from ctl.auth.patterns import CATALOG, matches, parse_pattern
from ctl.errors import UsageFault
from tests.harness import account_models as models


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("team/app", ["team/app"], ["team", "team/app/x", "team/apps", "x/team/app"]),
        ("team/*", ["team/app", "team/b"], ["team", "team/a/b", "teams/a"]),
        ("team/**", ["team/app", "team/a/b/c"], ["team", "teams/a"]),
        ("team/app-*", ["team/app-1", "team/app-"], ["team/app", "team/app-1/x"]),
        ("**/app", ["app", "team/app", "a/b/app"], ["apps", "app/x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a", "ab", "a/b/c"]),
        ("*", ["app"], ["team/app"]),
        ("**", ["app", "team/app", "a/b/c"], []),
        ("*/**", ["team/app", "a/b/c"], ["app"]),
        ("**/**", ["team/app", "app"], []),
        (CATALOG, [], ["registry", "catalog", "registry:catalog"]),
    ],
)
def test_what_a_pattern_stands_for(pattern: str, yes: list[str], no: list[str]) -> None:
    assert parse_pattern(pattern) == pattern
    assert [name for name in [*yes, *no] if matches(pattern, name)] == yes


@given(models.patterns, models.names)
def test_as_a_regular_expression_would(pattern: str, name: str) -> None:
    assert matches(pattern, name) == (models.expression(pattern).fullmatch("/" + name) is not None)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("a*" * 120 + "b", "a" * 255),
        ("**/a/" * 50 + "b", "/".join("a" * 128)),
        ("*a" * 120 + "/x", "a" * 255),
        ("**/" * 80 + "a*b*c", "/".join(["abab"] * 50)),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "patterns are"),
        ("Team/app", "team/app"),
        ("/team", "slash"),
        ("team/", "slash"),
        ("team//app", "slash"),
        ("localhost:5000/team", "host"),
        ("team/app:v1", "host"),
        ("team/***", "patterns are"),
        ("team/a**", "patterns are"),
        ("team/[ab]", "patterns are"),
        ("team app", "patterns are"),
        ("té/am", "patterns are"),
        ("registry:catalogue", "host"),
    ],
)
def test_what_is_no_pattern(text: str, hint: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_pattern(text)
    assert hint in str(caught.value.hint)


def test_length_is_bounded() -> None:
    assert parse_pattern("a" * 255)
    with pytest.raises(UsageFault, match="256 characters"):
        parse_pattern("a" * 256)
