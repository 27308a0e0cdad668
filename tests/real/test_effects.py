"""Settings of the examples at work: what they change is seen at the running programs, not in files."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import images, seeds, tokens
from tests.harness import listener as notified
from tests.harness.downloads import halted_download
from tests.harness.https import Answer, Client
from tests.harness.listener import Listener
from tests.harness.report import read_report
from tests.harness.root import GITLAB_URL, Root
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _use(root: Root, example: str, *lines: str) -> None:
    """Reconfigure with an example, this root's own addresses, and further lines."""
    root.settings(*lines, first=[f'from_file("{EXAMPLES / example}")'])
    root.reconfigure()


def _begin_upload(root: Root, repository: str) -> Answer:
    path = f"/v2/{repository}/blobs/uploads/"
    return root.client.authorised("POST", path, repository=repository, actions="pull,push")


def test_read_only_takes_pulls_and_refuses_pushes(running: Root) -> None:
    running.client.push("grp/ro", images.image("before"), "v1")
    _use(running, "read-only.py")
    assert _begin_upload(running, "grp/ro").status == 405
    assert running.client.pulls("grp/ro", images.image("before"), "v1")
    running.settings()
    running.reconfigure()
    assert _begin_upload(running, "grp/ro").status == 202


def test_relative_urls(running: Root) -> None:
    absolute = _begin_upload(running, "grp/rel").header("Location")
    assert absolute.startswith(f"{running.url}/v2/")
    _use(running, "relative-urls.py")
    relative = _begin_upload(running, "grp/rel").header("Location")
    assert relative.startswith("/v2/")


def test_debug_server(running: Root) -> None:
    port = running.ports.take()
    _use(running, "debug-server.py", f'registry["debug_addr"] = "localhost:{port}"')
    debug = Client(port)
    assert debug.get("/debug/health").status == 200
    assert b"registry_http" in debug.get("/metrics").body
    assert "cmdline" in debug.get("/debug/vars").json()


def test_internal_port(running: Root) -> None:
    port = running.ports.take()
    _use(running, "internal-port.py", f'registry["registry_http_addr"] = "localhost:{port}"')
    assert Client(port).get("/v2/").status == 401
    assert running.serves()


def test_own_key_pair(running: Root) -> None:
    key, certificate = seeds.pair(7)
    paths = {
        name: running.write(f"etc/gitlab/{name}", text, mode=0o600)
        for name, text in (("own.key", key), ("own.crt", certificate))
    }
    generated = running.secrets()["internal_key"]
    running.settings(
        f'registry["internal_key"] = read_file("{paths["own.key"]}")',
        f'registry["internal_certificate"] = read_file("{paths["own.crt"]}")',
    )
    running.reconfigure()
    assert _accepts(running, key)
    running.ctl("secrets", "rotate", "--finish").ok()
    assert not _accepts(running, generated)


def _accepts(root: Root, key: str) -> bool:
    token = tokens.sign(key, tokens.repository_access("grp/any", "push,pull"))
    headers = {"Authorization": f"Bearer {token}"}
    return root.client.request("POST", "/v2/grp/any/blobs/uploads/", headers=headers).status == 202


def test_lost_secrets_are_taken_up_from_what_is_deployed(running: Root) -> None:
    """No service restarts, a token of before holds, an upload of before goes on."""
    running.reconfigure()
    running.ctl("secrets", "rotate", "--finish").ok()  # of the exchange that a test before has begun
    old, process = running.secrets(), running.pids()["registry"]
    begun = _begin_upload(running, "grp/lost").header("Location").removeprefix(running.url)
    file = running.path / "etc/gitlab/gitlab-secrets.json"
    for lost in (old, {"internal_key"}, {"http_secret"}):
        left = {name: text for name, text in old.items() if name not in lost}
        running.write("etc/gitlab/gitlab-secrets.json", json.dumps({"registry": left}), mode=0o600)
        if not left:
            file.unlink()
        result = running.ctl("reconfigure", "--json").ok()
        assert "has lost what is deployed; taken up again: registry." in result.err
        assert read_report(result.json(), running.path).paths == {"etc/gitlab/gitlab-secrets.json"}
        assert running.secrets() == old
    assert running.pids()["registry"] == process
    assert _accepts(running, old["internal_key"])
    more = running.client.authorised("PATCH", begun, repository="grp/lost", actions="pull,push", body=b"more")
    assert more.status == 202
    assert "deployed" not in running.ctl("check-config").ok().err


