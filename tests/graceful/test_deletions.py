"""What NGINX's log says of deletions that processes have carried out after another one began to serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.graceful.deletions import Deletions
from ctl.graceful.instance import Instance, State
from ctl.paths import Layout

FORMER, SERVING = "1-aa.sock", "2-bb.sock"
DRAINING = [
    Instance(1, 0, f"/run/{FORMER}", state=State.DRAINING),
    Instance(2, 0, f"/run/{SERVING}", state=State.CURRENT),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "deletions.log"
    path.write_text(f"{FORMER}\n")
    return path


@pytest.fixture
def deletions(log: Path, tmp_path: Path) -> Deletions:
    """After a switch."""
    found = Deletions(log, Layout(tmp_path / "root"))
    found.begin()
    return found


def write(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_what_was_deleted_before_and_what_the_serving_one_deletes_is_known_to_it(
    deletions: Deletions, log: Path
) -> None:
    write(log, SERVING)
    assert not deletions.look(DRAINING)
    assert deletions.watched()


def test_what_another_deletes_is_not(deletions: Deletions, log: Path) -> None:
    write(log, FORMER)
    assert deletions.look(DRAINING)
    assert deletions.look(DRAINING), "until another serves"
    deletions.begin()
    assert not deletions.look(DRAINING)


@pytest.mark.parametrize("before", [True, False], ids=["before the switch", "after it"])
def test_one_that_gave_no_answer_may_go_on_until_it_has_drained(
    deletions: Deletions, log: Path, before: bool
) -> None:
    if before:
        write(log, "")
        deletions.begin()
    else:
        write(log, "")
        assert deletions.look(DRAINING)
        deletions.begin()
    assert not deletions.look(DRAINING)
    assert deletions.look(DRAINING[1:])
    deletions.begin()
    assert not deletions.look(DRAINING)
    assert not deletions.look(DRAINING[1:]), "once"


def test_nor_is_what_is_written_around_a_rotation(deletions: Deletions, log: Path) -> None:
    write(log, FORMER)
    log.rename(log.with_name(f"{log.name}.1"))
    assert deletions.look(DRAINING)
    deletions.begin()
    write(log, SERVING)
    assert not deletions.look(DRAINING)
    log.rename(log.with_name(f"{log.name}.1"))
    write(log, FORMER)
    assert deletions.look(DRAINING)


def test_it_goes_on_across_an_exec(deletions: Deletions, log: Path, tmp_path: Path) -> None:
    write(log, SERVING)
    assert not deletions.look(DRAINING)
    successor = Deletions(log, Layout(tmp_path / "root"))
    successor.take_up(deletions.facts())
    assert not successor.look(DRAINING)
    write(log, FORMER)
    assert successor.look(DRAINING)


def test_nothing_takes_over_where_an_interrupted_run_has_left_half_of_its_files(
    deletions: Deletions, log: Path, tmp_path: Path
) -> None:
    journal = Layout(tmp_path / "root").journal
    journal.mkdir(parents=True)
    write(log, FORMER)
    assert not deletions.look(DRAINING)
    journal.rmdir()
    assert deletions.look(DRAINING)
