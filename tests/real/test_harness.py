"""The tests' own tools, against the stock registry without anything of `ctl`: a negative control."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.registry.token import key_set
from tests.harness import images, processes, seeds, tokens, tree
from tests.harness.https import Client
from tests.harness.people import Person
from tests.harness.ports import Ports
from tests.harness.registries import Registry
from tests.harness.skopeo import Skopeo
from tests.harness.waiting import listening, wait_for
from tests.harness.watch import CommandLines, Watch

pytestmark = pytest.mark.real

CONFIG = """
version: 0.1
http: {{addr: "127.0.0.1:{port}"}}
storage: {{filesystem: {{rootdirectory: "{folder}/images"}}, delete: {{enabled: true}}}}
auth: {{token: {{realm: "https://gitlab.example.com/jwt/auth", service: container_registry,
  issuer: omnibus-gitlab-issuer, rootcertbundle: "{folder}/registry.crt"{key_set}}}}}
"""
KEY_SET = ', jwks: "{folder}/keys.json"'
"""By which Distribution 3 knows the key of GitLab's tokens."""


@pytest.fixture
def stock(tmp_path: Path, registry_program: Registry) -> Iterator[Client]:
    """The registry with token authentication, started by hand."""
    key, certificate = seeds.pair()

    def sign(name: str, actions: str) -> str:
        return tokens.sign(key, tokens.repository_access(name, actions))

    ports = Ports()
    port = ports.take()
    (tmp_path / "registry.crt").write_text(certificate, encoding="ascii")
    (tmp_path / "keys.json").write_text(key_set(certificate), encoding="ascii")
    config, more = tmp_path / "config.yml", KEY_SET.format(folder=tmp_path)
    text = CONFIG.format(port=port, folder=tmp_path, key_set=more if registry_program.major == 3 else "")
    config.write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [registry_program.program, "serve", config],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
    )
    try:
        wait_for(lambda: listening(port), what="the registry listens")
        yield Client(port, None, sign)
    finally:
        process.kill()
        process.wait()
        ports.release()


def test_raw_client_pushes_and_pulls_nested_indexes(stock: Client) -> None:
    nested = images.index(images.two_platforms("inner"), images.image("beside"))
    digest = stock.push("grp/app", nested, "nested")
    assert stock.manifest("grp/app", "nested").header("Docker-Content-Digest") == digest
    assert stock.pulls("grp/app", nested)
    assert not stock.pulls("grp/app", images.image("never pushed"))


def test_skopeo_pushes_with_a_token_and_digests_stay(stock: Client, tmp_path: Path) -> None:
    both = images.two_platforms("both")
    layout = images.write_layout(tmp_path / "layout", {"v1": both})
    home = tmp_path / "home"
    home.mkdir()
    skopeo = Skopeo(f"127.0.0.1:{stock.port}", None, home)
    assert stock.tokens is not None
    token = stock.tokens("grp/app", "pull,push")
    plain = skopeo.run(
        [
            *("copy", "--all", "--dest-tls-verify=false", "--dest-registry-token", token),
            *(f"oci:{layout}:v1", f"docker://{skopeo.registry}/grp/app:v1"),
        ]
    )
    assert plain.returncode == 0
    assert stock.pulls("grp/app", both, "v1")


def test_a_token_of_another_key_is_refused(stock: Client) -> None:
    other = tokens.sign(seeds.pair(1)[0], tokens.repository_access("grp/app", "pull"))
    answer = stock.request("GET", "/v2/grp/app/tags/list", headers={"Authorization": f"Bearer {other}"})
    assert answer.status == 401


def test_images_are_the_same_each_time() -> None:
    assert images.image("one").digest == images.image("one").digest != images.image("two").digest


def test_watch_finds_a_secret_on_a_command_line() -> None:
    secret = "ctl-test-not-a-secret-8731"
    with CommandLines() as watch:
        process = subprocess.Popen(["sh", "-c", "sleep 5; exit", secret])
        wait_for(lambda: any(secret in line for line in watch.lines), what="the watch sees it")
        process.kill()
        process.wait()


def test_watch_reports_what_cannot_be_reached() -> None:
    ports = Ports()
    closed = Client(ports.take())
    with Watch(lambda: str(closed.get("/").status)) as watch:
        wait_for(lambda: watch.findings)
    assert "Refused" in watch.findings[0]
    ports.release()


def test_only_processes_of_a_root_are_ended(tmp_path: Path) -> None:
    inside, outside = tmp_path / "a", tmp_path / "ab"
    inside.mkdir()
    outside.mkdir()
    mine = subprocess.Popen(["sleep", "30"], cwd=inside)
    other = subprocess.Popen(["sleep", "30"], cwd=outside)
    try:
        wait_for(lambda: [one.pid for one in processes.below(inside)] == [mine.pid])
        processes.end_all(inside)
        assert mine.wait(timeout=5) != 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_snapshot_sees_content_mode_and_new_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="ascii")
    (tmp_path / "b").write_text("1", encoding="ascii")
    before = tree.snapshot(tmp_path)
    (tmp_path / "a").write_text("2", encoding="ascii")
    (tmp_path / "b").chmod(0o600)
    (tmp_path / "c").symlink_to("a")
    assert tree.changed(before, tree.snapshot(tmp_path)) == {"a", "b", "c"}


def test_ordinary_user_can_run_ctl(ordinary_user: Person) -> None:
    done = subprocess.run(
        ordinary_user.command(["--version"]),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ordinary_user.pythonpath},
    )
    assert done.returncode == 0, done.stderr
    assert not ordinary_user.is_root
