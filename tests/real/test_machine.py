"""On a whole machine of its own, without --root: default paths, ports and accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.harness.machine import Machine
from tests.harness.registries import Registry

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("need_root")]

SETTINGS = """
external_url("https://gitlab.example.com")
registry_external_url("https://localhost:5050")
letsencrypt["enable"] = False
"""
CURL = ("curl", "--silent", "--show-error", "--cacert", "/etc/gitlab/ssl/ca.crt")


@pytest.fixture(scope="module")
def machine(registry_program: Registry) -> Iterator[Machine]:
    """A machine with a running registry at the default places."""
    with Machine() as machine:
        machine.write("/etc/gitlab/gitlab.py", SETTINGS + "\n".join(registry_program.settings) + "\n")
        machine.ctl("reconfigure").ok()
        yield machine


def test_default_accounts_are_made(machine: Machine) -> None:
    for account, shell in (
        ("registry", "/usr/sbin/nologin"),
        ("git", "/bin/sh"),
        ("gitlab-www", "/bin/false"),
    ):
        fields = machine.run("getent", "passwd", account).ok().out.strip().split(":")
        assert fields[6] == shell
        assert int(fields[2]) < 1000


def test_processes_run_under_the_default_accounts(machine: Machine) -> None:
    listing = machine.run("ps", "-eo", "user:20,args").ok().out.splitlines()
    users = {line.split(None, 1)[1].strip(): line.split()[0] for line in listing[1:]}
    registry = next(user for command, user in users.items() if "registry serve " in command)
    worker = next(user for command, user in users.items() if "worker process" in command)
    assert (registry, worker) == ("registry", "gitlab-www")


def test_default_ports_answer(machine: Machine) -> None:
    answer = machine.run(*CURL, "--include", "https://localhost:5050/v2/").ok().out
    assert "401" in answer.splitlines()[0]
    assert 'realm="https://gitlab.example.com/jwt/auth"' in answer
    assert (
        "Active connections" in machine.run("curl", "--silent", "http://127.0.0.1:8060/nginx_status").ok().out
    )
    assert machine.run("curl", "--silent", "http://127.0.0.1:5000/v2/").code == 0


def test_status_works_without_options(machine: Machine) -> None:
    assert "run: registry:" in machine.ctl("status").ok().out


def test_backup_of_etc_is_for_root_alone(machine: Machine) -> None:
    machine.ctl("backup-etc").ok()
    listing = machine.run("find", "/etc/gitlab/config_backup", "-type", "f", "-printf", "%m %f\\n").ok().out
    assert listing.split()[0] == "600"


def test_second_run_changes_nothing(machine: Machine) -> None:
    report = json.loads(machine.ctl("reconfigure", "--json").ok().out)
    assert report["changes"] == []


def test_installed_gitlab_package_is_left_alone(machine: Machine) -> None:
    machine.run("mkdir", "-p", "/opt/gitlab/embedded").ok()
    result = machine.ctl("reconfigure").exits(1)
    assert "--root" in result.err
    machine.run("rmdir", "/opt/gitlab/embedded").ok()


def test_a_private_root_beside_the_machine_is_independent(machine: Machine) -> None:
    machine.write(
        "/srv/second/etc/gitlab/gitlab.py",
        'registry_external_url("https://localhost:6060")\n'
        'registry["registry_http_addr"] = "127.0.0.1:6000"\n'
        'nginx["status"]["port"] = 6061\n'
        'registry_auth["enable"] = False\n'
        'letsencrypt["enable"] = False\n',
    )
    before = json.loads(machine.ctl("status", "--json").ok().out)
    machine.ctl("--root", "/srv/second", "reconfigure").ok()
    trust = ("--cacert", "/srv/second/etc/gitlab/ssl/ca.crt", "--output", "/dev/null")
    code = machine.run(
        "curl", "--silent", *trust, "--write-out", "%{http_code}", "https://localhost:6060/v2/"
    )
    assert code.ok().out == "401"
    machine.ctl("--root", "/srv/second", "stop").ok()
    after = json.loads(machine.ctl("status", "--json").ok().out)
    assert [one["pid"] for one in before["services"]] == [one["pid"] for one in after["services"]]
