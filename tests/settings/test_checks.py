"""Settings against each other: what contradicts, what is missing, what will surprise."""

from __future__ import annotations

import pytest

from ctl.language.source import Severity
from tests.harness.settings_site import BOTH, GITLAB, URL, Site

VHOST = 'registry["nginx"]'
API = 'gitlab_rails["registry_api_url"]'
NO_LETSENCRYPT = 'letsencrypt["enable"] = False\n'


LOCAL = ("example.com", "lan", "internal", "local", "corp.home.arpa")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'registry["enable"] = True',
            "nothing says where the registry is reached: registry_external_url is missing",
        ),
        (
            'registry["enable"] = True\nregistry["registry_http_addr"] = "0.0.0.0:5000"',
            "a registry without that would have no authentication",
        ),
        (
            BOTH + 'registry["token_realm"] = "https://g.example.com/jwt/auth"',
            'Write "https://g.example.com".',
        ),
        ('registry_external_url = "https://r.example.com/v2"', "not 'https://r.example.com/v2'"),
        ('registry_external_url = "r.example.com"', 'Write "https://r.example.com".'),
        (
            BOTH + f'{VHOST}["listen_port"] = 5000',
            "the registry's vhost and the registry both listen on port 5000",
        ),
        (
            'registry_external_url = "https://r.example.com:5000"',
            "both listen on port 5000, and only one can",
        ),
        (BOTH + f'{VHOST}["listen_port"] = "8060"', "one with TLS and one without"),
        (BOTH + 'nginx["status"]["port"] = 443', "one with TLS and one without"),
        (
            BOTH + 'nginx["status"] = {"port": 5000}',
            "the status page and the registry both listen on port 5000",
        ),
        (
            BOTH + 'registry["debug_addr"] = "localhost:5000"',
            "the registry and the registry's debug server both listen",
        ),
        (BOTH + 'registry["debug_addr"] = "127.0.0.1:8060"', "debug server both listen on port 8060"),
        (
            BOTH
            + f'{VHOST}["redirect_http_to_https"] = True\n{VHOST}["redirect_http_to_https_port"] = 443\n',
            "one with TLS and one without",
        ),
        (
            'registry_external_url = "http://localhost:8060"\n',
            "both listen on port 8060 under the name localhost",
        ),
        (
            BOTH + f'{VHOST}["enable"] = True\nnginx["enable"] = False\n',
            "nginx.enable is False: nothing would serve the vhost",
        ),
        (
            GITLAB + f'letsencrypt["enable"] = False\nregistry["enable"] = True\n{VHOST}["enable"] = True\n',
            "registry_external_url, which names the vhost's host, is missing",
        ),
        (
            BOTH + f'{VHOST}["listen_addresses"] = ["::1", "[::1]"]',
            "the registry's vhost listens on [::1] twice",
        ),
        (
            BOTH + f'{API} = "http://registry.example.com:443"',
            "is http for registry.example.com:443, which registry_external_url says is https",
        ),
        (
            'registry_external_url = "http://r.example.com:5050"\n'
            + GITLAB
            + NO_LETSENCRYPT
            + f'{API} = "https://r.example.com:5050/"',
            "is https for r.example.com:5050, which registry_external_url says is http",
        ),
        (BOTH + f'{API} = "https://localhost:5000"', "the registry itself answers, without TLS"),
        (BOTH + f'{VHOST}["listen_addresses"] = []', "is empty: NGINX would listen on port 80"),
        (BOTH + 'nginx["status"]["listen_addresses"] = []', "is empty: NGINX would listen on port 80"),
        (BOTH + f'{VHOST}["ssl_certificate_key"] = "/k"', "is given without ssl_certificate"),
        (BOTH + f'{VHOST}["ssl_verify_client"] = "on"', "needs ssl_client_certificate"),
        (URL + 'registry["username"] = "root"', "registry.username: must not be root"),
        (URL + 'registry_auth["username"] = "root"', "registry_auth.username: must not be root"),
        (URL + 'web_server["username"] = "root"', "web_server.username: must not be root"),
        (URL + 'registry_auth["username"] = "registry"', "is registry, which is registry.username too"),
        (BOTH + 'registry["username"] = "git"', "is git, which is user.username too"),
        (
            URL + 'registry_auth["accounts_file"] = "/etc/gitlab/gitlab-secrets.json"',
            "which is something else's",
        ),
        (URL + 'registry_auth["accounts_file"] = "/etc/gitlab/"', "accounts have a file of their own"),
        (URL + 'registry["uid"] = 0', "registry.uid: must be a user or group id"),
        (
            URL + 'registry["storage"] = {"s3": {"buckt": "b", "region": "eu-west-1"}}',
            'Write "bucket" in the place of "buckt".',
        ),
    ],
)
def test_errors(site: Site, text: str, message: str) -> None:
    assert message in site.error(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BOTH + 'gitlab_rails["registry_host"] = "r2.example.com"',
            "registry_external_url says registry.example.com",
        ),
        (BOTH + 'gitlab_rails["registry_port"] = "5005"', "is 5005, but registry_external_url says 443"),
        (GITLAB + f'{API} = "http://registry.other.example.com:443"', "where servers expect TLS"),
        ('gitlab_rails["registry_enabled"] = True', "without external_url this machine has no GitLab"),
        (GITLAB + 'gitlab_rails["registry_enabled"] = True', "would look for one at http://127.0.0.1:5000"),
        (BOTH + 'registry["debug_addr"] = "0.0.0.0:5001"', "reachable from other machines"),
        (BOTH + 'registry["debug_addr"] = ":5001"', "reachable from other machines"),
        (
            URL + 'registry_auth["enable"] = False',
            "is False, and nothing issues tokens: clients are sent to https://",
        ),
        (URL + 'gitlab_rails["gitlab_yml_path"] = "/g.yml"', "token_realm: nothing issues tokens"),
        ('registry_external_url = "https://depot"', "take depot/app for an image of Docker Hub"),
        ('registry_external_url = "https://my_depot.example.com"', "allow no image name to begin"),
    ],
)
def test_warnings(site: Site, text: str, message: str) -> None:
    (warning,) = site.warnings(text)
    assert message in warning


