"""A new key pair for tokens: no request is refused while it takes the place of the former one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from ctl.node.timed_end import FORMER
from ctl.paths import Layout
from ctl.timer.outcome import Outcome, write_outcome
from ctl.timer.task import read_tasks
from tests.harness import images, seeds, tokens
from tests.harness.https import Client
from tests.harness.load import Load
from tests.harness.root import Root, RootMaker, kill
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

SECRETS = "etc/gitlab/gitlab-secrets.json"
CONFIG = "var/opt/gitlab/registry/config.yml"
BUNDLE = "var/opt/gitlab/registry/gitlab-registry.crt"
GITLAB_KEY = "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker) -> Root:
    """GitLab and the registry on one node."""
    root = module_root_maker()
    root.settings('gitlab_rails["enable"] = True')
    root.reconfigure()
    return root


class Signer:
    """GitLab: reads its key file for every token, and may use a token for as long as that holds."""

    def __init__(self, root: Root, *, kept: bool = False) -> None:
        self.path = next((root.path / "var/opt/gitlab").rglob("gitlab-registry.key"))
        self.kept = self.path.read_text() if kept else None

    def __call__(self, repository: str, actions: str) -> str:
        key = self.kept or self.path.read_text()
        return tokens.sign(key, tokens.repository_access(repository, actions))


def clients(root: Root) -> list[Client]:
    """Some sign anew, some have a token of before the change."""
    return [
        Client(port, ca, Signer(root, kept=kept))
        for kept in (False, True)
        for port, ca in ((root.port, root.ca), (root.registry_port, None))
    ]


def status(root: Root, signer: Signer) -> int:
    return Client(root.port, root.ca, signer).authorised("GET", "/v2/", repository="a").status


def certificates(root: Root) -> int:
    return root.read(BUNDLE).count("BEGIN CERTIFICATE")


def rotated(root: Root, key: str) -> bool:
    """Whether everybody has another key by now."""
    new = root.secrets()["internal_key"]
    return key != new == Signer(root).path.read_text()


def test_no_request_is_refused_while_the_key_changes(running: Root) -> None:
    former, key = Signer(running, kept=True), running.secrets()["internal_key"]
    with Load(clients(running), pullers=2, pushers=1) as load:
        running.ctl("secrets", "rotate", "--grace", "1h").ok()
        before = load.done.total()
        wait_for(lambda: load.done.total() > before + 40, what="requests after the change")
    assert load.failed == {}
    assert load.done["push"]
    assert rotated(running, key)
    assert status(running, former) == 200
    assert certificates(running) == 2
    running.ctl("secrets", "verify").ok()
    assert not running.reconfigure().changes
    running.ctl("secrets", "rotate", "--finish").ok()
    assert status(running, former) == 401
    assert status(running, Signer(running)) == 200
    assert certificates(running) == 1
    assert not running.reconfigure().changes


@pytest.mark.one_registry("the bundle is what counts, which the test before has seen work")
def test_an_abrupt_exchange_refuses_requests(running: Root) -> None:
    """The negative control: the load would notice."""
    with Load(clients(running), pullers=2, pushers=1) as load:
        running.ctl("secrets", "rotate", "--grace", "0").ok()
        wait_for(lambda: load.failed, what="a refused request")
    assert certificates(running) == 1
    assert status(running, Signer(running)) == 200


@pytest.mark.one_registry("the bundle is what counts")
def test_a_pair_of_the_settings_is_exchanged_as_gently(running: Root) -> None:
    former = Signer(running, kept=True)
    key, certificate = seeds.pair(2)
    running.settings(
        'gitlab_rails["enable"] = True',
        f'registry["internal_key"] = """{key}"""',
        f'registry["internal_certificate"] = """{certificate}"""',
    )
    with Load(clients(running), pullers=2, pushers=1) as load:
        running.reconfigure()
        before = load.done.total()
        wait_for(lambda: load.done.total() > before + 20, what="requests after the change")
    assert load.failed == {}
    assert status(running, former) == 200
    assert "is given in the settings" in running.ctl("secrets", "rotate").err
    running.ctl("secrets", "rotate", "--finish").ok()
    assert status(running, former) == 401


@pytest.mark.one_registry("the bundle is what counts")
def test_the_former_certificate_goes_by_itself_also_after_a_boot(running: Root) -> None:
    """The machine was off when the time was over."""
    running.ctl("secrets", "rotate", "--finish").ok()  # of the tests before
    former, layout = Signer(running, kept=True), Layout(running.path)
    running.ctl("secrets", "rotate", "--grace", "1s").ok()
    assert status(running, former) == 200
    running.ctl("stop").ok()
    write_outcome(layout, FORMER, Outcome(datetime.now(UTC) - timedelta(days=2)))
    running.ctl("start").ok()
    wait_for(lambda: status(running, former) == 401, what="the end of the former key", seconds=30)
    assert status(running, Signer(running)) == 200
    wait_for(lambda: FORMER not in [one.name for one in read_tasks(layout)], what="the end of the task")
    assert running.reconfigure().nothing


@pytest.mark.one_registry("the bundle is what counts")
def test_the_secrets_of_another_node_say_what_ends(running: Root) -> None:
    """A foreign gitlab-secrets.json, by mistake: nothing is refused while it can still be put back."""
    former, own = Signer(running, kept=True), running.read(SECRETS)
    running.write(SECRETS, seeds.secrets_json(4), mode=0o600)
    result = running.ctl("reconfigure").ok()
    assert "tokens of the former key are accepted until" in result.err
    assert status(running, former) == status(running, Signer(running)) == 200
    running.write(SECRETS, own, mode=0o600)
    running.ctl("reconfigure").ok()
    assert status(running, former) == status(running, Signer(running)) == 200
    running.ctl("secrets", "verify").ok()


class Upload:
    """An upload in parts, as clients that resume make it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.place = self._send("POST", "/v2/load/parts/blobs/uploads/", b"", 202)

    def _send(self, method: str, path: str, body: bytes, wanted: int) -> str:
        more = {"Content_Type": "application/octet-stream"} if body else {}
        answer = self.client.authorised(
            method, path, repository="load/parts", actions="pull,push", body=body, **more
        )
        assert answer.status == wanted, answer.body
        assert not answer.header("X-Upload-Key")
        place = answer.header("Location").partition("://")[2] or answer.header("Location")
        return place[place.index("/") :]

    def part(self, content: bytes) -> None:
        """Send some more."""
        self.place = self._send("PATCH", self.place, content, 202)

    def end(self, whole: bytes) -> None:
        """Name the digest of all that was sent."""
        digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
        self._send("PUT", f"{self.place}&digest={digest}", b"", 201)


