"""Breaks the programs that run scripts start (chpst, setpriv, flock), and looks at what the next run makes of it.

    python -m tests.faults.supervised [--points 60] [--seed 1] [--change everything] [--verbose]

Runit, and the masters that it supervises, start these, not ctl: in a mount namespace of its own others are in their
place. One of them cannot be found, gets no process, is killed, fails, or hangs, at one start or at each during a run.
Then somebody goes on as after the faults of tests.faults.run. Needs root and a mount namespace.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.faults.installation import CHANGES
from tests.faults.run import Campaign, Point, look_at
from tests.harness.children import HANGS, KILLED, NO_PROCESS, NOT_FOUND, REFUSES, Child
from tests.harness.faults import Call, Outcome, print_sums
from tests.harness.people import CHECKOUT

PROGRAMS = ("chpst", "setpriv", "flock")
LASTING = ", each time"
INSTEAD = {
    NOT_FOUND: 'echo "$0: not found" >&2; exit 127',
    NO_PROCESS: 'echo "$0: Resource temporarily unavailable" >&2; exit 126',
    KILLED: "kill -9 $$",
    REFUSES: "exit 1",
    HANGS: "exec sleep 1000",
}
PRIVATE = ("unshare", "--mount", "--propagation", "private")
SCRIPT = """\
#!/bin/sh
printf '%s\\n' '{name}'" $*" >>{folder}/log
if [ -e {folder}/armed ] && [ '{name}'" $*" = "$(cat {folder}/chosen)" ]; then
  : >{folder}/hit
  if [ -e {folder}/lasting ] || mv {folder}/armed {folder}/disarmed 2>/dev/null; then
    . {folder}/instead
  fi
fi
exec {folder}/{name} "$@"
"""
_MODULE = "tests.faults.supervised"
_HIDDEN = "CTL_FAULTS_PROGRAMS"


@dataclass(frozen=True)
class Started(Child):
    """One program that a run script starts, known by its arguments: which comes first is not certain."""

    @property
    def faults(self) -> Sequence[str]:
        """Each once, and each time."""
        return [*INSTEAD, *(fault + LASTING for fault in INSTEAD)]


class Programs:
    """The programs in place of the machine's.

    Args:
        folder: in which the real ones are, with what happens to them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_in_place(self) -> None:
        """For this mount namespace."""
        self._folder.chmod(0o777)
        for name in PROGRAMS:
            place = shutil.which(name)
            assert place is not None
            shutil.copy2(place, self._folder / name)
            script = self._folder / f"{name}.sh"
            script.write_text(SCRIPT.format(name=name, folder=self._folder))
            script.chmod(0o755)
            subprocess.run(["mount", "--bind", script, Path(place).resolve()], check=True)

    def begin(self) -> None:
        """Forget what has been started."""
        (self._folder / "log").write_text("")
        (self._folder / "log").chmod(0o666)

    def started(self) -> list[Started]:
        """What has been started since, each with other arguments."""
        lines = dict.fromkeys((self._folder / "log").read_text().splitlines())
        return [Started(name, 0, text) for name, _, text in (line.partition(" ") for line in lines)]

    def arm(self, child: Child, fault: str) -> None:
        """Break a program at its next start."""
        for name, content in (
            ("chosen", f"{child.name} {child.text}"),
            ("instead", INSTEAD[fault.removesuffix(LASTING)] + "\n"),
            *([("lasting", "")] if fault.endswith(LASTING) else []),
            ("armed", ""),
        ):
            (self._folder / name).write_text(content)

    def disarm(self) -> bool:
        """Break none any more. Returns whether one was broken."""
        hit = (self._folder / "hit").exists()
        for name in ("armed", "disarmed", "lasting", "hit"):
            (self._folder / name).unlink(missing_ok=True)
        return hit


class SupervisedCampaign(Campaign):
    """As its base, with other faults."""

    programs: ClassVar[Programs]

    def _list(self, state: int) -> list[Call | Child]:
        for one in (1 - state, state):
            self.installation.choose(one)
            self.programs.begin()
            self.root.reconfigure()
        return list(self.programs.started())

    def _break(self, point: Point) -> Outcome:
        assert isinstance(point.call, Child)
        self.programs.arm(point.call, point.fault)
        done = self.root.ctl("reconfigure", timeout=200, env=dict(self.environment))
        hit = self.programs.disarm()
        return Outcome(done.code, done.out, done.err, str(point.call) if hit else "")


def campaign(change: str, seed: str, points: int, *, verbose: bool) -> tuple[Counter[str], list[str]]:
    """Look at a number of points. Returns how many were met by each fault and sequel, and the failures."""
    rng = random.Random(f"{seed} {change}")  # noqa: S311 - wanted: the same points for the same seed
    with SupervisedCampaign(change, rng) as one:
        return look_at(one, points, verbose=verbose)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--change", choices=CHANGES, default="everything")
    parser.add_argument("--verbose", action="store_true", help="print each point")
    arguments = parser.parse_args()
    if _HIDDEN not in os.environ:
        with tempfile.TemporaryDirectory(prefix="ctl-programs-") as folder:
            environment = {**os.environ, _HIDDEN: folder, "PYTHONPATH": str(CHECKOUT)}
            again = [*PRIVATE, sys.executable, "-m", _MODULE, *sys.argv[1:]]
            return subprocess.run(again, check=False, env=environment).returncode
    SupervisedCampaign.programs = Programs(Path(os.environ[_HIDDEN]))
    SupervisedCampaign.programs.put_in_place()
    return print_sums(
        *campaign(arguments.change, arguments.seed, arguments.points, verbose=arguments.verbose)
    )


if __name__ == "__main__":
    sys.exit(main())
