"""`ctl secrets` carries key and certificate from one node to another, and shows them to nobody."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctl.paths import Layout
from tests.harness import seeds
from tests.harness.cli import Cli

KEY, CERTIFICATE = seeds.pair()
OTHER_KEY, OTHER_CERTIFICATE = seeds.pair(1)
GITLAB = """\
external_url("https://gitlab.example.com")
letsencrypt["enable"] = False
gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "https://registry.example.com"
gitlab_rails["registry_host"] = "registry.example.com"
"""
REGISTRY = """\
registry_external_url("https://registry.example.com")
registry["token_realm"] = "https://gitlab.example.com"
"""


class Node(Cli):
    """A node with its secrets file."""

    @property
    def path(self) -> Path:
        return Layout(self.root).secrets_file

    @property
    def kept(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.path.read_bytes())

    def keep(self, **registry: str) -> None:
        self.path.write_text(json.dumps({"gitlab_rails": {"otp": "mine"}, "registry": registry}))
        self.path.chmod(0o600)


def make(folder: Path, capsys: pytest.CaptureFixture[str], settings: str) -> Node:
    node = Node(folder, capsys)
    node.settings(settings)
    return node


@pytest.fixture
def gitlab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Node:
    return make(tmp_path / "gitlab", capsys, GITLAB)


@pytest.fixture
def registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Node:
    node = make(tmp_path / "registry", capsys, REGISTRY)
    node.keep(http_secret="h77p", internal_key=KEY, internal_certificate=CERTIFICATE)
    return node


@pytest.fixture
def exported(registry: Node, tmp_path: Path) -> Path:
    """What the registry's node exports for GitLab's."""
    file = tmp_path / "for-gitlab.py"
    assert registry("secrets", "export", "--for", "gitlab", "--output", str(file)).code == 0
    return file


def test_an_export_is_private_and_never_written_over(registry: Node, exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    before = exported.read_bytes()
    assert KEY.encode() in before
    assert b"h77p" not in before
    result = registry("secrets", "export", "--for", "registry", "--output", str(exported))
    assert result.code == 2
    assert "is there already" in result.err
    assert exported.read_bytes() == before


def test_gitlabs_node_keeps_the_key_alone(gitlab: Node, exported: Path) -> None:
    result = gitlab("secrets", "import", str(exported))
    assert (result.code, result.err) == (0, "")
    assert "keeps registry.internal_key; next: ctl reconfigure" in result.out
    assert gitlab.kept == {"registry": {"internal_key": KEY}}
    assert stat.S_IMODE(gitlab.path.stat().st_mode) == 0o600
    assert "PRIVATE" not in result.out
    before = gitlab.path.read_bytes()
    assert "has all of it already" in gitlab("secrets", "import", str(exported)).out
    assert gitlab("generate-secrets").code == 0
    assert gitlab.path.read_bytes() == before
    assert gitlab("check-config", "--peer", str(exported)).code == 0


def test_a_registrys_node_keeps_the_certificate_alone(
    registry: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "for-registry.py"
    arguments = ("secrets", "export", "--for", "registry", "--with-http-secret", "--output", str(file))
    assert registry(*arguments).code == 0
    assert "PRIVATE" not in file.read_text()
    second = make(tmp_path / "second", capsys, REGISTRY)
    assert second("secrets", "import", str(file)).code == 0
    assert second.kept == {"registry": {"internal_certificate": CERTIFICATE, "http_secret": "h77p"}}
    assert second("generate-secrets").out.endswith("nothing is missing\n")


def test_another_key_gives_way_only_when_asked(gitlab: Node, exported: Path) -> None:
    gitlab.keep(internal_key=OTHER_KEY, internal_certificate=OTHER_CERTIFICATE)
    before = gitlab.path.read_bytes()
    result = gitlab("secrets", "import", str(exported))
    assert result.code == 2
    assert "holds another registry.internal_certificate and registry.internal_key" in result.err
    assert gitlab.path.read_bytes() == before
    assert gitlab("secrets", "import", "--replace", str(exported)).code == 0
    assert gitlab.kept == {"gitlab_rails": {"otp": "mine"}, "registry": {"internal_key": KEY}}


def test_a_certificate_that_belongs_to_the_key_stays(gitlab: Node, exported: Path) -> None:
    gitlab.keep(internal_certificate=CERTIFICATE)
    assert gitlab("secrets", "import", str(exported)).code == 0
    assert gitlab.kept["registry"] == {"internal_certificate": CERTIFICATE, "internal_key": KEY}


def test_a_node_that_makes_no_secrets_takes_them(gitlab: Node, registry: Node, exported: Path) -> None:
    """package["generate_default_secrets"] = False is for nodes that get theirs from elsewhere."""
    gitlab.settings(GITLAB + 'package["generate_default_secrets"] = False\n')
    assert gitlab("check-config").code == 2
    assert registry("check-config", "--peer", str(gitlab.file)).code == 0
    assert gitlab("secrets", "import", str(exported)).code == 0
    assert gitlab("check-config").code == 0


def test_settings_win(gitlab: Node, exported: Path) -> None:
    (gitlab.root / "key").write_text(KEY)
    gitlab.settings(GITLAB + f'gitlab_rails["internal_key"] = read_file("{gitlab.root}/key")\n')
    result = gitlab("secrets", "import", str(exported))
    assert result.code == 2
    assert f"{gitlab.file}:6:" in result.err
    assert not gitlab.path.exists()


def test_the_wrong_export_is_refused(registry: Node, exported: Path, tmp_path: Path) -> None:
    before = registry.path.read_bytes()
    result = registry("secrets", "import", str(exported))
    assert result.code == 2
    assert "the file has no registry.internal_certificate" in result.err
    assert "ctl secrets export --for registry" in result.err
    assert registry.path.read_bytes() == before


def test_a_secrets_file_is_no_export(registry: Node, gitlab: Node) -> None:
    """What comes to mind first: to carry over the file itself."""
    refused = gitlab("secrets", "import", str(registry.path)).exits(2)
    assert f"{registry.path} is a secrets file, not an export" in refused.err
    assert "ctl secrets export --for gitlab" in refused.err
    assert not gitlab.path.exists()


def test_a_node_with_both_is_given_the_whole_file(registry: Node, exported: Path) -> None:
    registry.settings(
        GITLAB + 'registry_external_url("https://registry.example.com")\ngitlab_rails["enable"] = True\n'
    )
    refused = registry("secrets", "import", str(exported)).exits(2)
    assert "this node has GitLab and the registry" in refused.err


@pytest.mark.parametrize("grace", ["99999999d", "36501d", "1y", "-1s", "5"])
def test_a_time_of_grace_that_no_clock_has(registry: Node, grace: str) -> None:
    for command in (("secrets", "rotate"), ("certificates", "renew", "--ca")):
        assert grace in registry(*command, f"--grace={grace}").exits(2).err


def test_another_issuer_is_warned_of(gitlab: Node, exported: Path) -> None:
    gitlab.settings(GITLAB + 'gitlab_rails["registry_issuer"] = "mine"\n')
    result = gitlab("secrets", "import", str(exported))
    assert result.code == 0
    assert "warning: gitlab_rails.registry_issuer: differs from what the other node says" in result.err


def test_what_is_not_there_cannot_be_exported(gitlab: Node) -> None:
    result = gitlab("secrets", "export", "--for", "gitlab")
    assert result.code == 1
    assert "registry.internal_key is not made yet" in result.err


@pytest.mark.real
@pytest.mark.parametrize(("more", "code"), [([], 2), (["--show-secrets"], 0)])
def test_a_terminal_gets_secrets_only_when_asked(registry: Node, more: list[str], code: int) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "ctl",
        "--root",
        str(registry.root),
        "secrets",
        "export",
        "--for",
        "registry",
    ]
    done = subprocess.run([*command, *more], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == code
    assert ("secrets are not printed to a terminal" in done.stderr) == bool(code)


def test_check_config_finds_what_nodes_disagree_on(gitlab: Node, registry: Node) -> None:
    registry.settings(REGISTRY + 'gitlab_rails["registry_issuer"] = "other"\n')
    result = registry("check-config", "--peer", str(gitlab.file))
    assert result.code == 2
    assert f"{registry.file}:3:14: error: gitlab_rails.registry_issuer: GitLab signs as" in result.err
    found = registry("check-config", "--json", "--peer", str(gitlab.file))
    assert found.code == 2
    assert not found.json()["valid"]
    missing = registry("check-config", "--peer", str(gitlab.root / "none.py"))
    assert missing.code == 2


# --- show


def test_secrets_are_shown_starred_with_their_sources(registry: Node) -> None:
    registry.keep(http_secret="s3cret-of-uploads", internal_certificate=CERTIFICATE)
    out = registry("secrets", "show").out
    assert f"registry.http_secret: ******** ({registry.path})" in out
    assert "registry.internal_key: none" in out
    assert "s3cret" not in out
    assert "BEGIN" not in out
    assert key_name(CERTIFICATE) in out


def test_secrets_are_shown_when_asked_for(registry: Node) -> None:
    registry.keep(http_secret="s3cret-of-uploads", internal_certificate=CERTIFICATE)
    found = json.loads(registry("secrets", "show", "--show-secrets", "--json").out)["secrets"]
    values = {one["name"]: one["value"] for one in found}
    assert values["registry.http_secret"] == "s3cret-of-uploads"
    assert values["registry.internal_certificate"].strip() == CERTIFICATE.strip()


def key_name(certificate: str) -> str:
    """By openssl and the standard library alone (libtrust)."""
    import base64
    import hashlib

    pipe = "openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER"
    der = subprocess.run(
        ["sh", "-c", pipe], input=certificate.encode(), capture_output=True, check=True
    ).stdout
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[at : at + 4] for at in range(0, 48, 4))
