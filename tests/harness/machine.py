"""A machine within the machine: its own file system on top of this one's, network, and processes.

What runs there sees the real programs and writes to the real paths, but every change is gone at the end:
accounts, /etc, /opt, /var, ports, processes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.namespaces import need_mounts
from tests.harness.people import CHECKOUT
from tests.harness.result import Result
from tests.harness.waiting import wait_for

_FOLDERS = ("etc", "opt", "var", "srv", "home", "usr/local")
_SETUP = """
set -e
mount -t tmpfs -o mode=755 tmpfs {base}
for folder in {folders}; do
  upper={base}/upper/$folder work={base}/work/$folder
  mkdir -p $upper $work
  mount -t overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work overlay /$folder
done
ip link set lo up
touch {base}/ready
exec {python} -c 'import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); signal.pause()'
"""


class Machine:
    """A fresh machine; use it as a context. Needs root. Where there can be no mount namespace, the test is skipped.

    Raises:
        AssertionError: on entering, where this kernel or container allows no such thing; says why.
    """

    def __init__(self) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="ctl-machine-"))
        self._process: subprocess.Popen[str] | None = None
        self._first = 0

    def __enter__(self) -> Self:
        need_mounts()
        script = _SETUP.format(base=self._base, folders=" ".join(_FOLDERS), python=sys.executable)
        space = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._process = subprocess.Popen(
            [*space, "sh", "-c", script], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        self._first = wait_for(self._child, what="the machine's first process")
        wait_for(self._ready, what="the machine")
        return self

    def _child(self) -> int:
        assert self._process is not None
        if self._process.poll() is not None and self._process.stderr is not None:
            raise AssertionError(self._process.stderr.read())
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(found[0]) if found else 0

    def _ready(self) -> bool:
        self._child()
        return self.run("test", "-e", str(self._base / "ready")).code == 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()  # --kill-child: its first process goes too, and with that one all others
        self._process.communicate(timeout=10)
        wait_for(lambda: not Path(f"/proc/{self._first}").exists(), what="the machine's end")
        shutil.rmtree(self._base)

    def run(self, *command: str, timeout: float = 60, environment: Sequence[str] = ()) -> Result:
        """Run a command there to its end, as root, with a clean environment."""
        inside = ["nsenter", f"--target={self._first}", "--mount", "--net", "--pid", "env", "-i"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        variables = [path, "HOME=/root", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", *environment]
        done = subprocess.run(
            [*inside, *variables, *command],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
        return Result(done.returncode, done.stdout, done.stderr, command)

    def ctl(self, *arguments: str, timeout: float = 60, environment: Sequence[str] = ()) -> Result:
        """Run `ctl` there, on the machine itself."""
        code = [f"PYTHONPATH={CHECKOUT}", *environment]
        result = self.run(sys.executable, "-m", "ctl", *arguments, timeout=timeout, environment=code)
        return Result(result.code, result.out, result.err, arguments)

    def write(self, path: str, content: str, *, mode: int = 0o644) -> None:
        """Write a file there; folders are made."""
        script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1" && chmod "$3" "$1"'
        self.run("sh", "-c", script, "sh", path, content, f"{mode:o}").ok()

    def read(self, path: str) -> str:
        """A file of that machine."""
        return self.run("cat", path).ok().out
