"""Breaks runs at every system call that changes something and at every program that they start, and looks at what the
next run makes of it.

    python -m tests.faults.run [--points 1000] [--seed 1] [--change vhost] [--at calls] [--jobs 2] [--verbose]

Each point is one run that is killed at one call, or fails there because the disk is full or broken; or one of whose
programs (nginx -t, the registry's own check, sv, …) cannot be started, is killed, fails, or hangs. Then somebody goes
on to the new settings, goes back to the old ones, restarts the services first, boots the machine, or recovers and is
killed again. After that one further run may be needed, and no more: files and processes are those of one state,
nothing is left over, and the registry answers. Prints each point that is not so, and ends with their number.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.faults.installation import CHANGES, Installation
from tests.harness.children import AFTER, BESIDE, Child, run_broken, started
from tests.harness.faults import KILL, Call, Outcome, changing_calls, print_sums, run_with
from tests.harness.people import myself
from tests.harness.processes import end_all
from tests.harness.root import Root

NEW, OLD, RESTART, BOOT, AGAIN = "new settings", "old settings", "restart", "boot", "killed recovery"
SEQUELS = (NEW, OLD, RESTART, BOOT, AGAIN)
_RECOVERING = ("fsync", "renameat", "linkat", "unlinkat", "rename", "fchmod")
"""Calls of a recovery, one of which the killed recovery does not survive."""
RARELY = 0.1
"""How soon a call is chosen that makes or removes copies for the checks, or starts a program: many, and alike."""
CALLS, PROGRAMS = "calls", "programs"
KILLS = (KILL, BESIDE, AFTER)
"""Faults that the run itself does not survive."""


@dataclass(frozen=True)
class Point:
    """Where a run is broken, and what happens then.

    Args:
        change: what the run changes.
        state: the state that it is to bring about.
        call: the system call, or the program that it starts.
        fault: one of those that it can have.
        sequel: one of SEQUELS.
    """

    change: str
    state: int
    call: Call | Child
    fault: str
    sequel: str

    def __str__(self) -> str:
        return f"{self.change} to {self.state}, {self.fault} at {self.call}, then {self.sequel}"


class Campaign:
    """One change, to and fro, in a root of its own; use it as a context.

    Args:
        change: a name of CHANGES.
        rng: chooses.
        at: what is broken: CALLS, PROGRAMS, or both.
    """

    def __init__(self, change: str, rng: random.Random, at: Sequence[str] = (CALLS, PROGRAMS)) -> None:
        self.change, self._rng, self._at = change, rng, at
        self.root = Root(myself())
        self._state = 0

    def __enter__(self) -> Campaign:
        try:
            self.installation = Installation(self.root, CHANGES[self.change])
            self.installation.settle()
            self._calls = {state: self._list(state) for state in (1, 0)}
        except BaseException:
            self.root.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.root.end()

    def _list(self, state: int) -> list[Call | Child]:
        found: list[Call | Child] = []
        if CALLS in self._at:
            self.installation.choose(state)
            found += changing_calls(self.command, below=self.root.path, environment=self.environment)
        if PROGRAMS in self._at:
            for one in (1 - state, state) if CALLS in self._at else (state,):
                self.installation.choose(one)
                listed = started("ctl", self.arguments, environment=self.environment)
            found += listed
        return found

    def points(self) -> Iterator[Point]:
        """Points without end, each from the state in which the one before left the installation.

        Each call and fault comes once before any comes again.
        """
        left: dict[int, list[tuple[Call | Child, str]]] = {0: [], 1: []}
        while True:
            state = 1 - self._state
            left[state] = left[state] or self._shuffled(self._calls[state])
            call, fault = left[state].pop()
            yield Point(self.change, state, call, fault, self._rng.choice(SEQUELS))

    def _shuffled(self, calls: Sequence[Call | Child]) -> list[tuple[Call | Child, str]]:
        """Every call and program with every fault that it can have, the next one last."""
        every = [(call, fault) for call in calls for fault in call.faults]
        return sorted(every, key=lambda one: self._rng.random() ** (1 / _weight(one[0])))

    def look(self, point: Point) -> bool:
        """Break a run at a point and see how it goes on.

        Returns:
            Whether the fault met the call; a run may have fewer calls than the one that was listed.

        Raises:
            AssertionError: it does not go on as it should.
        """
        one = self.installation
        one.choose(point.state)
        outcome = self._break(point)
        self._judge(point, outcome)
        target = 1 - point.state if point.sequel == OLD else point.state
        self._go_on(point.sequel, target)
        one.choose(target)
        self._ctl("reconfigure")
        self._state = target
        one.is_in(target)
        again = self.root.reconfigure()
        assert again.nothing, f"the run after the next one still changes something: {again}"
        return bool(outcome.hit)

    def _break(self, point: Point) -> Outcome:
        if isinstance(point.call, Call):
            return run_with(point.fault, point.call, self.command, environment=self.environment)
        return run_broken(point.fault, point.call, "ctl", self.arguments, environment=self.environment)

    def _judge(self, point: Point, outcome: Outcome) -> None:
        """What the broken run itself says must be so."""
        assert "Traceback" not in outcome.out + outcome.err, outcome.err
        if point.fault in KILLS:
            return
        assert outcome.code in (0, 1), f"exit code {outcome.code}: {outcome.err}"
        if outcome.code == 0:
            self.installation.is_in(point.state)
        elif "everything was put back" in outcome.err:
            self.installation.is_in(1 - point.state)

    def _go_on(self, sequel: str, target: int) -> None:
        if sequel == RESTART:
            self.root.ctl("restart", timeout=120)
        if sequel == AGAIN:
            call = Call(self._rng.choice(_RECOVERING), self._rng.randint(1, 8), "")
            command = self.root.person.command(["--root", str(self.root.path), "recover"])
            run_with(KILL, call, command, environment=self.environment)
        if sequel == BOOT:
            end_all(self.root.path)
            for name in ("recover", "start"):
                self.root.ctl(name, timeout=120)
        self.installation.choose(target)

    def _ctl(self, *arguments: str) -> None:
        self.root.ctl(*arguments, timeout=120, env={"TMPDIR": str(self.installation.temporary)}).ok()

    def begin_anew(self) -> None:
        """Make another root, whatever a failed point has left."""
        self.root.end()
        self.root = Root(myself())
        self._state = 0
        self.__enter__()

    def calls(self, state: int) -> list[Call | Child]:
        """The calls and programs of a run that brings about a state."""
        return self._calls[state]

    @property
    def command(self) -> list[str]:
        """The run."""
        return self.root.person.command(self.arguments)

    @property
    def arguments(self) -> list[str]:
        """Of the run."""
        return ["--root", str(self.root.path), "reconfigure"]

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the run."""
        return self.root.environment() | {"TMPDIR": str(self.installation.temporary)}


