"""Planned files are read by a parser before they replace anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.converge import parses_as_yaml
from ctl.errors import ValidationError

REAL = Path("/var/opt/x/gitlab.yml")


def test_a_document_is_accepted(tmp_path: Path) -> None:
    planned = tmp_path / "x.yml"
    planned.write_text("production:\n  a: 1\n")
    parses_as_yaml(planned, real=REAL)
    planned.write_text("a: [")
    with pytest.raises(ValidationError):
        parses_as_yaml(planned, real=REAL)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1\n", r"gitlab\.yml:2:1"),
        ("a: b: c\n", r"gitlab\.yml:1:5"),
        ("--- 1\n--- 2\n", r"gitlab\.yml:2:1"),
    ],
)
def test_what_is_none_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    planned = tmp_path / "x.yml"
    planned.write_text(text)
    with pytest.raises(ValidationError, match=place):
        parses_as_yaml(planned, real=REAL)
