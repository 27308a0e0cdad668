"""Who runs, who owns, who can read: accounts, modes, and secrets that show nowhere."""

from __future__ import annotations

import grp
import pwd
import stat
import subprocess
from pathlib import Path

import pytest

from tests.harness import images, tree
from tests.harness.result import Result
from tests.harness.root import GITLAB_ACCOUNT, REGISTRY_ACCOUNT, WEB_ACCOUNT, Root, RootMaker
from tests.harness.watch import CommandLines

pytestmark = pytest.mark.real

MODES = {
    "etc/gitlab/gitlab-secrets.json": (0o600, "root", "root"),
    "etc/gitlab/ssl/ca.key": (0o600, "root", "root"),
    "etc/gitlab/ssl/ca.crt": (0o644, "root", "root"),
    "etc/gitlab/ssl/localhost.key": (0o600, "root", "root"),
    "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key": (0o600, GITLAB_ACCOUNT, GITLAB_ACCOUNT),
    "var/opt/gitlab/gitlab-rails/etc/gitlab.yml": (0o640, "root", GITLAB_ACCOUNT),
    "var/opt/gitlab/gitlab-rails/shared/registry": (0o770, REGISTRY_ACCOUNT, GITLAB_ACCOUNT),
    "var/opt/gitlab/registry": (0o2770, REGISTRY_ACCOUNT, REGISTRY_ACCOUNT),
    "var/opt/gitlab/registry/config.yml": (0o640, "root", REGISTRY_ACCOUNT),
    "var/opt/gitlab/registry/gitlab-registry.crt": (0o640, "root", REGISTRY_ACCOUNT),
    "opt/gitlab/etc/registry/env/SSL_CERT_DIR": (0o640, "root", REGISTRY_ACCOUNT),
    "var/opt/gitlab/ctl": (0o700, "root", "root"),
}
TOKEN = "Bearer-notification-token-4711"
LINES = (
    f'registry["notifications"] = [{{"name": "n", "url": "http://127.0.0.1:9/", '
    f'"headers": {{"Authorization": ["{TOKEN}"]}}}}]',
)


FIRST_RUN: list[Result] = []
SEEN: set[str] = set()
"""What the first run of this module's root printed, and the command lines seen meanwhile."""


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker) -> Root:
    """A root made from nothing, while every command line of the machine was watched."""
    root = module_root_maker(seeded=False)
    root.settings(*LINES)
    with CommandLines() as seen:
        FIRST_RUN.append(root.ctl("reconfigure", "-v", "--diff").ok())
    SEEN.update(seen.lines)
    return root


@pytest.mark.usefixtures("need_root")
@pytest.mark.parametrize("name", MODES)
def test_mode_and_owner(running: Root, name: str) -> None:
    info = (running.path / name).stat()
    found = (stat.S_IMODE(info.st_mode), _user(info.st_uid), grp.getgrgid(info.st_gid).gr_name)
    assert found == MODES[name]


