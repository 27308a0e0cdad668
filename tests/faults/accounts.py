"""Breaks the tools that make accounts, in a copy of /etc of its own, and looks at what the next run makes of it.

    python -m tests.faults.accounts [--points 200] [--seed 1] [--fault "killed half way rename 2"] [--verbose]

Each point is one run of which one of the tools (groupadd, useradd, usermod, and userdel and groupdel of the way back)
cannot be started, is killed before, at one of its system calls or after it, fails, or hangs; or ctl is killed beside
it. Then another run goes forward, or back. After that the accounts are those of one state, in all four files.
Needs root and a mount namespace.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ctl.converge import Command, Group, Item, User, converge
from ctl.converge.model import Machine
from ctl.converge.rollback import recovered
from ctl.errors import CtlError
from tests.harness.children import AFTER, BESIDE, CHILD_FAULTS, HALF, Child, run_broken, started
from tests.harness.faults import print_sums
from tests.harness.people import CHECKOUT
from tests.harness.supervisor import Bench

PRIVATE = (
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""Without the machine's processes: usermod refuses to change a user that has any, and numbers are given out twice."""
FILES = ("passwd", "shadow", "group", "gshadow")
FORWARD, BACK, FAIL = "forward", "back", "fail"
RUNS = (FORWARD, FAIL)
"""A run that makes the accounts, and one that fails after it has made them."""
CALLS = tuple(
    f"{HALF} {call} {number}"
    for call, most in (("link", 4), ("fchown", 8), ("rename", 4), ("unlink", 8), ("fsync", 8), ("write", 12))
    for number in range(1, most + 1)
)
"""The tools write each file beside the old one, and rename it: the first rename is done before the second."""
SLOW = tuple(f"{BESIDE} {call}" for call in ("link 1", "rename 1", "rename 2", "unlink 1"))
"""Before its lock, before and between the files, and before the end."""
KINDS = (HALF, BESIDE)
_MODULE = "tests.faults.accounts"


def private() -> list[str]:
    """What comes before a command that gets a copy of /etc/passwd and its kin.

    The folder of the copy follows, then the command.
    """
    mount = 'mount --bind "$1" /etc && shift && exec "$@"'
    return [*PRIVATE, "sh", "-c", mount, "sh"]


def copy_etc(folder: Path) -> Path:
    """A copy of what the tools read and write of /etc."""
    folder.mkdir()
    for name in (*FILES, "login.defs", "nsswitch.conf"):
        if Path("/etc", name).exists():
            shutil.copy2(f"/etc/{name}", folder / name)
    return folder


def can_be_private() -> bool:
    """Whether this is root, and may have a mount namespace."""
    done = subprocess.run([*PRIVATE, "true"], capture_output=True, check=False) if os.geteuid() == 0 else None
    return done is not None and done.returncode == 0


@dataclass(frozen=True)
class Point:
    """Which tool is broken in which run, and what happens then.

    Args:
        run: one of RUNS.
        child: the tool.
        fault: one of CHILD_FAULTS, or HALF with the number of a call.
        sequel: FORWARD or BACK.
    """

    run: str
    child: Child
    fault: str
    sequel: str

    def __str__(self) -> str:
        return f"{self.run}, {self.fault} at {self.child}, then {self.sequel}"


