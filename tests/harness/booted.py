"""A machine within the machine that was booted by the real systemd: its units start, restart and stop."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.machine import Machine
from tests.harness.waiting import wait_for

SYSTEMD = Path("/lib/systemd/systemd")
_CGROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
"""Where processes may be grouped: systemd's own hierarchy of version 1, or version 2."""
_BOOT = """
set -e
for group in {groups}; do echo $$ > $group/cgroup.procs; done
exec unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child sh -c '
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs {base}
mkdir {base}/upper {base}/work {base}/root
mount -t overlay -o lowerdir=/,upperdir={base}/upper,workdir={base}/work overlay {base}/root
cd {base}/root
mkdir -p etc/tmpfiles.d
ln -sf /dev/null etc/tmpfiles.d/tmp.conf
mkdir -p etc/systemd/system
ln -sf /dev/null etc/systemd/system/tmp.mount
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do cp -a /dev/$node dev; done
mkdir dev/pts dev/shm
touch dev/console
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
if mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd; then
  mount -t cgroup2 none sys/fs/cgroup/unified
else
  mount -t cgroup2 none sys/fs/cgroup
fi
ip link set lo up
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin {systemd} --unit=basic.target
'
"""


class Booted(Machine):
    """As Machine, with systemd as its first process. /tmp is seen there, neither cleaned nor covered at boot;
    other folders of temporary files, as in memory, are not.

    Raises:
        AssertionError: on entering, where this kernel or container allows no such thing; says why.
    """

    def __enter__(self) -> Self:
        self._groups = _make_groups(self._base.name)
        groups = " ".join(str(group) for group in self._groups)
        script = _BOOT.format(base=self._base, systemd=SYSTEMD, groups=groups)
        self._process = subprocess.Popen(
            ["sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._first = wait_for(self._child, what="the machine's first process")
        wait_for(self._booted, seconds=60, what="systemd's first target", pause=0.2)
        return self

    def _booted(self) -> bool:
        self._child()
        state = self.run("systemctl", "is-system-running").out.strip()
        return state in {"running", "degraded"}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for group in self._groups:
            wait_for(lambda group=group: _remove(group), what=f"the end of {group}")  # type: ignore[misc]


def _make_groups(name: str) -> list[Path]:
    """A group of its own in each hierarchy that systemd uses: below it are those that it makes."""
    groups = [top / name for top in _CGROUPS if (top / "cgroup.procs").exists()]
    for group in groups:
        group.mkdir()
    return groups


def _remove(group: Path) -> bool:
    """Remove a group and those below it, the innermost first; an OSError says that processes still end."""
    inside = [path for path in group.rglob("*") if path.is_dir()]
    for path in sorted(inside, key=lambda path: len(path.parts), reverse=True):
        path.rmdir()
    group.rmdir()
    return True
