"""What check-config, reconfigure and certificates report of a certificate that an administrator brings."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.harness.as_nobody import as_nobody
from tests.harness.certificates import Issued, issue_one, key_pem
from tests.harness.cli import Cli

pytestmark = pytest.mark.real

HOST, URL = "registry.example.com", "http://ca.example.com/middle.cer"
NOW = datetime.now(UTC)
ROOT = issue_one("Root", now=NOW)
MIDDLE = issue_one("Middle", ROOT, now=NOW)
SERVER = issue_one(HOST, MIDDLE, hosts=(HOST,), url=URL, now=NOW)
Bring = Callable[..., None]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A root whose settings name a certificate, on a machine that knows one root."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(ROOT.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return with_settings(tmp_path / "root", capsys)


def with_settings(root: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A root whose settings name a certificate."""
    cli = Cli(root, capsys)
    ssl = cli.root / "etc/gitlab/ssl"
    ssl.mkdir(parents=True)
    cli.settings(
        f'registry_external_url = "https://{HOST}"\n'
        f'registry["nginx"]["ssl_certificate"] = "{ssl}/cert.pem"\n'
        f'registry["nginx"]["ssl_certificate_key"] = "{ssl}/key.pem"\n'
    )
    return cli


def bring(cli: Cli, *file: Issued, key: Issued | None = None, mode: int = 0o600) -> None:
    """Put a certificate file, and a key, where the settings name them."""
    ssl = cli.root / "etc/gitlab/ssl"
    (ssl / "cert.pem").write_bytes(b"".join(one.certificate for one in file))
    (ssl / "key.pem").write_bytes(key_pem((key or file[0]).key))
    (ssl / "key.pem").chmod(mode)


def test_cert_pem_in_place_of_fullchain_pem(cli: Cli) -> None:
    bring(cli, SERVER)
    checked = cli("check-config")
    assert checked.code == 0
    assert f"{cli.file}:2:19: warning: registry.nginx.ssl_certificate: " in checked.err
    listed = cli("certificates")
    for printed in (checked.err, listed.err):
        assert "CN=Middle, is missing" in printed
        assert URL in printed
    assert "chain    incomplete: the certificate of CN=Middle is missing" in listed.out
    (server,) = (
        one for one in cli("certificates", "--json").json()["certificates"] if one["kind"] == "server"
    )
    assert server["chain"] == {"reach": "missing", "last": "CN=Middle", "url": URL}
    bring(cli, SERVER, MIDDLE)
    assert cli("check-config").err == ""
    assert "chain    ends at CN=Root, a CA that this machine knows" in cli("certificates").out


def test_a_private_ca_and_a_self_signed_certificate_are_notes(cli: Cli) -> None:
    private = issue_one("Private", now=NOW)
    alone = issue_one(HOST, hosts=(HOST,), now=NOW)
    for file in ([issue_one(HOST, private, hosts=(HOST,), now=NOW), private], [alone]):
        bring(cli, *file)
        checked = cli("check-config")
        assert checked.code == 0
        assert "note: registry.nginx.ssl_certificate" in checked.err
        assert "warning" not in checked.err
        assert "warning" not in cli("certificates").err


def test_a_certificate_for_another_purpose(cli: Cli) -> None:
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    bring(cli, issue_one(HOST, ROOT, hosts=(HOST,), purpose=purpose, now=NOW))
    text = "is for clientAuth, not for servers (serverAuth): clients refuse it"
    assert text in cli("check-config").err
    assert text in cli("certificates").err


def test_a_key_that_cannot_be_used(cli: Cli) -> None:
    bring(cli, SERVER, MIDDLE, key=ROOT)
    checked = cli("check-config")
    assert checked.code == 2
    assert f"{cli.file}:3:19: error: registry.nginx.ssl_certificate_key: " in checked.err
    assert "is not the key of" in checked.err
    found = cli("check-config", "--json")
    assert (found.code, found.json()["valid"]) == (2, False)
    (cli.root / "etc/gitlab/ssl/key.pem").unlink()
    checked = cli("check-config")
    assert (checked.code, "does not exist" in checked.err) == (2, True)
    (cli.root / "etc/gitlab/ssl/cert.pem").unlink()
    assert f"{cli.file}:2:19: error: registry.nginx.ssl_certificate: " in cli("check-config").err


def test_half_a_pair_where_ctl_makes_both(cli: Cli) -> None:
    cli.settings(f'registry_external_url = "https://{HOST}"\n')
    assert cli("check-config").err == ""
    (cli.root / f"etc/gitlab/ssl/{HOST}.crt").write_bytes(SERVER.certificate)
    checked = cli("check-config")
    assert (checked.code, "is not" in checked.err) == (2, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another account")
def test_a_key_that_this_user_may_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        cli = with_settings(Path(folder), capsys)
        cli.file.chmod(0o644)
        bring(cli, issue_one(HOST, hosts=(HOST,), now=NOW))
        cli("check-config")  # loads what is not to be loaded by another account
        printed = as_nobody(lambda: cli("check-config"))
    assert "code=0" in printed
    assert "whether the certificate and its key can be used is not checked" in printed
