"""When a service counts as up, and which processes go with one that is killed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.services.definition import Definition
from ctl.services.killing import _own_group
from ctl.services.start_watch import SETTLE, StartWatch
from ctl.services.status import Status


def test_one_that_has_run_for_long_is_up_at_the_first_look(tmp_path: Path) -> None:
    """One that has just started must live for a moment; whoever starts what runs already does not wait for that."""
    watch = StartWatch(tmp_path, Definition())
    assert SETTLE > 0
    assert watch.up(Status("web", "run", "", pid=1, seconds=2))
    assert not watch.up(Status("web", "run", "", pid=2, seconds=0))


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
