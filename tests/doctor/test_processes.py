"""`ctl doctor` on a real node: settings, files, what runs, and what runs by time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness import images
from tests.harness.doctor_node import (
    CERTIFICATE,
    CONFIG,
    OUTCOME,
    STORAGE,
    VHOST,
    Breakage,
    Broken,
    Node,
    assert_found,
    assert_well,
    names_of,
    no_supervisor,
    only_root,
)
from tests.harness.root import SETTINGS
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, only_root]


@contextmanager
def wrong_setting(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: text + 'registry["log_level"] = "lout"\n'):
        yield


@contextmanager
def missing_program(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: text + 'registry["executable"] = "/opt/none/registry"\n'):
        yield


@contextmanager
def unsupported(node: Node) -> Iterator[None]:
    with node.edited(
        SETTINGS, lambda text: text + 'registry["database"] = {"enabled": True, "host": "db"}\n'
    ):
        yield


@contextmanager
def changed_by_hand(node: Node) -> Iterator[None]:
    path = node.root.path / CONFIG
    path.chmod(0o644)
    yield
    path.chmod(0o640)


@contextmanager
def interrupted(node: Node) -> Iterator[None]:
    journal = node.root.path / "var/opt/gitlab/ctl/journal"
    journal.mkdir()
    yield
    journal.rmdir()


@contextmanager
def taken_port(node: Node) -> Iterator[None]:
    node.root.ctl("stop", "nginx").ok()
    with socket.create_server(("127.0.0.1", node.root.port)):
        yield
    node.root.ctl("start", "nginx").ok()


@contextmanager
def stopped(node: Node) -> Iterator[None]:
    node.root.ctl("stop", "timer").ok()
    yield
    node.root.ctl("start", "timer").ok()


@contextmanager
def failed_task(node: Node) -> Iterator[None]:
    path = node.root.path / OUTCOME
    wait_for(path.exists, what="the timer's first look")
    now = datetime.now(UTC).isoformat()
    outcome = {"since": now, "started": now, "ended": now, "status": 1, "reason": "no room", "failures": 2}
    with node.edited(OUTCOME, lambda _: json.dumps(outcome)):
        yield


@contextmanager
def overdue(node: Node) -> Iterator[None]:
    then = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    outcome = {"since": then, "started": then, "ended": then, "status": 0, "reason": "", "failures": 0}
    with node.edited(OUTCOME, lambda _: json.dumps(outcome)):
        yield


@contextmanager
def unread(node: Node) -> Iterator[None]:
    path = node.root.path / CONFIG
    facts = path.stat()
    os.utime(path)
    yield
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@contextmanager
def socket_gone(node: Node) -> Iterator[None]:
    link = node.root.path / "var/opt/gitlab/run/registry/current.sock"
    aside = link.rename(link.with_name("aside"))
    yield
    aside.rename(link)


@contextmanager
def another_certificate(node: Node) -> Iterator[None]:
    _, certificate = node.sign("localhost")
    with node.edited(CERTIFICATE, lambda _: certificate):
        yield


@contextmanager
def long_collection(node: Node) -> Iterator[None]:
    gate = node.root.path / "var/opt/gitlab/ctl/collect.lock"
    with gate.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.utime(gate, (time.time() - 200_000,) * 2)
        yield


@contextmanager
def no_nginx(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: text + 'nginx["executable"] = "/opt/none/nginx"\n'):
        yield


@contextmanager
def other_owner(node: Node) -> Iterator[None]:
    path = node.root.path / CONFIG
    facts = path.stat()
    os.chown(path, 1, facts.st_gid)
    yield
    os.chown(path, facts.st_uid, facts.st_gid)


@contextmanager
def other_content(node: Node) -> Iterator[None]:
    with node.edited(VHOST, lambda text: f"{text}# by hand\n"):
        yield


@contextmanager
def no_log_is_written(node: Node) -> Iterator[None]:
    """svlogd of one service stays down."""
    log = node.root.path / "opt/gitlab/sv/timer/log"
    subprocess.run(["sv", "down", str(log)], check=True)
    wait_for(lambda: (log / "supervise/stat").read_text().strip() == "down", what="the end of svlogd")
    yield
    subprocess.run(["sv", "up", str(log)], check=True)
    wait_for(lambda: (log / "supervise/stat").read_text().strip() == "run", what="svlogd")


@contextmanager
def unsupervised(node: Node) -> Iterator[None]:
    """Its runsv is killed: another begins, and starts a second process beside the first."""
    (runsv,) = (one for one in node.root.processes() if one.arguments[:2] == ("runsv", "timer"))
    os.kill(runsv.pid, signal.SIGKILL)
    wait_for(lambda: len(_timers(node)) == 2, what="a second timer", seconds=30)
    yield
    node.root.ctl("restart", "timer").ok()
    wait_for(lambda: len(_timers(node)) == 1, what="the end of the first", seconds=30)


def _timers(node: Node) -> list[int]:
    return [one.pid for one in node.root.processes() if "ctl.timer" in one.arguments]


@contextmanager
def never_ended(node: Node) -> Iterator[None]:
    then = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    outcome = {"since": then, "started": then, "ended": None, "status": None, "reason": "", "failures": 0}
    with node.edited(OUTCOME, lambda _: json.dumps(outcome)):
        yield


def failed(name: str) -> Breakage:
    """A scheduled task, which this node does not have, has failed."""

    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        now = datetime.now(UTC).isoformat()
        outcome = {
            "since": now,
            "started": now,
            "ended": now,
            "status": 1,
            "reason": "no room",
            "failures": 1,
        }
        path = node.root.path / f"var/opt/gitlab/timer/outcomes/{name}.json"
        path.write_text(json.dumps(outcome), encoding="utf-8")
        with node.edited("var/opt/gitlab/timer/tasks.json", lambda text: _with_task(text, name)):
            yield
        path.unlink()

    return breakage


def _with_task(text: str, name: str) -> str:
    tasks = json.loads(text)
    return json.dumps([*tasks, {**tasks[0], "name": name, "command": ["ctl", name]}])


def by_hand(*words: str) -> Breakage:
    """A person starts it, and it fails: nobody knows what a repository needs."""

    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        node.root.client.push("grp/damaged", images.image("damaged"), "v1")
        layers = node.root.path / STORAGE / "docker/registry/v2/repositories/grp/damaged/_manifests/tags"
        aside = layers.rename(layers.with_name("aside"))
        layers.touch()
        node.root.ctl(*words).exits(1)
        yield
        layers.unlink()
        aside.rename(layers)
        node.root.ctl(*words).ok()

    return breakage


@contextmanager
def backup_by_hand(node: Node) -> Iterator[None]:
    """It fails: there is a file in the place of its folder."""
    node.root.ctl("backup", "--to", str(node.root.path / SETTINGS)).exits(1)
    yield
    node.root.ctl("backup", timeout=60).ok()


@contextmanager
def older_program(node: Node) -> Iterator[None]:
    """The package was upgraded, and nobody has started the service anew."""
    program = node.root.path / "opt/docker-registry"
    shutil.copy("/usr/bin/docker-registry", program)
    with node.edited(SETTINGS, lambda text: f'{text}registry["executable"] = "{program}"\n'):
        node.root.reconfigure(timeout=120)
        upgraded = program.with_name("upgraded")
        shutil.copy(program, upgraded)
        upgraded.replace(program)
        yield
    node.root.reconfigure(timeout=120)
    program.unlink()


@contextmanager
def huge_log(node: Node) -> Iterator[None]:
    """A log of 3 GB, which takes no room on the disk."""
    path = node.root.path / "var/log/gitlab/registry/of-nobody.log"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    yield
    path.unlink()


BROKEN: list[Broken] = [
    ("settings", wrong_setting, "failure", "registry.log_level: must be", ""),
    ("programs", missing_program, "failure", "is not installed", "install it"),
    ("programs", unsupported, "failure", "needs GitLab's registry", "install it"),
    ("files", changed_by_hand, "warning", "config.yml is not as the last run left it: mode", "ctl reconfigure"),
    ("files", interrupted, "failure", "was interrupted", "ctl recover"),
    ("supervisor", no_supervisor, "failure", "the supervisor does not run", "ctl start"),
    ("ports", taken_port, "failure", "nginx cannot listen at 127.0.0.1:", "kill"),
    ("services", stopped, "failure", "timer is stopped", "ctl start timer"),
    ("timers", failed_task, "failure", "logrotate failed on", "run it by hand"),
    ("timers", overdue, "failure", "logrotate is overdue", "ctl restart timer"),
    ("processes", unread, "warning", "registry has not read", "ctl restart registry"),
    ("registry", socket_gone, "failure", "does not answer at", "ctl tail registry"),
    ("nginx", another_certificate, "failure", "presents another certificate", "ctl restart nginx"),
    ("collection", long_collection, "warning", "is under way", "ctl tail"),
    ("programs", no_nginx, "failure", "/opt/none/nginx is not installed", 'nginx["executable"]'),
    ("files", other_owner, "warning", "config.yml is not as the last run left it: owner", "ctl reconfigure"),
    ("files", other_content, "warning", "gitlab-registry.conf is not as the last run left it: content", "diff-config"),
    ("services", no_log_is_written, "failure", "writes no log", "ctl reconfigure"),
    ("processes", unsupervised, "failure", "has lost its supervisor", "ctl restart timer"),
    ("timers", never_ended, "failure", "has not ended", "ctl restart timer"),
    ("collection", failed("registry-garbage-collect"), "failure", "no room", "ctl registry-garbage-collect"),
    ("cleanup", failed("registry-cleanup"), "failure", "no room", "ctl registry-cleanup"),
    ("collection", by_hand("registry-garbage-collect"), "failure", "nothing was deleted", "ctl registry-garbage"),
    ("cleanup", by_hand("registry-cleanup", "--keep-n", "9"), "failure", "not all of it", "ctl registry-cleanup"),
    ("backup", backup_by_hand, "failure", "backup failed at", "ctl backup"),
    ("processes", older_program, "warning", "registry runs with an older", "ctl restart registry"),
    ("logs", huge_log, "warning", "of-nobody.log has 3.2 GB, and is not rotated", "ctl doctor timers"),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=names_of(BROKEN))
def test_what_is_broken_is_found(node: Node, broken: Broken) -> None:
    assert_found(node, broken)


def test_one_cause_is_one_failure(node: Node) -> None:
    """Without a supervisor nothing that needs one is asked; settings and names still are."""
    with no_supervisor(node):
        found = node.doctor()
    failed = [name for name, one in found.items() if one["state"] == "failure"]
    assert failed == ["supervisor"]
    assert found["nginx"]["findings"][0]["cause"] == "not asked, because of registry"
    assert found["registry"]["findings"][0]["cause"] == "not asked, because of supervisor"
    assert found["dns"]["state"] == "ok"


def test_all_is_well_again(node: Node) -> None:
    assert_well(node)
