"""`ctl certificates`: each certificate with its end, its key and its use; exit status 1 for a broken one."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ctl.certificates.installed import Installed, KeyState, installed
from ctl.paths import Layout
from ctl.settings.load import load
from ctl.settings.secrets.token_pair import certificate_for
from ctl.tls.authority import Pair, issue, make_authority
from tests.harness import seeds
from tests.harness.as_nobody import as_nobody
from tests.harness.certificates import certificate_pem, key_pem, make_key
from tests.harness.cli import Cli
from tests.harness.result import Result

HOST = "registry.example.com"
NOW = datetime.now(UTC)
CA = make_authority(HOST, now=NOW)
SERVER = f"etc/gitlab/ssl/{HOST}"
BUNDLE = "var/opt/gitlab/registry/gitlab-registry.crt"
TOKEN_KEY = "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
SETTINGS = f'external_url = "http://gitlab.example.com"\nregistry_external_url = "https://{HOST}:5050"\n'


def put(root: Path, path: str, content: bytes | str, mode: int = 0o644) -> Path:
    """Write a file below the root."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    (root / path).chmod(mode)
    return root / path


def serve(root: Path, server: Pair) -> None:
    """Put a certificate and its key where NGINX reads them."""
    put(root, f"{SERVER}.crt", server.certificate)
    put(root, f"{SERVER}.key", server.key, 0o600)