def test_uploads_go_on_while_the_http_secret_changes(running: Root) -> None:
    secret = running.secrets()["http_secret"]
    through_nginx, direct = Upload(running.client), Upload(running.direct)
    stripped = Upload(running.client)
    for one in (through_nginx, direct, stripped):
        one.part(b"half")
    with Load([running.client, running.direct], pullers=1, pushers=2) as load:
        running.ctl("secrets", "rotate", "--http-secret").ok()
        before = load.done.total()
        wait_for(lambda: load.done.total() > before + 20, what="requests after the change")
    assert load.failed == {}
    assert secret != running.secrets()["http_secret"]
    assert running.secrets()["http_secret"] in running.read(CONFIG)
    for one in (through_nginx, direct):
        one.part(b" and half")
        one.end(b"half and half")
    # the negative control: without the name of its process it goes to the one that serves
    stripped.place = stripped.place.partition("&upload_key=")[0]
    with pytest.raises(AssertionError, match="BLOB_UPLOAD_INVALID"):
        stripped.part(b" and half")
    assert "registry kept: (pid" in running.ctl("status").ok().out
    assert running.reconfigure().nothing


@pytest.mark.one_registry("the files are what counts")
def test_a_new_http_secret_that_was_killed_is_finished_by_the_next_rotation(running: Root) -> None:
    before = running.read(SECRETS)
    process = running.begin("secrets", "rotate", "--http-secret")
    wait_for(lambda: running.read(SECRETS) != before, what="another secret", seconds=30)
    kill(process)
    secret = running.secrets()["http_secret"]
    running.ctl("secrets", "rotate", "--http-secret").ok()
    assert secret in running.read(CONFIG)
    assert running.secrets()["http_secret"] == secret
    running.client.push("load/after", images.image("after"), "v1")


@pytest.mark.one_registry("the files are what counts")
def test_a_full_disk_leaves_the_former_pair(running: Root) -> None:
    """Full as soon as the new pair is written: to a program, the largest file that it may write is as one."""
    before, size = running.secrets(), (running.path / SECRETS).stat().st_size
    command = ["secrets", "rotate", "--grace", "1h"]
    limited = ["prlimit", f"--fsize={size + 100}"]
    full = running.ctl(*command, before=limited).exits(1)
    assert "File too large" in full.err
    assert str(running.path) in full.err
    assert running.secrets() == before
    assert running.reconfigure().nothing
    running.ctl("secrets", "verify").ok()


@pytest.mark.one_registry("the files are what counts")
@pytest.mark.parametrize("seen", [SECRETS, GITLAB_KEY])
def test_a_rotation_that_was_killed_is_finished_by_the_next_run(running: Root, seen: str) -> None:
    key, before = running.secrets()["internal_key"], running.read(seen)
    process = running.begin("secrets", "rotate", "--grace", "1h")
    wait_for(lambda: running.read(seen) != before, what=f"another {seen}", seconds=30)
    kill(process)
    running.reconfigure()
    assert rotated(running, key)
    assert status(running, Signer(running)) == 200


@pytest.mark.one_registry("the registry's answer counts")
def test_a_key_that_the_registry_does_not_know_is_found(running: Root) -> None:
    path = running.path / GITLAB_KEY
    good = path.read_bytes()
    path.write_text(seeds.pair(3)[0])
    result = running.ctl("secrets", "verify")
    path.write_bytes(good)
    assert result.code == 1
    assert "the registry refuses the token" in result.out
