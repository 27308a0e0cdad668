"""GitLab and the registry on two nodes: what the one signs the other accepts, and what cannot work is found."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.harness import images, seeds
from tests.harness.issuer import NO_GITLAB
from tests.harness.people import Person
from tests.harness.root import GITLAB_URL, SETTINGS, Root, RootMaker

pytestmark = pytest.mark.real

REALM = f'registry["token_realm"] = "{GITLAB_URL}"'
IMAGE = images.image("nodes")
REPOSITORY = "grp/app"


@dataclass(frozen=True)
class Nodes:
    """A node with GitLab's side alone, and one with the registry alone."""

    gitlab: Root
    registry: Root

    def set_gitlab(self, *lines: str) -> None:
        """GitLab's settings: of a registry elsewhere."""
        reported = [
            'gitlab_rails["registry_enabled"] = True',
            'gitlab_rails["registry_host"] = "localhost"',
            f'gitlab_rails["registry_port"] = {self.registry.port}',
            f'gitlab_rails["registry_api_url"] = "{self.registry.url}"',
        ]
        self.gitlab.settings(*reported, *lines, registry=False)

    def set_registry(self, *lines: str) -> None:
        """The registry's settings: of a GitLab elsewhere."""
        self.registry.settings(NO_GITLAB, REALM, *lines)

    def share(self, source: Root, target: Root, kind: str, *more: str) -> Path:
        """Export on one node, import on the other."""
        text = source.ctl("secrets", "export", "--for", kind).ok().out
        file = target.write("export.py", text, mode=0o600)
        target.ctl("secrets", "import", str(file), *more).ok()
        return file

    def token(self) -> str:
        """A token for a push, signed on GitLab's node."""
        return (
            self.gitlab.ctl("registry-token", "--repository", REPOSITORY, "--actions", "pull,push")
            .ok()
            .out.strip()
        )

    def status(self) -> int:
        """What the registry's node answers to it."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self.registry.client.request("GET", f"/v2/{REPOSITORY}/tags/list", headers=headers).status

    def pushes(self) -> bool:
        """Whether a real client may push and pull with it."""
        home = self.registry.home
        layout = images.write_layout(home / "layout", {"v1": IMAGE})
        token = self.token()
        skopeo = self.registry.skopeo
        digest = skopeo.push(layout, "v1", REPOSITORY, token=token)
        back = skopeo.pull(f"{REPOSITORY}:v1", home / "back", "v1", token=token)
        return digest == IMAGE.digest and images.layout_digests(back) == set(IMAGE.family())

    def agree(self) -> None:
        """Both nodes find that they agree, by the other's settings."""
        for own, peer in ((self.gitlab, self.registry), (self.registry, self.gitlab)):
            own.ctl("check-config", "--peer", str(peer.path / SETTINGS)).ok()


@pytest.fixture
def nodes(make_root: RootMaker) -> Nodes:
    """The registry's node has the pair, GitLab's has nothing yet."""
    made = Nodes(gitlab=make_root(seeded=False), registry=make_root())
    made.set_gitlab()
    made.set_registry()
    return made


def programs(root: Root) -> set[str]:
    return {Path(one.arguments[0]).name for one in root.processes() if one.arguments}


def test_the_registrys_key_goes_to_gitlab(nodes: Nodes) -> None:
    nodes.registry.reconfigure()
    file = nodes.share(nodes.registry, nodes.gitlab, "gitlab")
    nodes.gitlab.reconfigure()
    assert nodes.gitlab.secrets() == {"internal_key": nodes.registry.secrets()["internal_key"]}
    assert nodes.pushes()
    nodes.agree()
    assert nodes.gitlab.reconfigure().nothing
    nodes.gitlab.ctl("check-config", "--peer", str(file)).ok()
    # what GitLab's node needs is gitlab.yml and the key; nothing runs there
    assert programs(nodes.gitlab) <= {"runsvdir"}
    below = nodes.gitlab.path / "var/opt/gitlab"
    managed = {path.name for path in (below / "gitlab-rails/etc").iterdir()}
    assert managed == {"gitlab.yml", "gitlab-registry.key"}
    assert not (below / "registry").exists()
    assert not (below / "nginx").exists()


def test_gitlabs_certificate_goes_to_the_registry(make_root: RootMaker) -> None:
    nodes = Nodes(gitlab=make_root(), registry=make_root(seeded=False))
    nodes.set_gitlab()
    nodes.set_registry()
    nodes.gitlab.reconfigure()
    nodes.share(nodes.gitlab, nodes.registry, "registry")
    nodes.registry.reconfigure()
    assert set(nodes.registry.secrets()) == {"internal_certificate", "http_secret"}
    assert nodes.pushes()
    nodes.agree()
    assert nodes.registry.reconfigure().nothing


