"""One slip in a file of four thousand lines is reported where it is, and nothing else."""

from __future__ import annotations

import pytest

from tests.harness import full_size
from tests.language.ruby.reader import errors

pytestmark = pytest.mark.real

LINES = full_size.text().split("\n")
QUOTED = [
    n
    for n, line in enumerate(LINES)
    if line.startswith(("registry[", "gitlab_rails[")) and line.endswith("'")
]
CLOSED = [n for n, line in enumerate(LINES) if line == "}"]


@pytest.mark.parametrize("number", QUOTED[::45])
def test_a_missing_quote(number: int) -> None:
    lines = [*LINES]
    lines[number] = lines[number][:-1]
    (found,) = errors("\n".join(lines))
    assert found.location is not None
    assert found.location.line == number + 1
    assert "quote is never closed" in found.message


@pytest.mark.parametrize("number", CLOSED[::38])
def test_a_missing_brace(number: int) -> None:
    lines = [*LINES]
    lines[number] = ""
    (found,) = errors("\n".join(lines))
    assert found.location is not None
    opening = max(
        n for n in range(number) if LINES[n].endswith(("{", "[")) and not LINES[n].startswith((" ", "#"))
    )
    assert found.location.line == opening + 1
    assert "never closed" in found.message or "missing" in found.message
