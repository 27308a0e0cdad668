"""The timer: comes at its times, makes up for missed ones, and does not run hot."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ctl.acme.record import Attempts
from ctl.acme.schedule import Schedule
from ctl.acme.step import Outcome, Result
from ctl.acme.timer import LONGEST_SLEEP, SHORTEST_SLEEP, Timer, crontab_line, own_command
from tests.harness.acme_site import Site

NIGHTLY = Schedule("30", "0", "*")


class Clockwork:
    """A timer with a clock of its own, and an authority that may fail."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.now = datetime.fromisoformat("2026-05-01T12:00").astimezone()
        self.timer = Timer(NIGHTLY, folder / "attempts.json")
        self.job = site.job()
        self.fails = False
        self.looks: list[datetime] = []

    def look(self) -> Outcome:
        """What the real one notes."""
        self.looks.append(self.now)
        attempts = Attempts.read(self.timer.attempts)
        if self.fails:
            attempts.after_failure("refused", self.now, counted=True).write(self.timer.attempts)
            return Outcome(Result.FAILED, self.job)
        attempts.after_success().write(self.timer.attempts)
        return Outcome(Result.KEPT, self.job)

    def wake(self) -> timedelta:
        """One turn of the service."""
        _, pause = self.timer.wake(self.now, self.look)
        assert SHORTEST_SLEEP <= pause <= LONGEST_SLEEP
        return pause

    def run(self, span: timedelta) -> int:
        """All turns of some time. Returns their number."""
        end, turns = self.now + span, 0
        while self.now < end:
            self.now += self.wake()
            turns += 1
        return turns

    @property
    def times(self) -> list[str]:
        """When it looked."""
        return [f"{one:%d %H:%M}" for one in self.looks]


@pytest.fixture
def clockwork(site: Site, tmp_path: Path) -> Clockwork:
    """A timer that has never run."""
    return Clockwork(site, tmp_path)


def test_it_comes_at_its_times_and_seldom_wakes_between(clockwork: Clockwork) -> None:
    turns = clockwork.run(timedelta(days=3))
    assert clockwork.times == ["02 00:30", "03 00:30", "04 00:30"]
    assert turns <= 3 * 26


def test_a_missed_time_is_made_up_for(clockwork: Clockwork) -> None:
    clockwork.wake()
    clockwork.now += timedelta(hours=20)
    clockwork.wake()
    assert clockwork.times == ["02 08:00"]
    clockwork.now += timedelta(hours=1)
    clockwork.wake()
    assert len(clockwork.looks) == 1


def test_failures_are_tried_again_with_pauses(clockwork: Clockwork) -> None:
    clockwork.fails = True
    clockwork.run(timedelta(days=2))
    assert clockwork.times == ["02 00:30", "02 01:30", "02 03:30", "02 07:30", *clockwork.times[4:]]
    assert len(clockwork.looks) <= 6


def test_what_failed_at_reconfigure_is_tried_again_within_the_hour(clockwork: Clockwork) -> None:
    Attempts().after_failure("refused", clockwork.now, counted=True).write(clockwork.timer.attempts)
    clockwork.run(timedelta(hours=2))
    assert clockwork.times == ["01 13:00"]


def test_the_command_line_finds_the_same_root_and_settings(site: Site) -> None:
    words = own_command(site.node())
    assert words[1:] == ["-m", "ctl", "--root", str(site.folder)]
    assert Path(words[0]).is_file()


def test_a_line_for_cron(site: Site, tmp_path: Path) -> None:
    node = site.node('letsencrypt["auto_renew_minute"] = 7\nletsencrypt["auto_renew_hour"] = "4,16"\n')
    line = crontab_line(node, tmp_path / "50%.log")
    assert line.startswith("7 4,16 */4 * * root ")
    assert line.endswith(r"50\%.log 2>&1")
    assert "renew-le-certs >> " in line