def test_shared_by_settings(nodes: Nodes) -> None:
    """The export is a settings file; nothing of it is copied into the secrets file."""
    text = nodes.registry.ctl("secrets", "export", "--for", "gitlab").ok().out
    file = nodes.gitlab.write("registry.py", text, mode=0o600)
    nodes.gitlab.settings(f'from_file("{file}")', registry=False)
    nodes.gitlab.reconfigure()
    nodes.registry.reconfigure()
    assert nodes.pushes()
    secrets = nodes.gitlab.path / "etc/gitlab/gitlab-secrets.json"
    assert not secrets.exists() or "PRIVATE" not in secrets.read_text()
    nodes.registry.ctl("check-config", "--peer", str(nodes.gitlab.path / SETTINGS)).ok()


def test_what_would_be_refused_is_found_before(nodes: Nodes) -> None:
    nodes.registry.reconfigure()
    file = nodes.share(nodes.registry, nodes.gitlab, "gitlab")
    nodes.gitlab.reconfigure()
    assert nodes.status() == 404  # authorised: there is only no such repository yet
    nodes.set_registry('gitlab_rails["registry_issuer"] = "another"')
    found = nodes.registry.ctl("check-config", "--peer", str(nodes.gitlab.path / SETTINGS)).exits(2)
    assert "the registry trusts 'another'" in found.err
    ruby = nodes.gitlab.write(
        "etc/gitlab/gitlab.rb", f"external_url '{GITLAB_URL}'\ngitlab_rails['registry_enabled'] = true\n"
    )
    found = nodes.registry.ctl("check-config", "--peer", str(ruby)).exits(2)
    assert "the registry trusts 'another'" in found.err
    nodes.registry.reconfigure()
    assert nodes.status() == 401
    nodes.set_registry()
    nodes.registry.reconfigure()
    assert nodes.status() == 404
    nodes.gitlab.write("etc/gitlab/gitlab-secrets.json", seeds.secrets_json(1), mode=0o600)
    certificate = nodes.registry.ctl("secrets", "export", "--for", "registry").ok().out
    peer = nodes.gitlab.write("peer.py", certificate)
    found = nodes.gitlab.ctl("check-config", "--peer", str(peer)).exits(2)
    assert "do not belong together" in found.err
    assert nodes.status() == 401
    assert nodes.gitlab.ctl("secrets", "import", str(file)).exits(2).err.count("--replace") == 1
    nodes.gitlab.ctl("secrets", "import", "--replace", str(file)).ok()
    assert nodes.status() == 404


# --- a new pair


def accepted(nodes: Nodes) -> int:
    """How many certificates the registry's node accepts."""
    return nodes.registry.read("var/opt/gitlab/registry/gitlab-registry.crt").count("BEGIN CERTIFICATE")


@pytest.mark.one_registry("certificates are what counts")
def test_a_rotation_begun_on_the_registrys_node(nodes: Nodes) -> None:
    """GitLab signs with the former key until the new one has been carried there."""
    nodes.registry.reconfigure()
    nodes.share(nodes.registry, nodes.gitlab, "gitlab")
    nodes.gitlab.reconfigure()
    assert nodes.status() == 404
    assert "another node has made" in nodes.gitlab.ctl("secrets", "rotate").exits(2).err
    result = nodes.registry.ctl("secrets", "rotate").ok()
    assert "ctl secrets export --for gitlab" in result.err
    (former,) = json.loads(nodes.registry.ctl("secrets", "show", "--json").ok().out)["former"]
    assert former["accepted_until"] > time.time() + 6 * 86_400
    former_token = nodes.token()
    assert (nodes.status(), accepted(nodes)) == (404, 2)
    nodes.share(nodes.registry, nodes.gitlab, "gitlab", "--replace")
    nodes.gitlab.reconfigure()
    assert nodes.status() == 404
    assert nodes.pushes()
    nodes.registry.ctl("secrets", "rotate", "--finish").ok()
    assert (nodes.status(), accepted(nodes)) == (200, 1)
    headers = {"Authorization": f"Bearer {former_token}"}
    assert nodes.registry.client.request("GET", "/v2/", headers=headers).status == 401
    nodes.agree()


