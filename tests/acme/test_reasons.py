"""How a refusal by an authority is explained: the cause, its own words, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ctl.acme.reasons import Problem, not_acme, not_valid, refused

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAME = "registry.invalid"
CA = "ca.public-site.eu"


def reported(kind: str, detail: str, *, port: int = 80) -> tuple[str, str]:
    """Message and hint about one name."""
    found = not_valid([Problem(kind, detail, NAME)], authority=CA, port=port)
    return found.message, found.hint or ""


@pytest.mark.parametrize(
    ("kind", "detail", "message", "hint"),
    [
        ("dns", "NXDOMAIN looking up A", f"{CA} cannot resolve {NAME}", "Let an A or AAAA record"),
        ("connection", "lookup x on y: no such host", f"{CA} cannot resolve {NAME}", "A or AAAA record"),
        ("connection", "Timeout during connect", f"{CA} cannot connect to {NAME} on port 80", "firewall"),
        ("unauthorized", "Invalid response: 404", "something else answers for", "no other machine"),
        ("incorrectResponse", "did not match", "something else answers for", "no other machine"),
        ("caa", "CAA record forbids", "the CAA records of", "CAA record"),
        ("malformed", "what is that", f"{CA} does not accept {NAME}", "What the authority says"),
    ],
)
def test_names_that_are_not_valid(kind: str, detail: str, message: str, hint: str) -> None:
    output, advice = reported(kind, detail)
    assert output.startswith(message)
    assert f"({detail}" in output or f": {detail} (" in output
    assert hint in advice


def test_the_port_behind_port_80_is_named() -> None:
    _, hint = reported("connection", "refused", port=8080)
    assert f"Let TCP port 80 of {NAME} through to port 8080 of this machine" in hint
    assert f"Seen from here, {NAME} does not resolve." in hint


def test_where_a_name_leads_is_reported() -> None:
    found = not_valid([Problem("connection", "refused", "localhost")], authority=CA, port=80)
    assert "Seen from here, localhost leads to 127.0.0.1" in (found.hint or "")
    assert "this machine's" in (found.hint or "")


def test_each_name_is_reported() -> None:
    problems = [Problem("dns", "none", "a.invalid"), Problem("unauthorized", "404", "b.invalid")]
    found = not_valid(problems, authority=CA, port=80)
    assert "a.invalid" in found.message
    assert "b.invalid" in found.message
    assert found.counted


def test_rate_limits_say_until_when() -> None:
    detail = (
        "too many failed authorizations (5) in the last 1h0m0s, retry after 2026-05-01 13:05:00 UTC: see …"
    )
    limited = refused(Problem("rateLimited", detail), authority=CA, now=NOW)
    assert limited.until == NOW + timedelta(minutes=65)
    assert detail in limited.message
    silent = refused(Problem("rateLimited", "too many"), authority=CA, now=NOW)
    assert silent.until == NOW + timedelta(hours=12)


@pytest.mark.parametrize(("kind", "counted"), [("rejectedIdentifier", True), ("serverInternal", False)])
def test_the_authoritys_own_words_go_along(kind: str, counted: bool) -> None:
    found = refused(Problem(kind, "No for a reason"), authority=CA, now=NOW)
    assert found.message == f"{CA} refuses: No for a reason ({kind})"
    assert found.counted is counted


def test_strange_words_do_not_disturb_the_terminal() -> None:
    found = not_acme(CA, "\x1b[2Jnot\nACME" + "x" * 5_000)
    assert found.message.isprintable()
    assert len(found.message) < 1_000
