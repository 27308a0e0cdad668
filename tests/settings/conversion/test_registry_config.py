"""A Distribution registry's own config.yml becomes settings; what has no setting is listed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.errors import CtlError
from ctl.settings.conversion import silence
from ctl.settings.conversion.config_yml import load_config
from ctl.settings.conversion.converted import Converted
from ctl.settings.conversion.registry_config import convert_config
from ctl.settings.load import reading_of
from tests.harness.settings_site import Site

WHOLE = """\
version: 0.1
log:
  level: warn
  formatter: json
  accesslog:
    disabled: true
storage:
  s3:
    accesskey: AK
    secretkey: "se#cret"
    region: eu-west-1
    bucket: images
  cache:
    blobdescriptor: inmemory
  delete:
    enabled: false
  redirect:
    disable: true
  maintenance:
    readonly:
      enabled: true
auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: gitlab-issuer
    rootcertbundle: bundle.crt
    autoredirect: false
http:
  addr: localhost:5010
  host: https://registry.example.com
  secret: a-secret-of-http
  draintimeout: 60s
  relativeurls: true
  tls:
    certificate: /x.crt
    key: /x.key
    ciphersuites: [TLS_AES_128_GCM_SHA256]
  debug:
    addr: localhost:5001
    prometheus:
      enabled: true
      path: /metrics
health:
  storagedriver:
    enabled: false
    interval: 10s
    threshold: 5
notifications:
  events:
    includereferences: true
  endpoints:
    - name: listener
      url: https://listener.example.com/event
      headers:
        Authorization: [Bearer abc]
      timeout: 1s
redis:
  addr: localhost:6379
middleware:
  storage:
    - name: redirect
      options:
        baseurl: https://example.com/
compatibility:
  schema1:
    enabled: true
validation:
  disabled: false
policy:
  repository:
    classes: [image]
catalog:
  password: hunter2