def _weight(call: Call | Child) -> float:
    if isinstance(call, Child):
        return 1.0
    return RARELY if ".ctl-staging" in call.text or not call.writes else 1.0


def campaign(
    change: str,
    seed: str,
    points: int,
    *,
    at: Sequence[str] = (CALLS, PROGRAMS),
    verbose: bool = False,
) -> tuple[Counter[str], list[str]]:
    """Look at a number of points of one change.

    Returns:
        How many were met by each fault and sequel, and the failures.
    """
    rng = random.Random(f"{seed} {change}")  # noqa: S311 - wanted: the same points for the same seed
    with Campaign(change, rng, at) as one:
        return look_at(one, points, verbose=verbose)


def look_at(one: Campaign, points: int, *, verbose: bool) -> tuple[Counter[str], list[str]]:
    """Look at a number of points of a campaign. Returns as `campaign` does."""
    met: Counter[str] = Counter()
    failures: list[str] = []
    for point in one.points():
        if met.total() >= points:
            break
        try:
            hit = one.look(point)
        except AssertionError as error:
            hit = True
            failures.append(f"{point}\n    " + str(error).replace("\n", "\n    "))
            print(f"FAILED: {failures[-1]}", flush=True)
            one.begin_anew()
        if hit:
            met[f"{point.fault}, then {point.sequel}"] += 1
        if verbose:
            print(f"{'met' if hit else 'missed'}: {point}"[:200], flush=True)
    return met, failures


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=1000, help="of all changes together")
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--change", choices=CHANGES, action="append", help="only this one; may be given again"
    )
    parser.add_argument("--at", choices=(CALLS, PROGRAMS), help="break only these")
    parser.add_argument("--jobs", type=int, default=1, help="changes that are looked at at once")
    parser.add_argument("--verbose", action="store_true", help="print each point")
    arguments = parser.parse_args()
    changes = arguments.change or list(CHANGES)
    share = -(-arguments.points // len(changes))
    met: Counter[str] = Counter()
    failures: list[str] = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        at = (arguments.at,) if arguments.at else (CALLS, PROGRAMS)
        each = partial(campaign, seed=arguments.seed, points=share, at=at, verbose=arguments.verbose)
        for some, failed in pool.map(each, changes):
            met += some
            failures += failed
    return print_sums(met, failures)


if __name__ == "__main__":
    sys.exit(main())
