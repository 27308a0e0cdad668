"""The timer's process with tasks of a test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ctl.paths import Layout
from ctl.timer.outcome import Outcome, read_outcome, write_outcome
from ctl.timer.task import Task, content, tasks_file
from tests.harness.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
ENDS_WITH_IT = ("setpriv", "--pdeathsig", "TERM", "sh", "-c")
NEVER = "0 0 29 2 *"


class TimerProcess:
    """`python -m ctl.timer`.

    Args:
        root: its root.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.layout = root, Layout(root)
        (self.layout.timer / "outcomes").mkdir(parents=True)
        self.layout.state.mkdir(parents=True)
        self.log = root / "timer.log"
        self.process: subprocess.Popen[bytes] | None = None

    def task(self, script: str, *, cron: str = NEVER, due: bool = True, timeout: int = 60) -> Task:
        """A task of sh that is due at once, since its time has been missed, or not before long.

        Args:
            script: what sh runs; `$ROOT` is the root.
            cron, timeout: as Task has them.
            due: whether a time was missed.
        """
        name = f"task-{len(list((self.layout.timer / 'outcomes').glob('*.json')))}"
        since = datetime.now(UTC) - (timedelta(days=9 * 366) if due else timedelta())
        write_outcome(self.layout, name, Outcome(since))
        return Task(name, cron, (*ENDS_WITH_IT, script), timeout, environment={"ROOT": str(self.root)})

    def write(self, *tasks: Task) -> None:
        """The file of tasks."""
        tasks_file(self.layout).write_text(content(tasks), encoding="utf-8")

    def start(self, *tasks: Task) -> None:
        """Run the timer; with these tasks, if there are any."""
        if tasks:
            self.write(*tasks)
        command = [sys.executable, "-P", "-s", "-m", "ctl.timer", str(self.root)]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Let it end. Returns its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def outcome(self, task: Task) -> Outcome:
        """How a task ended last, once it has."""

        def ended() -> Outcome | None:
            found = read_outcome(self.layout, task.name)
            return found if found and found.ended else None

        found = wait_for(ended, what=f"the end of {task.name}")
        assert found is not None
        return found

    def wakeups(self) -> int:
        """How often it has left the processor so far."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return sum(map(int, re.findall(r"ctxt_switches:\s+([0-9]+)", status)))

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(encoding="utf-8")