@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        BOTH
        + 'gitlab_rails["registry_host"] = "Registry.Example.com"\ngitlab_rails["registry_port"] = 443\n',
        BOTH + 'registry["debug_addr"] = "localhost:5001"',
        BOTH + f'{API} = "https://registry.example.com"',
        BOTH + f'{API} = "http://registry.example.com:5000"',
        BOTH + f'{API} = "http://localhost:5000"',
        BOTH
        + f'{API} = "https://localhost:5000"\nregistry["env"] = {{"REGISTRY_HTTP_TLS_CERTIFICATE": "/c.crt"}}',
        BOTH
        + f'{VHOST}["listen_addresses"] = ["127.0.0.1"]\nnginx["status"]["listen_addresses"] = ["127.0.0.2"]\n'
        f'{VHOST}["listen_port"] = 8060\n',
        BOTH
        + 'registry["registry_http_addr"] = "127.0.0.1:443"\n'
        + f'{VHOST}["listen_addresses"] = ["192.0.2.1"]\n',
        GITLAB + 'registry_external_url = "http://r.example.com"\nnginx["status"]["port"] = 80\n',
        BOTH + f'{VHOST}["listen_addresses"] = ["*", "[::]"]\n',
        GITLAB + 'letsencrypt["enable"] = False\nregistry["enable"] = True\n',
        'registry["enable"] = True\nregistry["registry_http_addr"] = "10.0.0.5:5000"\n'
        'registry["token_realm"] = "https://gitlab.example.com"\n',
        BOTH + 'registry["enable"] = False\ngitlab_rails["registry_enabled"] = True\n',
        BOTH + 'nginx["enable"] = False\n',
        BOTH + 'registry["enable"] = False\n' + f'{VHOST}["listen_port"] = 5000\n',
    ],
)
def test_nothing_to_say(site: Site, text: str) -> None:
    assert site.attributes(text).diagnostics == ()


@pytest.mark.parametrize("port", ["", f'{VHOST}["redirect_http_to_https_port"] = 8080\n'])
def test_a_redirect_that_leads_nowhere_is_ignored_with_one_warning(site: Site, port: str) -> None:
    text = f'registry_external_url = "http://r.example.com"\n{VHOST}["redirect_http_to_https"] = True\n{port}'
    text += 'registry["token_realm"] = "https://gitlab.example.com"\n'
    assert not site.value(text, "registry.nginx.redirect_http_to_https")
    (warning,) = site.messages(text, Severity.WARNING)
    assert "has no effect: registry_external_url is http" in warning


