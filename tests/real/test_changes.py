"""A changed setting changes exactly the files, and restarts exactly the services, that it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.harness import images, processes, tree
from tests.harness.root import Root
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real

CONFIG = "var/opt/gitlab/registry/config.yml"
VHOST = "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
NGINX = "var/opt/gitlab/nginx/conf/nginx.conf"
GITLAB = "var/opt/gitlab/gitlab-rails/etc/gitlab.yml"
ENVIRONMENT = "opt/gitlab/etc/registry/env"


@dataclass(frozen=True)
class Case:
    """One changed setting.

    Args:
        line: of the settings file.
        paths: what changes, relative to the root.
        restarted, reloaded: services.
    """

    line: str
    paths: set[str]
    restarted: set[str] = field(default_factory=set)
    reloaded: set[str] = field(default_factory=set)


CASES = {
    "log level": Case('registry["log_level"] = "warn"', {CONFIG}, restarted={"registry"}),
    "environment": Case('registry["env"] = {"STAGE": "x"}', {f"{ENVIRONMENT}/STAGE"}, restarted={"registry"}),
    "vhost": Case('registry["nginx"]["hsts_max_age"] = 1', {VHOST}, reloaded={"nginx"}),
    "server": Case('nginx["keepalive_timeout"] = 30', {NGINX}, reloaded={"nginx"}),
    "log rotation": Case(
        'logging["svlogd_num"] = 7',
        {f"var/log/gitlab/{name}/config" for name in ("registry", "nginx-svlogd", "timer")}
        | {"var/opt/gitlab/logrotate/logrotate.conf"},
    ),
    "log rotation of one": Case('registry["svlogd_num"] = 7', {"var/log/gitlab/registry/config"}),
    "new projects": Case(
        'gitlab_rails["gitlab_default_projects_features_container_registry"] = False', {GITLAB}
    ),
}


def _own(path: str) -> bool:
    """The settings file, and what ctl remembers of its runs."""
    return path == "etc/gitlab/gitlab.py" or path.startswith("var/opt/gitlab/ctl/")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_changed_setting(running: Root, case: Case) -> None:
    before, pids = running.snapshot(), running.lasting_pids()
    running.settings(case.line)
    report = running.reconfigure()
    assert {path for path in tree.changed(before, running.snapshot()) if not _own(path)} == case.paths
    assert {_reported(path) for path in case.paths} == report.paths
    assert _services(report.restarted) == case.restarted
    assert _services(report.reloaded) == case.reloaded
    assert {name for name, pid in running.lasting_pids().items() if pid != pids[name]} == case.restarted
    assert running.serves()
    running.settings()
    running.reconfigure()
    assert _contents(running.snapshot()) == _contents(before)


def test_listening_on_more_and_on_fewer_addresses_of_one_port(running: Root) -> None:
    """NGINX's own sockets are in the way of its new ones: it is they that must go, not the setting."""
    for addresses in ('["*"]', '["127.0.0.1"]'):
        running.settings(f'registry["nginx"]["listen_addresses"] = {addresses}')
        report = running.reconfigure()
        assert _services(report.restarted) == {"nginx"}
        assert not _services(report.reloaded)
        assert running.serves()
    running.settings()
    assert running.reconfigure().paths == set()


def _reported(path: str) -> str:
    """The environment is one thing: its folder is its variables."""
    return ENVIRONMENT if path.startswith(ENVIRONMENT) else path


def _services(found: frozenset[str]) -> set[str]:
    """Without the log processes, which may have to read their settings again."""
    return {name for name in found if not name.endswith("/log")}


def _contents(found: tree.Tree) -> dict[str, tuple[str, int]]:
    return {name: (one.content, one.mode) for name, one in found.items() if not _own(name)}


def test_changed_environment_reaches_the_process(running: Root) -> None:
    running.settings('registry["env"] = {"STAGE": "two words\\nand lines", "FLAG": True}')
    running.reconfigure()
    found = processes.environment(running.pids()["registry"])
    assert found["STAGE"] == "two words\nand lines"
    assert found["FLAG"] == "true"
    running.settings()
    running.reconfigure()
    assert "STAGE" not in processes.environment(running.pids()["registry"])
    assert not (running.path / ENVIRONMENT / "STAGE").exists()


def test_changed_vhost_is_served_by_the_same_master(running: Root) -> None:
    assert "max-age=63072000" in running.client.get("/v2/").header("Strict-Transport-Security")
    master = running.pids()["nginx"]
    running.settings('registry["nginx"]["hsts_max_age"] = 5')
    running.reconfigure()
    assert running.client.get("/v2/").header("Strict-Transport-Security") == "max-age=5"
    assert running.pids()["nginx"] == master


def test_changed_log_rotation_reaches_svlogd(running: Root) -> None:
    """Rotated files appear only once svlogd has read the new size."""
    folder = running.path / "var/log/gitlab/registry"
    assert not list(folder.glob("@*"))
    running.settings('registry["svlogd_size"] = 2000')
    pid = running.pids()["registry"]
    running.reconfigure()
    for _ in range(40):
        running.client.manifest("grp/none", "v1")  # with a token: others are no lines of this log
    wait_for(lambda: list(folder.glob("@*")), what="a rotated log")
    assert running.pids()["registry"] == pid


def test_changed_address_moves_the_registry_and_its_proxy(running: Root) -> None:
    port = running.ports.take()
    running.settings(f'registry["registry_http_addr"] = "127.0.0.1:{port}"')
    report = running.reconfigure()
    assert {CONFIG, VHOST, GITLAB} <= report.paths
    assert report.restarted >= {"registry"}
    assert listening(port)
    assert not listening(running.registry_port)
    assert running.serves()


def test_edited_file_is_put_back(running: Root) -> None:
    config = running.path / CONFIG
    wanted = config.read_bytes()
    config.write_bytes(wanted.replace(b"info", b"debug"))
    config.chmod(0o666)
    report = running.reconfigure()
    assert report.paths == {CONFIG}
    assert (config.read_bytes(), config.stat().st_mode & 0o777) == (wanted, 0o640)
    assert running.serves()


def test_removed_certificate_pair_is_put_back_from_the_secrets(running: Root) -> None:
    """The guide's remedy for a pair that does not match: remove both files and reconfigure."""
    key = running.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    certificate = running.path / "var/opt/gitlab/registry/gitlab-registry.crt"
    before = (key.read_bytes(), certificate.read_bytes())
    key.unlink()
    certificate.unlink()
    running.reconfigure()
    assert (key.read_bytes(), certificate.read_bytes()) == before
    running.client.push("grp/pair", images.image("pair"), "v1")


def test_unmanaged_files_stay(running: Root) -> None:
    """A site's own file beside the managed ones stays as it is."""
    own = running.write("var/opt/gitlab/nginx/conf/own.conf", "# mine\n")
    running.reconfigure()
    assert own.read_text(encoding="ascii") == "# mine\n"


def test_unchanged_run_says_so(running: Root) -> None:
    result = running.ctl("reconfigure").ok()
    assert result.out.strip().splitlines()[-1]
    assert "0 " in result.out or "nothing" in result.out.lower() or "no change" in result.out.lower()