"""

SETTINGS = {
    "registry_external_url": "https://registry.example.com",
    "registry": {
        "log_level": "warn",
        "log_formatter": "json",
        "storage": {
            "s3": {"accesskey": "AK", "secretkey": "se#cret", "region": "eu-west-1", "bucket": "images"},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": False},
            "redirect": {"disable": True},
            "maintenance": {"readonly": {"enabled": True}},
        },
        "token_realm": "https://gitlab.example.com",
        "internal_certificate": "-----BEGIN CERTIFICATE-----",
        "autoredirect": False,
        "http_secret": "a-secret-of-http",
        "http_draintimeout": "60s",
        "env": {"REGISTRY_HTTP_RELATIVEURLS": True},
        "nginx": {"ssl_certificate": "/x.crt", "ssl_certificate_key": "/x.key", "listen_port": 5010},
        "debug_addr": "localhost:5001",
        "health_storagedriver_enabled": False,
        "notifications": [
            {
                "name": "listener",
                "url": "https://listener.example.com/event",
                "headers": {"Authorization": ["Bearer abc"]},
                "timeout": "1s",
                "threshold": 10,
                "backoff": "1s",
            }
        ],
        "redis": {"addr": "localhost:6379"},
        "middleware": {"storage": [{"name": "redirect", "options": {"baseurl": "https://example.com/"}}]},
        "compatibility_schema1_enabled": True,
        "validation_enabled": True,
    },
    "gitlab_rails": {"registry_issuer": "gitlab-issuer"},
}

LEFT = [
    "log.accesslog",
    "http.tls.ciphersuites",
    "health.storagedriver.threshold",
    "notifications.events",
    "policy",
    "catalog",
]


def convert_distribution(path: Path, text: str) -> Converted:
    return convert_config(path, load_config(path, text))


def _read(text: str, folder: Path) -> dict[str, object]:
    converted = convert_distribution(folder / "config.yml", text)
    (folder / "bundle.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    (folder / "gitlab.py").write_text(converted.text)
    return dict(reading_of(folder / "gitlab.py", {}).values)


def test_everything_that_has_a_setting_becomes_one(tmp_path: Path) -> None:
    assert _read(WHOLE, tmp_path) == SETTINGS


def test_what_has_no_setting_is_listed_and_keeps_its_value_in_a_comment(tmp_path: Path) -> None:
    converted = convert_distribution(tmp_path / "config.yml", WHOLE)
    listed = [
        remark.partition(" has no setting")[0] for remark in converted.remarks if "no setting" in remark
    ]
    assert listed == LEFT
    comments = [line for line in converted.text.splitlines() if line.startswith("## ")]
    assert all(any(remark in line for line in comments) for remark in converted.remarks)
    assert '##   ["TLS_AES_128_GCM_SHA256"]' in comments
    assert '##   {"repository": {"classes": ["image"]}}' in comments
    assert '##   {"password": "********"}' in comments
    assert "hunter2" not in converted.text + " ".join(converted.remarks)


def test_fields_of_the_log_that_ctl_writes_itself_are_not_listed(tmp_path: Path) -> None:
    fields = "version: 0.1\nlog:\n  fields:\n    service: registry\n    zone: west\n"
    converted = convert_distribution(tmp_path / "config.yml", fields)
    assert [one for one in converted.remarks if "log.fields" in one] == ["log.fields.zone has no setting"]


def test_the_result_is_a_valid_settings_file(tmp_path: Path) -> None:
    text = "\n".join(line for line in WHOLE.splitlines() if "rootcertbundle" not in line)
    settings_text = convert_distribution(Path("config.yml"), text).text
    site = Site(tmp_path)
    assert site.value(settings_text, "registry.storage")["delete"] == {"enabled": False}
    assert site.value(settings_text, "registry.token_realm") == "https://gitlab.example.com"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("http: {addr: ':5000'}", 'registry["registry_http_addr"] = ":5000"'),
        ("validation: {enabled: true}", 'registry["validation_enabled"] = True'),
        ("validation: {disabled: true}", 'registry["validation_enabled"] = False'),
        ("loglevel: debug", 'registry["log_level"] = "debug"'),
        ("storage: {inmemory: }", 'registry["storage"] = {'),
        ("storage: filesystem", '    "filesystem": {"rootdirectory": "/var/lib/registry"},'),
        ("storage: {inmemory: }", '    "cache": {},'),
        ("storage: {inmemory: }", '    "delete": {"enabled": False},'),
        ("storage: {s3: {}, delete: {enabled: true}}", '    "delete": {"enabled": True},'),
        ("auth: {token: text}", "## NOT CONVERTED: auth.token: a token server other than"),
        ("auth: {htpasswd: text}", "## its accounts are taken over with: ctl user import-htpasswd PATH"),
        ("proxy: text", "## proxy has no setting"),
        ("log: {level: info}", 'registry["storage_delete_enabled"] = False'),
        ("log: {level: info}", 'registry["health_storagedriver_enabled"] = False'),
        ("log: {level: info}", 'registry["validation_enabled"] = True'),
        ("validation: {enabled: false}", 'registry["validation_enabled"] = True'),
        ("health: {storagedriver: {enabled: true}}", 'registry["health_storagedriver_enabled"] = True'),
        ("http: {addr: ':443', host: 'https://a'}", "## NGINX listens on port 443 in its place"),
        ("http: {addr: ':443', host: 'https://a:b'}", 'registry["registry_http_addr"] = ":443"'),
        ("http: {addr: ':5443', tls: {certificate: /x}}", 'registry["nginx"]["listen_port"] = 5443'),
        (
            "http: {addr: '127.0.0.1:5000', host: 'https://a'}",
            'registry["registry_http_addr"] = "127.0.0.1:5000"',
        ),
        ("http: {tls: {minimumtls: tls1.3}}", 'registry["nginx"]["ssl_protocols"] = "TLSv1.3"'),
        ("http: {tls: {clientcas: [/ca.crt]}}", 'registry["nginx"]["ssl_client_certificate"] = "/ca.crt"'),
        ("http: {tls: {letsencrypt: {email: a@b}}}", 'letsencrypt["contact_emails"] = ["a@b"]'),
        (
            "http: {headers: {Access-Control-Allow-Origin: ['*']}}",
            '    "REGISTRY_HTTP_HEADERS": "{\\"Access-Control-Allow-Origin\\": [\\"*\\"]}",',
        ),
        (
            "log: {level: info}",
            "## there was no authentication: pulls and pushes need an account now: ctl user add",
        ),
        ("auth: {silly: {realm: x, service: y}}", "## there was no authentication"),
        ("auth: {token: {realm: 'https://a/jwt/auth'}}", 'registry["token_realm"] = "https://a"'),
        ("database: {enabled: true}", 'registry["database"] = {"enabled": True}'),
        (
            "auth: {token: {realm: 'https://a/other'}}",
            "## NOT CONVERTED: auth.token: a token server other than",
        ),
        ("auth: {token: {realm: 'https://a/other'}}", "## auth.token.realm has no setting"),
        ("auth: {token: {service: other}}", "## auth.token.service has no setting"),
        (
            "auth: {htpasswd: {path: /x}}",
            "## its accounts are taken over with: ctl user import-htpasswd /x",
        ),
        ("new: {thing: 1}", "## new has no setting"),
        ('"a\\nb": 1', "## a?b has no setting"),
    ],
)
def test_single_parts(text: str, line: str) -> None:
    assert any(
        one.startswith(line) for one in convert_distribution(Path("config.yml"), text).text.splitlines()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "this is not YAML"),
        ("", "no configuration of a registry"),
        ("- a", "no configuration of a registry"),
        ("just text", "no configuration of a registry"),
        ("a: !!python/object/apply:os.system [ls]", "this is not YAML"),
        ("a: &a [*a]", "more than a configuration"),
        ("[" * 1_000_000, "more than a configuration"),
        ("- " * 400_000, "more than a configuration"),
        ("a: [" + "x," * 500_000 + "]", "more than a configuration"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ), "more than a configuration"),
    ],
)  # fmt: skip
def test_what_is_no_configuration(text: str, message: str) -> None:
    with pytest.raises(CtlError) as caught:
        convert_distribution(Path("config.yml"), text)
    assert message in caught.value.message
    assert caught.value.exit_code == 2


ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)


@settings(suppress_health_check=list(HealthCheck), database=None)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["storage", "http", "log", "auth", "redis"]), st.text()), ANYTHING
    )
)
def test_any_yaml_becomes_python_that_holds_the_same_values(config: dict[str, object]) -> None:
    text = yaml.safe_dump(config)
    try:
        converted = convert_distribution(Path("config.yml"), text)
    except CtlError:
        return
    tree = ast.parse(converted.text)
    assert all(isinstance(one, ast.Assign) for one in tree.body)
    wanted = yaml.safe_load(text).get("storage")
    found = [ast.literal_eval(one.value) for one in tree.body if isinstance(one, ast.Assign)
             and ast.unparse(one.targets[0]) == "registry['storage']"]  # fmt: skip
    assert found == ([] if wanted is None else [silence.storage(wanted)])
