"""`ctl trust`: the CA is where each tool looks, another CA stays, and nothing is asked of a public certificate."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.certificates import stores as trusting
from ctl.tls.authority import Pair, issue, make_authority, renew_authority
from tests.harness.certificates import certificate_pem, issue_one, key_pem, make_key
from tests.harness.cli import Cli

HOST = "registry.example.com"
NAME = f"{HOST}:5050"
DOCKER = f"etc/docker/certs.d/{NAME}/ca.crt"
PODMAN = f"etc/containers/certs.d/{NAME}/ca.crt"
NOW = datetime.now(UTC)
CA = make_authority(HOST, now=NOW)


def put(root: Path, path: str, content: bytes) -> Path:
    """Write a file below the root."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)
    return root / path


def serve(root: Path, server: Pair, ca: Pair | None = CA) -> None:
    """Put a certificate where NGINX reads it, and a local CA."""
    put(root, f"etc/gitlab/ssl/{HOST}.crt", server.certificate)
    put(root, f"etc/gitlab/ssl/{HOST}.key", server.key)
    if ca:
        put(root, "etc/gitlab/ssl/ca.crt", ca.certificate)


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A root with settings and no certificate."""
    cli = Cli(tmp_path, capsys)
    cli.settings(f'registry_external_url = "https://{NAME}"\n')
    return cli


@pytest.fixture
def cli(bare: Cli) -> Cli:
    """A root with a certificate of the local CA."""
    serve(bare.root, issue(CA, [HOST], now=NOW))
    return bare


def test_the_file_is_where_the_tool_looks(cli: Cli) -> None:
    before = os.umask(0o077)
    try:
        assert cli("trust", "--docker", "--podman").code == 0
    finally:
        os.umask(before)
    for path in (DOCKER, PODMAN):
        file = cli.root / path
        assert file.read_bytes() == CA.certificate
        assert file.stat().st_mode & 0o777 == 0o644
        assert all(one.stat().st_mode & 0o777 == 0o755 for one in list(file.parents)[:3])


def test_a_second_time_changes_nothing(cli: Cli) -> None:
    assert "trusted now" in cli("trust", "--podman").out
    before = (cli.root / PODMAN).stat()
    assert "podman: already trusted" in cli("trust", "--podman").out
    assert (cli.root / PODMAN).stat().st_ino == before.st_ino
    assert not (cli.root / DOCKER).exists()


@pytest.mark.parametrize(
    ("programs", "expected"),
    [(["skopeo"], [PODMAN]), (["docker"], [DOCKER]), (["docker", "buildah"], [DOCKER, PODMAN]), ([], [])],
)
def test_without_options_the_tools_that_are_installed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, programs: list[str], expected: list[str]
) -> None:
    monkeypatch.setattr(trusting, "find_program", _only(programs))
    result = cli("trust")
    assert result.code == 0
    assert [path for path in (DOCKER, PODMAN) if (cli.root / path).exists()] == expected
    assert ("is installed here" in result.err) is (not programs)


def _only(programs: list[str]) -> Callable[..., Path | None]:
    return lambda *names: next((Path("/usr/bin") / name for name in names if name in programs), None)


def test_another_ca_stays_unless_asked_to_replace_it(cli: Cli) -> None:
    other = make_authority("elsewhere", now=NOW).certificate
    put(cli.root, PODMAN, other)
    result = cli("trust", "--docker", "--podman")
    assert result.code == 1
    assert "another CA (CN=registry-ctl local CA on elsewhere)" in result.err
    assert "--replace" in result.err
    assert (cli.root / PODMAN).read_bytes() == other
    assert not (cli.root / DOCKER).exists(), "nothing is written before every place was looked at"
    assert "podman: replaced" in cli("trust", "--podman", "--replace").out
    assert (cli.root / PODMAN).read_bytes() == CA.certificate


def test_the_same_ca_renewed_is_taken_up(cli: Cli) -> None:
    put(cli.root, PODMAN, CA.certificate)
    renewed = renew_authority(CA, now=NOW + timedelta(days=100))
    put(cli.root, "etc/gitlab/ssl/ca.crt", renewed.certificate)
    assert "podman: renewed" in cli("trust", "--podman").out
    assert (cli.root / PODMAN).read_bytes() == renewed.certificate


def test_a_file_of_several_cas_with_ours_is_left_alone(cli: Cli) -> None:
    both = make_authority("elsewhere", now=NOW).certificate + CA.certificate
    put(cli.root, PODMAN, both)
    assert "already trusted" in cli("trust", "--podman").out
    assert (cli.root / PODMAN).read_bytes() == both


def test_ours_among_several_renewed_does_not_drop_the_others(cli: Cli) -> None:
    both = CA.certificate + make_authority("elsewhere", now=NOW).certificate
    put(cli.root, PODMAN, both)
    renewed = renew_authority(CA, now=NOW + timedelta(days=100))
    put(cli.root, "etc/gitlab/ssl/ca.crt", renewed.certificate)
    assert cli("trust", "--podman").code == 1
    assert (cli.root / PODMAN).read_bytes() == both


@pytest.mark.parametrize(
    ("content", "reported"), [(b"", "it is empty"), (b"hello", "it holds no certificate")]
)
def test_what_is_no_certificate_is_reported(cli: Cli, content: bytes, reported: str) -> None:
    put(cli.root, DOCKER, content)
    result = cli("trust", "--docker")
    assert (result.code, reported in result.err) == (1, True)


def test_a_link_that_leads_nowhere(cli: Cli) -> None:
    file = put(cli.root, DOCKER, b"")
    file.unlink()
    file.symlink_to(cli.root / "nowhere")
    assert "a link that leads nowhere" in cli("trust", "--docker").err
    assert cli("trust", "--docker", "--replace").code == 0
    assert not file.is_symlink()
    assert not (cli.root / "nowhere").exists()


def test_a_certificate_of_a_public_authority_needs_nothing(
    bare: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = make_authority("the world's", now=NOW)
    monkeypatch.setenv("SSL_CERT_FILE", str(put(tmp_path, "bundle.pem", public.certificate)))
    serve(bare.root, issue(public, [HOST], now=NOW))
    result = bare("trust", "--docker")
    assert (result.code, result.out.startswith("nothing to do: ")) == (0, True)
    assert "clients that know it need nothing" in result.out
    assert not (bare.root / DOCKER).exists()
    assert bare("trust", "--json").json()["needed"] is False


def test_a_self_signed_certificate(bare: Cli) -> None:
    key = make_key()
    pem = certificate_pem(key, HOST, now=NOW)
    serve(bare.root, Pair(pem, key_pem(key)), ca=None)
    assert "docker: trusted now" in bare("trust", "--docker").out
    assert (bare.root / DOCKER).read_bytes() == pem
    assert f"{HOST}:{bare.root}/etc/gitlab/ssl/{HOST}.crt" in bare("trust", "--docker").out


def test_before_the_first_reconfigure(bare: Cli) -> None:
    result = bare("trust", "--docker")
    assert result.code == 1
    assert "`ctl reconfigure` makes one" in result.err


@pytest.mark.parametrize(
    ("settings", "code", "reported"),
    [
        ('external_url = "http://gitlab.example.com"\n', 1, "this node has no registry"),
        (f'registry_external_url = "http://{HOST}"\n', 0, "without TLS"),
    ],
)
def test_nodes_without_a_certificate(bare: Cli, settings: str, code: int, reported: str) -> None:
    bare.settings(settings)
    result = bare("trust", "--docker")
    assert (result.code, reported in result.out + result.err) == (code, True)


def test_the_commands_for_another_machine(cli: Cli) -> None:
    folder = f"/etc/docker/certs.d/{NAME}"
    commands = cli("trust", "--docker", "--json").json()["commands"]
    assert commands == [
        f"mkdir -p {folder}",
        f"scp {HOST}:{cli.root}/etc/gitlab/ssl/ca.crt {folder}/ca.crt",
    ]
    assert all(f"  {line}\n" in cli("trust", "--docker").out for line in commands)
    assert cli("trust", "--podman", "--json").json()["commands"] == commands, "podman reads that folder, too"


def test_clients_that_read_the_machines_list_alone(cli: Cli) -> None:
    printed = cli("trust", "--podman")
    assert (
        "helm, oras, crane, regctl and containerd read the machine's list alone: sudo ctl trust --system"
        in printed.out
    )
    target = "/usr/local/share/ca-certificates/registry-ctl.crt"
    commands = cli("trust", "--podman", "--json").json()["system_commands"]
    assert commands == [f"scp {HOST}:{cli.root}/etc/gitlab/ssl/ca.crt {target}", "update-ca-certificates"]
    assert all(f"  {line}\n" in printed.out for line in commands)


def test_containerd(cli: Cli) -> None:
    folder = f"etc/containerd/certs.d/{NAME}"
    assert f"containerd: trusted now ({cli.root}/{folder}/ca.crt)" in cli("trust", "--containerd").out
    assert (cli.root / folder / "ca.crt").read_bytes() == CA.certificate
    hosts = cli.root / folder / "hosts.toml"
    assert tomllib.loads(hosts.read_text(encoding="utf-8")) == {
        "server": f"https://{NAME}",
        "host": {
            f"https://{NAME}": {"capabilities": ["pull", "resolve", "push"], "ca": f"/{folder}/ca.crt"},
        },
    }
    assert "containerd: already trusted" in cli("trust", "--containerd").out
    hosts.write_text("# mine\n", encoding="utf-8")
    refused = cli("trust", "--containerd")
    assert (refused.code, "hosts.toml is there already" in refused.err) == (1, True)
    assert hosts.read_text(encoding="utf-8") == "# mine\n"
    assert "containerd: replaced" in cli("trust", "--containerd", "--replace").out
    assert "[host." in hosts.read_text(encoding="utf-8")


def run_as_on_another_machine(commands: list[str], folder: Path) -> None:
    """Run printed commands with every folder of the other machine below another one, and no host to copy from."""
    script = "\n".join(commands).replace("/etc/docker/", f"{folder}/").replace(f"scp {HOST}:", "cp ")
    subprocess.run(["sh", "-euc", script], check=True)


def test_a_private_ca_whose_root_is_in_the_file(bare: Cli, tmp_path: Path) -> None:
    private = issue_one("Private Root", now=NOW)
    middle = issue_one("Middle", private, now=NOW)
    server = issue_one(HOST, middle, hosts=(HOST,), now=NOW)
    file = b"".join(one.certificate for one in (server, middle, private))
    serve(bare.root, Pair(file, key_pem(server.key)), ca=None)
    assert "docker: trusted now" in bare("trust", "--docker").out
    assert (bare.root / DOCKER).read_bytes() == private.certificate
    found = bare("trust", "--docker", "--json").json()
    assert (found["ca"], found["subject"]) == (None, "CN=Private Root")
    run_as_on_another_machine(found["commands"], tmp_path / "other")
    assert (tmp_path / f"other/certs.d/{NAME}/ca.crt").read_bytes() == private.certificate


def test_a_private_ca_that_is_not_in_the_file(bare: Cli, tmp_path: Path) -> None:
    private, other = issue_one("Private Root", now=NOW), issue_one("Other", now=NOW)
    server = issue_one(HOST, private, hosts=(HOST,), now=NOW)
    serve(bare.root, Pair(server.certificate, key_pem(server.key)), ca=None)
    refused = bare("trust", "--docker")
    assert (refused.code, "CN=Private Root, which is not in" in refused.err) == (1, True)
    assert "ctl trust --ca FILE" in refused.err
    for one, code in ((other, 1), (private, 0)):
        file = put(tmp_path, "company.pem", one.certificate)
        assert bare("trust", "--docker", "--ca", str(file)).code == code
    assert (bare.root / DOCKER).read_bytes() == private.certificate


def test_brackets_of_an_address_are_quoted_for_the_shell(bare: Cli) -> None:
    bare.settings('registry_external_url = "https://[2001:db8::1]:5050"\n')
    server = issue(CA, ["2001:db8::1"], now=NOW)
    put(bare.root, "etc/gitlab/ssl/2001:db8::1.crt", server.certificate)
    put(bare.root, "etc/gitlab/ssl/ca.crt", CA.certificate)
    commands = bare("trust", "--docker", "--json").json()["commands"]
    assert commands[0] == "mkdir -p '/etc/docker/certs.d/[2001:db8::1]:5050'"
    assert commands[1].startswith("scp '[2001:db8::1]:")


def test_the_system_has_no_other_root(cli: Cli) -> None:
    result = cli("trust", "--system")
    assert result.code == 2
    assert "update-ca-certificates knows no other root" in result.err


def test_json(cli: Cli) -> None:
    found = cli("trust", "--podman", "--json").json()
    assert (found["registry"], found["needed"]) == (NAME, True)
    assert found["tools"] == [{"tool": "podman", "path": str(cli.root / PODMAN), "state": "trusted now"}]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_the_machine_itself_needs_root(capsys: pytest.CaptureFixture[str]) -> None:
    from ctl.__main__ import run

    assert run(["trust", "--docker"]) == 1
    assert "sudo ctl trust" in capsys.readouterr().err
