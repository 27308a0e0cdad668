"""Times whole commands in pairs, so that a machine whose speed drifts favours neither side."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Job = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Two jobs and what their ratio should be.

    Args:
        name: what is measured.
        ours, theirs: the jobs, each ready to be repeated.
        aim: the ratio ours/theirs that is aimed at, at most; None where it is only to be known.
        other: what `theirs` is.
    """

    name: str
    ours: Job
    theirs: Job
    aim: float | None
    other: str


@dataclass(frozen=True)
class Outcome:
    """Medians of a pair, in seconds, and the median of the ratios taken pair by pair."""

    pair: Pair
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float

    def line(self) -> str:
        """One row of the table."""
        spread = f"{self.low:.2f}-{self.high:.2f}"
        times = f"{self.pair.name:<28} {self.ours:7.3f} s  {self.theirs:7.3f} s"
        return f"{times}  {self.ratio:6.2f} ({spread})  {self._verdict():<18} of {self.pair.other}"

    def _verdict(self) -> str:
        if self.pair.aim is None:
            return ""
        return f"aim {self.pair.aim:.2f}" + ("" if self.ratio <= self.pair.aim else " (missed)")


def measure(pair: Pair, repeats: int) -> Outcome:
    """Run both in turn, once for warming up and then `repeats` times."""
    pair.ours()
    pair.theirs()
    times = [(seconds(pair.ours), seconds(pair.theirs)) for _ in range(repeats)]
    ratios = [ours / theirs for ours, theirs in times]
    return Outcome(
        pair,
        median(ours for ours, _ in times),
        median(theirs for _, theirs in times),
        median(ratios),
        min(ratios),
        max(ratios),
    )


def seconds(job: Job) -> float:
    """What a job takes. One that knows its own time, because it prepares first, returns it as a float."""
    began = time.perf_counter()
    own = job()
    return own if isinstance(own, float) else time.perf_counter() - began


def command(argv: Sequence[str | Path]) -> Job:
    """A program run to its end, its output thrown away; a failure ends the benchmark with its output."""

    def job() -> None:
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{argv[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")

    return job
