"""Runs that are refused or fail: what runs goes on serving, and the next good run converges."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.harness import processes, tree
from tests.harness.interrupted import (
    IMAGE,
    JOURNAL,
    JOURNAL_ONLY,
    mounted,
    serving_throughout,
    shows,
    state,
    wanted,
    with_image,
)
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real


@pytest.fixture
def running(running: Root) -> Root:
    return with_image(running)


# --- runs that are refused change nothing at all

REFUSED = {
    "unknown setting": (2, 'registry["log_levle"] = "info"', "log_level"),
    "wrong type": (2, 'registry["storage"] = 5', "storage"),
    "no Python": (2, 'registry["log_level"] = (', "gitlab.py"),
    "statement that is not allowed": (2, "import os", "import"),
    "two storage drivers": (
        2,
        'registry["storage"] = {"filesystem": {"rootdirectory": "/a"}, "inmemory": {}}',
        "storage",
    ),
    "half a pair": (2, 'registry["internal_certificate"] = "-----BEGIN CERTIFICATE-----"', "internal_"),
    "NGINX refuses a snippet": (
        1,
        'registry["nginx"]["custom_gitlab_server_config"] = "no_such_directive on;"',
        "no_such_directive",
    ),
    "NGINX refuses a server snippet": (1, 'nginx["custom_nginx_config"] = "}"', "nginx"),
    "the registry refuses its configuration": (
        1,
        'registry["middleware"] = {"registry": [{"name": "no-such-middleware"}]}',
        "no-such-middleware",
    ),
    "certificate that is not there": (
        1,
        'registry["nginx"]["ssl_certificate"] = "/etc/gitlab/ssl/absent.crt"',
        "absent.crt",
    ),
}


@JOURNAL_ONLY
@pytest.mark.parametrize(("code", "line", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_run_changes_nothing(running: Root, code: int, line: str, word: str) -> None:
    running.settings('registry["log_level"] = "debug"', line)
    before = running.snapshot()
    with serving_throughout(running):
        result = running.ctl("reconfigure").exits(code)
    assert word in result.err
    assert tree.changed(before, running.snapshot()) == set()
    assert not (running.path / JOURNAL).exists()


def test_key_that_does_not_match_is_refused(running: Root) -> None:
    running.write("etc/gitlab/ssl/other.key", running.secrets()["internal_key"], mode=0o600)
    running.settings(
        f'registry["nginx"]["ssl_certificate"] = "{running.path}/etc/gitlab/ssl/localhost.crt"',
        f'registry["nginx"]["ssl_certificate_key"] = "{running.path}/etc/gitlab/ssl/other.key"',
    )
    before = running.snapshot()
    with serving_throughout(running):
        result = running.ctl("reconfigure").exits(1)
    assert "other.key" in result.err
    assert tree.changed(before, running.snapshot()) == set()


def test_good_run_converges_after_a_refused_one(running: Root) -> None:
    running.settings('nginx["custom_nginx_config"] = "}"')
    running.ctl("reconfigure").exits(1)
    running.settings(*state(3))
    running.reconfigure()
    assert shows(running, 3)
    assert running.reconfigure().nothing


# --- runs that cannot write


@JOURNAL_ONLY
@pytest.mark.parametrize("limit", [0, 40, 300, 900, 1_500, 2_500])
def test_run_that_cannot_write_large_files_is_undone(running: Root, limit: int) -> None:
    """As a full disk: writes fail from some size on, so each limit meets another file of the plan."""
    before = running.snapshot()
    running.settings(*state(4))
    with serving_throughout(running):
        result = _with_limit(running, limit)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    ignored = {"etc/gitlab/gitlab.py"}
    assert wanted(tree.changed(before, running.snapshot())) - ignored == set()
    running.reconfigure()
    assert shows(running, 4)
    assert running.reconfigure().nothing


def _with_limit(root: Root, limit: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["prlimit", f"--fsize={limit}", *root.person.command(["--root", str(root.path), "reconfigure"])],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
        env=root.environment(),
    )


def test_a_reader_of_the_output_that_goes_away_stops_nothing(running: Root) -> None:
    """As `ctl reconfigure | head -1`."""
    running.settings(*state(7)).chmod(0o600)  # there is a secret in it, and a warning otherwise
    process = running.begin("reconfigure")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, output = process.communicate(timeout=120)
    assert (process.returncode, output) == (0, "")
    assert shows(running, 7)


@JOURNAL_ONLY
@pytest.mark.usefixtures("need_root")
def test_full_disk_is_survived(make_root: RootMaker) -> None:
    root = make_root()
    with mounted("-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", str(root.path)):
        root.settings()
        root.reconfigure()
        root.client.push("grp/kept", IMAGE, "v1")
        _fill(root.path / "var/opt/filler")
        root.settings(*state(5))
        with serving_throughout(root):
            result = root.ctl("reconfigure").exits(1)
        assert "space" in result.err.lower()
        (root.path / "var/opt/filler").unlink()
        root.reconfigure()
        assert shows(root, 5)
        assert root.reconfigure().nothing
        processes.end_all(root.path)


def _fill(path: Path) -> None:
    """Take the last block: the settings file is written before, with room for itself."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@JOURNAL_ONLY
