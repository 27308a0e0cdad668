"""install.sh where systemd is the first process: the unit starts the supervisor, and ends it with all services."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.booted import SYSTEMD, Booted
from tests.harness.people import CHECKOUT
from tests.harness.result import Result
from tests.harness.waiting import wait_for
from tests.harness.wheelhouse import fill, offline

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a machine of its own"),
    pytest.mark.skipif(not SYSTEMD.exists(), reason="no systemd on this machine"),
]
SERVED = {"runsvdir", "runsv", "svlogd", "nginx", "docker-registry"}
POLICY = "/usr/sbin/policy-rc.d"


@pytest.fixture(scope="module")
def wheels() -> Iterator[Path]:
    """Everything that pip will ask for; in a folder that the other machine sees too."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-wheels-", dir="/tmp"))
    yield fill(folder)
    shutil.rmtree(folder)


def install(machine: Booted, wheels: Path) -> Result:
    environment = [f"{name}={value}" for name, value in offline(wheels).items()]
    script = [str(CHECKOUT / "install.sh"), "--url", "https://localhost:5050"]
    return machine.run("sh", *script, timeout=300, environment=environment)


@pytest.fixture(scope="module")
def machine(wheels: Path) -> Iterator[Booted]:
    """A booted machine with the registry installed."""
    with Booted() as booted:
        install(booted, wheels).ok()
        yield booted


@pytest.fixture(scope="module")
def package() -> Iterator[Path]:
    """The distribution's package of the registry, as a file."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-package-", dir="/tmp"))
    folder.chmod(0o755)
    download = ["apt-get", "download", "-q", "docker-registry"]
    if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode != 0:
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=True)
        subprocess.run(download, cwd=folder, capture_output=True, check=True)
    yield next(folder.glob("docker-registry_*.deb"))
    shutil.rmtree(folder)


def test_installs_a_package_without_its_service_and_leaves_the_administrators(
    package: Path, wheels: Path
) -> None:
    with Booted() as bare:
        bare.run("rm", "-f", POLICY).ok()
        bare.run("dpkg", "--purge", "docker-registry").ok()
        # where container images are made, apt throws its archive of packages away at every turn
        bare.run("sh", "-c", "rm -f /etc/apt/apt.conf.d/docker-clean /var/cache/apt/archives/*.deb").ok()
        bare.run("systemctl", "enable", "--now", "nginx").ok()

        assert "could not be installed; is the network there?" in install(bare, wheels).exits(1).err
        assert bare.run("test", "-e", "/opt/registry-ctl").code == 1
        assert bare.run("test", "-e", POLICY).code == 1

        bare.run("cp", str(package), "/var/cache/apt/archives").ok()
        assert "nginx ran here before; it is left running" in install(bare, wheels).ok().out
        assert bare.run("test", "-e", POLICY).code == 1
        assert bare.run("systemctl", "is-active", "nginx").ok().out.strip() == "active"
        assert bare.run("systemctl", "is-active", "docker-registry").out.strip() == "inactive"
        assert bare.run("systemctl", "is-enabled", "docker-registry").out.strip() == "disabled"
        assert ready(bare)


def supervisor(machine: Booted) -> str:
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "registry-ctl").ok().out.strip()


def served(machine: Booted) -> set[str]:
    """Names of the programs that run there and belong to the registry."""
    return SERVED & set(machine.run("ps", "-A", "-o", "comm=").ok().out.split())


def ready(machine: Booted) -> bool:
    return machine.run("ctl", "status").code == 0


def test_supervisor_belongs_to_the_unit_and_starts_at_boot(machine: Booted) -> None:
    assert machine.run("cat", f"/proc/{supervisor(machine)}/comm").ok().out.strip() == "runsvdir"
    assert machine.run("systemctl", "is-enabled", "registry-ctl").ok().out.strip() == "enabled"
    assert ready(machine)


def test_supervisor_that_is_killed_comes_back_and_services_run_on(machine: Booted) -> None:
    before, pids = supervisor(machine), machine.run("pidof", "docker-registry").ok().out
    machine.run("kill", "-9", before).ok()
    wait_for(lambda: supervisor(machine) not in {"0", before}, what="a new supervisor", pause=0.2)
    assert machine.run("pidof", "docker-registry").ok().out == pids
    assert ready(machine)


def test_stop_ends_everything_and_ctl_starts_it_again(machine: Booted) -> None:
    machine.run("systemctl", "stop", "registry-ctl").ok()
    wait_for(lambda: not served(machine), what="the end of all services", seconds=60, pause=0.2)
    assert machine.run("systemctl", "is-failed", "registry-ctl").out.strip() == "inactive"
    machine.run("ctl", "start").ok()
    assert machine.run("systemctl", "is-active", "registry-ctl").ok().out.strip() == "active"
    assert ready(machine)


def test_restart_of_the_unit_brings_all_services_back(machine: Booted) -> None:
    before = supervisor(machine)
    machine.run("systemctl", "restart", "registry-ctl").ok()
    assert supervisor(machine) != before
    wait_for(lambda: ready(machine), seconds=30, what="all services", pause=0.5)