def test_deployed_halves_that_do_not_fit_are_refused(running: Root) -> None:
    secrets = running.path / "etc/gitlab/gitlab-secrets.json"
    key = running.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    kept, fitting = secrets.read_text(), key.read_text()
    secrets.unlink()
    key.write_text(seeds.pair(8)[0])
    for command in ("check-config", "reconfigure"):
        result = running.ctl(command)
        assert result.code == 2
        assert f"{key} is not the key of" in result.err
        assert "from a backup; or delete both files, and a new pair is made" in result.err
    assert running.serves()
    key.write_text(fitting)
    running.write("etc/gitlab/gitlab-secrets.json", kept, mode=0o600)


def test_deleted_secrets_make_a_new_pair_that_works_at_once(running: Root) -> None:
    """The guide's way to a new pair: delete the `registry` section of the secrets and reconfigure."""
    old = running.secrets()
    secrets = running.path / "etc/gitlab/gitlab-secrets.json"
    content = json.loads(secrets.read_text(encoding="ascii"))
    del content["registry"]
    content["other"] = {"kept": True}
    running.write("etc/gitlab/gitlab-secrets.json", json.dumps(content), mode=0o600)
    running.reconfigure()
    new = running.secrets()
    assert new["internal_key"] != old["internal_key"]
    assert new["http_secret"] != old["http_secret"]
    running.ctl("secrets", "rotate", "--finish").ok()
    assert not _accepts(running, old["internal_key"])
    assert _accepts(running, new["internal_key"])
    token = (
        running.ctl("registry-token", "--repository", "grp/new", "--actions", "pull,push").ok().out.strip()
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert running.client.request("POST", "/v2/grp/new/blobs/uploads/", headers=headers).status == 202
    assert json.loads(secrets.read_text(encoding="ascii"))["other"] == {"kept": True}


def test_redirect_to_https(running: Root) -> None:
    port = running.redirect_port
    running.settings(
        'registry["nginx"]["redirect_http_to_https"] = True',
        f'registry["nginx"]["redirect_http_to_https_port"] = {port}',
    )
    running.reconfigure()
    answer = Client(port).get("/v2/some?n=1")
    assert answer.status == 301
    assert answer.header("Location") == f"{running.url}/v2/some?n=1"
    assert not answer.header("Strict-Transport-Security")


def test_plain_http(running: Root) -> None:
    port = running.ports.take()
    running.settings(f'registry_external_url = "http://localhost:{port}"')
    running.reconfigure()
    plain = Client(port, None, running.sign)
    plain.push("grp/plain", images.image("plain"), "v1")
    assert plain.pulls("grp/plain", images.image("plain"), "v1")
    assert not plain.get("/v2/").header("Strict-Transport-Security")


def test_own_certificate_is_served_at_once(running: Root) -> None:
    key, certificate = seeds.server_certificate("localhost")
    running.write("etc/gitlab/ssl/mine.crt", certificate)
    running.write("etc/gitlab/ssl/mine.key", key, mode=0o600)
    running.settings(
        f'registry["nginx"]["ssl_certificate"] = "{running.path}/etc/gitlab/ssl/mine.crt"',
        f'registry["nginx"]["ssl_certificate_key"] = "{running.path}/etc/gitlab/ssl/mine.key"',
    )
    running.reconfigure()
    assert _served(running) == certificate
    renewed = seeds.server_certificate("localhost")
    running.write("etc/gitlab/ssl/mine.crt", renewed[1])
    running.write("etc/gitlab/ssl/mine.key", renewed[0], mode=0o600)
    running.reconfigure()
    assert _served(running) == renewed[1], "a renewed certificate is served after the next run"


def _served(root: Root) -> str:
    return ssl.get_server_certificate(("127.0.0.1", root.port))


def test_certificate_that_ends_soon_is_a_warning(running: Root) -> None:
    key, certificate = seeds.server_certificate("localhost", days=12)
    running.write("etc/gitlab/ssl/soon.crt", certificate)
    running.write("etc/gitlab/ssl/soon.key", key, mode=0o600)
    running.settings(
        f'registry["nginx"]["ssl_certificate"] = "{running.path}/etc/gitlab/ssl/soon.crt"',
        f'registry["nginx"]["ssl_certificate_key"] = "{running.path}/etc/gitlab/ssl/soon.key"',
    )
    result = running.ctl("reconfigure").ok()
    assert "soon.crt" in result.err
    assert "12 days" in result.text or "11 days" in result.text


def test_old_protocols_are_refused(running: Root) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port}", "-tls1_1"]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=20)
    assert done.returncode != 0


