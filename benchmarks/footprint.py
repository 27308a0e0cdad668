"""Measures what a node costs while nobody uses it: memory, processor time, and how often its processes wake up.

    python benchmarks/footprint.py [SECONDS]

Memory is PSS, which counts a page that several processes share once among them (proc(5), smaps_rollup). A wakeup is
a voluntary switch of context of any thread. Counting begins when the logs of the start have been rotated, a minute
later.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.harness import images
from tests.harness.issuer import reachable
from tests.harness.people import myself, ordinary
from tests.harness.processes import below
from tests.harness.root import Root

MEMORY, WAKEUPS = 100, 0
"""Aims: megabytes of all, wakeups a second of processes in Python."""
SETTLE = 75.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one process has used so far.

    Args:
        name: what it is.
        python: whether it runs Python.
        pss: bytes.
        seconds: of processor.
        wakeups: voluntary switches of context.
    """

    name: str
    python: bool
    pss: int
    seconds: float
    wakeups: int

    @classmethod
    def of(cls, pid: int, arguments: tuple[str, ...]) -> Cost:
        """Ask the kernel. Raises OSError where it has ended."""
        process = Path(f"/proc/{pid}")
        pss = int(_field(process / "smaps_rollup", "Pss:")) * 1024
        words = (process / "stat").read_text().rpartition(")")[2].split()
        tasks = (process / "task").iterdir()
        wakeups = sum(int(_field(task / "status", "voluntary_ctxt_switches:")) for task in tasks)
        program = Path(arguments[0]).name
        python = program.startswith("python")
        name = next((word for word in arguments if word.startswith("ctl.")), program) if python else program
        return cls(name, python, pss, (int(words[11]) + int(words[12])) / _TICKS, wakeups)


def _field(path: Path, name: str) -> str:
    line = next(line for line in path.read_text().splitlines() if line.startswith(name))
    return line.split()[1]


def costs(root: Root) -> dict[int, Cost]:
    """Every process of a node."""
    found = {}
    for one in below(root.path):
        try:
            found[one.pid] = Cost.of(one.pid, one.arguments)
        except OSError:  # it has just ended
            continue
    return found


def main(seconds: float) -> None:
    """Print the table."""
    with ordinary() as other:
        root = Root(reachable(myself(), other) if other else myself())
        measure(root, seconds)


def measure(root: Root, seconds: float) -> None:
    """Let it run, and print the table."""
    try:
        root.settings(
            'registry_auth["enable"] = True', 'registry["token_realm"] = None', "external_url = None"
        )
        root.reconfigure(timeout=300)
        root.client.push("grp/app", images.image("footprint"), "v1")
        time.sleep(SETTLE)
        before = costs(root)
        time.sleep(seconds)
        after = costs(root)
        print(
            f"{platform.node()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, {seconds:.0f} s idle"
        )
        print(f"{'':<28} {'PSS, MB':>8} {'CPU, ms/s':>10} {'wakeups/s':>10}")
        both = sorted(before.keys() & after.keys(), key=lambda pid: -after[pid].pss)
        for pid in both:
            print(row(before[pid], after[pid], seconds))
        memory = sum(one.pss for one in after.values()) / 1e6
        processor = sum(after[pid].seconds - before[pid].seconds for pid in both) / seconds
        waking = sum(after[pid].wakeups - before[pid].wakeups for pid in both if after[pid].python) / seconds
        print(
            f"{'all':<28} {memory:8.1f} {processor * 1000:10.2f}   aim {MEMORY} MB{missed(memory > MEMORY)}"
        )
        print(f"{'Python':<28} {'':>8} {'':>10} {waking:10.2f}   aim {WAKEUPS}{missed(waking > WAKEUPS)}")
    finally:
        root.end()


def row(before: Cost, after: Cost, seconds: float) -> str:
    """One process."""
    processor = (after.seconds - before.seconds) / seconds * 1000
    wakeups = (after.wakeups - before.wakeups) / seconds
    return f"{after.name:<28} {after.pss / 1e6:8.1f} {processor:10.2f} {wakeups:10.2f}"


def missed(bad: bool) -> str:
    """Behind an aim."""
    return " (missed)" if bad else ""


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 50.0)
