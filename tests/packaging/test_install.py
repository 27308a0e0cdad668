"""install.sh on a machine of its own, twice; and the tests' own script in a fresh clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.images import image, layout_digests, write_layout
from tests.harness.machine import Machine
from tests.harness.people import CHECKOUT, myself
from tests.harness.recipients import recipient
from tests.harness.result import Result
from tests.harness.root import Root
from tests.harness.waiting import wait_for
from tests.harness.wheelhouse import fill, install, offline

pytestmark = pytest.mark.real
MOTO = CHECKOUT / "tests/harness/moto_server.py"
PROGRAM = CHECKOUT / ".cache/registry-3.1.1/registry"

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


def shown_password(result: Result) -> str:
    """The first account's password, which is on a line of its own."""
    lines = result.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("the password of admin"))
    return lines[at + 1]


def log_in_push_and_pull(machine: Machine, registry: str, password: str) -> None:
    """What whoever installed it does next, with the password that was shown and with no file that has it."""
    assert machine.run("grep", "-rlF", password, "/etc", "/opt", "/var", timeout=120).exits(1).out == ""
    machine.run("ctl", "trust", "--podman").ok()
    environment = ["REGISTRY_AUTH_FILE=/var/tmp/auth.json"]
    login = f"printf %s {password} | skopeo login --username admin --password-stdin {registry}"
    machine.run("sh", "-c", login, environment=environment).ok()
    with tempfile.TemporaryDirectory() as folder:
        pushed = image("installed")
        layout = write_layout(Path(folder) / "layout", {"v1": pushed})
        there = f"docker://{registry}/team/app:v1"
        copy = ["skopeo", "copy", "--preserve-digests"]
        machine.run(*copy, f"oci:{layout}:v1", there, environment=environment).ok()
        machine.run(*copy, there, f"oci:{folder}/back:v1", environment=environment).ok()
        assert pushed.digest in layout_digests(Path(folder) / "back")
    nobody = machine.run(*copy, there, "oci:/var/tmp/nobody:v1", environment=["REGISTRY_AUTH_FILE=/var/none"])
    refused = nobody.exits(1).text
    assert "unauthorized" in refused or "denied" in refused


def pids(machine: Machine) -> dict[str, int]:
    """The process of each service."""
    found = machine.run("ctl", "status", "--json").ok().json()["services"]
    return {one["name"]: one["pid"] for one in found}


@need_root
def test_install_twice_then_use_it_without_the_checkout(checkout: Path, wheels: Path) -> None:
    url = "https://localhost:5050"
    with Machine() as machine:
        first = install(machine, checkout, wheels, "--url", url).ok()
        for part in ("run: registry:", "run: nginx:", url, "/etc/gitlab/ssl/ca.crt", "sudo ctl reconfigure"):
            assert part in first.text
        assert first.out.index("sudo ctl trust") < first.out.index("docker login -u admin localhost:5050")
        assert f'registry_external_url = "{url}"' in machine.read("/etc/gitlab/gitlab.py")
        assert "exceed open file resource limit" not in machine.read("/var/log/gitlab/nginx/current")
        password = shown_password(first)
        log_in_push_and_pull(machine, "localhost:5050", password)
        before = pids(machine)

        machine.run("sh", "-c", "echo '# mine' >> /etc/gitlab/gitlab.py").ok()
        second = install(machine, checkout, wheels, "--url", "https://other.example.com", "--gitlab-ctl").ok()
        # services run what has just been installed; nothing else differs
        written = re.findall(r"^file\[(.*?)\]", second.out, re.MULTILINE)
        assert all(path.startswith("/opt/gitlab/sv/") for path in written), second.out
        assert "password" not in second.text
        assert "# mine" in machine.read("/etc/gitlab/gitlab.py")
        renewed = {name for name, pid in pids(machine).items() if pid != before[name]}
        assert renewed <= {"registry-auth", "timer"}
        assert len(machine.run("ls", "/opt/registry-ctl").ok().out.split()) == 2  # one environment, one link

        shutil.rmtree(checkout)
        assert '"changes": []' in machine.run("ctl", "reconfigure", "--json").ok().out
        answer = machine.run("curl", "-si", "--cacert", "/etc/gitlab/ssl/ca.crt", f"{url}/v2/").ok().out
        assert "401 Unauthorized" in answer
        run_the_guides_commands(machine)
        uninstall(machine)