@pytest.mark.usefixtures("need_root")
@pytest.mark.parametrize(
    "folder",
    [
        "var/opt/gitlab/nginx/conf",
        "var/opt/gitlab/registry",
        "opt/gitlab/etc/registry/env",
        "var/log/gitlab/nginx-svlogd",
    ],
)
def test_folder_that_cannot_be_written_is_survived(running: Root, folder: str) -> None:
    before = running.snapshot()
    running.settings(*state(6))
    path = str(running.path / folder)
    with mounted("--bind", path, path), serving_throughout(running):
        subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True)
        result = running.ctl("reconfigure").exits(1)
    assert folder in result.err
    assert wanted(tree.changed(before, running.snapshot())) - {"etc/gitlab/gitlab.py"} == set()
    running.reconfigure()
    assert shows(running, 6)


@JOURNAL_ONLY
@pytest.mark.usefixtures("need_root")
def test_a_reload_that_nginx_refuses_is_no_success(running: Root) -> None:
    """It cannot open its logs, and goes on with the former files: only its workers show that."""
    vhost = "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
    before, former = running.snapshot(), (running.path / vhost).read_bytes()
    running.settings(*state(6))
    path = str(running.path / "var/log/gitlab/nginx")
    with mounted("--bind", path, path), serving_throughout(running, same_processes=False):
        subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True)
        result = running.ctl("reconfigure").exits(1)
    assert "nginx has refused its new configuration" in result.err
    assert f"{path}/" in result.err
    assert wanted(tree.changed(before, running.snapshot())) - {"etc/gitlab/gitlab.py", vhost} == set()
    # new is its time alone, for the next run: NGINX could not take it up again either
    assert (running.path / vhost).read_bytes() == former
    running.reconfigure()
    assert shows(running, 6)


@JOURNAL_ONLY
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine")
def test_a_reload_that_takes_long_is_no_refusal(running: Root) -> None:
    """On a loaded machine NGINX's master may come to its files late: longer than it usually takes for all."""
    running.settings(*state(8))
    nginx = running.pids()["nginx"]
    late = ["-e", "trace=openat", "-e", "inject=openat:delay_enter=6000000:when=1"]
    tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", *late, "-p", str(nginx)])
    try:
        wait_for(lambda: "TracerPid:\t0" not in Path(f"/proc/{nginx}/status").read_text(), what="strace")
        running.ctl("reconfigure", timeout=120).ok()
    finally:
        tracer.terminate()
        tracer.wait()
    assert shows(running, 8)


