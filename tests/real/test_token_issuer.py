"""A registry without GitLab: its own issuer lets in whom `ctl user` knows, and to what was granted."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import images, seeds
from tests.harness.issuer import (
    FILE,
    SOCKET,
    Issuer,
    accounts,
    copy_of_code,
    found_secrets,
    log_lines,
    password,
)
from tests.harness.issuer_clients import (
    IMAGE,
    KEY,
    WITHOUT_GITLAB,
    ask_registry,
    issuer_node,
    pull,
    push,
    skopeo,
)
from tests.harness.namespaces import need_mounts
from tests.harness.people import Person
from tests.harness.root import ISSUER_ACCOUNT, Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

any_program = pytest.mark.one_registry("only the issuer is asked")


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, somebody: Person) -> Root:
    """A registry with its own issuer."""
    return issuer_node(module_root_maker, somebody)


@pytest.fixture
def pushed(running: Root) -> Root:
    """With an image in team/app and in public/app."""
    push(running, "team/app", user="pusher")
    push(running, "public/app", user="boss")
    return running


# --- clients


def test_push_and_pull_by_right(pushed: Root) -> None:
    assert pull(pushed, "team/app", user="reader") == set(IMAGE.family())
    assert pull(pushed, "team/app", user="robot") == set(IMAGE.family())
    for nobody in ("stranger", "retired", None):
        assert pull(pushed, "team/app", user=nobody, check=False) == set()
    for reader in ("reader", "robot"):
        refused = push(pushed, "team/app", user=reader, check=False)
        assert refused.returncode != 0
        assert "denied" in refused.stderr or "unauthorized" in refused.stderr
    assert push(pushed, "other/app", user="pusher", check=False).returncode != 0
    assert push(pushed, "other/app", user="boss").returncode == 0


def test_everybody_may_pull_what_is_public(pushed: Root) -> None:
    assert pull(pushed, "public/app", user=None) == set(IMAGE.family())
    assert pull(pushed, "public/app", user="stranger") == set(IMAGE.family())
    assert push(pushed, "public/app", user="pusher", check=False).returncode != 0


def test_delete_by_right(running: Root) -> None:
    push(running, "team/old", user="pusher")
    reference = f"docker://localhost:{running.port}/team/old:v1"
    assert skopeo(running, "delete", reference, user="pusher", check=False).returncode != 0
    skopeo(running, "delete", reference, user="cleaner")
    assert (
        ask_registry(running, "boss", "GET", "/v2/team/old/manifests/v1", "repository:team/old:pull").status
        == 404
    )


def test_blobs_are_mounted_where_both_sides_are_granted(pushed: Root) -> None:
    blob = IMAGE.needs[0].digest
    path = f"/v2/team/new/blobs/uploads/?mount={blob}&from="
    scopes = ("repository:team/new:pull,push", "repository:team/app:pull")
    both = " ".join(scopes)  # as a registry's challenge has them
    for asked in (scopes, (both,)):
        assert ask_registry(pushed, "pusher", "POST", f"{path}team/app", *asked).status == 201
    hidden = ("repository:team/new:pull,push", "repository:other/app:pull")
    assert ask_registry(pushed, "pusher", "POST", f"{path}other/app", *hidden).status in (202, 401)
    assert ask_registry(pushed, "reader", "POST", f"{path}team/app", *scopes).status == 401


def test_the_catalogue_is_the_administrators(pushed: Root) -> None:
    scope = "registry:catalog:*"
    found = ask_registry(pushed, "boss", "GET", "/v2/_catalog", scope)
    assert found.status == 200
    assert "team/app" in found.json()["repositories"]
    for user in ("pusher", None):
        assert ask_registry(pushed, user, "GET", "/v2/_catalog", scope).status == 401


def test_the_registry_sends_clients_to_the_issuer(running: Root) -> None:
    challenge = running.client.get("/v2/team/app/manifests/v1").header("WWW-Authenticate")
    assert challenge.startswith(f'Bearer realm="{running.url}/jwt/auth",service="container_registry"')


def test_a_tampered_token_is_refused(pushed: Root) -> None:
    token = Issuer.of(pushed).token("reader", "repository:team/app:pull")
    path = "/v2/team/app/manifests/v1"
    for sent, status in ((token, 200), (token[:-8] + "AAAAAAAA", 401)):
        headers = {"Authorization": f"Bearer {sent}", "Accept": images.MANIFEST}
        assert pushed.client.request("GET", path, headers=headers).status == status


@any_program
def test_skopeo_logs_in(running: Root) -> None:
    def log_in(secret: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(running.home),
            "XDG_RUNTIME_DIR": str(running.home),
        }
        certificates = str(running.home / "certs")
        command = ["skopeo", "login", "--cert-dir", certificates, "-u", "reader", "--password-stdin"]
        return subprocess.run(
            [*command, f"localhost:{running.port}"],
            input=secret,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment,
        )

    (running.home / "certs").mkdir(exist_ok=True)
    shutil.copyfile(running.ca, running.home / "certs/ca.crt")
    refused = log_in("not the password")
    assert refused.returncode != 0
    assert "invalid username/password" in refused.stderr
    done = log_in(password("reader"))
    assert done.returncode == 0, done.stderr
    assert "Login Succeeded" in done.stdout


@any_program
def test_buildah_pushes_and_pulls(running: Root, me: Person) -> None:
    """An engine's own code, without an engine: images are made from nothing."""
    if shutil.which("buildah") is None or not me.is_root:
        pytest.skip("buildah is not installed, or needs root to work without user namespaces")
    need_mounts()  # it unpacks layers in one
    (running.home / "certs").mkdir(exist_ok=True)
    shutil.copyfile(running.ca, running.home / "certs/ca.crt")
    policy = running.home / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    storage = ["--root", str(running.home / "storage"), "--runroot", str(running.home / "run")]

    def buildah(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["buildah", *storage, "--storage-driver", "vfs", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": str(running.home), "BUILDAH_ISOLATION": "chroot"},
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    started = buildah("from", "scratch", check=False)
    if started.returncode != 0:
        pytest.skip(f"buildah does not run here: {started.stderr.strip()}")
    buildah("commit", "--signature-policy", str(policy), started.stdout.strip(), "made:v1")
    target = f"docker://localhost:{running.port}/team/made:v1"

    def transfer(verb: str, user: str, *names: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        access = ["--cert-dir", str(running.home / "certs"), "--creds", f"{user}:{password(user)}"]
        return buildah(verb, "--signature-policy", str(policy), *access, *names, check=check)

    assert transfer("push", "reader", "made:v1", target, check=False).returncode != 0
    transfer("push", "pusher", "made:v1", target)
    transfer("pull", "reader", "--policy", "always", target)
    assert transfer("pull", "stranger", "--policy", "always", target, check=False).returncode != 0


# --- what may be seen, and by whom


@any_program
def test_every_decision_is_logged_on_one_line(running: Root) -> None:
    issuer = Issuer.of(running)
    issuer.get("reader", "repository:team/app:pull,push")
    issuer.get("x\ny outcome=granted", "repository:team/logged:pull", secret="wrong")
    lines = wait_for(
        lambda: [line for line in log_lines(running) if "team/logged" in line], what="the line of the second"
    )
    assert len(lines) == 1
    assert r'account="x\ny outcome=granted"' in lines[0]
    assert 'outcome="refused: wrong user name or password"' in lines[0]
    granted = [line for line in log_lines(running) if "account=reader" in line and "pull,push" in line][-1]
    for part in (
        "address=127.0.0.1",
        "service=container_registry",
        "asked=repository:team/app:pull,push",
        "granted=repository:team/app:pull",
        "outcome=granted",
    ):
        assert f" {part}" in granted
    assert granted[:4].isdecimal()  # svlogd puts the time before it


@any_program
def test_no_log_holds_a_secret(running: Root) -> None:
    issuer = Issuer.of(running)
    token = issuer.token("reader", "repository:team/app:pull")
    asked = {"grant_type": "password", "username": "reader", "password": password("reader")}
    refresh = str(issuer.post(**asked, access_type="offline").json()["refresh_token"])
    running.client.get(f"/jwt/auth?service=container_registry&password={password('reader')}")
    issuer.get("reader", secret="a-wrong-s3cret-4712")
    names = [*accounts().users, *accounts().tokens]
    secrets = [*map(password, names), "a-wrong-s3cret-4712", token, refresh, token.rsplit(".", 1)[1]]
    key = [line for line in running.secrets()["internal_key"].splitlines() if len(line) > 40]
    assert found_secrets(running, [*secrets, *key]) == []


@pytest.mark.usefixtures("need_root")
@any_program
def test_it_runs_under_its_own_account_and_reads_no_more_than_it_needs(running: Root) -> None:
    found = [one for one in running.processes() if "ctl.auth" in one.arguments]
    assert len(found) == 1 + len(os.sched_getaffinity(0))
    assert {pwd.getpwuid(one.uid).pw_name for one in found} == {ISSUER_ACCOUNT}
    environment = Path(f"/proc/{found[0].pid}/environ").read_bytes().decode()
    names = {entry.partition("=")[0] for entry in environment.split("\0") if entry}
    assert names <= {"PATH", "LANG", "PYTHONPATH", "CTL_SERVICE", "CTL_SOCKET"}
    assert "s3cret" not in environment + " ".join(found[0].arguments)
    limits = Path(f"/proc/{found[0].pid}/limits").read_text(encoding="ascii")
    assert re.search(r"Max core file size +0 +0 ", limits)
    readable = _readable(running, ISSUER_ACCOUNT)
    for needed in (KEY, FILE, "var/opt/gitlab/registry-auth/config.json"):
        assert needed in readable
    for secret in (
        "etc/gitlab/gitlab-secrets.json",
        "etc/gitlab/ssl/ca.key",
        "etc/gitlab/ssl/localhost.key",
        "var/opt/gitlab/registry/config.yml",
    ):
        assert (running.path / secret).exists()
        assert secret not in readable
    sockets = str(Path(SOCKET).with_name("sockets"))
    assert {one for one in _writable(running, ISSUER_ACCOUNT) if not one.startswith(sockets)} == set()
    for other in ("docker-registry", "www-data"):
        assert not {KEY, FILE} & _readable(running, other)


def _readable(root: Root, account: str) -> set[str]:
    return _found(root, account, "-type", "f", "-readable")


def _writable(root: Root, account: str) -> set[str]:
    return _found(root, account, "-writable", "-not", "-type", "l", "-not", "-path", "*/supervise/*")


def _found(root: Root, account: str, *tests: str) -> set[str]:
    switch = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"]
    find = ["find", ".", *tests, "-printf", "%P\\n"]
    done = subprocess.run([*switch, *find], capture_output=True, text=True, check=False, cwd=root.path)
    return set(done.stdout.splitlines())


# --- the service


@any_program
def test_status_and_restart_know_it(running: Root) -> None:
    before = running.status()["registry-auth"]
    assert before["state"] == "run"
    running.ctl("restart", "registry-auth").ok()
    assert running.pids()["registry-auth"] != before["pid"]
    assert Issuer.of(running).get("reader").status == 200
    assert Issuer.behind(running).client.get("/health").json() == {"status": "ok"}


def test_another_key_is_taken_up_by_both(running: Root) -> None:
    running.write("etc/gitlab/gitlab-secrets.json", seeds.secrets_json(2), mode=0o600)
    report = running.reconfigure()
    assert {"registry", "registry-auth"} <= set(report.restarted)
    assert running.read(KEY) == seeds.pair(2)[0]
    running.ctl("secrets", "verify").ok()
    push(running, "team/rotated", user="pusher")
    assert pull(running, "team/rotated", user="reader") == set(IMAGE.family())


@any_program
def test_switched_off_it_leaves_key_and_accounts(running: Root) -> None:
    running.settings(*WITHOUT_GITLAB, 'registry_auth["enable"] = False')
    output = running.ctl("reconfigure").ok().err
    assert f"of {running.path / FILE} let nobody in any more: the token issuer is off" in output
    assert "registry-auth" not in running.status()
    assert "let nobody in any more" not in running.ctl("reconfigure").ok().err
    wait_for(
        lambda: not [one for one in running.processes() if "ctl.auth" in one.arguments],
        what="its end",
        seconds=20,
    )
    assert Issuer.of(running).get("reader").status == 404
    assert running.read(KEY) == running.secrets()["internal_key"]
    assert (running.path / FILE).exists()
    running.settings(*WITHOUT_GITLAB)
    running.reconfigure()
    assert Issuer.of(running).get("reader").status == 200


@any_program
def test_beside_gitlab_it_runs_only_when_enabled(running: Root) -> None:
    running.settings('registry_auth["enable"] = True')
    running.reconfigure()
    challenge = running.client.get("/v2/").header("WWW-Authenticate")
    assert f'realm="{running.url}/jwt/auth"' in challenge
    assert ask_registry(running, "boss", "GET", "/v2/_catalog", "registry:catalog:*").status == 200
    # GitLab's key and the issuer's are one
    assert running.read(KEY) == running.read("var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key")


@any_program
def test_two_roots_one_of_an_ordinary_user(
    running: Root, make_root: RootMaker, ordinary_user: Person
) -> None:
    other = make_root(ordinary_user)
    other.settings(*WITHOUT_GITLAB)
    planned = other.ctl("reconfigure", "--dry-run", "--diff").ok()
    assert "service[registry-auth]" in planned.out
    assert not [
        line
        for line in other.secrets()["internal_key"].splitlines()
        if line in planned.text and len(line) > 40
    ]
    other.reconfigure()
    assert other.reconfigure().nothing
    secret = other.ctl("user", "add", "mine", "--admin", "--random-password").ok().out.split()[-1]
    assert Issuer.of(other).get("mine", secret=secret).status == 200
    assert Issuer.of(running).get("mine", secret=secret).status == 401
    assert ask_registry(running, "boss", "GET", "/v2/_catalog", "registry:catalog:*").status == 200


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only root can enter."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-closed-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("need_root")
@any_program
def test_a_python_out_of_its_reach_is_found_before(
    make_root: RootMaker, somebody: Person, closed_folder: Path
) -> None:
    root = make_root(copy_of_code(somebody, closed_folder))
    root.settings(*WITHOUT_GITLAB)
    refused = root.ctl("reconfigure").exits(1)
    assert (
        f"the token issuer cannot run as user {ISSUER_ACCOUNT}: {closed_folder} keeps it from" in refused.err
    )
    assert root.processes() == []
    closed_folder.chmod(0o755)
    (root.path / "etc/gitlab").chmod(0o700)
    refused = root.ctl("reconfigure").exits(1)
    assert f"may not enter {root.path}/etc/gitlab (no x permission)" in refused.err
    (root.path / "etc/gitlab").chmod(0o755)
    root.ctl("reconfigure", "--dry-run").ok()
