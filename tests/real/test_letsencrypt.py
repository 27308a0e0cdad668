"""Let's Encrypt against a real authority: NGINX answers its challenges, clients see what it issued."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ctl.paths import Layout
from ctl.timer.outcome import Outcome, write_outcome
from tests.harness import images
from tests.harness.https import Client
from tests.harness.letsencrypt_site import DAY, FURTHER, NAME, PATIENCE, Site
from tests.harness.pebble import Pebble
from tests.harness.people import Person
from tests.harness.result import Result
from tests.harness.root import SETTINGS, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("certificates are NGINX's")]

VARIABLES = {"PEBBLE_AUTHZREUSE": "0", "PEBBLE_ALTERNATE_ROOTS": "1"}
ACCOUNT = "etc/gitlab/letsencrypt/account.key"
ATTEMPTS = "var/opt/gitlab/ctl/letsencrypt.json"


@pytest.fixture(scope="module")
def first_run(module_root_maker: RootMaker) -> Iterator[tuple[Site, Result]]:
    """A node that has obtained its first certificate, and what that run printed."""
    root = module_root_maker()
    with Pebble(root.redirect_port, variables=VARIABLES) as authority:
        site = Site(root, authority)
        site.settings()
        dry = site.ctl("reconfigure", "--dry-run").ok()
        assert f"{authority.directory.split('/')[2]} would be asked for a certificate" in dry.out
        site.ctl("render", "--output", str(root.home / "rendered")).ok()
        assert authority.calls() == 0
        yield site, site.ctl("reconfigure", "--json").ok()


@pytest.fixture
def site(first_run: tuple[Site, Result]) -> Iterator[Site]:
    """A node with a good certificate; settings, names and failures are forgotten afterwards."""
    found, _ = first_run
    found.settings()
    before = found.root.read(SETTINGS)
    yield found
    for name in (NAME, FURTHER):
        found.authority.find(name)
        found.authority.resolve(name)
    (found.root.path / ATTEMPTS).unlink(missing_ok=True)
    if found.root.read(SETTINGS) != before:
        found.settings()
        found.ctl("reconfigure").ok()


# --- the first


def test_the_first_certificate_is_served(first_run: tuple[Site, Result]) -> None:
    site, result = first_run
    report = result.json()
    assert report["letsencrypt"]["result"] == "obtained"
    assert report["letsencrypt"]["reason"] == "a certificate of this machine's local CA is used meanwhile"
    served = site.served()
    assert served.not_valid_after_utc > datetime.now(UTC) + 80 * DAY
    assert isinstance(served.public_key(), rsa.RSAPublicKey)
    assert site.challenges == []
    plain = Client(site.root.redirect_port).get("/v2/")
    assert (plain.status, plain.header("Location")) == (301, f"https://{NAME}:{site.root.port}/v2/")


def test_account_and_key_are_private_and_saved(site: Site) -> None:
    for name in (ACCOUNT, f"etc/gitlab/ssl/{NAME}.key"):
        assert (site.root.path / name).stat().st_mode & 0o777 == 0o600
    assert (site.root.path / ACCOUNT).parent.stat().st_mode & 0o777 == 0o700
    archive = site.root.home / "saved"
    site.ctl("backup-etc", "--backup-path", str(archive)).ok()
    assert any(ACCOUNT.encode() in one.read_bytes() for one in archive.iterdir())


def test_a_run_without_changes_asks_nobody(site: Site) -> None:
    site.ctl("reconfigure").ok()
    before = site.authority.calls()
    arguments = ("--root", str(site.root.path), "reconfigure")
    again = site.root.ctl("reconfigure", env={"PYTHONPROFILEIMPORTTIME": "1"}).ok()
    assert "0 changed" in again.out, arguments
    assert not any(word in again.err for word in ("| acme", "josepy", "requests"))
    assert "is not due" in site.ctl("renew-le-certs").ok().out
    assert site.authority.calls() == before


def test_certificates_shows_who_renews(site: Site) -> None:
    result = site.ctl("certificates").ok()
    assert f"renewed  by localhost from {datetime.now(UTC) + 59 * DAY:%Y-%m}" in result.out


# --- renewal


def test_renewal_drops_no_connection(site: Site) -> None:
    """A download that was begun before goes on to its end; who comes afterwards sees the new certificate."""
    blob = images.image("large", size=24_000_000).family()
    digest, layer = max(blob.items(), key=lambda one: len(one[1].content))
    site.root.direct.push("team/large", images.image("large", size=24_000_000), "v1")
    before = site.served()
    with _download(site, "team/large", digest) as answer:
        begun = answer.recv(1_000)
        result = site.ctl("renew-le-certs", "--force", "--json").ok()
        assert result.json()["result"] == "obtained"
        assert site.served().serial_number != before.serial_number
        rest = iter(lambda: answer.recv(1_000_000), b"")
        content = b"".join([begun, *rest])
    assert content.partition(b"\r\n\r\n")[2] == layer.content


@contextmanager
def _download(site: Site, repository: str, digest: str) -> Iterator[ssl.SSLSocket]:
    """A connection on which a blob has been asked for; little of it is taken at a time."""
    context = ssl.create_default_context(cadata=site.authority.root().decode("ascii"))
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        plain.settimeout(60)
        plain.connect(("127.0.0.1", site.root.port))
        with context.wrap_socket(plain, server_hostname=NAME) as connection:
            lines = (
                f"GET /v2/{repository}/blobs/{digest} HTTP/1.1",
                f"Host: {NAME}:{site.root.port}",
                f"Authorization: Bearer {site.root.sign(repository, 'pull')}",
                "Connection: close",
            )
            connection.sendall("\r\n".join((*lines, "", "")).encode("ascii"))
            yield connection


def test_what_ends_soon_is_renewed_and_nothing_else(site: Site) -> None:
    kept = site.put(days=40)
    before = site.authority.calls()
    assert "is not due" in site.ctl("renew-le-certs").ok().out
    assert site.authority.calls() == before
    ending = site.put(days=29)
    assert kept.serial_number != ending.serial_number
    site.ctl("renew-le-certs").ok()
    assert site.served().not_valid_after_utc > ending.not_valid_after_utc


def test_the_timer_makes_up_for_a_missed_time(site: Site) -> None:
    before, ending = site.served(), site.put(days=20)
    outcome = Outcome(datetime.now(UTC) - 40 * DAY)
    write_outcome(Layout(site.root.path), "letsencrypt", outcome)
    site.ctl("restart", "timer").ok()
    wait_for(lambda: site.served() != before, seconds=PATIENCE, what="renewal by the timer", pause=0.3)
    log = site.root.path / "var/log/gitlab/lets-encrypt/current"
    wait_for(lambda: "has been obtained" in log.read_text(encoding="utf-8"), seconds=PATIENCE, what="the log")
    assert site.served().not_valid_after_utc > ending.not_valid_after_utc


# --- wishes


def test_other_wishes_bring_another_certificate_for_the_same_account(site: Site) -> None:
    account = site.root.read(ACCOUNT)
    root = site.authority.root(1)
    name = x509.load_pem_x509_certificate(root).subject.rfc4514_string().removeprefix("CN=")
    site.settings(
        f'letsencrypt["alt_names"] = ["{FURTHER}"]',
        'letsencrypt["key_type"] = "ecdsa"',
        'letsencrypt["ec_curve"] = "secp384r1"',
        f'letsencrypt["chain"] = "{name}"',
        'letsencrypt["contact_emails"] = ["admin@public-site.eu"]',
    )
    output = site.ctl("reconfigure").ok()
    assert "warning" not in output.text
    key = site.served(trusted=root).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp384r1"
    assert site.served(FURTHER, trusted=root) == site.served(trusted=root)
    with pytest.raises(ssl.SSLError):
        site.served(trusted=site.authority.root(0))
    assert site.root.read(ACCOUNT) == account
    assert site.authority.log().count("There are now 1 accounts in memory") == 1
    assert "There are now 2 accounts" not in site.authority.log()
    assert "0 changed" in site.ctl("reconfigure").ok().out


def test_a_chain_that_is_not_offered_is_reported(site: Site) -> None:
    site.settings('letsencrypt["chain"] = "No Such Root"')
    result = site.ctl("renew-le-certs").ok()
    assert (
        'warning: no chain leads to No Such Root (letsencrypt["chain"]); offered: Pebble Root CA'
        in result.out
    )
    assert site.served()


def test_a_trial_installs_nothing(site: Site) -> None:
    before = site.served()
    site.settings(f'letsencrypt["acme_staging_endpoint"] = "{site.authority.directory}"')
    result = site.ctl("renew-le-certs", "--staging").ok()
    assert "nothing was installed" in result.out
    assert site.served() == before


def test_a_failing_trial_spares_the_authority(site: Site) -> None:
    nowhere = f"https://localhost:{site.root.ports.take()}/dir"
    site.settings(f'letsencrypt["acme_staging_endpoint"] = "{nowhere}"')
    before = site.authority.calls()
    assert "cannot be reached" in site.ctl("renew-le-certs", "--force").exits(1).err
    assert site.authority.calls() == before


# --- failures


def test_a_name_that_nobody_resolves(site: Site) -> None:
    before = site.served()
    site.authority.lose(NAME)
    result = site.ctl("renew-le-certs", "--force").exits(1)
    assert f"cannot resolve {NAME}" in result.err
    assert "Let an A or AAAA record" in result.err
    assert site.served() == before


def test_a_closed_port(site: Site) -> None:
    before = site.served()
    site.authority.resolve(NAME, "127.0.0.9")
    result = site.ctl("renew-le-certs", "--force").exits(1)
    assert f"cannot connect to {NAME} on port 80" in result.err
    assert f"through to port {site.root.redirect_port} of this machine" in result.err
    assert site.served() == before
    assert site.challenges == []


def test_another_server_answers(site: Site) -> None:
    before = site.served()
    site.authority.resolve(NAME, "127.0.0.8")
    with _stranger("127.0.0.8", site.root.redirect_port):
        result = site.ctl("renew-le-certs", "--force", "--json").exits(1)
    assert result.json()["result"] == "failed"
    assert f"something else answers for {NAME} on port 80" in result.json()["error"]
    assert site.served() == before
    assert "was not renewed when that was last tried: something else answers" in site.ctl("certificates").err


@contextmanager
def _stranger(address: str, port: int) -> Iterator[None]:
    """A web server that knows nothing of challenges."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((address, port), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield
        running.shutdown()


