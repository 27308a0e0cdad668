"""Guessing is limited by account and address, and hits nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.auth import attempts
from ctl.auth.attempts import EVERYWHERE, FailedAttempts, network

PERIOD = 300.0


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, *, per_account: int = 3, per_address: int = 8) -> FailedAttempts:
    return FailedAttempts(per_account=per_account, per_address=per_address, period=PERIOD, clock=clock)


def fail(found: FailedAttempts, address: str, account: str, times: int = 1) -> int:
    """Attempts that were let through and failed."""
    through = 0
    for _ in range(times):
        if not found.wait(address, account):
            found.begin(address, account)
            through += 1
    return through


def test_an_account_has_a_few_attempts_from_one_address() -> None:
    clock = Clock()
    found = limits(clock)
    assert fail(found, "192.0.2.1", "alice", 9) == 3
    assert found.wait("192.0.2.1", "alice") == PERIOD
    assert found.wait("192.0.2.1", "bob") == 0
    assert found.wait("192.0.2.2", "alice") == 0
    clock.now += PERIOD - 1
    assert found.wait("192.0.2.1", "alice") == 1
    clock.now += 1
    assert found.wait("192.0.2.1", "alice") == 0
    assert fail(found, "192.0.2.1", "alice", 9) == 3


def test_a_success_forgets_what_failed_there_and_nothing_else() -> None:
    found = limits(Clock())
    fail(found, "192.0.2.1", "alice", 2)
    fail(found, "192.0.2.1", "bob", 2)
    found.begin("192.0.2.1", "alice")
    found.succeeded("192.0.2.1", "alice")
    assert fail(found, "192.0.2.1", "alice", 9) == 3
    assert fail(found, "192.0.2.1", "bob", 9) == 1


def test_an_account_of_ones_own_does_not_help_to_guess_at_others() -> None:
    found = limits(Clock())
    guessed = 0
    for number in range(100):
        found.begin("192.0.2.1", "mallory")
        found.succeeded("192.0.2.1", "mallory")
        guessed += fail(found, "192.0.2.1", f"victim{number}")
    assert guessed == 8


def test_who_signed_in_from_there_before_is_not_locked_out_by_others() -> None:
    found = limits(Clock())
    found.begin("192.0.2.1", "admin")
    found.succeeded("192.0.2.1", "admin")
    for number in range(20):
        fail(found, "192.0.2.1", f"guess{number}")
    assert found.wait("192.0.2.1", "somebody") > 0
    assert found.wait("192.0.2.1", "admin") == 0
    assert fail(found, "192.0.2.1", "admin", 9) == 3


def test_guesses_from_everywhere_make_an_account_crowded_and_lock_nobody_out() -> None:
    clock = Clock()
    found = limits(clock)
    found.begin("192.0.2.1", "admin")
    found.succeeded("192.0.2.1", "admin")
    for number in range(3 * EVERYWHERE):
        assert not found.crowded("admin")
        fail(found, f"198.51.100.{number}", "admin")
    assert found.crowded("admin")
    assert found.wait("203.0.113.1", "admin") == 0
    assert found.knows("192.0.2.1", "admin")
    assert not found.knows("198.51.100.1", "admin")
    assert not found.crowded("bob")
    clock.now += PERIOD
    assert not found.crowded("admin")


def test_an_attempt_that_was_not_made_does_not_count() -> None:
    found = limits(Clock())
    for _ in range(20):
        found.withdrawn("192.0.2.1", "alice", found.begin("192.0.2.1", "alice"))
    assert fail(found, "192.0.2.1", "alice", 9) == 3


def test_another_process_takes_over_what_is_known() -> None:
    clock = Clock()
    found, next_one = limits(clock), limits(clock)
    fail(found, "192.0.2.1", "alice", 3)
    found.succeeded("192.0.2.2", "bob")
    for number in range(40):
        fail(found, f"198.51.100.{number}", "admin")
    next_one.take_over(json.loads(json.dumps(found.tables())))
    assert next_one.wait("192.0.2.1", "alice") == PERIOD
    assert next_one.knows("192.0.2.2", "bob")
    assert next_one.crowded("admin")
    assert next_one.tables() == found.tables()


def test_zero_is_no_limit() -> None:
    found = limits(Clock(), per_account=0, per_address=0)
    assert fail(found, "192.0.2.1", "alice", 100) == 100
    only_address = limits(Clock(), per_account=0, per_address=4)
    assert fail(only_address, "192.0.2.1", "alice", 100) == 4
    only_account = limits(Clock(), per_account=4, per_address=0)
    assert fail(only_account, "192.0.2.1", "alice", 100) == 4


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::9", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("unix:", "unix:"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    """Whoever has one IPv6 address has 2^64 of them."""
    assert network(address) == counted


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 50)
    found = limits(Clock())
    for number in range(500):
        found.begin(f"10.0.{number // 250}.{number % 250}", f"account{number}")
        found.succeeded(f"10.0.{number // 250}.{number % 250}", f"account{number}")
        found.begin(f"10.1.{number // 250}.{number % 250}", f"account{number}")
    tables = (found._pairs, found._addresses, found._accounts, found._known)
    assert all(len(table) <= 50 for table in tables)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.booleans(), st.floats(0, 200)), max_size=60
    )
)
def test_no_order_of_events_lets_more_through_in_a_period(events: list[tuple[str, str, bool, float]]) -> None:
    """Of one account from one address, between two successes."""
    clock = Clock()
    found = limits(clock)
    failed: dict[tuple[str, str], list[float]] = {}
    for address, account, success, pause in events:
        clock.now += pause
        if found.wait(address, account):
            continue
        found.begin(address, account)
        times = failed.setdefault((address, account), [])
        if success:
            found.succeeded(address, account)
            times.clear()
        else:
            times.append(clock.now)
            assert len([when for when in times if when > clock.now - PERIOD]) <= 3
