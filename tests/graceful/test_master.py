"""A master with a real registry: switches that no request notices, drains that end, processes that do not."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.errors import CtlError, RunFailed
from ctl.graceful.instance import Instance, State
from ctl.graceful.switch import switch
from tests.harness import distribution3
from tests.harness.graceful_master import Running, master, write_scripts
from tests.harness.https import UnixConnection
from tests.harness.ports import Ports
from tests.harness.registries import DEBIAN
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with master(tmp_path / "m") as one:
        yield one


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_switch_fails_no_request(running: Running) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(running.get())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(5):
        running.control.promote(running.started().number)
        wait_for(lambda: len(statuses) > 20 * turn, what="requests meanwhile")  # noqa: B023 - called at once
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}


def test_a_plain_restart_fails_requests(running: Running) -> None:
    """The negative control: the test above would notice."""
    failed = 0
    os.kill(running.control.instances()[0].pid, signal.SIGTERM)
    for _ in range(50):
        try:
            running.get()
        except OSError:
            failed += 1
    assert failed


def test_one_process_is_left_after_a_switch(running: Running) -> None:
    first = running.control.current()
    assert first is not None
    second = running.started()
    running.control.promote(second.number)
    wait_for(lambda: running.states() == {second.number: State.CURRENT}, what="the first one has ended")
    assert gone(first.pid)
    assert [one.name for one in (running.folder / "sockets").iterdir()] == [Path(second.socket).name]
    assert running.process.poll() is None


def test_a_process_with_another_key_is_kept_for_what_it_has_begun(running: Running) -> None:
    def switched(key: str) -> Instance:
        write_scripts(
            running.folder, drain=30, wait=5, debug="", program=DEBIAN, more=f" --key {key} --keep 3"
        )
        return switch(running.control, running.reread, lambda _: None, seconds=20)

    links = {key: running.folder / f"key-{key}.sock" for key in "ab"}
    first = switched("a")
    assert links["a"].resolve() == running.link.resolve()
    second = switched("b")
    assert running.states()[first.number] is State.KEPT
    assert links["a"].resolve().name == Path(first.socket).name
    assert links["b"].resolve() == running.link.resolve()
    wait_for(lambda: running.states() == {second.number: State.CURRENT}, what="the end of its time")
    assert not links["a"].is_symlink()
    third = switched("c")
    assert running.states()[second.number] is State.KEPT
    running.control.settle()
    wait_for(lambda: running.states() == {third.number: State.CURRENT}, what="no longer kept")


def test_an_upload_goes_on_in_the_old_process(running: Running) -> None:
    client = UnixConnection(running.link)
    client.request("POST", "/v2/app/blobs/uploads/")
    answer = client.getresponse()
    answer.read()
    place = answer.headers["Location"].partition("localhost")[2]
    client.putrequest("PATCH", place)
    client.putheader("Transfer-Encoding", "chunked")
    client.endheaders()
    client.send(b"4\r\nhalf\r\n")
    first = running.control.instances()[0]
    running.control.promote(running.started().number)
    time.sleep(1.0)  # several looks at the connections
    assert running.states()[first.number] is State.DRAINING
    client.send(b"4\r\ndone\r\n0\r\n\r\n")
    assert client.getresponse().status == 202
    client.close()
    wait_for(lambda: gone(first.pid), what="the old process has ended")


def test_the_limit_ends_a_drain(tmp_path: Path) -> None:
    with master(tmp_path / "m", drain=1.0) as running:
        client = UnixConnection(running.link)
        client.request("GET", "/v2/")
        client.getresponse().read()  # kept alive: a connection that never closes
        first = running.control.instances()[0]
        running.control.promote(running.started().number)
        wait_for(lambda: gone(first.pid), what="the old process has ended")
        assert "still has connections after 1 s: sent TERM" in running.log()


def test_a_stopped_process_is_ended(tmp_path: Path) -> None:
    with master(tmp_path / "m", wait=1.0) as running:
        first = running.control.instances()[0]
        os.kill(first.pid, signal.SIGSTOP)
        running.control.promote(running.started().number)
        wait_for(lambda: gone(first.pid), what="the stopped process has ended")
        assert running.get() == 200


def test_a_change_during_a_drain_starts_a_third(running: Running) -> None:
    held = UnixConnection(running.link)
    held.request("GET", "/v2/")
    held.getresponse().read()
    running.control.promote(running.started().number)
    running.control.promote(running.started().number)
    assert list(running.states().values()).count(State.CURRENT) == 1
    assert running.states()[1] is State.DRAINING
    assert running.get() == 200
    held.close()
    wait_for(lambda: len(running.states()) == 1, what="the others have ended")


def test_a_candidate_that_is_discarded_changes_nothing(running: Running) -> None:
    before = running.serving()
    second = running.started()
    running.control.discard(second.number)
    wait_for(lambda: gone(second.pid), what="the candidate has ended")
    assert running.serving() == before
    assert running.get() == 200


def test_a_candidate_that_is_forgotten_ends(running: Running) -> None:
    second = running.control.start(0.5)
    wait_for(lambda: gone(second.pid), what="the candidate has ended")
    assert running.get() == 200


def test_a_candidate_of_a_killed_run_goes_with_the_next(running: Running) -> None:
    forgotten = running.started(seconds=600)
    following = running.started(seconds=600)
    wait_for(lambda: gone(forgotten.pid), what="the forgotten process ends")
    running.control.promote(following.number)
    assert running.get() == 200


def test_a_candidate_that_ends_is_reported_and_cannot_serve(running: Running) -> None:
    (running.folder / "config.yml").write_text("version: 7\n")
    second = running.control.start(60)
    wait_for(lambda: running.states()[second.number] is State.ENDED, what="its end is noted")
    with pytest.raises(CtlError, match="is ended"):
        running.control.promote(second.number)
    assert running.get() == 200


def test_a_fresh_process_takes_over_or_the_serving_one_goes_on(running: Running) -> None:
    log = running.folder / "deletions.log"
    more = f" --deletions {log} --root {running.folder}"
    write_scripts(running.folder, drain=30.0, wait=5.0, debug="", program=DEBIAN, more=more)
    switch(running.control, running.reread, lambda _: None, seconds=10)
    log.write_text("1-of-a-former-one.sock\n")
    wait_for(lambda: running.serving()["number"] == 3, what="a fresh process")
    (running.folder / "serve").write_text("#!/bin/sh\nexit 1\n")
    log.write_text("1-of-a-former-one.sock\n" * 2)
    wait_for(
        lambda: "(exit status 1); the process that serves may remember what was deleted" in running.log()
    )
    assert running.serving()["number"] == 3
    assert running.get() == 200


def test_hup_rereads_the_script_and_keeps_the_processes(running: Running) -> None:
    before = running.control.instances()
    write_scripts(running.folder, drain=7.0, wait=5.0, debug="", program=DEBIAN)
    seen: list[int] = []
    switch(
        running.control, running.reread, lambda _: seen.extend([running.get(), *running.states()]), seconds=10
    )
    assert running.control.generation() == 2
    assert seen == [200, before[0].number, 2]
    assert b"7.0" in Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
    assert running.get() == 200


def test_hup_with_a_broken_script_goes_on(running: Running) -> None:
    (running.folder / "run").chmod(0o644)
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "going on as before" in running.log(), what="the master says so")
    assert running.control.generation() == 1
    running.control.promote(running.started().number)
    assert running.get() == 200


def test_the_end_of_the_serving_process_ends_the_master(running: Running) -> None:
    os.kill(running.control.instances()[0].pid, signal.SIGKILL)
    assert running.process.wait(10) == 1
    assert "ended by itself (killed by SIGKILL)" in running.log()


def test_no_process_outlives_a_killed_master(running: Running) -> None:
    pids = [running.control.instances()[0].pid, running.started().pid]
    running.process.kill()
    wait_for(lambda: all(gone(pid) for pid in pids), what="both have ended")


def test_term_ends_all(running: Running) -> None:
    pids = [running.control.instances()[0].pid, running.started().pid]
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    assert all(gone(pid) for pid in pids)


def test_the_debug_server_answers_for_the_process_that_serves(tmp_path: Path) -> None:
    ports = Ports()
    try:
        address = f"127.0.0.1:{ports.take()}"
        with master(tmp_path / "m", debug=address) as running:

            def start_time() -> str:
                with urllib.request.urlopen(f"http://{address}/metrics") as answer:
                    lines = answer.read().decode().splitlines()
                return str(next(line for line in lines if line.startswith("process_start_time_seconds")))

            before = start_time()
            running.control.promote(running.started().number)
            assert start_time() != before
    finally:
        ports.release()


def test_only_its_owner_may_control(running: Running) -> None:
    assert running.control.path.stat().st_mode & 0o777 == 0o700


def test_an_unhealthy_process_never_serves(running: Running) -> None:
    def refuse(_one: Instance) -> None:
        raise RunFailed("the realm is wrong")

    before = running.serving()
    with pytest.raises(RunFailed, match="the realm is wrong"):
        switch(running.control, running.reread, refuse, seconds=10)
    wait_for(lambda: len(running.states()) == 1, what="the candidate has ended")
    assert running.serving() == before
    assert running.get() == 200


def test_a_process_that_does_not_start_is_reported(running: Running) -> None:
    (running.folder / "config.yml").write_text("version: 7\n")
    with pytest.raises(RunFailed, match=r"ended at once \(exit status \d\)"):
        switch(running.control, running.reread, lambda one: None, seconds=10)
    assert running.get() == 200


def test_between_two_programs(running: Running) -> None:
    program = distribution3.path()
    if program is None:
        pytest.skip(str(distribution3.missing()))
    write_scripts(running.folder, drain=30.0, wait=5.0, debug="", program=program)
    switch(running.control, running.reread, lambda one: None, seconds=10)
    wait_for(lambda: len(running.states()) == 1, what="the old program has ended")
    assert running.get() == 200
    assert Path(f"/proc/{running.control.instances()[0].pid}/exe").resolve() == program.resolve()