GUIDE = """\
gitlab-ctl reconfigure
gitlab-ctl registry-garbage-collect
gitlab-ctl registry-garbage-collect /var/opt/gitlab/registry/config.yml
gitlab-ctl registry-garbage-collect -m
/opt/gitlab/embedded/bin/registry garbage-collect /var/opt/gitlab/registry/config.yml
/opt/gitlab/embedded/bin/registry garbage-collect -m /var/opt/gitlab/registry/config.yml
grep -A6 'auth:' /var/opt/gitlab/registry/config.yml
grep -A9 'Container Registry' /var/opt/gitlab/gitlab-rails/etc/gitlab.yml
curl "localhost:5001/debug/health"
curl "localhost:5001/debug/vars"
cd /var/opt/gitlab/gitlab-rails/shared && find registry -type f | wc -l
chmod 600 /etc/gitlab/ssl/localhost.*
openssl s_client -showcerts -servername localhost -connect localhost:5050 < /dev/null > /var/tmp/cacert.pem
"""
"""Commands of GitLab's guide "container registry administration", without sudo, on the hosts of this test."""
SAME_KEY = """\
/opt/gitlab/embedded/bin/openssl x509 -noout -modulus -in /var/opt/gitlab/registry/gitlab-registry.crt | \
  /opt/gitlab/embedded/bin/openssl sha256
/opt/gitlab/embedded/bin/openssl rsa -noout -modulus -in /var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key | \
  /opt/gitlab/embedded/bin/openssl sha256
"""
CRON = "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n"


def run_the_guides_commands(machine: Machine) -> None:
    """With a GitLab in the settings, as in the guide, and its links made by --gitlab-ctl."""
    lines = 'external_url("https://gitlab.example.com")\nregistry["debug_addr"] = "localhost:5001"'
    machine.run("sh", "-c", 'printf "%s\\n" "$1" >> /etc/gitlab/gitlab.py', "sh", lines).ok()
    for command in GUIDE.splitlines():
        machine.run("bash", "-o", "pipefail", "-c", command, timeout=120).ok()
    one, other = machine.run("bash", "-ec", SAME_KEY).ok().out.splitlines()
    assert one == other
    machine.run("env", "-i", "sh", "-ec", f"{CRON}gitlab-ctl registry-garbage-collect", timeout=120).ok()


def uninstall(machine: Machine) -> None:
    """Nothing that install.sh or reconfigure put there is left but data, and that is named."""
    found = machine.run("ctl", "uninstall", timeout=120).ok()
    for path in ("/etc/gitlab", "/var/opt/gitlab", "/var/log/gitlab"):
        assert f"left: {path} (" in found.out
    programs = (
        "/usr/local/bin/ctl",
        "/usr/local/bin/gitlab-ctl",
        "/opt/registry-ctl",
        "/opt/gitlab/embedded",
    )
    for path in (*programs, "/usr/local/share/man/man8/ctl.8"):
        assert machine.run("test", "-e", path).code == 1, path
        assert machine.run("test", "-L", path).code == 1, path
    assert machine.run("pgrep", "-x", "runsvdir").code == 1


@need_root
def test_a_foreign_gitlab_ctl_stays(wheels: Path) -> None:
    with Machine() as machine:
        machine.run("ln", "-s", "/bin/true", "/usr/local/bin/gitlab-ctl").ok()
        refused = install(machine, CHECKOUT, wheels, "--gitlab-ctl").exits(1)
        assert "/usr/local/bin/gitlab-ctl is there and was not made by this script" in refused.err
        assert machine.run("readlink", "/usr/local/bin/gitlab-ctl").ok().out == "/bin/true\n"


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


@need_root
@pytest.mark.one_registry("installs its own")
def test_a_registry_that_was_built_elsewhere(wheels: Path) -> None:
    if not PROGRAM.exists():
        pytest.skip("no Distribution 3 was built (tests/distribution3.sh)")
    with Machine() as machine:
        assert "no such file" in install(machine, CHECKOUT, wheels, "--registry", "/no/file").exits(1).err
        assert (
            "is no container registry"
            in install(machine, CHECKOUT, wheels, "--registry", "/bin/true").exits(1).err
        )
        assert machine.run("test", "-e", "/usr/local/bin/registry").code == 1
        install(machine, CHECKOUT, wheels, "--url", "https://localhost:5050", "--registry", str(PROGRAM)).ok()
        assert "version=v3" in machine.read("/var/log/gitlab/registry/current")
        assert machine.run("readlink", "/usr/local/bin/registry").ok().out == "/opt/registry-ctl/registry\n"
        gcs = 'registry["storage"] = {"gcs": {"bucket": "images"}}'
        machine.run("sh", "-c", f"echo '{gcs}' >> /etc/gitlab/gitlab.py").ok()
        assert "has no such driver" not in machine.run("ctl", "check-config").text
        again = install(machine, CHECKOUT, wheels, "--no-reconfigure").ok()
        assert "docker-registry" not in again.out, "it is kept"


