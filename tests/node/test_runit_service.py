"""The files of a service, and that they make a running service with a log."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ctl.converge.model import Action, DesiredFile, Machine, Notification, Resource
from ctl.converge.resources.actions import Service
from ctl.converge.resources.entries import Directory
from ctl.errors import CtlError
from ctl.nginx.build import USUAL
from ctl.node.node import Node, Programs
from ctl.node.runit_service import runit_service, svlogd_lines
from ctl.paths import Layout
from ctl.services.runit import Runit
from ctl.settings.attributes import Attributes, Section
from ctl.settings.component import Component, listens_at
from tests.harness.services_stack import Stack
from tests.harness.waiting import wait_for

LOGGING: Mapping[str, object] = {
    "svlogd_size": 209715200,
    "svlogd_num": 30,
    "svlogd_timeout": 86400,
    "svlogd_filter": "gzip",
    "svlogd_udp": None,
    "svlogd_prefix": None,
    "log_group": None,
}


def node(layout: Layout, *, privileged: bool = True, account: str | None = "_runit-log") -> Node:
    def program(name: str) -> Path:
        return Path(shutil.which(name, path="/usr/bin:/usr/sbin") or f"/usr/bin/{name}")

    return Node(
        attributes=Attributes({"logging": Section(LOGGING)}, origins={}),
        layout=layout,
        programs=Programs(
            registry=Path("/usr/bin/docker-registry"),
            nginx=Path("/usr/sbin/nginx"),
            runsvdir=program("runsvdir"),
            chpst=program("chpst"),
            setpriv=program("setpriv"),
            svlogd=program("svlogd"),
            logrotate=Path("/usr/sbin/logrotate"),
            nginx_build=USUAL,
        ),
        privileged=privileged,
        log_account=account,
        secrets=lambda: None,
        components=(),
    )


WEB = Component("web", listeners=listens_at({"127.0.0.1:5000": "the web"}), wait=20, signals={"HUP": "sings"})


def service(node: Node, source: Path, component: Component = WEB, **more: object) -> list[Resource]:
    variables = {"text": "it's $HOME; rm -rf *"}
    found = runit_service(node, component, str(source), variables=variables, **more)  # type: ignore[arg-type]
    return [one for one in found if isinstance(one, Resource)]


def files(resources: list[Resource], layout: Layout) -> dict[str, DesiredFile]:
    machine = Machine(services=Runit(layout), privileged=True, blank=True)
    desired = [file for one in resources for file in one.desired(machine)]
    return {str(file.path.relative_to(layout.root)): file for file in desired}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "run.j2"
    path.write_text(
        "#!/bin/sh\nexec 2>&1\necho {{ text | shell }}\nexec {{ programs.chpst | shell }} -P sleep 1000\n"
    )
    return path


def test_files(source: Path) -> None:
    layout = Layout(Path("/srv/a root"))
    found = files(service(node(layout), source), layout)
    assert {name: oct(file.mode) for name, file in found.items()} == {
        "opt/gitlab/sv/web/run": "0o755",
        "opt/gitlab/sv/web/ctl.json": "0o644",
        "opt/gitlab/sv/web/log/run": "0o755",
        "var/log/gitlab/web/config": "0o644",
    }
    assert json.loads(found["opt/gitlab/sv/web/ctl.json"].content) == {
        "listen": ["127.0.0.1:5000"],
        "wait": 20,
        "log": "/srv/a root/var/log/gitlab/web",
        "signals": {"HUP": "sings"},
        "users": ["_runit-log"],
        "graceful": None,
        "pid_file": None,
    }
    log_run = found["opt/gitlab/sv/web/log/run"].content.decode().splitlines()[-1]
    assert log_run.split(" ", 2)[2] == (
        f"-P {shutil.which('setpriv')} --reuid=_runit-log --regid=_runit-log --clear-groups --inh-caps=-all "
        f"--bounding-set=-all --no-new-privs {shutil.which('svlogd')} -tt '/srv/a root/var/log/gitlab/web'"
    )
    config = found["var/log/gitlab/web/config"].content.decode().splitlines()
    assert [line for line in config if not line.startswith("#")] == ["s209715200", "n30", "t86400", "!gzip"]


def test_json_logs_get_no_time_stamp(source: Path) -> None:
    layout = Layout()
    found = files(service(node(layout), source, timestamps=False), layout)
    assert b"-tt" not in found["opt/gitlab/sv/web/log/run"].content


@pytest.mark.parametrize(("privileged", "account"), [(False, "_runit-log"), (True, None)])
def test_the_log_is_written_as_the_caller_where_there_is_no_other(
    source: Path, privileged: bool, account: str | None
) -> None:
    layout = Layout()
    found = files(service(node(layout, privileged=privileged, account=account), source), layout)
    assert b" -u " not in found["opt/gitlab/sv/web/log/run"].content


def test_what_changes_what(source: Path) -> None:
    layout = Layout()
    notified = {
        one.name: list(getattr(one, "notifies", ()))
        for one in service(node(layout), source, finish=str(source))
        if getattr(one, "notifies", ())
    }
    assert notified == {
        "file[/opt/gitlab/sv/web/run]": [Notification(Action.RESTART, "web")],
        "file[/opt/gitlab/sv/web/log/run]": [Notification(Action.RESTART, "web/log")],
        "file[/var/log/gitlab/web/config]": [Notification(Action.RELOAD, "web/log")],
    }
    assert service(node(layout), source)[-1] == Service("web")


@pytest.mark.parametrize(
    ("former", "restarts"),
    [
        ('{"listen": ["*:5000"]}', True),
        ('{"listen": ["127.0.0.1:5001"]}', False),
        ('{"listen": ["127.0.0.1:5000", "*:80"]}', False),
        ("damaged", False),
        (None, False),
    ],
)
def test_a_new_address_that_the_old_one_obstructs_needs_a_restart(
    tmp_path: Path, source: Path, former: str | None, restarts: bool
) -> None:
    layout = Layout(tmp_path)
    path = layout.sv / "web/ctl.json"
    if former is not None:
        path.parent.mkdir(parents=True)
        path.write_text(former)
    facts = next(one for one in service(node(layout), source) if one.name == f"file[{path}]")
    change = facts.plan(Machine(services=Runit(layout), privileged=False))
    assert change is not None
    assert list(change.notifies) == ([Notification(Action.RESTART, "web")] if restarts else [])


def test_who_may_enter_the_log_folder(source: Path) -> None:
    one, logs = node(Layout()), Path("/var/log/gitlab/web")

    def folder(component: Component = WEB, **more: object) -> Directory:
        found = service(one, source, component, **more)
        return next(item for item in found if isinstance(item, Directory) and item.path == logs)

    try:
        primary = grp.getgrgid(pwd.getpwnam("_runit-log").pw_gid).gr_name
    except KeyError:
        primary = "_runit-log"
    assert (folder().owner, folder().group, folder().mode) == ("_runit-log", primary, 0o750)
    assert folder(log_group="www-data").group == "www-data"
    given = {**LOGGING, "log_group": "adm"}
    own = {"logging": Section(LOGGING), "web": Section(given)}
    one = replace(one, attributes=Attributes(own, origins={}))
    assert folder(replace(WEB, logging="web"), log_group="www-data").group == "adm"
    for_all = Attributes({"logging": Section(given)}, origins={})
    one = replace(one, attributes=for_all)
    assert folder(log_group="www-data").group == "adm"


def test_every_svlogd_setting() -> None:
    more = {"svlogd_udp": "10.0.0.1:514", "svlogd_prefix": "web: ", "svlogd_filter": "xz -9"}
    assert svlogd_lines({**LOGGING, **more, "svlogd_num": 0}) == [
        "s209715200",
        "n0",
        "t86400",
        "u10.0.0.1:514",
        "pweb: ",
        "!xz -9",
    ]
    nothing = dict.fromkeys(LOGGING)
    assert svlogd_lines(nothing) == []


@pytest.mark.parametrize("name", ["svlogd_udp", "svlogd_prefix", "svlogd_filter"])
def test_a_line_break_never_becomes_a_line(name: str) -> None:
    with pytest.raises(CtlError, match="control character"):
        svlogd_lines({**LOGGING, name: "x\n!touch /tmp/owned"})


@pytest.mark.real
def test_they_make_a_running_service(stack: Stack, source: Path) -> None:
    privileged = os.geteuid() == 0
    account = "_runit-log" if privileged else None
    logging = Section({**LOGGING, "svlogd_prefix": "from web: "})
    one = node(stack.layout, privileged=privileged, account=account)
    one = replace(one, attributes=Attributes({"logging": logging}, origins={}))
    resources = service(one, source, Component("web"))
    for file in files(resources, stack.layout).values():
        stack.write(file.path, file.content.decode(), mode=file.mode)
    if account:
        shutil.chown(stack.layout.logs / "web", account)

    stack.runit.enable("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    wait_for(lambda: "from web: it's $HOME; rm -rf *\n" in stack.log("web"))
    if account:
        logger = stack.runit.status("web").log
        assert logger
        assert Path(f"/proc/{logger.pid}").stat().st_uid == pwd.getpwnam(account).pw_uid
