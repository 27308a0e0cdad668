"""The log of decisions: one line each, from which the values can be read back."""

from __future__ import annotations

import io
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from ctl.auth.decisions import Decision, Log

FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^" ]+)(?: |$)')


def fields(line: str) -> dict[str, str]:
    assert FIELD.sub("", line) == ""
    found = FIELD.findall(line)
    assert len(found) == 6
    return {name: json.loads(value) if value.startswith('"') else value for name, value in found}


def test_a_line() -> None:
    decision = Decision(
        "192.0.2.1",
        "alice",
        "container_registry",
        ("repository:team/app:pull,push",),
        ("repository:team/app:pull",),
        "granted",
    )
    assert decision.line() == (
        "address=192.0.2.1 account=alice service=container_registry asked=repository:team/app:pull,push "
        "granted=repository:team/app:pull outcome=granted"
    )


@given(st.text(max_size=400), st.text(max_size=8), st.lists(st.text(max_size=80), max_size=5))
def test_no_text_of_a_client_ends_the_line_or_looks_like_another_field(
    account: str, service: str, asked: list[str]
) -> None:
    line = Decision("192.0.2.1", account, service, tuple(asked), outcome="refused: x").line()
    assert line.isascii()
    assert line.isprintable()
    found = fields(line)
    assert len(line) < 950
    assert found["account"] == account or found["account"].endswith(f"... ({len(account)} characters)")
    assert found["service"] == service
    assert found["outcome"] == "refused: x"
    assert found["granted"] == ""


def test_long_values_are_cut() -> None:
    """svlogd breaks lines of 1000 characters: what a client wrote would stand at the beginning of one."""
    many = tuple(f"repository:team/{number}:pull" for number in range(100))
    for text in ("a", "\x7f", "😀", '"', "outcome=granted "):
        line = Decision("192.0.2.1", text * 256, text * 20_000, (*many, text), many, text * 900).line()
        assert len(line) < 950
        found = fields(line)
        assert found["asked"].endswith(f"({len(' '.join((*many, text)))} characters)")
        assert found["service"].startswith(text)


def test_lines_reach_the_stream_at_once() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log.event("listening on 127.0.0.1:5002")
    log.decision(Decision("192.0.2.1", outcome="granted"))
    first, second = stream.getvalue().splitlines()
    assert first == 'event="listening on 127.0.0.1:5002"'
    assert second.endswith("outcome=granted")
