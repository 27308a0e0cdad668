"""Every example is rendered, and what it is about is found in the files that the programs will read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ctl.__main__ import run
from tests.harness import nginx_text, seeds

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STORAGE = "/var/opt/gitlab/gitlab-rails/shared/registry"


@dataclass(frozen=True)
class Rendered:
    """What `render` wrote for one example.

    Args:
        folder: as given to --output.
        root: the root whose paths the files name.
        notes: what `render` printed to standard error.
    """

    folder: Path
    root: Path
    notes: str

    def path(self, absolute: str) -> Path:
        """Where a file of the machine was rendered."""
        return self.folder / str(self.root).lstrip("/") / absolute.lstrip("/")

    def moved(self, absolute: str) -> str:
        """How rendered text names a path of the machine."""
        return f"{self.root}{absolute}"

    def _yaml(self, absolute: str) -> Any:  # noqa: ANN401 - YAML
        return yaml.safe_load(self.path(absolute).read_text(encoding="utf-8"))

    @property
    def config(self) -> Any:  # noqa: ANN401 - YAML
        """config.yml of the registry."""
        return self._yaml("/var/opt/gitlab/registry/config.yml")

    @property
    def gitlab(self) -> Any:  # noqa: ANN401 - YAML
        """`production` of gitlab.yml."""
        return self._yaml("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml")["production"]

    @property
    def storage(self) -> Any:  # noqa: ANN401 - YAML
        """`storage` of config.yml without what every example has."""
        found = dict(self.config["storage"])
        assert found.pop("cache") == {"blobdescriptor": "inmemory"}
        assert found.pop("delete") == {"enabled": True}
        return found

    @property
    def servers(self) -> list[nginx_text.Block]:
        """The server blocks of the registry's vhost file."""
        text = self.path("/var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
        found = nginx_text.parse(text).named("server")
        return [one for one in found if one.all("server_name") != [("registry",)]]

    @property
    def has_registry(self) -> bool:
        """Whether this node runs a registry with a vhost."""
        found = [
            self.path(name).exists()
            for name in ("/var/opt/gitlab/nginx/conf/gitlab-registry.conf", "/opt/gitlab/sv/registry/run")
        ]
        assert len(set(found)) == 1, "the service and the vhost go together"
        return found[0]


Check = Callable[[Rendered], None]
CHECKS: dict[str, Check] = {}


def example(name: str) -> Callable[[Check], Check]:
    """Declare the check of an example by its file name."""

    def declare(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return declare


@pytest.fixture
def render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Rendered]:
    """Renders an example in a root that has secrets and the files that examples read."""
    root, secrets = tmp_path / "root", tmp_path / "root/etc/gitlab/gitlab-secrets.json"
    secrets.parent.mkdir(parents=True)
    secrets.write_text(seeds.secrets_json(), encoding="ascii")
    secrets.chmod(0o600)
    gitlab_yml = root / "home/git/gitlab/config/gitlab.yml"
    gitlab_yml.parent.mkdir(parents=True)
    gitlab_yml.write_text("production:\n  gitlab:\n    host: gitlab.example.com\n", encoding="utf-8")
    for host in ("gitlab.example.com", "registry.gitlab.example.com"):
        _put_certificate(root / "etc/gitlab/ssl", host)
    for name, content in _own_files().items():
        (tmp_path / name).write_text(content, encoding="ascii")
        monkeypatch.setenv(name, str(tmp_path / name))

    def render(name: str) -> Rendered:
        output = tmp_path / "output"
        command = ["--root", str(root), "--settings", str(EXAMPLES / name), "render", "--output", str(output)]
        code = run(command)
        result = capsys.readouterr()
        assert code == 0, result.err
        return Rendered(output, root, result.err)

    return render


def _put_certificate(folder: Path, host: str) -> None:
    """Where examples expect it, as on a machine on which Let's Encrypt has nothing to do."""
    folder.mkdir(exist_ok=True)
    for ending, text in zip((".key", ".crt"), seeds.server_certificate(host), strict=True):
        (folder / f"{host}{ending}").write_text(text, encoding="ascii")


def _own_files() -> Mapping[str, str]:
    key, certificate = seeds.pair(1)
    return {"REGISTRY_KEY": key, "REGISTRY_CERTIFICATE": certificate, "REGISTRY_HTTP_SECRET": "0123456\n"}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_example(name: str, render: Callable[[str], Rendered]) -> None:
    CHECKS[name](render(name))


def test_every_example_is_checked_and_in_the_table() -> None:
    files = {path.name for path in EXAMPLES.glob("*.py")}
    listed = set(
        re.findall(r"^\| \[([^/\]]+\.py)\]", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.M)
    )
    assert files == set(CHECKS) == listed


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_names_its_section_as_the_table_does(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first == "# GitLab container registry administration:"
    section = second.removeprefix('# "').removesuffix('"')
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| \[{re.escape(path.name)}\].* \| {re.escape(section)} \|$", table, re.M)


# --- names, ports and certificates


def _is_tls_server(server: nginx_text.Block, *, host: str, port: int, certificate: str, key: str) -> None:
    assert server.all("listen") == [(f"*:{port}", "ssl")]
    assert server.one("server_name") == host
    assert server.one("ssl_certificate") == certificate
    assert server.one("ssl_certificate_key") == key
    assert server.one("client_max_body_size") == "0"


@example("existing-domain.py")
def _existing_domain(made: Rendered) -> None:
    ssl = made.moved("/etc/gitlab/ssl/gitlab.example.com")
    (server,) = made.servers
    _is_tls_server(server, host="gitlab.example.com", port=5050, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert (made.gitlab["registry"]["host"], made.gitlab["registry"]["port"]) == ("gitlab.example.com", 5050)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"


@example("existing-domain-certificate.py")
def _existing_domain_certificate(made: Rendered) -> None:
    (server,) = made.servers
    assert server.one("ssl_certificate") == made.moved("/path/to/certificate.pem")
    assert server.one("ssl_certificate_key") == made.moved("/path/to/certificate.key")
    assert server.all("listen") == [("*:5050", "ssl")]


@example("letsencrypt.py")
def _letsencrypt(made: Rendered) -> None:
    challenges, server = sorted(made.servers, key=lambda one: len(one.directives))
    assert challenges.all("listen") == [("*:80",)]
    assert challenges.named("location", "^~", "/.well-known/acme-challenge/")
    host = "gitlab.your-company.com"
    ssl = made.moved(f"/etc/gitlab/ssl/{host}")
    _is_tls_server(server, host=host, port=5050, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert made.gitlab["registry"]["port"] == 5050
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in tasks] == ["letsencrypt", "logrotate"]
    assert "warning" not in made.notes


@example("load-balancer.py")
def _load_balancer(made: Rendered) -> None:
    redirect, server = sorted(made.servers, key=lambda one: len(one.directives))
    assert redirect.all("listen") == [("*:80",)]
    assert (
        redirect.named("location", "/")[0].one("return")
        == "301 https://registry-gitlab.example.com$request_uri"
    )
    assert server.all("listen") == [("*:5678", "ssl")]
    registry = made.gitlab["registry"]
    assert (registry["host"], registry["port"]) == ("registry-gitlab.example.com", None)


@example("own-domain.py")
def _own_domain(made: Rendered) -> None:
    host = "registry.gitlab.example.com"
    ssl = made.moved(f"/etc/gitlab/ssl/{host}")
    (server,) = made.servers
    _is_tls_server(server, host=host, port=443, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert (made.gitlab["registry"]["host"], made.gitlab["registry"]["port"]) == (host, None)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"


@example("wildcard-certificate.py")
def _wildcard_certificate(made: Rendered) -> None:
    ssl = made.moved("/etc/gitlab/ssl/certificate")
    (server,) = made.servers
    _is_tls_server(
        server, host="registry.gitlab.example.com", port=443, certificate=f"{ssl}.pem", key=f"{ssl}.key"
    )


# --- which machine has what


@example("token-duration.py")
def _token_duration(made: Rendered) -> None:
    assert made.config["auth"]["token"]["realm"] == "https://registry.gitlab.example.com/jwt/auth"
    reported = json.loads(made.path("/var/opt/gitlab/registry-auth/config.json").read_text(encoding="ascii"))
    assert reported["lifetime"] == 15 * 60
    assert made.path("/opt/gitlab/sv/registry-auth/run").exists()
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()


@example("disabled.py")
def _disabled(made: Rendered) -> None:
    assert not made.has_registry
    assert made.gitlab["registry"]["enabled"] is False


@example("key-only.py")
def _key_only(made: Rendered) -> None:
    assert not made.has_registry
    assert made.gitlab["registry"]["enabled"] is True
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").read_text(encoding="ascii")
    stored = json.loads((made.root / "etc/gitlab/gitlab-secrets.json").read_text(encoding="ascii"))
    assert key == stored["registry"]["internal_key"]


@example("external-registry.py")
def _external_registry(made: Rendered) -> None:
    assert not made.has_registry
    registry = made.gitlab["registry"]
    assert registry["enabled"] is True
    assert registry["api_url"] == "https://registry.internal.example.com:5000"
    assert (registry["host"], str(registry["port"])) == ("registry.gitlab.example.com", "5005")
    assert registry["issuer"] == "gitlab-issuer"
    assert registry["key"] == made.moved("/custom/path/to/registry-key.key")
    assert made.path("/custom/path/to/registry-key.key").read_text(encoding="ascii") == seeds.pair(1)[0]


@example("separate-registry-node.py")
def _separate_registry_node(made: Rendered) -> None:
    token = made.config["auth"]["token"]
    assert token["realm"] == "https://gitlab.example.com/jwt/auth"
    assert token["issuer"] == "gitlab-issuer"
    assert Path(token["rootcertbundle"]) == made.root / "var/opt/gitlab/registry/gitlab-registry.crt"
    bundle = made.path("/var/opt/gitlab/registry/gitlab-registry.crt").read_text(encoding="ascii")
    assert bundle == seeds.pair(1)[1]
    assert made.config["http"]["secret"] == "0123456"
    assert made.config["health"]["storagedriver"]["enabled"] is True
    assert made.has_registry
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").exists()


@example("separate-gitlab-node.py")
def _separate_gitlab_node(made: Rendered) -> None:
    assert not made.has_registry
    registry = made.gitlab["registry"]
    assert registry["enabled"] is True
    assert registry["api_url"] == "https://registry.gitlab.example.com"
    assert registry["host"] == "registry.gitlab.example.com"
    assert registry["issuer"] == "gitlab-issuer"
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").read_text(encoding="ascii")
    assert key == seeds.pair(1)[0]


class Nodes:
    """The two examples of separate nodes, each in a root of its own, and what `ctl` says there."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.files = {}
        for side in ("gitlab", "registry"):
            self.files[side] = folder / side / "etc/gitlab/gitlab.py"
            self.files[side].parent.mkdir(parents=True)
            shutil.copy(EXAMPLES / f"separate-{side}-node.py", self.files[side])

    def ctl(self, side: str, *words: object) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of a command on a node."""
        code = run(["--root", str(self.files[side].parents[2]), *map(str, words)])
        output = self._capture.readouterr()
        return code, output.out, output.err

    def without(self, side: str, *names: str) -> None:
        """Take lines out of a node's settings."""
        lines = self.files[side].read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f'["{name}"]' in line for name in names)]
        self.files[side].write_text("".join(kept), encoding="utf-8")


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Nodes:
    """Both nodes, with one pair of keys."""
    for name, content in _own_files().items():
        (tmp_path / name).write_text(content, encoding="ascii")
        monkeypatch.setenv(name, str(tmp_path / name))
    return Nodes(tmp_path, capsys)


def test_the_separate_nodes_are_a_pair(nodes: Nodes) -> None:
    for one, other in (("gitlab", "registry"), ("registry", "gitlab")):
        found = nodes.ctl(one, "check-config", "--peer", nodes.files[other])
        assert found == (0, f"settings are valid and agree with {nodes.files[other]}\n", "")


def test_the_registry_gets_its_secrets_by_export_and_import(nodes: Nodes, tmp_path: Path) -> None:
    exported = tmp_path / "export.py"
    assert nodes.ctl("gitlab", "secrets", "export", "--for", "registry", "--output", exported)[0] == 1, (
        "no certificate"
    )
    nodes.without("gitlab", "internal_key")
    key, certificate = seeds.pair(1)
    stored = {"registry": {"internal_key": key, "internal_certificate": certificate}}
    secrets_file = nodes.files["gitlab"].with_name("gitlab-secrets.json")
    secrets_file.write_text(json.dumps(stored), encoding="ascii")
    secrets_file.chmod(0o600)
    assert nodes.ctl("gitlab", "secrets", "export", "--for", "registry", "--output", exported)[0] == 0
    nodes.without("registry", "internal_certificate")
    assert nodes.ctl("registry", "secrets", "import", exported)[0] == 0
    code, out, err = nodes.ctl("registry", "check-config", "--peer", exported)
    assert (code, err) == (0, "")
    assert "and agree with" in out


@pytest.mark.parametrize(
    ("side", "line", "reason"),
    [
        ("registry", 'gitlab_rails["registry_issuer"] = "another"', "it would refuse every token"),
        (
            "registry",
            'registry["token_realm"] = "https://other.example.com"',
            "the registry sends clients to",
        ),
        ("gitlab", 'gitlab_rails["registry_port"] = 5050', "GitLab shows users the registry port 5050"),
        (
            "gitlab",
            'gitlab_rails["registry_api_url"] = "http://registry.internal:5000"',
            "which another node cannot",
        ),
    ],
)
def test_nodes_that_contradict_each_other_do_not_agree(
    nodes: Nodes, side: str, line: str, reason: str
) -> None:
    with nodes.files[side].open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    for one, other in (("gitlab", "registry"), ("registry", "gitlab")):
        code, out, err = nodes.ctl(one, "check-config", "--peer", nodes.files[other])
        assert (code, out) == (2, "")
        assert reason in err


def test_a_doubt_is_no_agreement(nodes: Nodes) -> None:
    nodes.without("gitlab", "internal_key")
    code, out, err = nodes.ctl("registry", "check-config", "--peer", nodes.files["gitlab"])
    assert (code, out.endswith(" is not certain\n")) == (0, True)
    assert "is not known here" in err


@example("own-key-pair.py")
def _own_key_pair(made: Rendered) -> None:
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key")
    certificate = made.path("/var/opt/gitlab/registry/gitlab-registry.crt")
    assert (key.read_text(encoding="ascii"), certificate.read_text(encoding="ascii")) == seeds.pair(1)
    assert _modulus("rsa", key) == _modulus("x509", certificate)


def _modulus(kind: str, path: Path) -> str:
    command = ["openssl", kind, "-noout", "-modulus", "-in", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


GREPS = [
    ("auth:", 6, "registry/config.yml", "    autoredirect: false"),
    ("Container Registry", 9, "gitlab-rails/etc/gitlab.yml", "    notification_secret: null"),
]
"""What 'token signed by untrusted key' asks to be searched for: words, lines behind them, file, the last line."""


@pytest.mark.parametrize(("words", "lines", "file", "last"), GREPS)
def test_greps_of_the_guide(
    words: str, lines: int, file: str, last: str, render: Callable[..., Rendered]
) -> None:
    path = render("existing-domain.py").path(f"/var/opt/gitlab/{file}")
    done = subprocess.run(["grep", f"-A{lines}", words, path], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip("\n").split("\n")[-1] == last
    assert len(done.stdout.splitlines()) == lines + 1


@example("disabled-for-new-projects.py")
def _disabled_for_new_projects(made: Rendered) -> None:
    assert made.gitlab["gitlab"]["default_projects_features"] == {"container_registry": False}
    assert made.gitlab["registry"]["enabled"] is True
    assert made.has_registry


@example("self-compiled.py")
def _self_compiled(made: Rendered) -> None:
    production = yaml.safe_load(made.path("/home/git/gitlab/config/gitlab.yml").read_text(encoding="utf-8"))[
        "production"
    ]
    assert production["gitlab"] == {"host": "gitlab.example.com"}
    registry = production["registry"]
    assert (registry["enabled"], registry["host"], registry["port"]) == (True, "gitlab.example.com", 5050)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()


# --- storage


@example("filesystem-path.py")
def _filesystem_path(made: Rendered) -> None:
    assert made.storage == {"filesystem": {"rootdirectory": made.moved("/path/to/registry/storage")}}
    assert made.gitlab["registry"]["path"] == made.moved("/path/to/registry/storage")


S3 = {
    "accesskey": "s3-access-key",
    "secretkey": "s3-secret-key-for-access-key",
    "bucket": "your-s3-bucket",
    "region": "your-s3-region",
    "regionendpoint": "your-s3-regionendpoint",
}


@example("s3.py")
def _s3(made: Rendered) -> None:
    assert made.storage == {"s3": S3}


@example("s3-iam-role.py")
def _s3_iam_role(made: Rendered) -> None:
    assert made.storage == {"s3": {"bucket": "your-s3-bucket", "region": "your-s3-region"}}


@example("s3-vpc-endpoint.py")
def _s3_vpc_endpoint(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"regionendpoint": "your-s3-vpc-endpoint", "pathstyle": False}}


@example("s3-rate-limit.py")
def _s3_rate_limit(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"maxrequestspersecond": 100}}


@example("s3-no-redirect.py")
def _s3_no_redirect(made: Rendered) -> None:
    assert made.storage == {"s3": S3, "redirect": {"disable": True}}


@example("s3-encrypted.py")
def _s3_encrypted(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"encrypt": True}}


@example("s3-chunksize.py")
def _s3_chunksize(made: Rendered) -> None:
    assert made.storage["s3"]["chunksize"] == 25_000_000
    assert made.storage["s3"]["bucket"] == "gitlab-registry-bucket-AKIAKIAKI"


@example("gcs.py")
def _gcs(made: Rendered) -> None:
    assert made.storage == {"gcs": {"bucket": "BUCKET_NAME", "keyfile": "/path/to/keyfile"}}


@example("azure.py")
def _azure(made: Rendered) -> None:
    assert made.storage == {
        "azure": {
            "accountname": "accountname",
            "accountkey": "base64encodedaccountkey",
            "container": "containername",
            "rootdirectory": "/azure/virtual/container",
            "trimlegacyrootprefix": True,
        }
    }


@example("garbage-collection.py")
def _garbage_collection(made: Rendered) -> None:
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if one["name"] == "registry-garbage-collect"]
    assert task["cron"] == "30 3 * * 0"
    options = "--quarantine --delete-untagged --older-than 24h --keep-for 24h --now-below 10"
    assert " ".join(task["command"]).endswith(f"registry-garbage-collect {options}")