class Accounts:
    """A bench with accounts that are not there yet, and one that changes.

    Args:
        folder: of the bench.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
        self._begin()
        self.before = content()
        self._run(FORWARD)
        self.after = content()
        self.children = {run: self._list(run) for run in RUNS}

    def _begin(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()

    def _list(self, run: str) -> list[Child]:
        self._reset()
        found = started(_MODULE, self._arguments(run), environment=self._environment)
        return [one for one in found if one.name not in ("false", "true")]

    def _reset(self) -> None:
        self._begin()
        for name, text in self.before.items():
            Path("/etc", name).write_text(f"{text}\n")
        for left in Path("/etc").glob("*.lock"):
            left.unlink()

    def _arguments(self, run: str) -> list[str]:
        return ["--run", run, "--bench", str(self._folder)]

    def _run(self, run: str) -> str:
        command = [sys.executable, "-m", _MODULE, *self._arguments(run)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def points(self, rng: random.Random) -> Iterator[Point]:
        """Every tool with every fault, in an order of chance; then anew."""
        plain = [fault for fault in CHILD_FAULTS if fault != HALF]
        faults = [*plain, *CALLS, *SLOW]
        every = [(run, child, fault) for run in RUNS for child in self.children[run] for fault in faults]
        while True:
            rng.shuffle(every)
            for run, child, fault in every:
                yield Point(run, child, fault, rng.choice((FORWARD, BACK)))

    def all_with(self, fault: str) -> Iterator[Point]:
        """One fault in every tool of a run that goes back."""
        yield from (Point(FAIL, child, fault, BACK) for child in self.children[FAIL])

    def look(self, point: Point) -> None:
        """Break a run and see how it goes on.

        Raises:
            AssertionError: it does not go on as it should.
        """
        self._reset()
        arguments = self._arguments(point.run)
        outcome = run_broken(point.fault, point.child, _MODULE, arguments, environment=self._environment)
        printed = outcome.out + outcome.err
        assert "Traceback" not in printed, printed
        killed = point.fault.startswith((AFTER, BESIDE))
        if not killed and "everything was put back" in printed:
            assert content() == self.before, f"{printed}\n{self.differs(self.before)}"
        if not killed and "done" in printed.split():
            assert content() == self.after, f"{printed}\n{self.differs(self.after)}"
        printed += self._run(point.sequel)
        wanted = self.after if point.sequel == FORWARD or "done" in printed.split() else self.before
        assert content() == wanted, f"{printed}\n{self.differs(wanted)}"
        if "not everything" not in printed:
            again = self._run(point.sequel)
            assert "create" not in again, again

    def differs(self, wanted: dict[str, str]) -> str:
        """Lines of the account files that are not as they should be."""
        found = content()
        return "\n".join(
            f"{name}: {sign}{line}"
            for name in FILES
            for sign, ours, theirs in (("-", wanted, found), ("+", found, wanted))
            for line in sorted(set(ours[name].splitlines()) - set(theirs[name].splitlines()))
        )


def content() -> dict[str, str]:
    """The lines of the account files, in order of the alphabet."""
    return {name: "\n".join(sorted(Path("/etc", name).read_text().splitlines())) for name in FILES}


def items() -> list[Item]:
    """Two accounts, and the group of a third that is there already."""
    return [
        Group("ctl-a", gid=64_711),
        User("ctl-a", group="ctl-a", uid=64_711, home="/nonexistent/a"),
        Group("ctl-b", gid=64_712),
        User("ctl-b", group="ctl-b", uid=64_712, home="/nonexistent/b"),
    ]


def run_inside(run: str, folder: Path) -> None:
    """One run of ctl's engine: what it prints says how it ended."""
    bench = Bench.at(folder)
    machine = Machine(services=bench.services, privileged=True)
    wanted: list[Item] = [] if run == BACK else items()
    if run == FAIL:
        wanted.append(Command("bad", argv=["false"], guard=lambda: True))
    try:
        with recovered(bench.layout, machine, bench.observer.note):
            report = converge(wanted, machine=machine, layout=bench.layout, observer=bench.observer)
        ended = f"changes: {[one.summary for one in report.changes]} done" if run == FORWARD else "went back"
    except CtlError as error:
        ended = error.message
    print(*bench.observer.lines, ended, sep="\n")


def campaign(
    points: int, seed: str, fault: str = "", *, verbose: bool = False
) -> tuple[Counter[str], list[str]]:
    """Look at a number of points, or at one fault in every tool.

    Returns:
        How many there were of each fault, and the failures.
    """
    met: Counter[str] = Counter()
    failures = []
    rng = random.Random(seed)  # noqa: S311 - wanted: the same points for the same seed
    with tempfile.TemporaryDirectory(prefix="ctl-accounts-") as folder:
        accounts = Accounts(Path(folder, "bench"))
        chosen = accounts.all_with(fault) if fault else accounts.points(rng)
        for point in islice(chosen, None if fault else points):
            try:
                accounts.look(point)
            except AssertionError as error:
                failures.append(f"{point}\n    " + str(error).replace("\n", "\n    "))
                print(f"FAILED: {failures[-1]}", flush=True)
            met[next(kind for kind in (*KINDS, point.fault) if point.fault.startswith(kind))] += 1
            if verbose:
                print(f"met: {point}", flush=True)
    return met, failures


def inside(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run this module in a mount namespace with account files of its own."""
    with tempfile.TemporaryDirectory(prefix="ctl-etc-") as folder:
        etc = copy_etc(Path(folder, "etc"))
        return subprocess.run(
            [*private(), str(etc), sys.executable, "-m", _MODULE, "--inside", *arguments],
            check=False,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--fault", default="", help="break every tool so, as 'killed half way rename 2'")
    parser.add_argument("--verbose", action="store_true", help="print each point")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    for own in ("--run", "--bench"):
        parser.add_argument(own, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run_inside(arguments.run, Path(arguments.bench))
        return 0
    if not arguments.inside:
        return inside(sys.argv[1:]).returncode
    met, failures = campaign(arguments.points, arguments.seed, arguments.fault, verbose=arguments.verbose)
    return print_sums(met, failures)


if __name__ == "__main__":
    sys.exit(main())
