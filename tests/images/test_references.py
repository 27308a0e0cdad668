"""References: what registries take, and nothing that leads out of a repository's folder."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.images.references import Reference, WrongName, parse_reference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", Reference("app")),
        ("team/web-app/x__y", Reference("team/web-app/x__y")),
        ("team/app:v1.0_RC", Reference("team/app", "v1.0_RC")),
        (f"team/app@{DIGEST}", Reference("team/app", "", DIGEST)),
        (f"team/app:v1@{DIGEST}", Reference("team/app", "v1", DIGEST)),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    ["", "Team/app", "../app", "team/../app", "team//app", "/app", "app/", "app/_layers", "app:", "app:.hidden",
     "app:a b", "app:" + "x" * 129, "app@", "app@sha256:00", "x" * 256, "app\n", "localhost:5000/app:v1"],
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(WrongName):
        parse_reference(text)


@given(st.text(alphabet="ab/._-:@AZ\\\n\0", max_size=12))
def test_a_repository_never_leads_elsewhere(text: str) -> None:
    try:
        found = parse_reference(text)
    except WrongName:
        return
    assert not any(part in ("", "..", ".") or part.startswith("_") for part in found.repository.split("/"))
    assert not re.search(r"[/\\\n\0]|^\.", found.tag)