def test_after_four_failures_nobody_is_asked_for_an_hour(site: Site) -> None:
    site.put(days=20)
    times = [(datetime.now(UTC) - timedelta(minutes=one)).isoformat() for one in (40, 30, 20, 10)]
    attempts = {"failed": times, "counted": times, "reason": "refused"}
    site.root.write(ATTEMPTS, json.dumps(attempts), mode=0o600)
    before = site.authority.calls()
    result = site.ctl("renew-le-certs").exits(1)
    assert "not asked again before" in result.err
    assert "the last: refused" in result.err
    assert site.authority.calls() == before
    site.ctl("renew-le-certs", "--force").ok()


def test_a_failure_leaves_everything_else_done(site: Site) -> None:
    before = site.served()
    site.authority.lose(FURTHER)
    site.settings(f'letsencrypt["alt_names"] = ["{FURTHER}"]', 'registry["log_level"] = "warn"')
    result = site.ctl("reconfigure").exits(1)
    assert f"error: no certificate for {NAME}" in result.err
    assert f"cannot resolve {FURTHER}" in result.err
    assert "Everything else is as the settings say." in result.err
    assert 'level: "warn"' in site.root.read("var/opt/gitlab/registry/config.yml")
    assert site.served() == before


def test_nginx_that_does_not_answer_is_reported_before_the_authority_is_asked(site: Site) -> None:
    site.settings()
    calls = site.authority.calls()
    site.ctl("stop", "nginx").ok()
    result = site.ctl("renew-le-certs", "--force").exits(1)
    site.ctl("start", "nginx").ok()
    assert "NGINX on this machine does not answer challenges" in result.err
    assert site.authority.calls() == calls