@need_root
@pytest.mark.one_registry("installs its own")
def test_distribution_3_is_built_where_go_is(wheels: Path) -> None:
    """From the modules that the tests' own registry was built of: this machine has no network."""
    if shutil.which("go") is None or not PROGRAM.exists():
        pytest.skip("no Distribution 3 was built (tests/distribution3.sh)")
    modules = subprocess.run(
        ["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True
    ).stdout.strip()
    go = [
        "GOTOOLCHAIN=local",
        "GOSUMDB=off",
        f"GOPROXY=file://{modules}/cache/download",
        "GOPATH=/var/tmp/go",
    ]
    offline_pip = [f"{name}={value}" for name, value in offline(wheels).items()]
    with Machine() as machine:
        script = ["sh", str(CHECKOUT / "install.sh"), "--registry", "distribution3", "--no-reconfigure"]
        machine.run(*script, timeout=900, environment=[*go, *offline_pip]).ok()
        assert "distribution/v3" in machine.run("/usr/local/bin/registry", "--version").ok().out


@need_root
def test_without_go_it_says_what_else_there_is(wheels: Path) -> None:
    with Machine() as machine:
        machine.run("mkdir", "-p", "/usr/local/go/bin").ok()
        machine.run("rm", "-f", "/usr/local/go/bin/go", "/usr/local/bin/go").ok()
        output = install(machine, CHECKOUT, wheels, "--registry", "distribution3").exits(1).err
        assert "there is no Go here" in output
        assert "--registry PATH" in output
        assert machine.run("test", "-e", "/opt/registry-ctl").code == 1


MOVED = image("moved", size=50_000)


@pytest.fixture
def root() -> Iterator[Root]:
    """The former machine."""
    root = Root(myself())
    yield root
    root.end()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that both machines see."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-moved-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def start_s3(machine: Machine) -> list[str]:
    """A server of S3 on another machine, with a bucket. Returns the environment of who uses it."""
    script = f"{sys.executable} {MOTO} -H 127.0.0.1 -p 9000 > /dev/null 2>&1 &"
    machine.run("sh", "-c", script).ok()
    bucket = ("curl", "--silent", "--fail", "-X", "PUT", "http://127.0.0.1:9000/backups")
    wait_for(lambda: machine.run(*bucket).code == 0, what="a bucket", seconds=60)
    keys = ["AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=not-to-be-shown"]
    return ["AWS_ENDPOINT_URL=http://127.0.0.1:9000", *keys]


@need_root
@pytest.mark.one_registry("installs the distribution's own")
@pytest.mark.parametrize(("program", "in_s3"), [("age", False), ("gpg", True)])
def test_a_fresh_machine_serves_an_encrypted_backup_with_images(
    root: Root, shared: Path, wheels: Path, program: str, *, in_s3: bool
) -> None:
    """install.sh --restore: one command."""
    public, identity = recipient(program, shared)
    root.settings('gitlab_rails["enable"] = True')
    root.reconfigure()
    root.client.push("grp/app", MOVED, "v1")
    token = root.sign("grp/app", "pull")
    root.ctl("stop").ok()
    with Machine() as machine:
        variables = start_s3(machine) if in_s3 else []
        place = "s3://backups/node" if in_s3 else str(shared / "backups")
        options = ("--to", place, "--with-images", "--encrypt-to", public)
        former = ("--root", str(root.path), "backup", *options)
        saved = machine.ctl(*former, timeout=120, environment=variables).ok().out
        archive = saved.split("saved ")[1].split()[0]
        if program == "age":
            refused = install(machine, CHECKOUT, wheels, "--restore", archive).exits(1)
            assert "name the private key with --identity KEY" in refused.err
            assert machine.run("test", "-e", "/opt/registry-ctl").code == 1
        restore = ("--restore", archive, "--identity", str(identity))
        moved = install(machine, CHECKOUT, wheels, *restore, environment=variables).ok()
        assert f"The registry is running at {root.url}" in moved.out
        assert "not-to-be-shown" not in moved.text
        layer = MOVED.needs[1]
        curl = ("curl", "--silent", "--show-error", "--fail", "--cacert", "/etc/gitlab/ssl/ca.crt")
        # a token that GitLab has signed with its key of before
        bearer = ("--header", f"Authorization: Bearer {token}")
        there, back = f"{root.url}/v2/grp/app/blobs/{layer.digest}", str(shared / "layer")
        machine.run(*curl, *bearer, "--output", back, there).ok()
        assert Path(back).read_bytes() == MOVED.family()[layer.digest].content
        machine.run(*curl, there).exits(22)
        machine.run("ctl", "secrets", "verify").ok()
        assert '"changes": []' in machine.run("ctl", "reconfigure", "--json").ok().out


def test_the_tests_own_script_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)], check=True)
    done = subprocess.run(
        ["sh", "tests/run.sh", "-q", "-p", "no:cacheprovider", "tests/text/test_quoting.py"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout.splitlines()[-1]
