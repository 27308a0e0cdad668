"""On a whole machine: tools refuse the registry's certificate before `ctl trust`, and accept it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.machine.search import find_program
from tests.harness import images
from tests.harness.machine import Machine
from tests.harness.result import Result
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("need_root")]

SETTINGS = """
external_url("https://gitlab.example.com")
registry_external_url("https://localhost:5050")
letsencrypt["enable"] = False
"""
IMAGE = images.image("trusted")
TARGET = "docker://localhost:5050/team/app:v1"
HOSTS = "/etc/containerd/certs.d/localhost:5050/hosts.toml"
CONTAINERD = """version = 2
root = "/run/containerd-test/root"
state = "/run/containerd-test/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "/run/containerd-test/socket"
"""
SYSTEM = "/usr/local/share/ca-certificates/registry-ctl.crt"


@pytest.fixture(scope="module")
def reconfigured() -> Iterator[Machine]:
    """A machine with a running registry."""
    with Machine() as machine:
        machine.write("/etc/gitlab/gitlab.py", SETTINGS)
        machine.ctl("reconfigure").ok()
        yield machine


@pytest.fixture
def machine(reconfigured: Machine) -> Iterator[Machine]:
    """That machine, whose tools trust nothing of ours."""
    yield reconfigured
    reconfigured.run(
        "rm", "-rf", "/etc/docker/certs.d", "/etc/containers/certs.d", "/etc/containerd/certs.d", SYSTEM
    ).ok()
    reconfigured.run("update-ca-certificates", "--fresh").ok()


def push(machine: Machine, folder: Path) -> Result:
    """Push with what the machine trusts, and nothing else."""
    layout = images.write_layout(folder / "layout", {"v1": IMAGE})
    token = machine.ctl("registry-token", "--repository", "team/app", "--actions", "pull,push").ok()
    command = ("skopeo", "--insecure-policy", "copy", "--preserve-digests")
    return machine.run(*command, "--dest-registry-token", token.out.strip(), f"oci:{layout}:v1", TARGET)


def inspect(machine: Machine) -> Result:
    """What skopeo reports of the pushed image."""
    token = machine.ctl("registry-token", "--repository", "team/app").ok().out.strip()
    return machine.run("skopeo", "inspect", "--registry-token", token, "--format", "{{.Digest}}", TARGET)


def refused(machine: Machine, folder: Path) -> bool:
    """Whether skopeo refuses because of the certificate."""
    return "x509: certificate signed by unknown authority" in push(machine, folder).exits(1).err


@contextmanager
def containerd(machine: Machine) -> Iterator[tuple[str, ...]]:
    """containerd, as long as the block lasts. Yields the command that fetches the pushed image with its client."""
    machine.write("/run/containerd-test/config.toml", CONTAINERD)
    start = "containerd --config /run/containerd-test/config.toml >/run/containerd-test/log 2>&1 & echo $!"
    pid = machine.run("sh", "-c", start).ok().out.strip()
    client = ("ctr", "--address", "/run/containerd-test/socket")
    try:
        wait_for(lambda: machine.run(*client, "version").code == 0, what="containerd's answer", seconds=30)
        yield (
            *client,
            "content",
            "fetch",
            "--hosts-dir",
            "/etc/containerd/certs.d",
            "localhost:5050/team/app:v1",
        )
    finally:
        machine.run("kill", pid).ok()


@pytest.mark.parametrize("tool", ["--podman", "--docker", "--system"])
def test_skopeo_trusts_the_registry_afterwards(machine: Machine, tool: str, tmp_path: Path) -> None:
    """skopeo reads podman's folder, else Docker's, else the machine's own list."""
    assert refused(machine, tmp_path)
    assert "trusted now" in machine.ctl("trust", tool).ok().out
    push(machine, tmp_path).ok()
    assert inspect(machine).ok().out.strip() == IMAGE.digest
    assert "already trusted" in machine.ctl("trust", tool).ok().out


@pytest.mark.skipif(find_program("ctr", "containerd") is None, reason="containerd is not installed")
def test_containerd_pulls_afterwards(machine: Machine, tmp_path: Path) -> None:
    machine.ctl("trust", "--podman", "--containerd").ok()
    push(machine, tmp_path).ok()
    token = machine.ctl("registry-token", "--repository", "team/app").ok().out.strip()
    hosts = machine.read(HOSTS)
    header = f'  [host."https://localhost:5050".header]\n    Authorization = "Bearer {token}"\n'
    with containerd(machine) as fetch:
        machine.write(HOSTS, hosts + header)
        machine.run(*fetch).ok()
        assert IMAGE.digest in machine.run(*fetch[:3], "images", "ls").ok().out
        without = "\n".join(line for line in hosts.splitlines() if " ca = " not in line) + "\n"
        machine.write(HOSTS, without + header)
        assert "certificate signed by unknown authority" in machine.run(*fetch).exits(1).text


def test_every_program_trusts_it_with_the_system(machine: Machine) -> None:
    curl = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}")
    assert machine.run(*curl, "https://localhost:5050/v2/").code == 60
    machine.ctl("trust", "--system").ok()
    assert machine.run(*curl, "https://localhost:5050/v2/").ok().out == "401"


def test_a_list_that_was_not_made_anew_is_made_up_for(machine: Machine) -> None:
    """As after a run that was cut off between the file and the list."""
    machine.run("install", "-D", "/etc/gitlab/ssl/ca.crt", SYSTEM).ok()
    assert "trusted now" in machine.ctl("trust", "--system").ok().out
    assert "already trusted" in machine.ctl("trust", "--system").ok().out


def test_another_ca_under_our_name_leaves_no_stale_link(machine: Machine) -> None:
    """OpenSSL finds CAs by links whose names are hashes of their subjects."""
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null")
    machine.run("mkdir", "-p", "/usr/local/share/ca-certificates").ok()
    machine.run(*make, "-subj", "/CN=elsewhere", "-out", SYSTEM).ok()
    machine.run("update-ca-certificates").ok()
    assert "CN=elsewhere" in machine.ctl("trust", "--system").exits(1).err
    assert "replaced" in machine.ctl("trust", "--system", "--replace").ok().out
    links = ("-CApath", "/etc/ssl/certs", "-no-CAfile", "-no-CAstore")
    machine.run("openssl", "verify", *links, "/etc/gitlab/ssl/localhost.crt").ok()


def test_the_printed_commands_work(machine: Machine, tmp_path: Path) -> None:
    """Run on this machine, with `cp` for `scp` and no host: what is there then is what skopeo needs."""
    lines = machine.ctl("trust", "--docker").ok().out.splitlines()
    machine.run("rm", "-rf", "/etc/docker/certs.d").ok()
    assert refused(machine, tmp_path)
    mkdir, scp, *_ = (line.strip() for line in lines if line.startswith("  "))
    name = machine.run("hostname").ok().out.strip()
    machine.run("sh", "-c", f"{mkdir} && {scp.replace('scp ', 'cp ').replace(f'{name}:', '')}").ok()
    push(machine, tmp_path).ok()


def test_certificates_of_a_running_node_are_in_order(machine: Machine) -> None:
    result = machine.ctl("certificates").ok()
    assert result.err == ""
    assert result.out.count("matches: ") == 3
    assert "NGINX, https://localhost:5050" in result.out
