"""`python -m ctl.nginx.takeover PID_FILE "WORKERS" -- COMMAND…`: NGINX begins with the sockets of workers that go on.

NGINX's own exchange of its program (USR2) cannot be had under a supervisor: it refuses the signal while its parent is
the one that started it (ngx_signal_handler), and its new master would be no child of the supervisor. So the master is
killed; its workers serve on, as they do without one. The run script starts this, which takes their listening sockets
(pidfd_getfd(2)), hands them to the new NGINX in the variable that USR2 uses, and becomes it. Once it serves, the
workers are asked to finish (QUIT), as after USR2. If it cannot start, they have never stopped serving.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ctl.machine.pidfd import copy_descriptor

_LISTEN = "0A"
_ACCEPTS = "00010000"
"""__SO_ACCEPTCON in /proc/net/unix."""
VARIABLE = "NGINX"
"""In which NGINX finds sockets (ngx_add_inherited_sockets)."""
_SECONDS = 60
"""Within which the new NGINX must have written its pid."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Become NGINX, or end where it must not start."""
    pid_file, workers = Path(arguments[0]), [int(word) for word in arguments[1].split()]
    command = list(arguments[arguments.index("--") + 1 :])
    os.environ.pop("PYTHONPATH", None)
    if subprocess.run([*command, "-t", "-q"], check=False).returncode != 0:
        sys.exit(1)  # its files are wrong: the workers had better go on
    sockets = {} if _failed_before(pid_file) else _sockets(workers)
    if sockets:
        _marker(pid_file).touch()
        os.environ[VARIABLE] = "".join(f"{one};" for one in sockets.values())
        _finish_later(pid_file, _processes_with(sockets))
    else:
        _finish(workers)  # they are in the way of an address, or the kernel does not let them be asked
    os.execvp(command[0], command)  # noqa: S606 - the program of the run script


def _marker(pid_file: Path) -> Path:
    return pid_file.with_name("taking-over")


def _failed_before(pid_file: Path) -> bool:
    """Whether the last one that took sockets over did not come so far as to write its pid."""
    try:
        return _marker(pid_file).stat().st_mtime_ns >= pid_file.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def _sockets(workers: Sequence[int]) -> dict[str, int]:
    """The listening sockets of the first worker that gives them, by inode; none where the kernel forbids it."""
    listening = _listening()
    for pid in workers:
        with suppress(OSError):
            handle = os.pidfd_open(pid)
            wanted = {link: number for number, link in _files(pid) if link in listening}
            found = {link: _copy(handle, number) for link, number in wanted.items()}
            os.close(handle)
            if found:
                return found
    return {}


def _processes_with(sockets: Iterable[str]) -> list[int]:
    """Every other process that has one of some sockets: workers of earlier masters too, which were killed early."""
    wanted, pids = set(sockets), (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and any(link in wanted for _, link in _files(pid))]


def _files(pid: int) -> Iterator[tuple[int, str]]:
    """The open files of a process, by number; none of one that has ended, or that may not be asked."""
    with suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield int(one.name), str(one.readlink())


def _copy(handle: int, number: int) -> int:
    """A descriptor of another process, for a program to inherit. Raises OSError."""
    found = copy_descriptor(handle, number)
    os.set_inheritable(found, True)
    return found


def _listening() -> set[str]:
    """Every listening socket of this machine, as links in /proc/PID/fd have it."""
    tables = [line.split() for name in ("tcp", "tcp6") for line in _lines(name)]
    found = {words[9] for words in tables if words[3] == _LISTEN}
    found |= {words[6] for words in map(str.split, _lines("unix")) if words[3] == _ACCEPTS}
    return {f"socket:[{inode}]" for inode in found}


def _lines(name: str) -> list[str]:
    with suppress(FileNotFoundError):  # a kernel without IPv6
        return Path(f"/proc/net/{name}").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    return []


def _finish(workers: Sequence[int]) -> None:
    """Let workers finish what they do and end."""
    for pid in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)


def _finish_later(pid_file: Path, workers: Sequence[int]) -> None:
    """The same, once this process has become an NGINX that serves: by a process that is nobody's child."""
    own = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        os.closerange(3, 1 << 20)
        if _has_come_up(pid_file, own):
            _finish(workers)
    os._exit(0)


def _has_come_up(pid_file: Path, pid: int) -> bool:
    """Whether NGINX serves, or has done so and was ended in an orderly way, which removes its pid file."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        with suppress(OSError):
            if pid_file.read_text(encoding="ascii").strip() == str(pid) and not _failed_before(pid_file):
                return True
        time.sleep(0.05)
    return not pid_file.exists()


if __name__ == "__main__":
    main(sys.argv[1:])