@example("cleanup-policy.py")
def _cleanup_policy(made: Rendered) -> None:
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if one["name"] == "registry-cleanup"]
    assert task["cron"] == "0 2 * * 6"
    assert task["command"][-1] == "registry-cleanup"


@example("read-only.py")
def _read_only(made: Rendered) -> None:
    assert made.storage == {
        "filesystem": {"rootdirectory": made.moved(STORAGE)},
        "maintenance": {"readonly": {"enabled": True}},
    }


# --- the process and its surroundings


@example("internal-port.py")
def _internal_port(made: Rendered) -> None:
    assert made.config["http"]["addr"] == "localhost:5010"
    text = made.path("/var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
    own = nginx_text.parse(text).named("server")[-1]
    assert own.all("listen") == [("localhost:5010",)]
    assert made.gitlab["registry"]["api_url"] == "http://localhost:5010"


@example("notifications.py")
def _notifications(made: Rendered) -> None:
    (endpoint,) = made.config["notifications"]["endpoints"]
    expected = {
        "timeout": "500ms",
        "threshold": 5,  # as Distribution has it
        "backoff": "1s",
        "url": "https://gitlab.example.com/notify",
    }
    assert endpoint | expected == endpoint
    assert endpoint["headers"] == {"Authorization": ["AUTHORIZATION_EXAMPLE_TOKEN"]}
    assert "maxretries" not in endpoint


@example("relative-urls.py")
def _relative_urls(made: Rendered) -> None:
    variable = made.path("/opt/gitlab/etc/registry/env/REGISTRY_HTTP_RELATIVEURLS")
    assert variable.read_text(encoding="ascii").strip() == "true"
    run_script = made.path("/opt/gitlab/sv/registry/serve").read_text(encoding="utf-8")
    assert f"-e {made.moved('/opt/gitlab/etc/registry/env')}" in run_script


@example("schema1.py")
def _schema1(made: Rendered) -> None:
    assert made.config["compatibility"]["schema1"]["enabled"] is True


@example("debug-server.py")
def _debug_server(made: Rendered) -> None:
    debug = made.config["http"]["debug"]
    assert debug == {"addr": "localhost:5001", "prometheus": {"enabled": True, "path": "/metrics"}}
