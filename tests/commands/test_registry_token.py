"""`ctl registry-token`: what it prints, and what it says where it cannot."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner, Result

from ctl.cli.framework import cli
from ctl.errors import CtlError, UsageFault
from tests.harness import seeds

SETTINGS = """
external_url = "https://gitlab.example.com"
registry_external_url = "https://registry.example.com"
gitlab_rails["registry_issuer"] = "our-issuer"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with settings and secrets."""
    folder = tmp_path / "etc/gitlab"
    folder.mkdir(parents=True)
    (folder / "gitlab.py").write_text(SETTINGS, encoding="utf-8")
    (folder / "gitlab-secrets.json").write_text(seeds.secrets_json(), encoding="utf-8")
    return tmp_path


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--root", str(root), "registry-token", *arguments])


def claims(text: str) -> dict[str, object]:
    return jwt.decode(text, options={"verify_signature": False})


def test_prints_the_token_and_nothing_else(root: Path) -> None:
    result = run(
        root, "--repository", "grp/app", "--repository", "b", "--actions", "pull,push", "--expires", "90s"
    )
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    found = claims(line)
    assert found["iss"] == "our-issuer"
    assert found["aud"] == "container_registry"
    assert found["sub"] == "ctl"
    assert found["access"] == [
        {"type": "repository", "name": "grp/app", "actions": ["pull", "push"]},
        {"type": "repository", "name": "b", "actions": ["pull", "push"]},
    ]


def test_json_is_what_a_token_service_answers(root: Path) -> None:
    result = run(root, "--catalog", "--subject", "someone", "--json")
    found = json.loads(result.stdout)
    assert set(found) == {"token", "expires_in", "issued_at"}
    assert found["expires_in"] == 300
    assert claims(found["token"])["sub"] == "someone"
    assert claims(found["token"])["access"] == [{"type": "registry", "name": "catalog", "actions": ["*"]}]


def test_quiet_prints_it_all_the_same(root: Path) -> None:
    assert run(root, "--repository", "a", "-q").stdout.count(".") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--repository", "Grp/App"),
        ("--repository", "a", "--actions", "read"),
        ("--repository", "a", "--expires", "soon"),
    ],
)
def test_what_cannot_be_asked_for(root: Path, arguments: tuple[str, ...]) -> None:
    result = run(root, *arguments)
    assert isinstance(result.exception, UsageFault)
    assert result.stdout == ""


def test_no_key_is_made_for_a_token(root: Path) -> None:
    """The registry would not know it."""
    (root / "etc/gitlab/gitlab-secrets.json").unlink()
    result = run(root, "--repository", "a")
    assert isinstance(result.exception, CtlError)
    assert result.exception.message == "the registry has no key yet"
    assert not (root / "etc/gitlab/gitlab-secrets.json").exists()


def test_node_without_the_key_says_where_it_is(root: Path) -> None:
    """A node that runs only the registry is given the certificate alone."""
    (root / "etc/gitlab/gitlab-secrets.json").unlink()
    certificate = root / "registry.crt"
    certificate.write_text(seeds.pair()[1], encoding="ascii")
    (root / "etc/gitlab/gitlab.py").write_text(
        'registry_external_url = "https://registry.example.com"\n'
        'registry["token_realm"] = "https://gitlab.example.com"\n'
        f'registry["internal_certificate"] = read_file("{certificate}")\n',
        encoding="utf-8",
    )
    result = run(root, "--repository", "a")
    assert isinstance(result.exception, CtlError)
    assert "GitLab has the key that signs tokens" in result.exception.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_secrets_of_others_need_sudo(root: Path) -> None:
    (root / "etc/gitlab/gitlab-secrets.json").chmod(0)
    result = run(root, "--repository", "a")
    assert isinstance(result.exception, CtlError)
    assert "sudo" in str(result.exception.hint)
