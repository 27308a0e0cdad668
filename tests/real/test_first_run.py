"""From nothing: one settings file, one command, and images go in and out through TLS."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import images, tokens, tree
from tests.harness.people import Person
from tests.harness.root import GITLAB_URL, Root, RootMaker

pytestmark = pytest.mark.real

KEY = "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
CERTIFICATE = "var/opt/gitlab/registry/gitlab-registry.crt"


@pytest.fixture
def root(make_root: RootMaker, person: Person) -> Root:
    """A root that holds nothing but a settings file."""
    root = make_root(person, seeded=False)
    root.settings()
    return root


def test_from_nothing_to_images_and_back(root: Root, tmp_path: Path) -> None:
    report = root.reconfigure()
    assert report.started >= {"registry", "nginx"}
    assert root.serves()
    _image_travels(root, tmp_path)
    _two_platforms_travel(root, tmp_path)
    _answers_without_token_name_the_realm(root)
    _key_and_certificate_are_a_pair(root)
    _second_run_changes_nothing(root)


def _token(root: Root, *arguments: str) -> str:
    return root.ctl("registry-token", *arguments).ok().out.strip()


def _image_travels(root: Root, folder: Path) -> None:
    image = images.image("travels", size=3_000_000)
    layout = images.write_layout(folder / "one", {"v1": image})
    token = _token(root, "--repository", "grp/app", "--actions", "pull,push")
    assert root.skopeo.push(layout, "v1", "grp/app", token=token) == image.digest
    assert root.skopeo.inspect("grp/app:v1", token=token)["Digest"] == image.digest
    back = root.skopeo.pull("grp/app:v1", folder / "one-back", "v1", token=token)
    assert images.layout_digests(back) == set(image.family())


def _two_platforms_travel(root: Root, folder: Path) -> None:
    both = images.two_platforms("both", size=100_000)
    layout = images.write_layout(folder / "both", {"v2": both})
    token = _token(root, "--repository", "grp/app", "--actions", "pull,push")
    assert root.skopeo.push(layout, "v2", "grp/app", token=token) == both.digest
    back = root.skopeo.pull("grp/app:v2", folder / "both-back", "v2", token=token)
    assert images.layout_digests(back) == set(both.family())
    for image in both.needs:
        assert image.platform is not None
        architecture = image.platform[1]
        one = root.skopeo.pull_platform("grp/app:v2", folder / architecture, architecture, token=token)
        assert images.layout_digests(one) == set(image.family())


def _answers_without_token_name_the_realm(root: Root) -> None:
    answer = root.client.get("/v2/grp/app/manifests/v1")
    assert answer.status == 401
    expected = (
        f'Bearer realm="{GITLAB_URL}/jwt/auth",service="container_registry",scope="repository:grp/app:pull"'
    )
    assert answer.header("WWW-Authenticate") == expected


def _key_and_certificate_are_a_pair(root: Root) -> None:
    """As the guide proves it by hand, with openssl."""
    moduli = []
    for kind, name in (("rsa", KEY), ("x509", CERTIFICATE)):
        command = ["openssl", kind, "-noout", "-modulus", "-in", str(root.path / name)]
        moduli.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert moduli[0] == moduli[1]
    assert len(moduli[0].strip().removeprefix("Modulus=")) == 4096 // 4


def _second_run_changes_nothing(root: Root) -> None:
    pids, before = root.lasting_pids(), root.snapshot()
    assert root.reconfigure().nothing
    assert tree.changed(before, root.snapshot()) == set()
    assert root.lasting_pids() == pids


# --- what else a running registry with its own tokens shows; these share a root


def test_token_gives_what_it_names_and_no_more(running: Root) -> None:
    running.client.push("grp/one", images.image("one"), "v1")
    token = _token(running, "--repository", "grp/one", "--actions", "pull")
    headers = {"Authorization": f"Bearer {token}"}
    assert running.client.request("GET", "/v2/grp/one/tags/list", headers=headers).json()["tags"] == ["v1"]
    assert running.client.request("GET", "/v2/grp/two/tags/list", headers=headers).status == 401
    assert running.client.request("POST", "/v2/grp/one/blobs/uploads/", headers=headers).status == 401


def test_token_for_the_catalogue(running: Root) -> None:
    running.client.push("grp/listed", images.image("listed"), "v1")
    token = _token(running, "--catalog")
    answer = running.client.request("GET", "/v2/_catalog", headers={"Authorization": f"Bearer {token}"})
    assert "grp/listed" in answer.json()["repositories"]


def test_token_ends(running: Root) -> None:
    import jwt

    before = int(time.time())
    token = _token(running, "--repository", "a/b", "--actions", "pull", "--expires", "7m", "--subject", "me")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == "me"
    assert before <= claims["exp"] - 420 <= time.time()
    ended = tokens.sign(
        running.secrets()["internal_key"], tokens.repository_access("a/b", "pull"), seconds=-300
    )
    answer = running.client.request("GET", "/v2/a/b/tags/list", headers={"Authorization": f"Bearer {ended}"})
    assert answer.status == 401


def test_status_shows_services_and_ends_with_zero(running: Root) -> None:
    result = running.ctl("status").ok()
    for name in ("registry", "nginx"):
        assert re.search(rf"^run: {name}: \(pid \d+\) \d+s; run: log: \(pid \d+\) \d+s$", result.out, re.M)
    status = running.status()
    assert status["registry"]["pid"] in [one.pid for one in running.processes()]


def test_restart_returns_when_the_new_process_answers(running: Root) -> None:
    for _ in range(3):
        before = running.pids()["registry"]
        running.ctl("restart", "registry").ok()
        assert running.direct.get("/v2/").status == 401
        assert running.serves()
        assert running.pids()["registry"] != before


def test_stopped_service_makes_status_fail_and_start_ends_that(running: Root) -> None:
    running.ctl("stop", "registry").ok()
    stopped = running.ctl("status").exits(1)
    assert "down: registry:" in stopped.out
    assert running.client.get("/v2/").status == 503
    running.ctl("start", "registry").ok()
    assert running.serves()
    running.ctl("status").exits(0)


def test_reconfigure_leaves_a_stopped_service_stopped(running: Root) -> None:
    running.ctl("stop", "registry").ok()
    running.reconfigure()
    assert "down: registry:" in running.ctl("status").exits(1).out
    running.ctl("start", "registry").ok()


def test_lost_supervisor_is_replaced_and_services_go_on(running: Root) -> None:
    """Its end leaves the services running; the next run starts another, and nothing restarts."""
    pids = running.lasting_pids()
    supervisor = running.process(lambda one: one.program == "runsvdir")
    assert supervisor is not None
    subprocess.run(["kill", "-9", str(supervisor.pid)], check=True)
    running.reconfigure()
    assert running.serves()
    assert running.lasting_pids() == pids
    supervisors = [one for one in running.processes() if one.program == "runsvdir"]
    assert len(supervisors) == 1
