"""Work that a second process shares: the answer is the same, whatever becomes of that process."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from ctl.collector import second_process
from ctl.collector.second_process import in_two

ITEMS = list(range(1, 100))


pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_process, "_ALONE", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that an earlier test of this process has left do not count."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def children() -> set[int]:
    """Of this process; those of an earlier test may be among them."""
    return {one.pid for one in psutil.Process().children()}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("share", [1, 7, 60])
def test_two_processes_do_half_each(share: int) -> None:
    found = list(in_two(lambda one: (one, os.getpid()), ITEMS, share))
    assert [one for one, _ in found] == ITEMS
    assert len({process for _, process in found}) == 2


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("last", [ITEMS[1], ITEMS[51], ITEMS[-2]])
def test_a_second_process_that_dies_or_fails_is_done_without(last: int) -> None:
    parent = os.getpid()

    def killed(one: int) -> int:
        if os.getpid() != parent and one == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return one

    def fails(one: int) -> int:
        return one // (os.getpid() == parent or one != last)

    before = children()
    assert list(in_two(killed, ITEMS)) == ITEMS
    assert list(in_two(fails, ITEMS)) == ITEMS
    assert children() <= before


@pytest.mark.usefixtures("one_thread")
def test_where_there_are_too_many_processes_one_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", no_more)
    assert list(in_two(lambda one: one, ITEMS)) == ITEMS


@pytest.mark.usefixtures("one_thread")
def test_a_failure_of_the_first_one_leaves_no_process() -> None:
    before = children()
    with pytest.raises(ZeroDivisionError):
        list(in_two(lambda one: 1 // (one - 1), ITEMS))
    assert children() <= before


@pytest.mark.usefixtures("one_thread")
def test_what_is_not_asked_to_its_end_leaves_no_process() -> None:
    before = children()
    with closing(in_two(lambda one: one, ITEMS)) as found:
        assert next(found) == ITEMS[0]
        assert children() > before
    assert children() <= before


_HOLDER = """
import fcntl, os, sys, time
from ctl.collector import second_process
second_process._ALONE = 0
os.sched_getaffinity = lambda _: {0, 1}
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
parent = os.getpid()
def work(one):
    if os.getpid() != parent:
        os.write(1, b"second %d\\n" % os.getpid()) if one == 1 else time.sleep(0.1)
    elif one == 2:
        time.sleep(600)
    return one
list(second_process.in_two(work, range(100)))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_the_first_one_has_its_lock_and_soon_no_second_one(
    tmp_path: Path, number: signal.Signals
) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLDER, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        second = psutil.Process(int(process.stdout.readline().split()[1]))
        with lock.open("r+") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.send_signal(number)
        process.wait()
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    deadline = time.monotonic() + 60
    while second.is_running() and second.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_few_items_and_threads_are_left_to_one() -> None:
    assert list(in_two(lambda _: os.getpid(), [1])) == [os.getpid()]
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        assert set(in_two(lambda _: os.getpid(), ITEMS)) == {os.getpid()}
    finally:
        end.set()
        other.join()