@pytest.mark.one_registry("certificates are what counts")
def test_a_rotation_begun_on_gitlabs_node(make_root: RootMaker) -> None:
    """GitLab signs with the new key only once the registry, which it asks, accepts that."""
    nodes = Nodes(gitlab=make_root(), registry=make_root(seeded=False))
    nodes.set_gitlab()
    nodes.set_registry()
    nodes.gitlab.reconfigure()
    nodes.share(nodes.gitlab, nodes.registry, "registry")
    nodes.registry.reconfigure()
    key = nodes.gitlab.secrets()["internal_key"]
    assert "another node has made" in nodes.registry.ctl("secrets", "rotate").exits(2).err
    assert "ctl secrets export --for registry" in nodes.gitlab.ctl("secrets", "rotate").ok().out
    assert nodes.status() == 404
    trusted = {"SSL_CERT_FILE": str(nodes.registry.ca)}
    refused = nodes.gitlab.ctl("secrets", "rotate", env=trusted).exits(1)
    assert "of no use yet: the registry refuses the token" in refused.err
    assert nodes.gitlab.secrets()["internal_key"] == key
    assert "waits for the registry's node" in nodes.gitlab.ctl("secrets", "show").ok().out
    nodes.share(nodes.gitlab, nodes.registry, "registry", "--replace")
    nodes.registry.reconfigure()
    assert (nodes.status(), accepted(nodes)) == (404, 2)
    nodes.gitlab.ctl("secrets", "rotate", env=trusted).ok()
    assert nodes.gitlab.secrets().keys() == {"internal_key", "internal_certificate", "http_secret"}
    assert nodes.gitlab.secrets()["internal_key"] != key
    assert nodes.pushes()
    nodes.registry.ctl("secrets", "rotate", "--finish").ok()
    assert (nodes.status(), accepted(nodes)) == (200, 1)
    nodes.agree()
    assert nodes.registry.reconfigure().nothing


# --- two machines on a wire


@dataclass(frozen=True)
class Space:
    """A network of its own.

    Args:
        name: of the namespace.
        address: on the wire between the two.
    """

    name: str
    address: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """Put before a command to run it there."""
        return ("ip", "netns", "exec", self.name)

    def person(self, me: Person) -> Person:
        """Root, there."""
        return replace(me, switch=self.prefix)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no network namespaces here: ip {' '.join(arguments)}: {done.stderr.strip()}")


@pytest.fixture
def wire(need_root: None) -> Iterator[tuple[Space, Space]]:
    """Two network namespaces that reach each other, and nothing else."""
    number = os.getpid()
    spaces = [Space(f"ctl-{side}-{number}", f"10.213.7.{last}") for side, last in (("g", 1), ("r", 2))]
    with ExitStack() as stack:
        for space in spaces:
            _ip("netns", "add", space.name)
            stack.callback(subprocess.run, ["ip", "netns", "del", space.name], check=True)
        ends = [f"cg{number}", f"cr{number}"]
        _ip(
            "link",
            "add",
            ends[0],
            "netns",
            spaces[0].name,
            "type",
            "veth",
            "peer",
            ends[1],
            "netns",
            spaces[1].name,
        )
        for space, end in zip(spaces, ends, strict=True):
            _ip("-n", space.name, "addr", "add", f"{space.address}/24", "dev", end)
            _ip("-n", space.name, "link", "set", end, "up")
            _ip("-n", space.name, "link", "set", "lo", "up")
        yield spaces[0], spaces[1]


def test_two_network_namespaces(wire: tuple[Space, Space], me: Person, make_root: RootMaker) -> None:
    """GitLab's node reaches the registry only over the wire, at the address that was exported."""
    near, far = wire
    nodes = Nodes(make_root(near.person(me), seeded=False), make_root(far.person(me)))
    address = f"{far.address}:{nodes.registry.registry_port}"
    nodes.set_registry(f'registry["registry_http_addr"] = "{address}"')
    nodes.registry.reconfigure()
    nodes.gitlab.settings('gitlab_rails["registry_enabled"] = True', registry=False)
    file = nodes.share(nodes.registry, nodes.gitlab, "gitlab")
    assert f'gitlab_rails["registry_api_url"] = "http://{address}"' in file.read_text()
    nodes.gitlab.settings(f'from_file("{file}")', registry=False)
    nodes.gitlab.ctl("secrets", "import", str(file)).exits(2)  # the settings have it, and win
    nodes.gitlab.reconfigure()
    nodes.gitlab.ctl("check-config", "--peer", str(nodes.registry.path / SETTINGS)).ok()
    layout = images.write_layout(nodes.gitlab.home / "layout", {"v1": IMAGE})
    command = [
        *near.prefix,
        "skopeo",
        "--insecure-policy",
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
    ]
    command += [
        "--dest-registry-token",
        nodes.token(),
        f"oci:{layout}:v1",
        f"docker://{address}/{REPOSITORY}:v1",
    ]
    pushed = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=nodes.gitlab.environment()
    )
    assert pushed.returncode == 0, pushed.stderr
    headers = ["-H", f"Authorization: Bearer {nodes.token()}"]
    url = f"http://{address}/v2/{REPOSITORY}/tags/list"
    shown = subprocess.run(
        [*near.prefix, "curl", "-sS", *headers, url], capture_output=True, text=True, check=False
    )
    assert '"tags":["v1"]' in shown.stdout.replace(" ", "")
    # an address that only the registry's own node reaches is refused, and rightly so
    nodes.set_registry()
    found = nodes.gitlab.ctl("check-config", "--peer", str(nodes.registry.path / SETTINGS)).exits(2)
    assert "which another node cannot reach" in found.err
    nodes.registry.reconfigure()
    refused = subprocess.run(
        [*near.prefix, "curl", "-sS", "-m5", url], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
