"""The programs that people use log in, push and pull through NGINX, TLS and tokens; and the OCI's own tests."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from xml.etree import ElementTree

import pytest

from tests.harness import images
from tests.harness.clients import CLIENTS, Client, Session, program, session
from tests.harness.issuer import password, reachable, write_accounts
from tests.harness.namespaces import need_mounts
from tests.harness.people import Person
from tests.harness.registries import Registry
from tests.harness.root import Root, RootMaker
from tests.harness.server import Server

pytestmark = pytest.mark.real

IMAGE = images.image("clients")
any_program = pytest.mark.one_registry("the client matters, not the registry")


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    root = module_root_maker(reachable(me, ordinary_user))
    root.settings("external_url = None", 'registry_auth["requests_per_second"] = 0')
    write_accounts(root)
    root.reconfigure()
    return root


def begin(root: Root, name: str, user: str) -> Session:
    """A client for one account, with a home whose path is short enough for podman."""
    host = f"localhost:{root.port}"
    return session(
        program(name), Path(mkdtemp(dir=root.folder)), root.ca, host=host, user=user, password=password(user)
    )


@any_program
@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_clients(running: Root, client: Client, tmp_path: Path, me: Person) -> None:
    if client.takes and not me.is_root:
        pytest.skip(f"{client.name} needs root to work without user namespaces")
    if client.takes:
        need_mounts()
    layout, out = images.write_layout(tmp_path / "layout", {"v1": IMAGE}), tmp_path / "out"
    ref = f"localhost:{running.port}/team/{client.name}:v1"
    pusher = begin(running, client.name, "pusher")
    reader = begin(running, client.name, "reader")
    for one in (pusher, reader):
        one.run(client.login)
    arguments = {"layout": str(layout), "ref": ref, "out": str(out)}
    taken = {
        one.home: one.run(client.takes, arguments).stdout.strip() if client.takes else ""
        for one in (pusher, reader)
    }
    refused = reader.run(client.push, arguments | {"taken": taken[reader.home]}, check=False)
    assert refused.returncode != 0
    assert "denied" in refused.stderr.lower() or "unauthorized" in refused.stderr.lower(), refused.stderr
    pusher.run(client.push, arguments | {"taken": taken[pusher.home]})
    reader.run(client.pull, arguments)
    if client.keeps:
        assert images.layout_digests(out) >= set(IMAGE.family())


@any_program
@pytest.mark.parametrize("name", ["crane", "oras", "regctl"])
def test_without_the_ca_they_refuse(running: Root, name: str, tmp_path: Path) -> None:
    """The negative control: what they trust in `test_clients` is what they were given."""
    stranger = begin(running, name, "pusher")
    client = next(one for one in CLIENTS if one.name == name)
    without = Session(
        stranger.program, stranger.home, stranger.words, Path("/etc/ssl/certs/ca-certificates.crt")
    )
    ref = f"localhost:{running.port}/public/none:v1"
    done = without.run(client.pull, {"ref": ref, "out": str(tmp_path / "out")}, check=False)
    assert "certificate signed by unknown authority" in done.stderr


@any_program
def test_helm(running: Root, tmp_path: Path) -> None:
    """A chart is an artifact of its own media types."""
    pusher = begin(running, "helm", "pusher")
    chart = tmp_path / "chart-1.2.3.tgz"
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.2.3\n")
    with tarfile.open(chart, "w:gz") as archive:
        archive.add(tmp_path / "Chart.yaml", "chart/Chart.yaml")
    pusher.run(["registry", "login", "{host}", "-u", "{user}", "-p", "{password}"])
    pusher.run(["push", str(chart), "oci://{host}/team"])
    (tmp_path / "pulled").mkdir()
    pusher.run(["pull", "oci://{host}/team/chart", "--version", "1.2.3", "-d", str(tmp_path / "pulled")])
    assert (tmp_path / "pulled/chart-1.2.3.tgz").read_bytes() == chart.read_bytes()


@any_program
def test_oras_artifacts_and_referrers(running: Root, tmp_path: Path) -> None:
    """Registries without the referrers API keep them in a tag."""
    pusher = begin(running, "oras", "pusher")
    pusher.run(next(one for one in CLIENTS if one.name == "oras").login)
    (pusher.home / "signature").write_text("signed")
    (pusher.home / "notes").write_text("text")
    pusher.run(
        [
            "push",
            "--plain-http=false",
            "{host}/team/artifact:v1",
            "--artifact-type",
            "application/x.notes",
            "notes",
        ]
    )
    pusher.run(
        [
            "attach",
            "--plain-http=false",
            "{host}/team/artifact:v1",
            "--artifact-type",
            "application/x.signature",
            "signature",
        ]
    )
    assert (
        "application/x.signature"
        in pusher.run(["discover", "--plain-http=false", "{host}/team/artifact:v1"]).stdout
    )
    pusher.run(["pull", "--plain-http=false", "{host}/team/artifact:v1", "-o", str(tmp_path / "pulled")])
    assert (tmp_path / "pulled/notes").read_text() == "text"


# --- the OCI's conformance tests


@pytest.fixture
def direct(registry_program: Registry, tmp_path: Path) -> Iterator[str]:
    """The registry program by itself: no NGINX, no TLS, no tokens."""
    config = tmp_path / "config.yml"
    storage = f"filesystem: {{rootdirectory: {tmp_path}/images}}, delete: {{enabled: true}}"
    config.write_text(f'version: 0.1\nstorage: {{{storage}}}\nhttp: {{addr: "127.0.0.1:0"}}\n')
    command = ["sh", "-c", 'REGISTRY_HTTP_ADDR=127.0.0.1:$1 exec "$2" serve "$3"', "sh", "{port}"]
    with Server(
        [*command, str(registry_program.program), str(config)], {"OTEL_TRACES_EXPORTER": "none"}
    ) as server:
        yield f"127.0.0.1:{server.port}"


def passes(folder: Path, registry: str, ca: Path, **environment: str) -> set[str]:
    """Names of the tests of the suite that pass."""
    given = {"REGISTRY": registry, "RESULTS_DIR": str(folder), **environment}
    folder.mkdir()
    done = subprocess.run(
        [str(program("conformance"))],
        cwd=folder,
        env={
            "SSL_CERT_FILE": str(ca),
            "HOME": str(folder),
            **{f"OCI_{one}": text for one, text in given.items()},
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    report = folder / "junit.xml"
    assert report.exists(), done.stdout + done.stderr
    cases = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314 - written by the suite
    return {str(one.get("name")) for one in cases if one.get("status") == "passed"}


def test_conformance(running: Root, direct: str, tmp_path: Path) -> None:
    """As many passes through NGINX, TLS and tokens as the registry program has by itself."""
    bare = passes(tmp_path / "bare", direct, running.ca, TLS="disabled")
    through = passes(
        tmp_path / "through",
        f"localhost:{running.port}",
        running.ca,
        USERNAME="boss",
        PASSWORD=password("boss"),
    )
    assert len(bare) > 20
    assert sorted(bare - through) == []
