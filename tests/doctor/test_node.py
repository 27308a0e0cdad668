"""`ctl doctor` on a real node that is well; traces and bundles of it."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ctl.errors import USE_SUDO
from tests.harness import images
from tests.harness.doctor_node import (
    GUARDED,
    STORAGE,
    Node,
    only_root,
)
from tests.harness.gitlab import PASSWORD, USER
from tests.harness.namespaces import need_mounts
from tests.harness.people import ordinary
from tests.harness.root import SETTINGS

pytestmark = [pytest.mark.real, only_root]


def test_a_healthy_node(node: Node) -> None:
    """It is used, too: clients ask for what is not there before they push it, and for tags that nobody has pushed."""
    node.root.client.push("grp/used", images.image("used"), "v1")
    assert (
        node.root.client.authorised("GET", "/v2/grp/used/manifests/v9", repository="grp/used").status == 404
    )
    before = {path for path in (node.root.path / STORAGE).rglob("*") if path.is_file()}
    found = node.doctor("--push", "--user", USER)
    wrong = {name: one for name, one in found.items() if one["state"] != "ok"}
    assert wrong == {}
    assert {"login", "push", "redis", "notifications", "debug-server", "gitlab-tls", "clock"} <= found.keys()
    assert {path for path in (node.root.path / STORAGE).rglob("*") if path.is_file()} == before
    assert not list((node.root.path / STORAGE).rglob("*ctl-doctor*")), "no trace of the image"
    again = node.doctor()
    assert again["errors"]["state"] == "ok", "what the checks themselves do is no error"


def as_somebody(node: Node, *words: str) -> subprocess.CompletedProcess[str]:
    """What an ordinary user sees of a command."""
    with ordinary() as person:
        if person is None:
            pytest.skip("no Python of this version that an ordinary user can run")
        return subprocess.run(
            person.command(["--root", str(node.root.path), *words]),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=node.root.environment() | {"PYTHONPATH": person.pythonpath},
        )


def test_an_ordinary_user_learns_what_could_not_be_asked(node: Node) -> None:
    traced = as_somebody(node, "doctor", "--trace", "grp/app")
    assert (traced.returncode, USE_SUDO in traced.stderr) == (1, True)
    assert "gitlab-secrets.json" in traced.stderr
    done = as_somebody(node, "doctor", "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    assert done.returncode == 3, done.stdout
    asked = {name for name, one in found.items() if one["state"] != "unknown"}
    assert asked <= {"settings", "programs", "space", "supervisor", "dns", "timers", "collection", "cleanup"}
    sudo = {
        one["remedy"]
        for name in ("files", "services", "processes", "registry")
        for one in found[name]["findings"]
    }
    assert sudo == {USE_SUDO}


def test_a_full_disk_and_logs_that_grow(node: Node) -> None:
    """In a name space of its own, where a small file system is mounted in the place of the logs."""
    logs = node.root.path / "var/log/gitlab"
    states = {}
    for size in ("100k", "380k", "400k"):
        script = f"mount -t tmpfs -o size=400k tmpfs {logs} && head -c {size} /dev/zero >{logs}/some.log"
        states[size] = {name: one["state"] for name, one in inside(node, script, "space", "logs").items()}
    assert states["100k"] == {"space": "ok", "logs": "warning"}
    assert states["380k"]["space"] == "warning"
    assert states["400k"]["space"] == "failure"


def test_a_disk_without_inodes(node: Node) -> None:
    """Likewise: room for bytes is left, and none for a further file."""
    logs = node.root.path / "var/log/gitlab"
    mount = f"mount -t tmpfs -o size=10m,nr_inodes=20 tmpfs {logs}"
    found = inside(node, f"{mount} && (touch $(seq -f {logs}/%g 50) || true) 2>/dev/null", "space")["space"]
    causes = [one["cause"] for one in found["findings"] if one["state"] == "failure"]
    assert (found["state"], len(causes)) == ("failure", 1)
    assert "(logs): 10.5 MB of 10.5 MB free, 0 % of inodes: pushes and logs fail" in causes[0]


def test_no_name_server(node: Node) -> None:
    """In a name space of its own, where the machine asks a port at which nobody answers, and knows no host."""
    for line, states in (
        ("127.0.0.1 localhost registry.example.org", {"ok"}),
        ("127.0.0.1 localhost", {"unknown", "ok"}),
    ):
        script = (
            f"set -e; printf 'nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n' > $0/resolv.conf; "
            f"echo {line} > $0/hosts; "
            "mount --bind $0/resolv.conf /etc/resolv.conf; mount --bind $0/hosts /etc/hosts"
        )
        with node.edited(SETTINGS, lambda text: f'{text}external_url = "https://registry.example.org"\n'):
            found = inside(node, script, "dns")["dns"]
        assert {one["state"] for one in found["findings"]} == states, found
        if "unknown" in states:
            assert (
                "registry.example.org (external_url): no name server answers" in found["findings"][0]["cause"]
            )


def inside(node: Node, script: str, *names: str) -> dict[str, Any]:
    """Some checks in a mount namespace that a script of sh has prepared; $0 is a folder for its files."""
    need_mounts()
    command = node.root.person.command(["--root", str(node.root.path), "doctor", "--json", *names])
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{script}; exec "$@"', str(node.root.home), *command],
        capture_output=True,
        text=True,
        check=False,
        env=node.root.environment(),
    )
    return {one["name"]: one for one in json.loads(done.stdout)["checks"]}


def test_a_trace_shows_each_request_and_no_secret(node: Node) -> None:
    before = set((node.root.path / STORAGE).rglob("data"))
    result = node.root.ctl("doctor", "--trace", "grp/traced", timeout=60).ok()
    for step in (
        "ask without a token",
        "begin the upload of the layer",
        "push the manifest",
        "pull the layer",
    ):
        assert step in result.out
    assert f"PATCH https://localhost:{node.root.port}/v2/grp/traced/blobs/uploads/" in result.out
    assert 'WWW-Authenticate: Bearer realm="https://localhost:' in result.out
    assert "Authorization: Bearer ********" in result.out
    assert "_state=********" in result.out
    assert "eyJ" not in result.out
    assert set((node.root.path / STORAGE).rglob("data")) == before
    with node.vhost(lambda text: text.replace(*GUARDED)):
        broken = node.root.ctl("doctor", "--trace", "grp/traced", "--json", timeout=60).exits(1).json()
    assert broken["problem"].startswith("push the manifest: PUT is answered by 403")
    assert broken["exchanges"][-1]["step"] == "delete the blob", "what was uploaded goes again"
    assert broken["exchanges"][0]["milliseconds"]["answer"] > 0


def test_a_trace_signs_in_as_a_user(node: Node) -> None:
    command = node.root.person.command(
        ["--root", str(node.root.path), "doctor", "--trace", "grp/u", "--user", USER]
    )
    done = subprocess.run(
        command, input=PASSWORD, capture_output=True, text=True, check=False, env=node.root.environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"get a token as {USER}" in done.stdout
    assert "Authorization: Basic ********" in done.stdout
    assert PASSWORD not in done.stdout


def test_a_bundle_of_the_running_node_holds_no_secret(node: Node, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    node.root.ctl("support-bundle", "-o", str(target), timeout=60).ok()
    with tarfile.open(target) as archive:
        texts = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}  # type: ignore[union-attr]
    assert not [name for name, text in texts.items() if b"left out" in text]
    secrets = node.root.secrets()
    key = "".join(line for line in secrets["internal_key"].splitlines() if "-----" not in line)
    for secret in (secrets["http_secret"], node.redis.password, key[640:704], key[704:768]):
        for form in (
            secret.encode(),
            secret.encode().hex().encode(),
            base64.b64encode(secret.encode())[4:-4],
        ):
            assert not [name for name, text in texts.items() if form in text]
    assert any(
        name.endswith("log/registry/current") and b"level=info" in text for name, text in texts.items()
    )


def test_no_secret_is_shown(node: Node) -> None:
    text = json.dumps([node.doctor("--user", USER), node.doctor("-v")])
    for secret in (PASSWORD, node.redis.password, node.root.secrets()["http_secret"]):
        assert secret not in text