def _user(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


@pytest.mark.usefixtures("need_root")
def test_processes_run_as_their_users(running: Root) -> None:
    users = {_title(one.arguments): _user(one.uid) for one in running.processes()}
    assert users["the registry"] == REGISTRY_ACCOUNT
    assert users["nginx: worker process"] == WEB_ACCOUNT
    assert users["nginx: master process"] == "root"
    assert users["svlogd"] == "_runit-log"


def _title(arguments: tuple[str, ...]) -> str:
    if arguments[0].startswith("nginx: "):
        return " ".join(" ".join(arguments).split()[:3])
    name = Path(arguments[0]).name
    return "the registry" if name in ("docker-registry", "registry") else name


@pytest.mark.usefixtures("need_root")
def test_registry_reads_its_certificate_but_not_gitlabs_key(running: Root) -> None:
    """The certificate is all that the registry needs: with the key it could sign tokens for itself."""
    key = running.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    certificate = running.path / "var/opt/gitlab/registry/gitlab-registry.crt"
    as_registry = ["setpriv", f"--reuid={REGISTRY_ACCOUNT}", f"--regid={REGISTRY_ACCOUNT}", "--clear-groups"]
    for path, readable in ((certificate, True), (key, False)):
        done = subprocess.run([*as_registry, "cat", str(path)], capture_output=True, check=False)
        assert (done.returncode == 0) is readable


def test_nothing_is_writable_by_others(running: Root) -> None:
    loose = [
        name
        for name, one in running.snapshot().items()
        if one.mode & 0o002 and one.kind in ("file", "dir") and not one.mode & stat.S_ISVTX
    ]
    assert loose == []


def _secrets(root: Root) -> list[str]:
    """The secrets as text to look for: whole values, and each line of the keys."""
    registry = root.secrets()
    authority = root.read("etc/gitlab/ssl/ca.key") + root.read("etc/gitlab/ssl/localhost.key")
    lines = (registry["internal_key"] + authority).splitlines()
    return [registry["http_secret"], TOKEN, *(one for one in lines if len(one) > 40)]


@pytest.mark.usefixtures("need_root")
def test_no_file_that_others_can_read_holds_a_secret(running: Root) -> None:
    running.client.push("grp/app", images.image("secretive"), "v1")
    running.client.get("/v2/?token=query-secret")
    secrets = [one.encode() for one in [*_secrets(running), "query-secret"]]
    readable = _readable_by_others(running)
    assert "etc/gitlab/ssl/ca.crt" in readable
    settings = "etc/gitlab/gitlab.py"  # the administrator's own, with the token that is written there
    found = [
        name
        for name, content in tree.texts(running.path)
        if name in readable and name != settings and any(one in content for one in secrets)
    ]
    assert found == []


def _readable_by_others(root: Root) -> set[str]:
    """The files that an account without any rights here can open, folders on the way included."""
    other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
    find = ["find", ".", "-type", "f", "-readable", "-printf", "%P\\n"]
    done = subprocess.run([*other, *find], capture_output=True, text=True, check=False, cwd=root.path)
    return set(done.stdout.splitlines())


def test_no_log_holds_a_secret(running: Root) -> None:
    """Also not one that only its owner can read: logs are copied into reports."""
    secrets = [one.encode() for one in _secrets(running)]
    logs = dict(tree.texts(running.path / "var/log/gitlab"))
    assert any(name.startswith("reconfigure/") for name in logs)
    assert [name for name, content in logs.items() if any(one in content for one in secrets)] == []


def test_no_command_line_held_a_secret(running: Root) -> None:
    lines = "\n".join(SEEN)
    assert "nginx" in lines
    assert [one for one in _secrets(running) if one in lines] == []


def test_no_output_holds_a_secret(running: Root) -> None:
    results = [*FIRST_RUN, *_talkative_commands(running)]
    for result in results:
        assert [one for one in _secrets(running) if one in result.text] == [], result.command


def _talkative_commands(root: Root) -> list[Result]:
    (root.path / "var/opt/gitlab/registry/config.yml").unlink()
    (root.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").unlink()
    found = [
        root.ctl("reconfigure", "--dry-run", "--diff"),
        root.ctl("reconfigure", "--json", "-v"),
        root.ctl("show-config"),
        root.ctl("show-config", "--format", "json", "--origin"),
        root.ctl("check-config", "-v"),
        root.ctl("status", "--json"),
    ]
    for result in found:
        result.ok()
    return found


def test_show_secrets_shows_them_when_asked(running: Root) -> None:
    assert running.secrets()["http_secret"] in running.ctl("show-config", "--show-secrets").ok().out


def test_changed_secret_is_masked_in_the_diff(running: Root) -> None:
    running.settings(*LINES, 'registry["http_secret"] = "new-http-secret-of-mine"')
    result = running.ctl("reconfigure", "--dry-run", "--diff").ok()
    assert "config.yml]: content" in result.out
    assert "new-http-secret-of-mine" not in result.text
    assert running.secrets()["http_secret"] not in result.text


def test_loosened_mode_of_the_secrets_is_put_back(running: Root) -> None:
    secrets = running.path / "etc/gitlab/gitlab-secrets.json"
    secrets.chmod(0o644)
    running.reconfigure()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