def test_nginx_that_would_refuse_keeps_its_certificate(site: Site) -> None:
    """A reload with files that it refuses would go by in silence."""
    before, conf = site.served(), "var/opt/gitlab/nginx/conf/nginx.conf"
    key = site.root.read(f"etc/gitlab/ssl/{NAME}.key")
    text = site.root.read(conf)
    site.root.write(conf, text + "nonsense;\n")
    result = site.ctl("renew-le-certs", "--force").exits(1)
    site.root.write(conf, text)
    assert 'NGINX refuses its configuration: unknown directive "nonsense"' in result.err
    assert site.served() == before
    assert site.root.read(f"etc/gitlab/ssl/{NAME}.key") == key


def test_an_interrupted_visit_leaves_nothing_behind(site: Site) -> None:
    """The authority looks for challenges where it is let in and gets no answer, for the five seconds that it waits."""
    before = site.served()
    with socket.create_server(("127.0.0.7", site.root.redirect_port)) as silent:
        silent.settimeout(1)
        site.authority.resolve(NAME, "127.0.0.7")
        running = site.root.begin("renew-le-certs", "--force")

        def visit() -> socket.socket:
            assert running.poll() is None, running.communicate()
            return silent.accept()[0]

        with wait_for(visit, seconds=PATIENCE, what="a visit"):
            assert site.challenges
            running.terminate()
            output = running.communicate(timeout=PATIENCE)
    assert (running.returncode, site.challenges) == (130, []), output
    assert site.served() == before
    site.authority.resolve(NAME)
    site.ctl("renew-le-certs", "--force").ok()


