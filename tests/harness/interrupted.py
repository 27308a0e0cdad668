"""A node that runs are interrupted on: its states, and what must be true throughout."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import images, processes
from tests.harness.root import Root, kill
from tests.harness.watch import Watch

CONFIG = "var/opt/gitlab/registry/config.yml"
VHOST = "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
JOURNAL = "var/opt/gitlab/ctl/journal"
IMAGE = images.image("kept throughout", size=50_000)
JOURNAL_ONLY = pytest.mark.one_registry("what is put back is what ctl wrote; the others here do it with both")
"""For tests that take long."""


def with_image(root: Root) -> Root:
    """With an image that must stay available throughout."""
    root.client.push("grp/kept", IMAGE, "v1")
    return root


def state(number: int) -> list[str]:
    """Settings that touch every component; each number's are seen at the running processes."""
    return [
        f'registry["env"] = {{"STATE": "{number}"}}',
        f'registry["http_draintimeout"] = "{number + 1}s"',
        f'registry["nginx"]["custom_gitlab_server_config"] = \'add_header X-State {number} always;\'',
        f'logging["svlogd_num"] = {number + 2}',
        f'gitlab_rails["registry_notification_secret"] = "state {number}"',
    ]


def shows(root: Root, number: int) -> bool:
    """Whether the running registry and NGINX, not only their files, have this state."""
    registry = processes.environment(root.pids()["registry"])
    return registry["STATE"] == str(number) and root.client.get("/v2/").header("X-State") == str(number)


@contextmanager
def serving_throughout(root: Root, *, same_processes: bool = True) -> Iterator[Watch]:
    """Fetches the image's manifest all the time: not one request may fail, and as a rule no process is replaced."""

    def look() -> str:
        answer = root.client.manifest("grp/kept", "v1")
        return "" if answer.body == IMAGE.content else f"{answer.status} {answer.body[:80]!r}"

    pids = root.lasting_pids()
    with Watch(look, pause=0.005) as watch:
        yield watch
    assert watch.findings == []
    assert watch.looks > 5
    if same_processes:
        assert root.lasting_pids() == pids


def wanted(names: set[str]) -> set[str]:
    """Without what ctl remembers for itself."""
    return {name for name in names if not name.startswith("var/opt/gitlab/ctl/")}


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """A mount as long as the context lasts, by the arguments of mount(8); the last is where."""
    subprocess.run(["mount", *arguments], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", arguments[-1]], check=True)


def leftovers(root: Root) -> set[str]:
    """Temporary files of writes that never ended."""
    listed = {name for name in root.snapshot() if "/." in f"/{name}" or name.endswith((".tmp", "~"))}
    return {name for name in listed if not name.startswith("var/opt/gitlab/gitlab-rails/shared/")}


def kill_when(root: Root, happened: Callable[[], bool], *, limit: float = 20) -> bool:
    """Start a run and kill it as soon as something happened. Returns whether it was killed in time."""
    process = root.begin("reconfigure")
    end = time.monotonic() + limit
    while process.poll() is None and time.monotonic() < end:
        if happened():
            kill(process)
            return True
    process.communicate(timeout=10)
    return False


def changes(path: Path) -> Callable[[], bool]:
    """Whether a file is another than now."""
    before = _inode(path)
    return lambda: _inode(path) != before


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
