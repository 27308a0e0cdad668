"""Work that a second process shares: the answer is the same, whatever becomes of that process."""

from __future__ import annotations

import os
import signal
import threading

import psutil
import pytest

from ctl.images import parallel
from ctl.images.parallel import in_two

ITEMS = list(range(1, 100))


pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ALONE", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that an earlier test of this process has left do not count."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def children() -> set[int]:
    """Of this process; those of an earlier test may be among them."""
    return {one.pid for one in psutil.Process().children()}


@pytest.mark.usefixtures("one_thread")
def test_two_processes_do_half_each() -> None:
    found = in_two(lambda one: (one, os.getpid()), ITEMS)
    assert [one for one, _ in found] == ITEMS
    assert len({process for _, process in found}) == 2


@pytest.mark.usefixtures("one_thread")
def test_a_second_process_that_dies_or_fails_is_done_without() -> None:
    parent = os.getpid()

    def killed(one: int) -> int:
        if os.getpid() != parent and one == ITEMS[-1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return one

    def fails(one: int) -> int:
        return one // (os.getpid() == parent)

    before = children()
    assert in_two(killed, ITEMS) == ITEMS
    assert in_two(fails, ITEMS) == ITEMS
    assert children() <= before


@pytest.mark.usefixtures("one_thread")
def test_a_failure_of_the_first_one_leaves_no_process() -> None:
    before = children()
    with pytest.raises(ZeroDivisionError):
        in_two(lambda one: 1 // (one - 1), ITEMS)
    assert children() <= before


def test_few_items_and_threads_are_left_to_one() -> None:
    assert in_two(lambda _: os.getpid(), [1]) == [os.getpid()]
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        assert set(in_two(lambda _: os.getpid(), ITEMS)) == {os.getpid()}
    finally:
        end.set()
        other.join()
