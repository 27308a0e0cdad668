"""The supervisor (runsvdir): found, started once and detached, and ended with all its services."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.errors import USE_SUDO, CtlError, RunFailed
from ctl.machine.child import ChildFailed, not_installed, run_child
from ctl.machine.search import SYSTEM_PATH
from ctl.paths import Layout

UNIT = "registry-ctl.service"
"""The systemd unit that starts the supervisor at boot."""
SYSTEMD_RUNS = Path("/run/systemd/system")
"""Exists where systemd is PID 1 (sd_booted(3))."""
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
_RING = "log: " + "." * 395
"""runsvdir keeps its last errors in this argument, where `ps` shows them (runsvdir(8))."""
_START_SECONDS = 10.0
_SYSTEMD_SECONDS = 300.0
"""systemd itself waits for a unit for 90 s (systemd-system.conf(5), DefaultTimeoutStartSec)."""


class Supervisor:
    """The runsvdir of one root.

    Args:
        layout: its root.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._folder = layout.service
        self._child: subprocess.Popen[bytes] | None = None

    def pid(self) -> int | None:
        """Its process, or None where it does not run."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _watches(entry, self._folder):
                return int(entry.name)
        return None

    def look(self) -> None:
        """Let it look at its folder at once where it can; else it does so within 5 seconds by itself.

        Debian's runsvdir takes ALRM for that (its /usr/lib/runit/trigger_sv), unless its last look was less
        than a second ago; another would end by it.
        """
        pid = self.pid()
        if pid is not None and _catches(pid, signal.SIGALRM):
            # it may have ended since; whoever waits for the service finds out
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGALRM)

    def looked(self) -> None:
        """Remove the mark that Debian's runsvdir leaves when it was made to look."""
        (self._folder / ".forced-rescan").unlink(missing_ok=True)

    def complaints(self, name: str) -> list[str]:
        """What runsvdir's processes complained about last that is about one service, each once."""
        lines = (line.rpartition("....")[2] for line in self._ring().splitlines())
        own = dict.fromkeys(line for line in lines if line.startswith(f"runsv {name}: "))
        # a service that outlived an earlier supervisor is locked, and runs
        return [line for line in own if "unable to lock" not in line]

    def _ring(self) -> str:
        pid = self.pid()
        if pid is None:
            return ""
        try:
            ring = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[3]
        except (OSError, IndexError):  # it has ended, or runs without a ring: it says nothing
            return ""
        return ring.decode("utf-8", "replace").removeprefix("log: ")

    def ensure(self) -> bool:
        """Start it unless it runs.

        Returns:
            Whether it had to be started.

        Raises:
            CtlError: it cannot be started; says why.
        """
        if self.pid() is not None:
            return False
        with self._starting():
            if self.pid() is not None:
                return False
            self._backdate()
            if self._by_systemd():
                self._systemctl("start")
            else:
                self._start()
            self._await_start()
        return True

    def end(self) -> None:
        """End it; every runsv ends its service, its log and itself after that (runsvdir(8), HUP)."""
        pid = self.pid()
        if pid is None:
            return
        if self._by_systemd():
            self._systemctl("stop")
        else:
            os.kill(pid, signal.SIGHUP)
        end = time.monotonic() + _START_SECONDS
        while self.pid() == pid:
            if time.monotonic() > end:
                raise RunFailed(f"the supervisor (runsvdir, pid {pid}) does not end")
            self._reap()
            time.sleep(0.02)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Hold the lock of the start. No process inherits it: it would be held for as long as that lives."""
        try:
            self._layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._layout.state / "supervisor.lock"
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except PermissionError as error:
            raise CtlError(
                f"the supervisor does not run, and starting it is not permitted ({error.filename})",
                hint=USE_SUDO,
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _backdate(self) -> None:
        """Spare the second that runsvdir waits, before its first look, when its folder changed just now.

        It waits so as not to miss a further change within that second; a later change has another time.
        """
        earlier = time.time() - 5
        os.utime(self._folder, (earlier, earlier))

    def _start(self) -> None:
        command = ["runsvdir", "-P", str(self._folder), _RING]
        log = self._open_log()
        try:
            with _no_blocked_signals():
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    cwd="/",
                    umask=0o022,
                    env={"PATH": SYSTEM_PATH},
                )
        except FileNotFoundError as error:
            raise not_installed("runsvdir", SYSTEM_PATH) from error
        except OSError as error:
            raise ChildFailed(f"runsvdir cannot be started: {error.strerror}") from error
        finally:
            os.close(log)

    def _open_log(self) -> int:
        """For what services without a log of their own say; nothing else is written there."""
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return os.open(self._layout.logs / "supervisor.log", flags, 0o640)

    def _await_start(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while self.pid() is None:
            if self._reap() or time.monotonic() > end:
                raise RunFailed(
                    f"the supervisor (runsvdir) did not start; see {self._layout.logs / 'supervisor.log'}"
                )
            time.sleep(0.02)

    def _reap(self) -> bool:
        """Whether a supervisor that this process started has ended."""
        return self._child is not None and self._child.poll() is not None

    def _by_systemd(self) -> bool:
        """Whether the machine's init starts it: then it is started through it, so that both know of one."""
        return (
            self._layout.is_machine
            and SYSTEMD_RUNS.is_dir()
            and any((Path(folder) / UNIT).exists() for folder in UNIT_FOLDERS)
        )

    def _systemctl(self, verb: str) -> None:
        command = ["systemctl", verb, UNIT]
        done = run_child(command, seconds=_SYSTEMD_SECONDS, environment={"PATH": SYSTEM_PATH})
        if done.returncode != 0:
            raise RunFailed(
                f"{' '.join(command)}: {done.stderr.strip()}", hint=f"Run: systemctl status {UNIT}"
            )


@contextmanager
def _no_blocked_signals() -> Iterator[None]:
    """A signal that this process blocks for a moment would stay blocked in every service for ever."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal (proc(5), SigCgt)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (number - 1) & 1)


def _watches(entry: Path, folder: Path) -> bool:
    """Whether a process (its folder below /proc) is a runsvdir over this folder, run by root or the folder's owner.

    Its arguments name the folder, and nothing else: what it is the kernel knows, for anybody may call himself so.
    """
    try:
        if not _is_runsvdir(entry) or entry.stat().st_uid not in (0, folder.stat().st_uid):
            return False
        arguments = (entry / "cmdline").read_bytes().split(b"\0")
        named = next((os.fsdecode(one) for one in arguments[1:] if not one.startswith(b"-")), "")
        return _same_folder(entry, named, folder)
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or there is no such folder
        return False


def _is_runsvdir(entry: Path) -> bool:
    """By its executable; by the name that the kernel keeps of that where the rights to look are missing."""
    if (entry / "comm").read_text(encoding="utf-8", errors="replace").strip() != "runsvdir":
        return False
    try:
        return (entry / "exe").readlink().name.removesuffix(" (deleted)") == "runsvdir"
    except PermissionError:
        return True


def _same_folder(entry: Path, named: str, folder: Path) -> bool:
    """Compare the folders, not their names: a container's runsvdir may have the very same arguments."""
    try:
        return os.path.samestat(Path(f"{entry}/root{named}").stat(), folder.stat())
    except PermissionError:
        return named == str(folder)
