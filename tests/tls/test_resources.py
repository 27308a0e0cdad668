"""The server's certificate is made where none is given, kept where one is, and never half of it replaced."""

from __future__ import annotations

import json
import os
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.converge.resources.actions import reload
from ctl.errors import CtlError, PreflightError
from ctl.tls import Authority, ServerCertificate
from ctl.tls.authority import SERVER_LIFE, issue, make_authority
from ctl.tls.certificates import inspect, issued_by, matches
from tests.harness.as_nobody import as_nobody
from tests.harness.certificate_place import BLANK, HOST, MACHINE, Place, own_pair
from tests.harness.certificates import NOW, certificate_pem, key_pem, make_key


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("ctl.tls.host_names.is_this_machine", lambda host: host == "localhost")
    return Place(tmp_path)


def test_from_nothing_a_ca_and_a_certificate_of_it(place: Place) -> None:
    change = place.converge()
    assert change is not None
    assert change.notifies == (reload("nginx"),)
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.folder.iterdir()}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, f"{HOST}.crt": 0o644, f"{HOST}.key": 0o600}
    assert issued_by(place.certificate.read_bytes(), place.ca.read_bytes())
    assert inspect(place.certificate.read_bytes()).names == (HOST,)
    context = ssl.create_default_context(cafile=place.ca)
    context.load_cert_chain(place.certificate, place.key)


def test_for_this_machine_localhost_is_named_too(place: Place) -> None:
    place.converge("localhost")
    assert inspect(place.certificate.read_bytes()).names == ("localhost", "127.0.0.1", "::1")


def test_a_second_run_changes_nothing(place: Place) -> None:
    place.converge()
    before = place.state()
    assert place.converge() is None
    assert place.state() == before
    assert place.resource().warnings() == []
    assert place.resource().desired(MACHINE) == ()


def test_what_is_no_certificate_is_named_by_its_path(place: Place) -> None:
    place.converge()
    place.certificate.write_text("garbage")
    with pytest.raises(CtlError, match=f"{place.certificate} holds no certificate in PEM form"):
        place.converge()


def test_what_is_checked_is_what_is_written(place: Place) -> None:
    resource = place.resource()
    desired = {file.path.name: file.content for file in resource.desired(MACHINE)}
    change = resource.plan(MACHINE)
    assert change is not None
    for step in change.steps:
        step.apply()
    assert place.state() == desired


def test_a_rendering_has_material_of_its_own_and_reads_nothing(place: Place) -> None:
    place.converge()
    before = place.state()
    rendered = {file.path.name: file.content for file in place.resource().desired(BLANK)}
    assert rendered.keys() == before.keys()
    assert rendered["ca.crt"] != before["ca.crt"]
    assert matches(rendered[f"{HOST}.key"], rendered[f"{HOST}.crt"])
    assert place.resource(given=True).desired(BLANK) == ()
    assert place.resource(given=True).plan(BLANK) is None


def test_no_key_in_anything_that_is_shown(place: Place) -> None:
    resource = place.resource()
    change = resource.plan(MACHINE)
    assert change is not None
    shown = f"{change.diff} {change.summary} {change!r} {resource!r} {json.dumps(change.diff)}"
    assert f"+++ {place.key}" in change.diff
    for file in resource.desired(MACHINE):
        if file.path.suffix == ".key":
            assert file.content.decode().splitlines()[1] not in shown


@pytest.mark.parametrize(("days", "renewed"), [(31, False), (29, True), (-1, True)])
def test_our_own_certificate_is_issued_again_before_it_ends(place: Place, days: int, renewed: bool) -> None:
    place.converge()
    before = place.state()
    place.now = inspect(place.certificate.read_bytes()).not_after - timedelta(days=days)
    assert place.resource().warnings() == []
    assert (place.converge() is not None) is renewed
    assert (place.state() != before) is renewed
    assert place.state()["ca.crt"] == before["ca.crt"], "clients go on trusting"
    assert place.converge() is None


def test_our_own_certificate_is_issued_again_for_another_host(place: Place) -> None:
    place.converge()
    change = place.converge("other.example.com")
    assert change is not None
    assert "is not for other.example.com" in change.summary
    assert inspect(place.certificate.read_bytes()).covers("other.example.com")
    assert place.converge("other.example.com") is None


def test_a_ca_near_its_end_is_renewed_with_the_same_key(place: Place) -> None:
    place.converge()
    former = place.ca.read_bytes()
    place.now = inspect(former).not_after - timedelta(days=300)
    assert place.converge() is not None
    assert place.ca.read_bytes() != former
    assert issued_by(place.certificate.read_bytes(), former), (
        "clients with the former file need no change yet"
    )
    assert matches(place.ca_key.read_bytes(), place.ca.read_bytes())
    assert inspect(place.certificate.read_bytes()).not_after > place.now + SERVER_LIFE - timedelta(days=1)
    assert place.converge() is None