def fill(root: Path) -> None:
    """All that a node with GitLab's side has."""
    serve(root, issue(CA, [HOST], now=NOW))
    put(root, "etc/gitlab/ssl/ca.crt", CA.certificate)
    put(root, "etc/gitlab/ssl/ca.key", CA.key, 0o600)
    key, certificate = seeds.pair(0)
    put(root, BUNDLE, certificate)
    put(root, TOKEN_KEY, key, 0o600)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A node with everything in order."""
    cli = Cli(tmp_path, capsys)
    cli.settings(SETTINGS)
    fill(tmp_path)
    return cli


def found(result: Result, kind: str) -> list[dict[str, Any]]:
    """The certificates of a kind in the JSON."""
    return [one for one in result.json()["certificates"] if one["kind"] == kind]


def state(result: Result, kind: str) -> list[str]:
    """Whether their keys belong to them."""
    return [one["key"]["state"] for one in found(result, kind)]


def test_all_in_order(cli: Cli) -> None:
    result = cli("certificates")
    assert (result.code, result.err) == (0, "")
    assert f"{cli.root}/{SERVER}.crt\n  used by  NGINX, https://{HOST}:5050\n" in result.out
    for text in (f"  names    {HOST}\n", "signs server certificates", "verifies tokens", "in 823 days"):
        assert text in result.out
    assert result.out.count("matches: ") + result.out.count("matches:\n") == 3


def test_json(cli: Cli) -> None:
    result = cli("certificates", "--json")
    kinds = [one["kind"] for one in result.json()["certificates"]]
    assert kinds == ["server", "ca", "token"]
    (server,) = found(result, "server")
    assert (server["subject"], server["names"]) == (f"CN={HOST}", [HOST])
    assert server["issuer"] == f"CN=registry-ctl local CA on {HOST}"
    assert server["key"] == {"path": f"{cli.root}/{SERVER}.key", "state": "matches"}
    assert server["errors"] == server["warnings"] == []


def test_no_line_is_longer_than_a_terminal_is_wide(cli: Cli) -> None:
    names = [f"registry-{number}.example.com" for number in range(12)]
    serve(cli.root, issue(CA, [HOST, *names], now=NOW))
    lines = cli("certificates").out.splitlines()
    assert max(len(line) for line in lines if str(cli.root) not in line) < 80
    assert all(any(name in line for line in lines) for name in names)


def test_no_colour_without_a_terminal(cli: Cli) -> None:
    assert "\x1b" not in cli("certificates").out


def test_one_that_has_ended(cli: Cli) -> None:
    key = make_key()
    serve(cli.root, Pair(certificate_pem(key, HOST, now=NOW, days=-3), key_pem(key)))
    result = cli("certificates")
    assert result.code == 1
    assert "has ended" in result.out
    assert f"error: {cli.root}/{SERVER}.crt (CN=somebody) has ended on" in result.err


@pytest.mark.parametrize(("days", "warned"), [(10, True), (29, True), (31, False)])
def test_one_that_ends_soon_is_warned_of(cli: Cli, days: int, warned: bool) -> None:
    key = make_key()
    serve(cli.root, Pair(certificate_pem(key, HOST, now=NOW, days=days), key_pem(key)))
    result = cli("certificates")
    assert (result.code, "warning: " in result.err) == (0, warned)


def test_one_for_another_host_is_warned_of(cli: Cli) -> None:
    serve(cli.root, issue(CA, ["other.example.com"], now=NOW))
    result = cli("certificates")
    assert (result.code, f"is not for {HOST}" in result.err) == (0, True)


def test_one_that_is_not_good_yet_is_warned_of(cli: Cli) -> None:
    serve(cli.root, issue(CA, [HOST], now=NOW + timedelta(days=3)))
    assert "is good from" in cli("certificates").err


@pytest.mark.parametrize(
    ("path", "kind"), [(f"{SERVER}.key", "server"), ("etc/gitlab/ssl/ca.key", "ca"), (TOKEN_KEY, "token")]
)
@pytest.mark.parametrize("content", ["other", "damaged"])
def test_a_key_that_does_not_belong(cli: Cli, path: str, kind: str, content: str) -> None:
    other = seeds.pair(1)[0] if kind == "token" else key_pem(make_key())
    put(cli.root, path, other if content == "other" else "-----BEGIN PRIVATE KEY-----\nMIIsecret\n")
    result = cli("certificates", "--json")
    assert result.code == 1
    assert state(result, kind) == ["does not match" if content == "other" else "cannot be used"]
    assert str(cli.root / path) in result.err
    assert "MIIsecret" not in result.out + result.err


def test_a_key_that_is_missing(cli: Cli) -> None:
    (cli.root / f"{SERVER}.key").unlink()
    (cli.root / "etc/gitlab/ssl/ca.key").unlink()
    result = cli("certificates", "--json")
    assert (result.code, state(result, "server")) == (1, ["is missing"])
    assert state(result, "ca") == ["is not on this node"], "a CA's key may be kept elsewhere"
    assert found(result, "ca")[0]["errors"] == []


def test_an_encrypted_key_is_opened_with_its_password_file(cli: Cli) -> None:
    key = make_key()
    serve(cli.root, Pair(certificate_pem(key, HOST, now=NOW), key_pem(key, password=b"geheim")))
    assert state(cli("certificates", "--json"), "server") == ["cannot be used"]
    file = put(cli.root, "etc/gitlab/ssl/pass", "wrong\ngeheim\n", 0o600)
    cli.settings(SETTINGS + f'registry["nginx"]["ssl_password_file"] = "{file}"\n')
    result = cli("certificates", "--json")
    assert (result.code, state(result, "server")) == (0, ["matches"])


def test_a_bundle_of_several_token_certificates(cli: Cli) -> None:
    """As while keys are being changed: the old one is still accepted, and belongs to nobody here."""
    put(cli.root, BUNDLE, seeds.pair(1)[1] + seeds.pair(0)[1])
    result = cli("certificates", "--json")
    assert (result.code, state(result, "token")) == (
        0,
        ["belongs to another certificate of this file", "matches"],
    )
    assert [one["subject"] for one in found(result, "token")] == ["CN=Registry 1", "CN=Registry 0"]


def test_a_registry_node_without_gitlab(cli: Cli) -> None:
    """The key is among the secrets, or with the GitLab that signs."""
    cli.settings(
        f'registry_external_url = "https://{HOST}:5050"\n'
        'registry["token_realm"] = "https://gitlab.example.com"\n'
    )
    (cli.root / TOKEN_KEY).unlink()
    assert state(cli("certificates", "--json"), "token") == ["is not on this node"]
    put(cli.root, "etc/gitlab/gitlab-secrets.json", seeds.secrets_json(), 0o600)
    result = cli("certificates", "--json")
    assert (result.code, state(result, "token")) == (0, ["matches"])
    put(cli.root, "etc/gitlab/gitlab-secrets.json", seeds.secrets_json(1), 0o600)
    result = cli("certificates", "--json")
    assert (result.code, state(result, "token")) == (1, ["does not match"])


def test_a_registry_with_its_own_issuer(cli: Cli) -> None:
    cli.settings(f'registry_external_url = "https://{HOST}:5050"\n')
    key = put(cli.root, "var/opt/gitlab/registry-auth/gitlab-registry.key", seeds.pair(0)[0], 0o640)
    result = cli("certificates", "--json")
    (token,) = found(result, "token")
    assert (result.code, token["key"]) == (0, {"path": str(key), "state": "matches"})
    put(cli.root, "var/opt/gitlab/registry-auth/gitlab-registry.key", seeds.pair(1)[0], 0o640)
    assert state(cli("certificates", "--json"), "token") == ["does not match"]


def test_the_chain_is_listed_too(cli: Cli) -> None:
    root = make_authority("root", now=NOW)
    below = issue(root, ["intermediate"], now=NOW)
    serve(cli.root, issue(below, [HOST], now=NOW))
    output = cli("certificates", "--json")
    assert [one["subject"] for one in found(output, "issuer")] == ["CN=intermediate"]
    assert found(output, "ca")[0]["used_by"] == "signed nothing that is served"


def test_the_three_letter_country_is_no_news(cli: Cli) -> None:
    put(cli.root, BUNDLE, certificate_for(seeds.pair(0)[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = cli("certificates")
    assert result.code == 0
    assert "C=USA" in result.out


def test_before_the_first_reconfigure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    cli.settings(SETTINGS)
    result = cli("certificates")
    assert result.code == 1
    assert result.err.count("does not exist") == 2
    assert not (tmp_path / "etc/gitlab/gitlab-secrets.json").exists()


def test_a_damaged_certificate_is_reported_with_its_path(cli: Cli) -> None:
    put(cli.root, BUNDLE, "hello")
    result = cli("certificates")
    assert result.code == 1
    assert f"error: {cli.root}/{BUNDLE} holds no certificate" in result.err
    assert f"CN={HOST}" in result.out, "the others are listed all the same"


def test_a_node_without_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    cli.settings('external_url = "http://gitlab.example.com"\n')
    result = cli("certificates")
    assert (result.code, result.out) == (0, "this node has no certificates\n")
    assert cli("certificates", "--json").json() == {"certificates": []}


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A root that another account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-certificates-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_sees_what_may_be_seen(reachable: Path) -> None:
    put(reachable, "etc/gitlab/gitlab.py", SETTINGS)
    fill(reachable)
    (reachable / BUNDLE).chmod(0)
    for path in (f"{SERVER}.key", "etc/gitlab/ssl/ca.key"):
        (reachable / path).chmod(0)
    (reachable / TOKEN_KEY).parent.chmod(0o600)  # not even whether it is there
    layout = Layout(reachable)
    attributes = load(layout.settings_file, layout, use_secrets=False).attributes
    installed(attributes, layout)  # imports what nobody may not
    text = as_nobody(lambda: [_reported(one) for one in installed(attributes, layout)])
    unknown = KeyState.UNKNOWN.value
    expected: list[tuple[str, bool, str | None, list[str]]] = [
        ("server", False, unknown, []),
        ("ca", False, unknown, []),
        ("token", True, None, []),
    ]
    (reachable / TOKEN_KEY).parent.chmod(0o755)
    assert text == str(expected)


def _reported(one: Installed) -> tuple[str, bool, str | None, list[str]]:
    return one.kind, one.denied, one.key.state.value if one.key else None, one.faults(NOW)


def test_a_token_key_that_only_root_may_see(reachable: Path) -> None:
    put(reachable, "etc/gitlab/gitlab.py", SETTINGS)
    fill(reachable)
    folder = (reachable / TOKEN_KEY).parent
    folder.chmod(0o600)
    layout = Layout(reachable)
    attributes = load(layout.settings_file, layout, use_secrets=False).attributes
    installed(attributes, layout)
    text = as_nobody(lambda: [_reported(one) for one in installed(attributes, layout)][-1])
    folder.chmod(0o755)
    assert text == str(("token", False, KeyState.UNKNOWN.value, []))