def test_a_port_for_challenges_that_is_taken(site: Site) -> None:
    port = site.root.ports.take()
    site.settings(f'registry["nginx"]["redirect_http_to_https_port"] = {port}')
    with _stranger("127.0.0.1", port):
        result = site.ctl("reconfigure").exits(1)
    assert f"On port {port} Let's Encrypt looks for its challenges" in result.err
    assert site.served()


def test_challenges_behind_a_load_balancer(site: Site) -> None:
    """NGINX that expects the PROXY protocol answers this machine's own question all the same."""
    site.settings('registry["nginx"]["proxy_protocol"] = True')
    site.ctl("reconfigure").ok()
    result = site.ctl("renew-le-certs", "--force").exits(1)
    assert "on port 80" in result.err
    assert "NGINX on this machine" not in result.err


def test_an_authority_that_is_not_trusted(site: Site) -> None:
    site.settings('letsencrypt["acme_ca_file"] = None')
    result = site.ctl("renew-le-certs", "--force").exits(1)
    assert "is not trusted: unable to get local issuer certificate" in result.err
    variable = {"SSL_CERT_FILE": str(site.authority.ca_file)}
    site.root.ctl("renew-le-certs", "--force", env=variable, timeout=PATIENCE).ok()


def test_an_authority_that_is_down_and_comes_back_without_memory(site: Site) -> None:
    before, account, root = site.served(), site.root.read(ACCOUNT), site.authority.root()
    site.authority.end()
    result = site.ctl("renew-le-certs", "--force").exits(1)
    assert "cannot be reached: Connection refused" in result.err
    assert site.served(trusted=root) == before
    site.authority.begin()
    site.ctl("renew-le-certs", "--force").ok()
    assert site.served() != before
    assert site.root.read(ACCOUNT) == account


# --- by itself, as an ordinary user


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are an ordinary user's then")
def test_what_turned_itself_on_warns_and_goes_on(make_root: RootMaker, ordinary_user: Person) -> None:
    root = make_root(ordinary_user)
    with Pebble(root.redirect_port, variables=VARIABLES) as authority:
        site = Site(root, authority)
        site.settings(first='letsencrypt["enable"] = None')
        authority.end()
        result = site.ctl("reconfigure").exits(0)
        assert f"warning: no certificate for {NAME}: " in result.err
        assert "cannot be reached: Connection refused" in result.err
        assert "The timer tries again." in result.err
        assert site.served(trusted=root.ca)
        assert json.loads(root.read("etc/gitlab/gitlab-secrets.json"))["letsencrypt"] == {
            "auto_enabled": True
        }
        authority.begin()
        assert "1 changed" not in site.ctl("reconfigure").ok().text
        assert site.served()
