"""When a service counts as up, and which processes go with one that is killed."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.graceful.control import NAME
from ctl.paths import Layout
from ctl.services import start_watch
from ctl.services.definition import Definition
from ctl.services.killing import _own_group
from ctl.services.runit import Runit
from ctl.services.start_watch import SETTLE, StartWatch
from ctl.services.status import Status


def test_one_that_has_run_for_long_is_up_at_the_first_look(tmp_path: Path) -> None:
    """One that has just started must live for a moment; whoever starts what runs already does not wait for that."""
    watch = StartWatch(tmp_path, Definition())
    assert SETTLE > 0
    assert watch.up(Status("web", "run", "", pid=1, seconds=2))
    assert not watch.up(Status("web", "run", "", pid=2, seconds=0))


def test_one_whose_log_keeps_exiting_is_not_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load no look may fall between two of the log's starts: its process number shows them."""
    watch = StartWatch(tmp_path, Definition())

    def web(log: int) -> Status:
        return Status("web", "run", "", pid=1, seconds=5, log=Status("log", "run", "", pid=log))

    assert not any(watch.up(web(log)) for log in (2, 3))
    monkeypatch.setattr(start_watch, "SETTLE", 0.0)
    assert watch.up(web(3))


@contextmanager
def sleeping(group: int | None) -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"], process_group=group) as process:
        yield process.pid
        process.kill()


def test_a_group_is_killed_only_where_the_service_leads_it() -> None:
    """Else it is that of runsv and of the log, and whoever else is in it."""
    with sleeping(0) as leads:
        assert _own_group(leads) == leads
    with sleeping(None) as shares:
        assert os.getpgid(shares) == os.getpgid(0)
        assert _own_group(shares) is None
    assert _own_group(shares) is None  # it has ended


def test_a_master_that_ends_while_it_is_asked_is_none(tmp_path: Path) -> None:
    """Its process number is then that of runsv's status; the look goes on."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / NAME))
    server.listen()

    class Services(Runit):
        def definition(self, name: str) -> Definition:
            return Definition(graceful=tmp_path)

    def end() -> None:
        link, _ = server.accept()
        link.recv(1_000)
        server.close()  # whoever asks once more finds nobody
        link.sendall(b'{"instances": []}\n')
        link.close()

    with server:
        ending = threading.Thread(target=end)
        ending.start()
        assert Services(Layout(tmp_path))._serving("web", 7) == 7
        ending.join()
