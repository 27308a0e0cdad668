"""Credentials that were right are remembered for a while, and only as long as they are."""

from __future__ import annotations

from ctl.auth import verified
from ctl.auth.verified import Verified


def test_right_credentials_are_remembered_for_a_while() -> None:
    now = [0.0]
    found = Verified(seconds=10, clock=lambda: now[0])
    mark = found.mark("alice", "secret", "hash")
    assert mark not in found
    found.add(mark)
    now[0] = 9.9
    assert found.mark("alice", "secret", "hash") in found
    now[0] = 10.0
    assert found.mark("alice", "secret", "hash") not in found


def test_another_secret_or_account_or_hash_is_not() -> None:
    found = Verified()
    found.add(found.mark("alice", "secret", "hash"))
    for other in (
        ("alice", "secret", "new hash"),
        ("alice", "secret", None),
        ("alice", "other", "hash"),
        ("bob", "secret", "hash"),
        # the same letters, parted in another place
        ("alices", "ecret", "hash"),
        ("alice", "secreth", "ash"),
    ):
        assert found.mark(*other) not in found


def test_another_process_has_another_key() -> None:
    assert Verified().mark("a", "b", "c") != Verified().mark("a", "b", "c")


def test_the_oldest_are_forgotten() -> None:
    found = Verified()
    marks = [found.mark("alice", str(number), "hash") for number in range(verified.MOST + 5)]
    for mark in marks:
        found.add(mark)
    assert marks[0] not in found
    assert marks[-1] in found
    assert len(found._until) == verified.MOST
    found.add(marks[5])  # the oldest of those that are left is the newest now
    found.add(marks[0])
    assert marks[5] in found
    assert marks[6] not in found
