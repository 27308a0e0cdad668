"""install.sh on a machine of its own, twice; and the tests' own script in a fresh clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.wheelhouse import fill, offline
from tests.real.harness.machine import Machine
from tests.real.harness.people import CHECKOUT
from tests.real.harness.root import Result

pytestmark = pytest.mark.real

need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a machine of its own")
IGNORED = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist")


@pytest.fixture(scope="module")
def wheels() -> Iterator[Path]:
    """Everything that pip will ask for; in a folder that the other machine sees too."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-wheels-"))
    yield fill(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy of the checkout that may vanish after the installation."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-checkout-"))
    shutil.copytree(CHECKOUT, folder / "checkout", ignore=IGNORED)
    yield folder / "checkout"
    shutil.rmtree(folder, ignore_errors=True)


def install(machine: Machine, checkout: Path, wheels: Path, *arguments: str) -> Result:
    environment = [f"{name}={value}" for name, value in offline(wheels).items()]
    script = str(checkout / "install.sh")
    usual = ["prlimit", "--nofile=1024:"]  # of files, as most machines have it
    return machine.run(*usual, "sh", script, *arguments, timeout=300, environment=environment)


@need_root
def test_install_twice_then_use_it_without_the_checkout(checkout: Path, wheels: Path) -> None:
    url = "https://localhost:5050"
    with Machine() as machine:
        first = install(machine, checkout, wheels, "--url", url).ok()
        for part in ("run: registry:", "run: nginx:", url, "/etc/gitlab/ssl/ca.crt", "sudo ctl reconfigure"):
            assert part in first.text
        assert f'registry_external_url = "{url}"' in machine.read("/etc/gitlab/gitlab.py")
        assert "exceed open file resource limit" not in machine.read("/var/log/gitlab/nginx/current")
        pids = machine.run("ctl", "status").ok().out.replace("s;", "").split("pid ")[1].split(")")[0]

        machine.run("sh", "-c", "echo '# mine' >> /etc/gitlab/gitlab.py").ok()
        second = install(machine, checkout, wheels, "--url", "https://other.example.com").ok()
        assert "0 changed" in second.out
        assert "# mine" in machine.read("/etc/gitlab/gitlab.py")
        assert f"pid {pids})" in machine.run("ctl", "status").ok().out
        assert len(machine.run("ls", "/opt/registry-ctl").ok().out.split()) == 2  # one environment, one link

        shutil.rmtree(checkout)
        assert '"changes": []' in machine.run("ctl", "reconfigure", "--json").ok().out
        answer = machine.run("curl", "-si", "--cacert", "/etc/gitlab/ssl/ca.crt", f"{url}/v2/").ok().out
        assert "401 Unauthorized" in answer


@need_root
def test_wrong_calls_change_nothing(wheels: Path) -> None:
    with Machine() as machine:
        assert "--urll is not an option" in install(machine, CHECKOUT, wheels, "--urll", "x").exits(2).err
        assert "neither https://" in install(machine, CHECKOUT, wheels, "--url", "ftp://x").exits(2).err
        machine.run("ln", "-s", "/bin/true", "/usr/local/bin/ctl").ok()
        assert "was not made by this script" in install(machine, CHECKOUT, wheels).exits(1).err
        machine.run("mkdir", "-p", "/opt/gitlab/embedded").ok()
        assert "ctl --root DIR" in install(machine, CHECKOUT, wheels).exits(1).err
        assert machine.run("test", "-e", "/opt/registry-ctl").code == 1


def test_the_tests_own_script_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)], check=True)
    done = subprocess.run(
        ["sh", "tests/run.sh", "-q", "-p", "no:cacheprovider", "tests/test_quoting.py"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout.splitlines()[-1]