@pytest.mark.parametrize(
    ("gitlab", "registry"),
    [
        ("https://g.example.com", "https://g.example.com"),
        ("https://g.example.com", "https://G.example.com:443/"),
        ("https://g.example.com:443/gitlab", "https://g.example.com"),
        ("http://g.example.com", "http://g.example.com:80"),
        ("https://g.example.com:5050", "http://g.example.com:5050"),
        ("https://g.example.com:5050", "https://g.example.com:5050"),
    ],
)
def test_a_registry_is_not_where_gitlab_is(site: Site, gitlab: str, registry: str) -> None:
    error = site.error(f'external_url = "{gitlab}"\nregistry_external_url = "{registry}"\n')
    assert "gitlab.py:2:1: error: registry_external_url: leads to g.example.com:" in error
    assert "Give the registry a port or a name of its own" in error
    assert f'registry_external_url = "{registry}"' not in error.splitlines()[-1]


@pytest.mark.parametrize(
    "registry", ["https://g.example.com:5050", "https://r.example.com", "http://g.example.com"]
)
def test_a_registry_beside_gitlab(site: Site, registry: str) -> None:
    text = f'external_url = "https://g.example.com"\nregistry_external_url = "{registry}"\n'
    assert site.value(text, "registry_external_url") == registry


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((f'external_url = "https://gitlab.{end}"\n', "no public authority certifies") for end in LOCAL),
        ('external_url = "http://gitlab.public-site.eu"\n', "it is http"),
        ('external_url = "https://gitlab.public-site.eu/git"\n', "it has a path"),
        ('external_url = "https://gitlab.public-site.eu"\n' + NO_LETSENCRYPT, "that is off"),
    ],
)
def test_a_gitlab_that_brings_no_registry(site: Site, text: str, reason: str) -> None:
    notes = [one for one in site.messages(text, Severity.NOTE) if "brings no registry" in one]
    assert len(notes) == 1
    assert reason in notes[0]
    assert 'registry_external_url = "https://gitlab.' in notes[0]


@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        GITLAB + 'registry["enable"] = False',
        GITLAB
        + 'gitlab_rails["registry_enabled"] = True\ngitlab_rails["registry_api_url"] = "http://r:5000"\n',
        'external_url = "https://gitlab.public-site.eu"\n',
        URL,
    ],
)
def test_no_word_of_a_registry_that_is_there_or_elsewhere(site: Site, text: str) -> None:
    assert not [one for one in site.messages(text, Severity.NOTE) if "brings no registry" in one]


@pytest.mark.parametrize("realm", ["https://registry.example.com:443", "https://Registry.example.com/"])
def test_urls_of_one_place_are_the_same(site: Site, realm: str) -> None:
    text = URL + f'registry_auth["enable"] = True\nregistry["token_realm"] = "{realm}"\n'
    assert not site.messages(text, Severity.WARNING)
    without = URL + f'registry_auth["enable"] = False\nregistry["token_realm"] = "{realm}/else"\n'
    assert not site.messages(without, Severity.WARNING)


def test_the_url_holds_over_host_and_port_beside_it(site: Site) -> None:
    text = (
        BOTH + 'gitlab_rails["registry_host"] = "other.example.com"\ngitlab_rails["registry_port"] = 5005\n'
    )
    rails = site.attributes(text).gitlab_rails
    assert (rails.registry_host, rails.registry_port) == ("registry.example.com", None)


def test_two_addresses_that_clash_are_one_error(site: Site) -> None:
    text = (
        URL
        + f'{VHOST}["listen_addresses"] = ["127.0.0.1", "127.0.0.2", "*"]\n{VHOST}["listen_port"] = 8060\n'
    )
    assert "both listen on port 8060" in site.error(text)