def test_an_existing_ca_goes_on_for_a_second_host(place: Place) -> None:
    place.converge()
    before = place.state()
    place.certificate, place.key = place.folder / "b.crt", place.folder / "b.key"
    place.converge("b.example.com")
    assert before.items() <= place.state().items()
    assert issued_by(place.certificate.read_bytes(), place.ca.read_bytes())


def test_an_administrators_ca_near_its_end_does_not_issue_at_every_run(place: Place) -> None:
    root = make_key()
    place.ca.write_bytes(certificate_pem(root, days=10))
    place.ca_key.write_bytes(key_pem(root))
    place.converge()
    assert place.converge() is None
    assert "in 10 days" in place.resource().warnings()[0]
    place.now += timedelta(days=11)
    place.certificate.unlink()
    place.key.unlink()
    with pytest.raises(PreflightError, match=r"ca\.crt has ended"):
        place.converge()


def test_an_administrators_pair_at_the_default_path_is_left_alone(place: Place) -> None:
    place.put(*own_pair(HOST, days=3))
    before = place.state()
    assert place.converge() is None
    assert place.state() == before
    assert place.resource().warnings() == [f"{place.certificate} ends on 2026-05-04, in 3 days"]


def test_warnings_of_a_given_certificate(place: Place) -> None:
    place.put(*own_pair("other.example.com", "192.0.2.1", days=-2))
    place.key.chmod(0o644)
    resource = place.resource(given=True)
    assert resource.plan(MACHINE) is None
    assert resource.warnings() == [
        f"{place.certificate} has ended on 2026-04-29: clients refuse it",
        f"{place.certificate} is not for {HOST} but for other.example.com, 192.0.2.1: clients refuse it",
        f"{place.key} is open to every account (mode 0644): chmod 0600 {place.key}",
    ]


def test_a_certificate_of_the_future(place: Place) -> None:
    """Made while the clock was wrong, or looked at while it is."""
    place.converge()
    place.now -= timedelta(days=400)
    assert place.resource().plan(MACHINE) is None
    (output,) = place.resource().warnings()
    assert output.startswith(f"{place.certificate} is good from 2026-05-01 ")
    assert output.endswith("Is the clock right?")


@pytest.mark.parametrize("names", [[HOST], ["*.example.com"]])
def test_a_good_given_certificate_needs_no_word(place: Place, names: list[str]) -> None:
    place.put(*own_pair(*names))
    assert place.resource(given=True).plan(MACHINE) is None
    assert place.resource(given=True).warnings() == []
    assert not place.resource(given=True).local()


def test_a_given_path_that_does_not_exist(place: Place) -> None:
    with pytest.raises(PreflightError) as error:
        place.resource(given=True).plan(MACHINE)
    assert error.value.message == f'{place.certificate} (registry["nginx"]["ssl_certificate"]) does not exist'
    place.certificate.write_bytes(own_pair(HOST)[0])
    with pytest.raises(PreflightError, match=r"\.key \(registry.*ssl_certificate_key.*does not exist"):
        place.resource(given=True).plan(MACHINE)
    assert place.resource(given=True).warnings() == []


def test_key_and_certificate_that_do_not_match(place: Place) -> None:
    place.put(own_pair(HOST)[0], own_pair(HOST)[1])
    for given in (True, False):
        with pytest.raises(
            PreflightError, match=f"{place.key} is not the key of {place.certificate}"
        ) as error:
            place.resource(given=given).plan(MACHINE)
        assert f"openssl x509 -noout -pubkey -in {place.certificate}" in str(error.value.hint)


def test_a_chain_in_the_wrong_order(place: Place) -> None:
    authority = make_authority("h", now=NOW)
    server = issue(authority, [HOST], now=NOW)
    place.put(authority.certificate + server.certificate, server.key)
    with pytest.raises(PreflightError, match="must come first, but it is number 2"):
        place.resource(given=True).plan(MACHINE)


@pytest.mark.parametrize("kept", ["certificate", "key"])
def test_one_file_of_the_two_is_never_overwritten(place: Place, kept: str) -> None:
    place.put(*own_pair(HOST))
    (place.key if kept == "certificate" else place.certificate).unlink()
    before = place.state()
    with pytest.raises(PreflightError, match="is there, but"):
        place.converge()
    assert place.state() == before


def test_a_link_that_leads_nowhere_is_not_replaced(place: Place) -> None:
    for path in (place.certificate, place.key):
        path.symlink_to(f"/nonexistent/{path.name}")
    with pytest.raises(PreflightError, match="does not exist"):
        place.converge()


