"""Measures ctl against pyinfra doing the same, and against the least that such a program costs.

    python -m pip install -e '.[bench]'
    python benchmarks/run.py [REPEATS]

Prints a ratio a row, each the median of pairs that are run in turn.
"""

from __future__ import annotations

import compileall
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import pyinfra_job
from benchmarks.measure import Pair, command, measure
from benchmarks.root import Root
from ctl.services.new_process import STEADY

ENDPOINTS = 1_000
GITLAB_RB = 0.3
"""Seconds that the reading of a large gitlab.rb may take."""
KEY_FACTOR, KEY_REST = 1.3, 1.0
"""A first reconfigure may take 1.3 times the making of its RSA key, and one second more; beyond that, the time for
which the health gate watches a new registry stay up: less would let one pass that exits every three seconds."""


def main(repeats: int) -> None:
    """Print the table."""
    for room in ("ctl", "recipes"):  # as installed: no run compiles
        compileall.compile_dir(Path(__file__).parents[1] / room, quiet=1)
    work = Path(tempfile.mkdtemp(prefix="ctl-bench-work-"))
    print(f"{'':<28} {'ctl':>9}  {'other':>9}  {'ratio':>6}")
    with Root() as root, Root(ENDPOINTS) as large:
        root.cold()
        for pair in pairs(root, large, work):
            print(measure(pair, repeats).line(), flush=True)
    shutil.rmtree(work)


def pairs(root: Root, large: Root, work: Path) -> list[Pair]:
    """What is measured, in an order in which each leaves the root as the next one needs it."""
    deploy = pyinfra_job.deploy_of_root(root.path, work)
    endpoints = pyinfra_job.deploy_of_endpoints(ENDPOINTS, work)
    bare = command([sys.executable, "-c", "import click"])
    command([*large.ctl, "generate-secrets"])()  # the key is measured by the cold run
    render = [*large.ctl, "render", "--output", str(work / "rendered")]
    return [
        Pair(
            "reconfigure, no change",
            command([*root.ctl, "reconfigure"]),
            command(pyinfra_job.command(deploy)),
            0.25,
            "the same job in pyinfra",
        ),
        Pair("status", command([*root.ctl, "status"]), bare, 2.0, 'python -c "import click"'),
        Pair(
            f"render {ENDPOINTS} endpoints",
            command(render),
            fresh(work / "config.yml", command(pyinfra_job.command(endpoints))),
            None,
            "one template of as many in pyinfra",
        ),
        Pair("read a large gitlab.rb", gitlab_rb(work), lambda: GITLAB_RB, 1.0, f"{GITLAB_RB} s"),
        Pair("reconfigure, cold", root.cold, allowance, 1.0, f"1.3 RSA 4096 keys + 1 s + gate of {STEADY} s"),
    ]


def gitlab_rb(work: Path) -> Callable[[], float]:
    """Reads a gitlab.rb of more than 4,000 lines with every registry setting in use; knows its own time."""
    from ctl.settings.load import reading_of
    from tests.harness import full_size

    file = work / "gitlab.rb"
    file.write_text(full_size.text())

    def read() -> float:
        began = time.perf_counter()
        reading_of(file, {})
        return time.perf_counter() - began

    return read


def fresh(made: Path, job: Callable[[], object]) -> Callable[[], object]:
    """A job that has to make its file anew each time."""

    def run() -> object:
        made.unlink(missing_ok=True)
        return job()

    return run


def allowance() -> float:
    """The time that a first reconfigure is allowed: it follows what an RSA key takes on this machine now."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    keys = 5
    began = time.perf_counter()
    for _ in range(keys):
        rsa.generate_private_key(65_537, 4_096)
    return KEY_FACTOR * (time.perf_counter() - began) / keys + KEY_REST + STEADY


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