@JOURNAL_ONLY
def test_a_reload_waits_for_an_address_that_becomes_free(running: Root) -> None:
    """NGINX complains, tries for 2.5 s, and obeys nobody meanwhile; what it complained of then is no refusal."""
    port = running.ports.take()
    running.settings(*state(8), f'registry["registry_http_addr"] = "127.0.0.1:{port}"')
    log = running.path / "var/log/gitlab/nginx/current"
    before = log.stat().st_size
    with socket.socket() as stranger:
        begun = _after_the_check(running, stranger, port)
        wait_for(lambda: b"bind() to" in log.read_bytes()[before:], what="NGINX tries", seconds=60)
    out, err = begun.communicate(timeout=60)
    assert begun.returncode == 0, out + err
    assert shows(running, 8)


@JOURNAL_ONLY
def test_a_stranger_at_a_new_address_leaves_everything_as_it_was(running: Root) -> None:
    """He comes after the check of the ports. NGINX reads its former files when it has given up."""
    port = running.ports.take()
    running.settings(*state(7))
    running.reconfigure()
    running.settings(*state(9), f'registry["registry_http_addr"] = "127.0.0.1:{port}"')
    with socket.socket() as stranger:
        begun = _after_the_check(running, stranger, port)
        out, err = begun.communicate(timeout=120)
    assert begun.returncode == 1, out + err
    assert "Address already in use" in err
    assert "everything was put back" in err
    assert shows(running, 7)


def _after_the_check(root: Root, stranger: socket.socket, port: int) -> subprocess.Popen[str]:
    """Begin a run, and take a port as soon as it has found that free, and writes."""
    begun = root.begin("reconfigure")
    wait_for((root.path / JOURNAL).exists, what="the journal", seconds=60, pause=0.001)
    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stranger.bind(("127.0.0.1", port))
    stranger.listen()
    return begun


def test_folder_of_another_owner_is_reported_to_an_ordinary_user(
    make_root: RootMaker, ordinary_user: Person
) -> None:
    root = make_root(ordinary_user)
    root.settings()
    root.reconfigure()
    root.client.push("grp/kept", IMAGE, "v1")
    folder = root.path / "var/opt/gitlab/nginx/conf"
    root.settings(*state(7))
    subprocess.run(["chown", "root:root", str(folder)], check=True)
    with serving_throughout(root):
        result = root.ctl("reconfigure").exits(1)
    assert str(folder) in result.err
    subprocess.run(["chown", str(ordinary_user.uid), str(folder)], check=True)
    root.reconfigure()
    assert shows(root, 7)


# --- runs that cannot be carried out


def test_registry_that_does_not_come_up_puts_everything_back(running: Root) -> None:
    """A program that passes every check, which is done on another address, and then fails in earnest."""
    before = running.snapshot()
    program = running.home / "failing"
    program.write_text(
        '#!/bin/sh\ncase "$REGISTRY_HTTP_NET$1" in unixserve) exit 1;; esac\n'
        f'exec {running.registry.program} "$@"\n',
        encoding="ascii",
    )
    program.chmod(0o755)
    running.settings(f'registry["executable"] = "{program}"')
    result = running.ctl("reconfigure", timeout=120).exits(1)
    assert "registry" in result.err
    changed = wanted(tree.changed(tree.timeless(before), tree.timeless(running.snapshot())))
    assert changed - {"etc/gitlab/gitlab.py"} == set()
    assert running.client.pulls("grp/kept", IMAGE, "v1")


def test_two_runs_at_once_do_not_mix(running: Root) -> None:
    running.settings(*state(13))
    first, second = running.begin("reconfigure"), running.begin("reconfigure")
    outputs = [one.communicate(timeout=60) for one in (first, second)]
    codes = sorted([first.returncode, second.returncode])
    assert codes == [0, 75], outputs
    loser = outputs[0] if first.returncode == 75 else outputs[1]
    winner = first if first.returncode == 0 else second
    assert str(winner.pid) in loser[1]
    assert shows(running, 13)