def test_links_to_files_elsewhere_are_followed(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    live = tmp_path_factory.mktemp("live")
    place.put(*own_pair(HOST))
    for path in (place.certificate, place.key):
        path.rename(live / path.name)
        path.symlink_to(live / path.name)
    assert place.converge() is None


@pytest.mark.parametrize("lost", ["ca.crt", "ca.key"])
def test_half_a_ca_is_reported(place: Place, lost: str) -> None:
    place.converge()
    for path in (place.folder / lost, place.certificate, place.key):
        path.unlink()
    before = place.state()
    with pytest.raises(PreflightError, match=f"the local CA cannot sign: .* is there, .*{lost} is not"):
        place.converge()
    assert place.state() == before


def test_a_ca_whose_key_is_kept_elsewhere(place: Place) -> None:
    place.converge()
    place.ca_key.unlink()
    assert place.converge() is None
    place.now = inspect(place.certificate.read_bytes()).not_after - timedelta(days=5)
    assert place.converge() is None
    assert "in 5 days" in place.resource().warnings()[0]


def test_an_encrypted_key_with_its_password_file(place: Place) -> None:
    key = make_key()
    place.put(certificate_pem(key, HOST), key_pem(key, password=b"geheim"))
    with pytest.raises(CtlError, match="no ssl_password_file is set"):
        place.resource(given=True).plan(MACHINE)
    passwords = place.folder / "passwords"
    passwords.write_text("falsch\ngeheim\n")
    assert place.resource(given=True, password_file=passwords).plan(MACHINE) is None
    passwords.unlink()
    with pytest.raises(PreflightError, match=r"ssl_password_file.* does not exist"):
        place.resource(given=True, password_file=passwords).plan(MACHINE)


def test_something_else_than_a_file(place: Place) -> None:
    os.mkfifo(place.certificate)
    place.key.write_bytes(own_pair(HOST)[1])
    with pytest.raises(PreflightError, match="is not a regular file"):
        place.resource(given=True).plan(MACHINE)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another account")
def test_a_key_that_may_not_be_read(place: Place) -> None:
    for folder in (place.folder, *place.folder.parents[:3]):
        folder.chmod(0o755)
    place.put(*own_pair(HOST))
    resource = place.resource(given=True)
    assert f"{place.key} (registry" in (output := as_nobody(lambda: resource.plan(MACHINE)))
    assert "cannot be read: Permission denied" in output


def test_whether_clients_must_trust_anew(place: Place) -> None:
    assert not place.resource().local()
    place.converge()
    assert place.resource().local()
    place.put(*own_pair(HOST))
    assert not place.resource().local()


def test_parents_are_made(place: Place) -> None:
    place.certificate, place.key = place.folder / "new/a.crt", place.folder / "new/a.key"
    assert place.converge() is not None
    assert place.certificate.exists()


def test_the_clock_is_the_machines(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca.crt", tmp_path / "ca.key")
    resource = ServerCertificate(
        tmp_path / "a.crt", tmp_path / "a.key", host="localhost", authority=authority
    )
    change = resource.plan(MACHINE)
    assert change is not None
    for step in change.steps:
        step.apply()
    facts = inspect((tmp_path / "a.crt").read_bytes())
    assert abs(facts.not_after - SERVER_LIFE - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_certificate_put_in_place_of_another_is_taken_up(place: Place) -> None:
    def run() -> str:
        change = replace(place.resource(), served=place.folder / "run/served").plan(MACHINE)
        for step in change.steps if change else ():
            step.apply()
        return change.summary if change else ""

    assert [run(), run()] == [f"create for {HOST}", ""]
    place.put(*own_pair(HOST))
    assert [run(), run()] == ["take up", ""]


# --- a certificate that another authority issued


def test_an_issued_one_takes_the_place_of_the_local_one(place: Place) -> None:
    place.converge()
    pair = issue(make_authority("elsewhere", now=NOW), [HOST], now=NOW)
    change = replace(place.resource(), issued=pair, served=place.folder / "served").plan(MACHINE)
    assert change is not None
    for step in change.steps:
        step.apply()
    assert (place.certificate.read_bytes(), place.key.read_bytes()) == (pair.certificate, pair.key)
    assert place.key.stat().st_mode & 0o777 == 0o600
    assert change.notifies == (reload("nginx"),)
    assert "PRIVATE KEY" not in change.diff
    assert replace(place.resource(), served=place.folder / "served").plan(MACHINE) is None


def test_an_issued_one_stays_when_its_end_is_near(place: Place) -> None:
    pair = issue(make_authority("elsewhere", now=NOW), [HOST], now=NOW)
    place.converge()
    place.put(pair.certificate, pair.key)
    place.now = NOW + SERVER_LIFE - timedelta(days=3)
    assert place.resource().plan(MACHINE) is None
    assert not place.resource().local()


def test_an_issued_one_must_have_its_key(place: Place) -> None:
    one, other = (issue(make_authority("elsewhere", now=NOW), [HOST], now=NOW) for _ in range(2))
    mixed = replace(one, key=other.key)
    with pytest.raises(CtlError, match="do not match"):
        replace(place.resource(), issued=mixed).plan(MACHINE)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_owner_and_group_are_corrected_without_a_reload(place: Place) -> None:
    place.converge()
    machine = replace(MACHINE, privileged=True)
    resource = replace(place.resource(), owner="daemon", group="daemon")
    change = resource.plan(machine)
    assert change is not None
    assert change.notifies == ()
    for step in change.steps:
        step.apply()
    assert {path.owner() for path in (place.key, place.certificate)} == {"daemon"}
    assert place.key.stat().st_mode & 0o777 == 0o600
    assert resource.plan(machine) is None
