"""A new service is one file: a site's own recipe with account, address and log, under a real supervisor."""

from __future__ import annotations

import pwd
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.harness.people import CHECKOUT
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("the service is another")]

ACCOUNT = "man"
"""An account that every Debian and Ubuntu machine has."""
RECIPE = "etc/gitlab/recipes.d/downloads.py"


@pytest.fixture
def root(make_root: RootMaker, need_root: None) -> Root:
    """A root whose settings file enables a registry."""
    root = make_root()
    root.settings()
    return root


def recipe(root: Root, *, port: int, account: str = ACCOUNT, more: tuple[str, str] = ("", "")) -> Path:
    """The example of docs/recipes.md, with a free port and an account of this machine."""
    text = (CHECKOUT / "examples/recipes.d/downloads.py").read_text(encoding="utf-8")
    for old, new in (("8090", str(port)), ('own_account("downloads")', f'own_account("{account}")'), more):
        assert old in text
        text = text.replace(old, new)
    return root.write(RECIPE, text)


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return str(answer.read().decode())


def test_one_file_adds_a_service(root: Root) -> None:
    port = root.ports.take()
    before = set((root.path / "etc").rglob("*"))
    path = recipe(root, port=port)
    assert set((root.path / "etc").rglob("*")) - before - {path.parent} == {path}
    report = root.reconfigure()
    assert {"downloads", "registry", "nginx"} <= report.started
    assert page(port) == f"Images: {root.url}\n"
    uid = pwd.getpwnam(ACCOUNT).pw_uid
    assert Path(f"/proc/{root.pids()['downloads']}").stat().st_uid == uid
    wait_for(lambda: '"GET / HTTP/1.1" 200' in root.read("var/log/gitlab/downloads/current"))
    assert "downloads*" in root.ctl("service-list").ok().out.split()
    assert root.reconfigure().nothing


def test_it_must_answer_as_it_declares(root: Root) -> None:
    """It listens, but at another path than the one it is asked for: the run is undone."""
    recipe(root, port=root.ports.take(), more=('", "/", "localhost"', '", "/missing", "localhost"'))
    result = root.ctl("reconfigure").exits(1)
    assert "answers 404 File not found at http://localhost/missing" in result.err
    assert not (root.path / "opt/gitlab/sv/downloads/run").exists(), "undone"


def test_without_its_component_it_goes(root: Root) -> None:
    port = root.ports.take()
    path = recipe(root, port=port)
    root.reconfigure()
    gone = path.read_text(encoding="utf-8").replace(
        "    after=", '    when=lambda values: not values["registry.enable"],\n    after='
    )
    root.write(RECIPE, gone)
    assert root.reconfigure().stopped == {"downloads"}
    assert "service downloads is not enabled" in root.ctl("status", "downloads").exits(1).err


def test_without_its_recipe_it_goes_and_a_strangers_service_stays(root: Root) -> None:
    path = recipe(root, port=root.ports.take())
    root.reconfigure()
    definition = root.write("opt/gitlab/sv/own/run", "#!/bin/sh\nexec sleep 600\n", mode=0o755).parent
    (root.path / "opt/gitlab/service/own").symlink_to(f"../sv/{definition.name}")
    path.unlink()
    assert root.reconfigure().stopped == {"downloads"}
    assert "service downloads is not enabled" in root.ctl("status", "downloads").exits(1).err
    assert (root.path / "opt/gitlab/service/own").is_symlink()
    assert root.reconfigure().nothing


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("port", "the downloads and the registry both listen on port {registry_port}, and only one can"),
        ("account", "the registry and downloads have one account, docker-registry: each needs its own"),
        ("missing account", "user 'ctl-nobody-here' (downloads) does not exist"),
        ("log", "the registry and downloads have one log folder"),
        ("program", "downloads needs no-such-program, not installed here"),
        ("name", "component 'registry' is declared in"),
        ("circle", "each of these must start after the next"),
    ],
)
def test_what_another_component_has_is_refused(root: Root, change: str, message: str) -> None:
    more = {
        "log": ("    after=", '    log="registry.log_directory",\n    after='),
        "program": ('("python3",)', '("no-such-program",)'),
        "name": ('"downloads",\n    account', '"registry",\n    account'),
        "circle": ('after=("registry",)', 'after=("registry",),\n    before=("registry",)'),
    }.get(change, ("", ""))
    if change == "account":
        root.settings('manage_accounts["enable"] = True')
    recipe(
        root,
        port=root.registry_port if change == "port" else root.ports.take(),
        account={"account": "docker-registry", "missing account": "ctl-nobody-here"}.get(change, ACCOUNT),
        more=more,
    )
    result = root.ctl("reconfigure").exits(1)
    assert message.format(registry_port=root.registry_port) in result.err
    assert not (root.path / "opt").exists(), "nothing is written"


DATABASE = """
import sys
from ctl.converge import Command
from ctl.node.runit_service import runit_service
from ctl.settings.component import Component, listens_at

ASK = (
    "import socket, time; socket.create_connection(('127.0.0.1', {port})); "
    "open(sys.argv[1], 'w').write(str(time.time()))"
)
SLOW = "import socket, time; time.sleep(1); s = socket.create_server(('127.0.0.1', {port})); time.sleep(10**6)"
COMPONENT = Component("database", listeners=listens_at({{"127.0.0.1:{port}": "it"}}), before=("registry",))

def recipe(node):
    mark = node.layout.path("/migrated")
    yield from runit_service(node, COMPONENT, [sys.executable, "-c", SLOW])
    yield Command(
        "migrate",
        argv=[sys.executable, "-c", "import sys; " + ASK, str(mark)],
        guard=lambda: not mark.exists(),
        after=("database",),
        before=("registry",),
    )
"""


def test_a_migration_runs_between_the_database_and_the_registry(root: Root) -> None:
    """The command fails unless the database, which takes a second to listen, is up; the registry comes later."""
    root.write("etc/gitlab/recipes.d/database.py", DATABASE.format(port=root.ports.take()))
    report = root.reconfigure()
    assert {"database", "registry"} <= report.started
    began = psutil.Process(root.pids()["registry"]).create_time()
    assert float(root.read("migrated")) <= began + 0.02, "create_time is in hundredths of a second"
    assert root.reconfigure().nothing
