"""Faults at one system call of a process: killed there, or failing there because the disk is full or broken.

strace injects them (strace(1), "inject"), into the process itself and not into those that it starts. A first run
lists the calls that change something; the same call is then met again by its name and number.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WRITING = (
    *("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2"),
    *("link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat", "sendfile"),
    *("copy_file_range", "mknodat", "setxattr"),
)
"""Calls that change files."""
ACTING = ("vfork", "kill", "connect", "sendto", "sendmsg")
"""Calls that change what runs; clone is used for threads only, which change nothing by themselves."""
KILL, NO_SPACE, BROKEN = "kill", "ENOSPC", "EIO"
FAULTS = (KILL, NO_SPACE, BROKEN)
_CALL = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<arguments>.*)")
_FAILED = re.compile(r" = -1 (?!EINPROGRESS)")
_TO_WRITE = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC")


@dataclass(frozen=True)
class Call:
    """One system call of a process.

    Args:
        name: of the system call.
        number: the how manieth call of this name it is.
        text: its arguments as strace shows them.
    """

    name: str
    number: int
    text: str

    @property
    def writes(self) -> bool:
        """Whether it changes a file."""
        return self.name in WRITING

    @property
    def faults(self) -> Sequence[str]:
        """What can happen there."""
        return FAULTS if self.writes else (KILL,)

    def __str__(self) -> str:
        return f"{self.name} {self.number}: {self.text}"


@dataclass(frozen=True)
class Outcome:
    """How a process with a fault ended.

    Args:
        code: exit code; negative for a signal.
        out, err: what it printed.
        hit: the call that the fault met, as strace shows it; "" if it met none.
    """

    code: int
    out: str
    err: str
    hit: str


def changing_calls(command: Sequence[str], *, below: Path, environment: Mapping[str, str]) -> list[Call]:
    """Run a command to its end and list its calls that change a file below a folder, or what runs.

    Raises:
        AssertionError: the command fails.
    """
    done, lines = _traced(command, [], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return [one for one in _calls(lines) if _changes(one, below) and not _FAILED.search(one.text)]


def run_with(fault: str, call: Call, command: Sequence[str], *, environment: Mapping[str, str]) -> Outcome:
    """Run a command with a fault at one of its calls."""
    effect = "signal=KILL" if fault == KILL else f"error={fault}"
    done, lines = _traced(command, ["-e", f"inject={call.name}:{effect}:when={call.number}"], environment)
    met = [one for one in _calls(lines) if (one.name, one.number) == (call.name, call.number)]
    killed = done.returncode == -9 and lines and not lines[-1].startswith("+++ exited")
    hit = [one.text for one in met if killed or "(INJECTED)" in one.text]
    return Outcome(done.returncode, done.stdout, done.stderr, hit[0] if hit else "")


def run_apart(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as nobody at a terminal does: without input, in no folder of its own."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
        cwd="/",
        env=dict(environment),
    )


def _traced(
    command: Sequence[str], inject: Sequence[str], environment: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    with tempfile.NamedTemporaryFile(prefix="ctl-strace-") as log:
        own = ["strace", "-o", log.name, "-y", "-s", "200", "-e", f"trace={','.join(WRITING + ACTING)}"]
        done = run_apart([*own, *inject, *command], environment)
        return done, Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines()


def _calls(lines: Iterable[str]) -> list[Call]:
    counted: Counter[str] = Counter()
    found = []
    for line in lines:
        if match := _CALL.match(line):
            counted[match["name"]] += 1
            found.append(Call(match["name"], counted[match["name"]], match["arguments"]))
    return found


def _changes(call: Call, below: Path) -> bool:
    if not call.writes:
        return True
    if call.name == "openat" and not _TO_WRITE.search(call.text):
        return False
    return str(below) in call.text


def print_sums(met: Counter[str], failures: Sequence[str]) -> int:
    """Print how many points of each kind were met. Returns the exit status: 1 where some failed."""
    for name, number in sorted(met.items()):
        print(f"{number:6} {name}")
    print(f"{met.total()} points, {len(failures)} failed")
    return 1 if failures else 0
