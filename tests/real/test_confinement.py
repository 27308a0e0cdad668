"""What each process may do beyond its account, and which folders others than root can write."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.node.confinement import NGINX_MASTER
from tests.harness.processes import Process
from tests.harness.root import REGISTRY_ACCOUNT, WEB_ACCOUNT, Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("need_root"),
    pytest.mark.one_registry("how a process is started does not depend on the registry program"),
]
CAPABILITIES = {"chown": 0, "dac_override": 1, "kill": 5, "setgid": 6, "setuid": 7, "net_bind_service": 10}
"""Their numbers (linux/capability.h)."""
LOGS = "var/log/gitlab/nginx"


@pytest.fixture(scope="module")
def root(module_root_maker: RootMaker) -> Root:
    root = module_root_maker()
    root.settings()
    root.reconfigure()
    return root


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _named(root: Root, *words: str) -> list[Process]:
    return [one for one in root.processes() if any(word in " ".join(one.arguments[:7]) for word in words)]


@pytest.mark.parametrize("words", [("docker-registry",), ("svlogd",)], ids=str)
def test_a_service_can_gain_nothing(root: Root, words: tuple[str, ...]) -> None:
    found = [one for one in _named(root, *words) if one.uid != 0]
    assert found
    for process in found:
        status = _status(process.pid)
        assert (status["NoNewPrivs"], int(status["CapBnd"], 16), int(status["CapPrm"], 16)) == ("1", 0, 0)
        assert set(status["Groups"].split()) <= {status["Gid"].split()[0]}
        assert _core_limit(process.pid) == ["0", "0"]


def _core_limit(pid: int) -> list[str]:
    """Soft and hard."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[4:6] for line in lines if line.startswith("Max core file size"))


def test_nginx_has_the_capabilities_that_it_needs(root: Root) -> None:
    (master,) = _named(root, "nginx: master")
    wanted = sum(1 << CAPABILITIES[name] for name in NGINX_MASTER)
    status = _status(master.pid)
    assert (int(status["CapBnd"], 16), int(status["CapEff"], 16), status["NoNewPrivs"]) == (
        wanted,
        wanted,
        "1",
    )
    assert root.serves()


def test_nginx_goes_on_over_reload_and_rotation(root: Root) -> None:
    """With these capabilities it binds, hands over to workers, and opens the logs that it gave to them."""
    log = root.path / LOGS / "refused/gitlab_registry.log"
    log.rename(log.with_suffix(".1"))
    root.ctl("usr1", "nginx").ok()
    root.ctl("hup", "nginx").ok()
    assert root.serves()
    root.client.get("/v2/some-name/tags/list")
    assert "some-name" in log.read_text()


def test_a_process_without_confinement_is_seen(root: Root) -> None:
    """The control: runsvdir has what root has."""
    (supervisor,) = _named(root, "runsvdir")
    assert int(_status(supervisor.pid)["CapBnd"], 16) != 0


def _roots(root: Root) -> list[Process]:
    return [one for one in root.processes() if one.uid == 0]


def _opened_by_name(process: Process) -> Iterator[Path]:
    """The folders of every file that a process has open or names on its command line."""
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        target = str(link.readlink())
        devices = target.startswith("/dev/") and not target.startswith(
            "/dev/shm/"
        )  # where tests may have their root
        if target.startswith("/") and not devices and not target.startswith("/proc/"):
            yield Path(target.removesuffix(" (deleted)")).parent
    yield Path(f"/proc/{process.pid}/cwd").readlink()


def _writable_by_others(folder: Path) -> bool:
    facts = folder.stat()
    others = facts.st_uid != 0 or bool(facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX)
    group = facts.st_mode & stat.S_IWGRP and facts.st_gid != 0
    return others or bool(group)


def test_no_process_of_roots_opens_files_where_others_can_write(root: Root) -> None:
    found = {
        (str(folder), one.arguments[0])
        for one in _roots(root)
        for folder in _opened_by_name(one)
        for place in (folder, *folder.parents)
        if place.is_dir() and _writable_by_others(place)
    }
    assert found == set()
    assert any(str(folder).endswith(LOGS) for one in _roots(root) for folder in _opened_by_name(one))


def test_every_folder_of_another_account_is_known(root: Root) -> None:
    """All that is not root's: svlogd's logs, the registry's and the workers' own."""
    others = {
        str(path.relative_to(root.path)): pwd.getpwuid(path.stat().st_uid).pw_name
        for path in root.path.rglob("*")
        if path.is_dir() and not path.is_symlink() and path.stat().st_uid != 0
    }
    logs = {name for name, owner in others.items() if owner == "_runit-log"}
    assert logs == {
        f"{LOGS}-svlogd",
        "var/log/gitlab/registry",
        "var/log/gitlab/registry/anonymous",
        "var/log/gitlab/registry/refused",
        "var/log/gitlab/timer",
    }
    rest = {name: owner for name, owner in others.items() if name not in logs}
    temporary = {name for name, owner in rest.items() if owner == WEB_ACCOUNT}
    assert {str(Path(name).parent) for name in temporary} == {"var/opt/gitlab/nginx/tmp"}
    assert {name for name, owner in rest.items() if owner == REGISTRY_ACCOUNT} == {
        "var/opt/gitlab/registry",
        "var/opt/gitlab/run/registry/sockets",
        "var/opt/gitlab/gitlab-rails/shared/registry",
    }


def test_the_log_account_plants_no_link(root: Root) -> None:
    """What was possible: a link in NGINX's log folder, through which root then wrote."""
    folder = root.path / LOGS
    uid = pwd.getpwnam("_runit-log").pw_uid
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(grp.getgrnam(WEB_ACCOUNT).gr_gid)
        os.setuid(uid)
        try:
            (folder / "planted.log").symlink_to("/etc/cron.d/planted")
        except PermissionError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_log_is_where_it_was(root: Root) -> None:
    current = root.path / LOGS / "current"
    assert current.is_symlink()
    wait_for(current.exists, what="svlogd writes")
    assert str(current.readlink()) == "../nginx-svlogd/current"


def test_a_node_of_an_earlier_version_is_taken_over(root: Root) -> None:
    """Its svlogd wrote in NGINX's own log folder, which belonged to that account."""
    folder, uid = root.path / LOGS, pwd.getpwnam("_runit-log").pw_uid
    (folder / "current").unlink()
    (folder / "current").write_text("old\n")
    (folder / "config").write_text("# Written by ctl.\n")
    for path in (folder, folder / "current"):
        os.chown(path, uid, -1)
    root.reconfigure()
    assert folder.stat().st_uid == 0
    assert (folder / "current").is_symlink()
    assert not (folder / "config").exists()
    assert root.serves()
    assert root.reconfigure().nothing


def test_logs_of_another_account_are_given_to_the_one_that_writes(root: Root) -> None:
    current = root.path / "var/log/gitlab/registry/current"
    os.chown(current, 0, 0)
    root.reconfigure()
    assert pwd.getpwuid(current.stat().st_uid).pw_name == "_runit-log"
