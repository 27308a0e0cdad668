"""The log of decisions: one line each, from which the values can be read back."""

from __future__ import annotations

import io
import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from ctl.auth.decisions import GRANTED, NOTHING, Decision, Log

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
        "address=192.0.2.1 outcome=granted account=alice service=container_registry "
        "asked=repository:team/app:pull,push granted=repository:team/app:pull"
    )


def whole_or_cut(shown: str, given: str, *, longest: int) -> bool:
    """Whether a value is whole, or cut where it is too long as it is written: escaped, a character takes up to 12."""
    if len(json.dumps(given)) <= longest:
        return shown == given
    return shown == given or shown.endswith(f"... ({len(given)} characters)")


@example(account="", service="\x1f\x1f\x1f\x07" + "\U00010000" * 4, asked=[])
@given(st.text(max_size=400), st.text(max_size=8), st.lists(st.text(max_size=80), max_size=5))
def test_no_text_of_a_client_ends_the_line_or_looks_like_another_field(
    account: str, service: str, asked: list[str]
) -> None:
    line = Decision("192.0.2.1", account, service, tuple(asked), outcome="refused: x").line()
    assert line.isascii()
    assert line.isprintable()
    found = fields(line)
    assert len(line) < 950
    assert whole_or_cut(found["account"], account, longest=100)
    assert whole_or_cut(found["service"], service, longest=70)
    assert found["outcome"] == "refused: x"
    assert found["granted"] == ""


def test_long_values_are_cut() -> None:
    """svlogd breaks lines of 1000 characters: what a client wrote would be at the beginning of one."""
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
    assert second.startswith("address=192.0.2.1 outcome=granted ")


def test_outcomes_of_several_words_are_not_an_accounts() -> None:
    """svlogd parts lines by this: one word is what was granted, all else begins with a quote."""
    assert ' outcome="refused: ' in Decision("192.0.2.1").line()
    for outcome in (GRANTED, NOTHING):
        assert f" outcome={outcome} account=alice " in Decision("192.0.2.1", "alice", outcome=outcome).line()