def test_a_refused_value_does_not_bring_further_errors(site: Site) -> None:
    """One mistake, one error: what would follow from the missing value is not reported."""
    for text, setting in (
        ('registry["enable"] = True\nregistry_external_url = "nonsense"\n', "registry_external_url"),
        (
            BOTH + 'registry["redis"] = []\nregistry["storage"] = {"inmemory": {}, '
            '"cache": {"blobdescriptor": "redis"}}\n',
            "registry.redis",
        ),
        (BOTH + 'registry["gc"] = {}\nregistry["database"] = "on"\n', "registry.database"),
        (
            GITLAB + 'registry["token_realm"] = 5\nregistry["enable"] = True\n'
            'registry["registry_http_addr"] = "x:1"\n',
            "registry.token_realm",
        ),
    ):
        assert f" error: {setting}: " in site.error(text)


def test_independent_errors_are_all_reported_in_the_order_of_the_file(site: Site) -> None:
    found = site.errors(
        BOTH
        + """
registry["nginx"]["ssl_verify_client"] = "on"
registry["log_level"] = "loud"
nginx["status"]["port"] = "x"
registry["storage"] = {"s3": {"bucket": "a/b"}}
gitlab_rails["registry_enbled"] = True
"""
    )
    assert [one.location.line for one in found if one.location] == [5, 6, 7, 8, 8, 9]
    assert [one.setting for one in found] == [
        "registry.nginx.ssl_verify_client", "registry.log_level", "nginx.status.port", "registry.storage.s3",
        "registry.storage.s3.bucket", "gitlab_rails.registry_enbled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("REGISTRY_HTTP_RELATIVEURL", "Did you mean REGISTRY_HTTP_RELATIVEURLS?"),
        ("relativeurls", "Did you mean REGISTRY_HTTP_RELATIVEURLS?"),
        ("REGISTRY_STORAGE_S3_BUKCET", "Did you mean REGISTRY_STORAGE_S3_BUCKET?"),
        ("REGISTRY_HTTP_ADDR", 'overrides registry["registry_http_addr"] for the registry alone'),
        ("REGISTRY_STORAGE_DELETE_ENABLED", 'overrides registry["storage"]'),
        ("REGISTRY_LOG_LEVEL", 'Write registry["log_level"] in its place.'),
        ("REGISTRY_AUTH_TOKEN_REALM", 'overrides registry["token_realm"]'),
    ],
)
def test_variables_that_are_misspelt_or_override_settings(site: Site, name: str, message: str) -> None:
    (warning,) = site.warnings(BOTH + f'registry["env"] = {{"{name}": "x"}}')
    assert message in warning
    assert "gitlab.py:4:10: warning: registry.env: " in warning


@pytest.mark.parametrize(
    "name",
    [
        *(
            "REGISTRY_HTTP_RELATIVEURLS",
            "REGISTRY_LOG_ACCESSLOG_DISABLED",
            "REGISTRY_REDIS_ADDR",
            "HTTPS_PROXY",
        ),
        *(
            "REGISTRY_HEALTH_STORAGEDRIVER_INTERVAL",
            "REGISTRY_FF_ONGOING_RENAME_CHECK",
            "GODEBUG",
            "SSL_CERT_DIR",
        ),
        *("OTEL_TRACES_EXPORTER", "AWS_PROFILE", "REGISTRY_HTTP_HEADERS_X_FRAME_OPTIONS"),
    ],
)
def test_variables_of_which_there_is_nothing_to_say(site: Site, name: str) -> None:
    assert site.warnings(BOTH + f'registry["env"] = {{"{name}": "x"}}') == []


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('registry["relativeurls"] = True', 'registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}'),
        (
            'registry["http"] = {"relativeurls": True}',
            'registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}',
        ),
        ('registry["log"] = {"level": "debug"}', 'registry["log_level"]'),
        ('registry["dir"] = ""', "Leave it out (or give None) for the default."),
        ('registry["nginx"]["ssl_certificate"] = ""', "Leave it out (or give None) for the default."),
        ('registry["debug_addr"] = ""', "Leave it out (or give None) for the default."),
        ('registry["token_realm"] = ""', "Leave it out (or give None) for the default."),
    ],
)
def test_hints_that_fit(site: Site, line: str, hint: str) -> None:
    assert hint in site.error(BOTH + line + "\n")


def test_what_belongs_beside_the_driver(site: Site) -> None:
    s3 = {"bucket": "b", "region": "eu", "redirect": {"disable": True}}
    (warning,) = site.warnings(BOTH + f'registry["storage"] = {{"s3": {s3!r}}}')
    assert 'It belongs beside the driver, where it has an effect: registry["storage"]["redirect"].' in warning
