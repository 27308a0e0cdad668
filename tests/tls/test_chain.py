"""Where the file of a server's certificate leads; OpenSSL judges the same files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from ctl.errors import CtlError
from ctl.tls.certificates import inspect
from ctl.tls.chain import Reach, follow
from tests.harness.certificates import NOW, Issued, issue_one

URL = "http://ca.example.com/middle.cer"
HOST = "registry.example.com"
ROOT = issue_one("Root")
MIDDLE = issue_one("Middle", ROOT)
SERVER = issue_one(HOST, MIDDLE, hosts=(HOST,), url=URL)
PRIVATE = issue_one("Private Root")
OURS = issue_one(HOST, PRIVATE, hosts=(HOST,))
ALONE = issue_one(HOST, hosts=(HOST,))


@dataclass(frozen=True)
class Machine:
    """A machine that knows `ROOT` alone."""

    bundle: Path

    def openssl_accepts(self, *file: Issued) -> bool:
        """Whether OpenSSL, which knows nothing else, finds a way for the first certificate of a file."""
        rest = self.bundle.with_name("rest.pem")
        rest.write_bytes(join(file[1:]))
        untrusted = ["-untrusted", str(rest)] if file[1:] else []
        command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-no-CApath", "-no-CAstore"]
        known = ["-CAfile", str(self.bundle), *untrusted]
        done = subprocess.run([*command, *known], input=file[0].certificate, capture_output=True, check=False)
        return done.returncode == 0


def join(file: Sequence[Issued]) -> bytes:
    return b"".join(one.certificate for one in file)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(ROOT.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return Machine(bundle)


@pytest.mark.parametrize(
    ("file", "reach", "last"),
    [
        ([SERVER, MIDDLE], Reach.KNOWN, "CN=Root"),
        ([SERVER, MIDDLE, ROOT], Reach.KNOWN, "CN=Root"),
        ([SERVER, PRIVATE, MIDDLE], Reach.KNOWN, "CN=Root"),
        ([SERVER], Reach.MISSING, "CN=Middle"),
        ([SERVER, ROOT], Reach.MISSING, "CN=Middle"),
        ([SERVER, SERVER, SERVER], Reach.MISSING, "CN=Middle"),
        ([SERVER, issue_one("Middle", ROOT)], Reach.MISSING, "CN=Middle"),  # its name alone is not enough
        ([OURS], Reach.MISSING, "CN=Private Root"),
        ([OURS, PRIVATE], Reach.PRIVATE, "CN=Private Root"),
        ([ALONE], Reach.SELF_SIGNED, f"CN={HOST}"),
    ],
)
def test_where_it_leads(machine: Machine, file: list[Issued], reach: Reach, last: str) -> None:
    found = follow(join(file), NOW, where="f")
    assert (found.reach, found.last) == (reach, last)
    assert machine.openssl_accepts(*file) is (reach is Reach.KNOWN)


def test_what_the_machine_knows_is_asked_each_time(machine: Machine) -> None:
    machine.bundle.write_bytes(ROOT.certificate + ALONE.certificate + MIDDLE.certificate)
    assert follow(ALONE.certificate, NOW, where="f").reach is Reach.KNOWN
    assert follow(SERVER.certificate, NOW, where="f").last == "CN=Middle"
    machine.bundle.unlink()
    assert follow(ALONE.certificate, NOW, where="f").reach is Reach.SELF_SIGNED


@pytest.mark.usefixtures("machine")
def test_the_local_ca() -> None:
    found = follow(OURS.certificate, NOW, where="f", local=PRIVATE.certificate)
    assert (found.reach, found.last) == (Reach.LOCAL, "CN=Private Root")
    assert found.warnings(Path("/f")) == found.notes(Path("/f")) == []


@pytest.mark.usefixtures("machine")
def test_the_missing_issuer_is_named_with_its_place() -> None:
    found = follow(SERVER.certificate, NOW, where="f")
    (warning,) = found.warnings(Path("/f"))
    assert "/f leads to no CA that this machine knows" in warning
    assert "CN=Middle, is missing" in warning
    assert URL in warning
    assert "fullchain.pem" in warning
    assert found.notes(Path("/f")) == []
    (without,) = follow(OURS.certificate, NOW, where="f").warnings(Path("/f"))
    assert "published" not in without


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("file", "text"), [([ALONE], "is self-signed"), ([OURS, PRIVATE], "leads to CN=Private")]
)
def test_what_was_meant_is_a_note(file: list[Issued], text: str) -> None:
    found = follow(join(file), NOW, where="f")
    assert found.warnings(Path("/f")) == []
    (note,) = found.notes(Path("/f"))
    assert text in note
    assert "ctl trust" in note


def test_an_issuer_that_has_ended(machine: Machine) -> None:
    old = issue_one("Old", ROOT, days=-1)
    server = issue_one(HOST, old, hosts=(HOST,))
    found = follow(join([server, old]), NOW, where="f")
    assert found.warnings(Path("/f")) == [
        "/f: CN=Old, which issued the certificate, has ended: clients refuse it"
    ]
    assert not machine.openssl_accepts(server, old)


@pytest.mark.parametrize(
    ("purpose", "found"),
    [
        (None, ()),
        (ExtendedKeyUsageOID.SERVER_AUTH, ()),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ()),
        (ExtendedKeyUsageOID.CLIENT_AUTH, ("clientAuth",)),
    ],
)
def test_purposes(purpose: ExtendedKeyUsageOID | None, found: tuple[str, ...]) -> None:
    pem = issue_one(HOST, ROOT, hosts=(HOST,), purpose=purpose).certificate  # type: ignore[arg-type]
    assert inspect(pem).other_purposes == found


def test_no_certificate_at_all() -> None:
    with pytest.raises(CtlError, match="f is empty"):
        follow(b"", NOW, where="f")
