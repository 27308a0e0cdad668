"""A service counts as well only if it does what it is there for; a change that ends that is taken back."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ctl.collector.quarantine import Quarantine
from tests.harness import images, seeds
from tests.harness.hanging import hanging
from tests.harness.namespaces import need_mounts
from tests.harness.people import Person
from tests.harness.processes import end_all
from tests.harness.root import Root, RootMaker, serving_pid
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("what is asked is alike")]

STORAGE = "var/opt/gitlab/gitlab-rails/shared/registry"
CONFIG = "var/opt/gitlab/registry/config.yml"
WRAPPER = """\
#!/bin/sh
[ "$1" = --version ] && exec {program} --version
case $REGISTRY_HTTP_ADDR in 127.0.0.1:0) exec {program} "$@" ;; esac  # the trial run finds nothing
{serve}
"""
SERVES_ERRORS = """\
import http.server, os, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
    def log_message(self, *words):
        pass
socketserver.ThreadingUnixStreamServer(os.environ["REGISTRY_HTTP_ADDR"], Handler).serve_forever()
"""


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    """A running registry with one image."""
    return begun(make_root())


def begun(found: Root) -> Root:
    found.settings()
    found.reconfigure()
    found.client.push("grp/kept", images.image("kept"), "v1")
    return found


def serving(root: Root) -> int:
    """The process that serves: sv knows the one that starts it."""
    found = root.process(lambda one: one.arguments[1:2] == ("serve",))
    assert found is not None
    return found.pid


def reasons(root: Root) -> dict[str, str]:
    """What `ctl status --json` says is wrong, by service; "" is all of it."""
    found = root.ctl("status", "--json")
    document = found.json()
    assert (found.code == 0) is document["healthy"] is (document["reason"] is None)
    wrong = {one["name"]: one["reason"] for one in document["services"] if not one["healthy"]}
    return wrong | ({"": document["reason"]} if document["reason"] else {})


def program(root: Root, serve: str) -> str:
    """The line of settings with a registry program that serves in a way of its own."""
    text = WRAPPER.format(program=root.registry.program, serve=serve)
    return f'registry["executable"] = "{root.write("bin/registry", text, mode=0o755)}"'


def refused(root: Root, *lines: str) -> str:
    """Run with further settings; it must fail, and leave the former files and a registry that serves."""
    before = root.read(CONFIG)
    root.settings('registry["health_gate_timeout"] = 6', 'registry["log_level"] = "debug"', *lines)
    result = root.ctl("reconfigure", timeout=120).exits(1)
    assert root.read(CONFIG) == before
    assert root.serves()
    assert root.client.pulls("grp/kept", images.image("kept"), "v1")
    assert "everything was put back" in result.err
    return result.text


def test_a_healthy_stack_has_no_reason(make_root: RootMaker, person: Person) -> None:
    root = begun(make_root(person))
    assert reasons(root) == {}
    lines = root.ctl("status").ok().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["run"] * len(root.status())
    assert not list((root.path / STORAGE).rglob(".ctl-health*")), "nothing stays behind"


def test_a_collection_into_quarantine_is_shown_and_no_fault(root: Root) -> None:
    storage = root.path / STORAGE
    with Quarantine(str(storage)):
        output = root.ctl("status").ok().out
        assert f"a garbage collection into quarantine of {storage} is under way since " in output
        assert f"(process {os.getpid()} on " in output
        assert len(root.ctl("status", "--json").ok().json()["under_way"]) == 1
    assert "garbage" not in root.ctl("status").ok().out


def test_a_hung_registry_does_not_answer(root: Root) -> None:
    """The kernel goes on accepting its connections."""
    pid = serving(root)
    os.kill(pid, signal.SIGSTOP)
    try:
        result = root.ctl("status").exits(1)
        assert result.out.startswith("run: "), "sv's lines come first"
        assert f"registry does not answer at http://127.0.0.1:{root.registry_port}/v2/ within" in result.out
        assert "does not answer" in reasons(root)["registry"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert reasons(root) == {}


def test_a_registry_that_answers_500_is_put_back(root: Root) -> None:
    server = root.write("bin/server.py", SERVES_ERRORS)
    text = refused(root, program(root, f"exec /usr/bin/python3 {server}"))
    assert (
        "registry is served by its former process: the new one answers 500 Internal Server Error at" in text
    )


def test_a_registry_with_another_realm_is_put_back(root: Root) -> None:
    serve = f'REGISTRY_AUTH_TOKEN_REALM=https://other.example.com/auth exec {root.registry.program} "$@"'
    text = refused(root, program(root, serve))
    assert "the new one sends clients for tokens elsewhere than to https://" in text
    assert "https://other.example.com/auth" in text


def test_a_registry_that_exits_after_some_seconds_is_put_back_with_its_log_once(root: Root) -> None:
    serve = f'exec timeout 2.5 {root.registry.program} "$@"'
    text = refused(root, 'registry["health_gate_timeout"] = 30', program(root, serve))
    assert "the new one keeps exiting" in text
    assert text.count("registry/current:") == 1
    assert "grp/kept" not in text, "no line from before the start"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a folder from an account")
def test_storage_that_its_account_cannot_write_is_no_health(root: Root) -> None:
    with of_root(root.path / STORAGE / "docker"):
        assert "cannot write its storage as user" in reasons(root)["registry"]
        assert "docker" in reasons(root)["registry"]
        before = root.read(CONFIG)
        root.settings('registry["health_gate_timeout"] = 3', 'registry["log_level"] = "debug"')
        text = root.ctl("reconfigure", timeout=120).exits(1).text
        assert "the new one cannot write its storage as user" in text
        assert (root.read(CONFIG), root.serves()) == (before, True)
    with of_root(root.path / STORAGE / "docker/registry/v2/repositories"):
        assert "repositories: Permission denied" in reasons(root)["registry"]
    assert reasons(root) == {}


@contextmanager
def of_root(folder: Path) -> Iterator[None]:
    """A folder that root has written in, as after a restored backup."""
    before = folder.stat()
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    try:
        yield
    finally:
        os.chown(folder, before.st_uid, before.st_gid)
        folder.chmod(before.st_mode & 0o7777)


def test_a_vhost_that_answers_with_an_error_is_put_back(root: Root) -> None:
    """NGINX takes the file, and the registry itself is well: only the way of clients shows it."""
    before = root.read("var/opt/gitlab/nginx/conf/gitlab-registry.conf")
    root.settings(
        'registry["health_gate_timeout"] = 5',
        'registry["nginx"]["custom_gitlab_server_config"] = "location = /v2/ { return 500; }"',
    )
    result = root.ctl("reconfigure", timeout=120).exits(1)
    assert (
        f"registry answers 500 Internal Server Error at https://localhost:{root.port}/v2/ through nginx"
        in result.text
    )
    assert root.read("var/opt/gitlab/nginx/conf/gitlab-registry.conf") == before
    assert root.serves()


def test_a_registry_that_was_broken_before_is_no_obstacle_to_a_change_of_nginx(root: Root) -> None:
    pid = serving(root)
    os.kill(pid, signal.SIGSTOP)
    try:
        root.settings('registry["nginx"]["custom_gitlab_server_config"] = "add_header X-New yes always;"')
        root.ctl("reconfigure", timeout=120).ok()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert root.client.get("/v2/").header("X-New") == "yes"


def test_a_run_without_changes_reports_what_is_not_well(root: Root) -> None:
    with of_root(root.path / STORAGE / "docker"):
        result = root.ctl("reconfigure").exits(1)
        assert "0 changed" in result.out
        assert "registry cannot write its storage as user" in result.err
    root.ctl("reconfigure").ok()


@pytest.mark.parametrize("part", ["", "docker/registry/v2"])
def test_a_storage_that_hangs_holds_nobody(root: Root, need_root: None, part: str) -> None:
    """As one whose server is gone: whoever looks into it waits for ever."""
    with hanging(root.path / STORAGE / part):
        assert "it does not answer within 10 s" in reasons(root)["registry"]
        assert "it does not answer within 10 s" in root.ctl("reconfigure", timeout=120).exits(1).err
    assert reasons(root) == {}


def test_a_process_that_was_killed_shows_for_a_while(root: Root) -> None:
    wait_for(lambda: root.status()["registry"]["uptime"] > 3, what="an earlier start", seconds=30)
    before = root.pids()["registry"]
    os.kill(serving(root), signal.SIGKILL)

    def another() -> bool:
        service = root.status()["registry"]
        return service["pid"] is not None and serving_pid(service) != before

    wait_for(another, what="the next process", seconds=30)
    assert "exited by itself, and was started again" in reasons(root)["registry"]
    root.ctl("restart", "registry").ok()
    assert reasons(root) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a file from an account")
def test_a_log_of_another_owner_is_seen_and_repaired(root: Root) -> None:
    current = root.path / "var/log/gitlab/registry/current"
    owner = current.stat().st_uid
    os.chown(current, 0, 0)
    current.chmod(0o644)
    log = str(root.path / "opt/gitlab/sv/registry/log")
    subprocess.run(["sv", "restart", log], check=False, capture_output=True)  # it does not come up
    assert f"{current} belongs to root, and svlogd runs as " in reasons(root)["registry"]
    assert not root.reconfigure().nothing
    assert current.stat().st_uid == owner
    size = current.stat().st_size
    root.client.manifest("grp/none", "v1")
    wait_for(lambda: current.stat().st_size > size, what="a line of the log", seconds=30)
    wait_for(lambda: reasons(root) == {}, what="health", seconds=60)


@pytest.fixture
def full_log(make_root: RootMaker, need_root: None) -> Iterator[Root]:
    """A root whose log of the registry is on a small disk of its own, seen by this root's processes alone."""
    need_mounts()
    with subprocess.Popen(["unshare", "--mount", "sleep", "infinity"]) as holder:
        root = make_root()
        disk = root.path / "var/log/gitlab/registry"
        disk.mkdir(parents=True)
        inside = ("nsenter", "--mount", f"--target={holder.pid}")
        wait_for(lambda: Path(f"/proc/{holder.pid}/comm").read_text() == "sleep\n", what="the namespace")
        mount = [*inside, "mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(disk)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        try:
            if done.returncode != 0:
                pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
            root.person = replace(root.person, switch=inside)
            yield begun(root)
        finally:
            end_all(root.path)
            holder.kill()


def test_a_full_disk_of_logs_is_seen_and_repaired(full_log: Root) -> None:
    """svlogd waits, the pipe fills, the registry would hang: status has the reason, and room brings all back."""
    root, inside = full_log, full_log.person.switch
    disk = root.path / "var/log/gitlab/registry"
    fill = f"cat /dev/zero > {disk}/filler"
    subprocess.run([*inside, "sh", "-c", fill], check=False, capture_output=True)
    output = root.ctl("status").exits(1).out
    assert (
        f"writes no log, and stops answering once the pipe is full: the disk of {disk}/current is full"
        in output
    )
    subprocess.run([*inside, "rm", f"{disk}/filler"], check=True)
    root.reconfigure()
    wait_for(lambda: reasons(root) == {}, what="health", seconds=60)
    assert root.serves()
    assert root.client.pulls("grp/kept", images.image("kept"), "v1")


def test_a_lost_supervisor_is_a_reason(root: Root) -> None:
    (supervisor,) = (one for one in root.processes() if one.arguments[0].endswith("runsvdir"))
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_for(lambda: "the supervisor does not run" in root.ctl("status").exits(1).out, what="its end")
    assert root.serves(), "the services outlive it"
    assert "the supervisor does not run" in reasons(root)[""]
    root.ctl("start").ok()
    wait_for(lambda: reasons(root) == {}, what="health", seconds=60)


def test_a_certificate_that_has_ended_is_a_reason_and_no_obstacle(root: Root) -> None:
    texts = dict(zip(("key", "crt"), seeds.server_certificate("localhost", days=-1), strict=True))
    key, certificate = (
        root.write(f"etc/gitlab/own.{name}", text, mode=0o600) for name, text in texts.items()
    )
    root.settings(
        f'registry["nginx"]["ssl_certificate"] = "{certificate}"',
        f'registry["nginx"]["ssl_certificate_key"] = "{key}"',
    )
    root.ctl("reconfigure", timeout=120).ok()
    assert (
        f"certificate that clients refuse: certificate has expired ({certificate})"
        in reasons(root)["registry"]
    )
    assert "`ctl doctor` looks for the cause" in root.ctl("status").exits(1).err
    certificate.write_text("no certificate")
    assert f"{certificate} holds none" in reasons(root)["registry"]


def test_what_was_never_set_up_is_not_well(make_root: RootMaker, person: Person) -> None:
    root = make_root(person)
    assert reasons(root) == {"": "not set up yet: `sudo ctl reconfigure` sets up what the settings file says"}
    assert root.ctl("status").exits(1).out.startswith("not set up yet: ")


def test_a_registry_that_takes_longer_to_start_than_the_setting_says_is_put_back(root: Root) -> None:
    slow = program(root, f'sleep 4; exec {root.registry.program} "$@"')
    text = refused(root, 'registry["health_gate_timeout"] = 1', slow)
    assert "registry is served by its former process: the new process (pid " in text
    assert "does not answer after 1 s" in text


def test_a_registry_that_accepts_and_never_answers_is_put_back(root: Root) -> None:
    silent = SERVES_ERRORS.replace("self.send_error(500)", "__import__('time').sleep(1000)")
    server = root.write("bin/server.py", silent)
    text = refused(
        root, 'registry["health_gate_timeout"] = 2', program(root, f"exec /usr/bin/python3 {server}")
    )
    assert "registry is served by its former process: the new one does not answer" in text
