"""Failures: how long people wait after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.acme.record import Attempts

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def failing(times: int, *, counted: bool = True, apart: timedelta = MINUTE) -> Attempts:
    """Failures, the last of them now."""
    attempts = Attempts()
    for number in range(times):
        attempts = attempts.after_failure("refused", NOW - apart * (times - 1 - number), counted=counted)
    return attempts


def wait(attempts: Attempts) -> timedelta:
    """How long it takes from now until it may be tried again."""
    return attempts.from_when(NOW) - NOW


def test_people_may_try_at_once_but_not_until_the_authority_shuts_them_out() -> None:
    assert wait(failing(3)) == timedelta(0)
    assert wait(failing(4)) == HOUR - 3 * MINUTE
    assert wait(failing(9, apart=HOUR)) == timedelta(0)


def test_an_authority_that_is_down_counts_nothing() -> None:
    assert wait(failing(9, counted=False)) == timedelta(0)


def test_the_authority_is_not_asked_before_it_wants_to_be() -> None:
    until = NOW + timedelta(days=2)
    limited = Attempts().after_failure("too often", NOW, counted=False, until=until)
    assert limited.from_when(NOW) == until


def test_it_is_kept_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "letsencrypt.json"
    attempts = failing(2).after_failure("limit", NOW, counted=False, until=NOW + HOUR)
    attempts.write(file)
    assert Attempts.read(file) == attempts
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"failed": [1]}', '{"failed": 1}', '{"until": "never"}'])
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert Attempts.read(tmp_path / "a.json") == Attempts()