def test_first_certificate_is_trusted_by_its_authority_for_the_hosts_name(running: Root) -> None:
    command = ["openssl", "verify", "-CAfile", str(running.ca), "-verify_hostname", "localhost"]
    leaf = running.path / "etc/gitlab/ssl/localhost.crt"
    done = subprocess.run([*command, str(leaf)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_status_page(running: Root) -> None:
    assert b"Active connections" in Client(running.status_port).get("/nginx_status").body


# --- requests that are under way


def test_download_under_way_survives_a_restart_with_a_drain_time(running: Root) -> None:
    """Without NGINX there is no other process that could serve meanwhile: the run waits for the drain."""
    image = images.image("large", size=20_000_000)
    running.client.push("grp/large", image, "v1")
    layer = image.needs[1]
    drain = 'registry["http_draintimeout"] = "60s"\nregistry["nginx"]["enable"] = False'
    running.settings(drain)
    running.reconfigure()
    with halted_download(running, f"/v2/grp/large/blobs/{layer.digest}", "grp/large") as download:
        running.settings(drain, 'registry["log_level"] = "debug"')
        run = running.begin("reconfigure", "--json")
        wait_for(lambda: not listening(running.registry_port), seconds=30, what="the end of the old listener")
        assert run.poll() is None, "the run waits for the download"
        download.go_on.set()
        report = read_report(json.loads(run.communicate(timeout=60)[0]), running.path)
        assert report.restarted == {"registry"}
        assert download.ended.wait(30)
    assert bytes(download.content) == layer.content


def test_wait_for_the_end_covers_the_drain_time(running: Root) -> None:
    running.settings('registry["http_draintimeout"] = "2m30s"')
    running.reconfigure()
    assert json.loads(running.read("opt/gitlab/sv/registry/ctl.json"))["wait"] > 150


# --- notifications, and traces of requests


@pytest.fixture
def listener() -> Iterator[Listener]:
    with notified.listening() as one:
        yield one


def test_notifications_arrive(running: Root, listener: Listener) -> None:
    _use(running, "notifications.py", f'registry["notifications"][0]["url"] = "{listener.url}/notify"')
    running.client.push("grp/noted", images.image("noted"), "v1")
    wait_for(
        lambda: any(
            one.about[0] == "push" and one.repository == "grp/noted" for one in listener.at("/notify")
        ),
        what="the event of the push",
    )
    assert {one.headers["Authorization"] for one in listener.events} == {"AUTHORIZATION_EXAMPLE_TOKEN"}
    log = running.read("var/log/gitlab/registry/current")
    assert "AUTHORIZATION_EXAMPLE_TOKEN" not in log, "the registry logs headers when it starts"


def test_traces_go_where_they_are_sent_and_else_nowhere(running: Root, listener: Listener) -> None:
    """By OpenTelemetry's protocol over HTTP. Distribution 2 makes none."""
    silent = "OTEL_TRACES_EXPORTER=none" in _environment(running)
    assert silent is (running.registry.major == 3)
    if not silent:
        return
    running.settings(f'registry["env"] = {{"OTEL_EXPORTER_OTLP_ENDPOINT": "{listener.url}"}}')
    running.reconfigure()
    assert "OTEL_TRACES_EXPORTER=none" not in _environment(running)
    running.client.get("/v2/")
    wait_for(lambda: "/v1/traces" in listener.paths, seconds=60, what="the traces of the request")


def _environment(root: Root) -> list[str]:
    path = Path("/proc") / str(root.pids()["registry"]) / "environ"
    return path.read_text(encoding="utf-8").split("\0")


# --- the registry goes, and comes back


def test_removed_registry_leaves_images_keys_and_secrets(running: Root) -> None:
    image = images.image("stays", size=50_000)
    running.client.push("grp/stays", image, "v1")
    kept = (
        "var/opt/gitlab/gitlab-rails/shared/registry",
        "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key",
        "etc/gitlab/gitlab-secrets.json",
        "etc/gitlab/ssl",
    )
    before = {name: one for name, one in running.snapshot().items() if name.startswith(kept)}
    running.settings(registry=False)
    report = running.reconfigure()
    assert "registry" in report.stopped
    assert not [one for one in running.processes() if "registry" in one.program]
    after = {name: one for name, one in running.snapshot().items() if name.startswith(kept)}
    assert after == before
    assert "registry" not in running.status()
    running.ctl("status").ok()
    assert running.reconfigure().nothing
    running.settings()
    running.reconfigure()
    assert running.client.pulls("grp/stays", image, "v1")


def test_disabled_registry_is_stopped_and_its_vhost_gone(running: Root) -> None:
    _use(running, "disabled.py")
    assert not (running.path / "var/opt/gitlab/nginx/conf/gitlab-registry.conf").exists()
    with pytest.raises(OSError, match="refused"):
        running.client.get("/v2/")
    assert "enabled: false" in running.read("var/opt/gitlab/gitlab-rails/etc/gitlab.yml")


def test_key_stays_for_gitlab_when_only_the_registry_is_disabled(running: Root) -> None:
    key = running.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    wanted = key.read_bytes()
    key.unlink()
    _use(running, "key-only.py")
    assert key.read_bytes() == wanted


def test_realm_is_where_gitlab_is(running: Root) -> None:
    _use(running, "existing-domain.py", f'external_url = "{GITLAB_URL}/"')
    assert f'realm="{GITLAB_URL}/jwt/auth"' in running.client.get("/v2/").header("WWW-Authenticate")


def test_site_recipe_runs_after_the_shipped_ones(running: Root) -> None:
    folder = running.path / "etc/gitlab/recipes.d"
    for path in (EXAMPLES / "recipes.d").rglob("*"):
        if path.is_file() and "garbage" in path.name:
            name = folder / path.relative_to(EXAMPLES / "recipes.d")
            running.write(str(name.relative_to(running.path)), path.read_text(encoding="utf-8"))
    report = running.reconfigure()
    assert "etc/cron.d/registry-garbage-collect" in report.paths
    (line,) = [
        one for one in running.read("etc/cron.d/registry-garbage-collect").splitlines() if "ctl" in one
    ]
    minute, hour, day, month, weekday, user, command = line.split(maxsplit=6)
    assert (minute, hour, day, month, weekday, user) == ("5", "4", "*", "*", "0", "root")
    assert command == f"ctl --root {running.path} registry-garbage-collect"
    assert running.reconfigure().nothing


def test_broken_site_recipe_names_its_line_and_changes_nothing(running: Root) -> None:
    recipe = running.write("etc/gitlab/recipes.d/zz_broken.py", "def recipe(node):\n    yield nonsense\n")
    result = running.ctl("reconfigure").exits(1)
    assert "zz_broken.py:2" in result.err
    assert running.serves()
    recipe.unlink()
    assert running.reconfigure().nothing
