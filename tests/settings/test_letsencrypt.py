"""Let's Encrypt in the settings: when it is on by itself, what it brings along, and what is wrong with it."""

from __future__ import annotations

import json

import pytest

from ctl.settings.rules.letsencrypt import is_public
from ctl.settings.secrets.token_pair import TokenPair
from tests.harness.settings_site import Site

GITLAB = 'external_url = "https://gitlab.public-site.eu"\n'
URL = 'registry_external_url = "https://registry.public-site.eu"\n'
ON = 'letsencrypt["enable"] = True\n'


# --- on by itself


def test_it_turns_itself_on_and_brings_a_registry(site: Site) -> None:
    attributes = site.attributes(GITLAB)
    assert attributes.letsencrypt.enable is True
    assert attributes.registry_external_url == "https://gitlab.public-site.eu:5050"
    assert attributes.registry.enable
    assert attributes.gitlab_rails.registry_port == 5050
    assert attributes.registry.nginx.redirect_http_to_https is False


def test_the_port_of_the_vhost_is_that_of_the_registry_it_brings(site: Site) -> None:
    attributes = site.attributes(GITLAB + 'registry["nginx"]["listen_port"] = 6060\n')
    assert attributes.registry_external_url == "https://gitlab.public-site.eu:6060"
    assert attributes.gitlab_rails.registry_port == attributes.registry.nginx.listen_port == 6060
    assert attributes.registry.nginx.redirect_http_to_https is False
    clash = site.error(GITLAB + 'registry["nginx"]["listen_port"] = 443\n')
    assert (
        "registry.nginx.listen_port: leads to gitlab.public-site.eu:443, where external_url has GitLab"
        in clash
    )


@pytest.mark.parametrize("gitlab", ["", GITLAB, 'external_url = "http://gitlab.public-site.eu"\n'])
def test_a_public_registry_has_it_and_is_led_to_https(site: Site, gitlab: str) -> None:
    attributes = site.attributes(gitlab + URL)
    assert attributes.letsencrypt.enable is True
    assert attributes.registry.nginx.redirect_http_to_https is True


@pytest.mark.parametrize(
    "more",
    [
        'letsencrypt["enable"] = False',
        'nginx["enable"] = False',
        'registry["nginx"]["enable"] = False',
        'registry["nginx"]["ssl_certificate"] = "/etc/ssl/own.crt"',
        'registry["nginx"]["listen_https"] = False',
        'registry["enable"] = False',
        'registry_external_url = "http://registry.public-site.eu"',
    ],
)
def test_it_stays_off(site: Site, more: str) -> None:
    assert site.value(GITLAB + URL + more, "letsencrypt.enable") is False


@pytest.mark.parametrize("name", ["gitlab.public-site.eu.crt", "registry.public-site.eu.key"])
def test_it_stays_off_where_certificates_are(site: Site, name: str) -> None:
    site.layout.ssl.mkdir(parents=True)
    (site.layout.ssl / name).touch()
    attributes = site.attributes(GITLAB + URL)
    assert not attributes.letsencrypt.enable
    assert not attributes.registry.nginx.redirect_http_to_https


def test_a_plain_external_url_brings_nothing(site: Site) -> None:
    assert site.value('external_url = "http://gitlab.public-site.eu"\n', "letsencrypt.enable") is False


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "registry", "127.0.0.1", "[::1]", "203.0.113.7",
        "registry.localhost", "registry.test", "registry.example", "registry.invalid", "registry.local",
        "registry.internal", "registry.lan", "registry.home.arpa", "registry.corp", "registry.intranet",
        "example.com", "registry.example.com", "a.b.example.org", "registry.example.net",
        "reg_istry.public-site.eu",
    ],
)  # fmt: skip
def test_hosts_that_are_not_public_have_the_local_ca(site: Site, host: str) -> None:
    assert not is_public(host)
    assert site.value(f'registry_external_url = "https://{host}:5050"', "letsencrypt.enable") is False


@pytest.mark.parametrize(
    "host", ["public-site.eu", "Registry.Public-Site.EU", "myexample.com", "test.public-site.eu", "local.io"]
)
def test_other_hosts_are_public(host: str) -> None:
    assert is_public(host)


def test_what_turned_itself_on_stays_on_with_the_certificates_that_it_brought(
    site: Site, other_pair: TokenPair
) -> None:
    registry = {
        "http_secret": "s",
        "internal_key": other_pair.key,
        "internal_certificate": other_pair.certificate,
    }
    site.write_secrets({"registry": registry})
    content = site.load(GITLAB).secrets.content()
    assert content is not None
    assert json.loads(content) == {"registry": registry, "letsencrypt": {"auto_enabled": True}}
    site.write_secrets(content.decode())
    site.layout.ssl.mkdir(parents=True)
    (site.layout.ssl / "gitlab.public-site.eu.crt").touch()
    attributes = site.attributes(GITLAB)
    assert attributes.letsencrypt.enable
    assert attributes.registry_external_url == "https://gitlab.public-site.eu:5050"


def test_what_was_obtained_is_renewed_also_without_a_secrets_file(site: Site) -> None:
    more = URL + 'package["generate_secrets_json_file"] = False\n'
    site.layout.ssl.mkdir(parents=True)
    (site.layout.ssl / "registry.public-site.eu.crt").touch()
    assert site.value(more, "letsencrypt.enable") is False
    record = site.layout.path("/etc/gitlab/letsencrypt/certificate.json")
    record.parent.mkdir()
    record.touch()
    assert site.value(more, "letsencrypt.enable") is True
    assert site.value(more + 'letsencrypt["enable"] = False\n', "letsencrypt.enable") is False


def test_what_was_asked_for_is_not_remembered_as_automatic(site: Site, other_pair: TokenPair) -> None:
    site.write_secrets({
        "registry": {
            "http_secret": "s", "internal_key": other_pair.key, "internal_certificate": other_pair.certificate
        }
    })  # fmt: skip
    content = site.load(GITLAB + ON).secrets.content()
    assert content is not None
    assert "letsencrypt" not in json.loads(content)


# --- the registry that it brings


@pytest.mark.parametrize(
    "more",
    [
        'gitlab_rails["registry_api_url"] = "https://r.internal:5000"\ngitlab_rails["registry_enabled"] = True',
        'registry["enable"] = False',
        ON + 'gitlab_rails["registry_api_url"] = "https://r.internal:5000"',
    ],
)
def test_it_brings_no_registry_to_a_site_that_decided(site: Site, more: str) -> None:
    attributes = site.attributes(GITLAB + more)
    assert not attributes.registry.enable
    assert attributes.registry_external_url is None


def test_it_brings_no_registry_to_a_relative_url(site: Site) -> None:
    attributes = site.attributes('external_url = "https://public-site.eu/gitlab"')
    assert not attributes.registry.enable
    assert not attributes.letsencrypt.enable


# --- further settings


def test_a_given_staging_endpoint_asks_for_trials(site: Site) -> None:
    name = "letsencrypt.staging_first"
    given = 'letsencrypt["acme_staging_endpoint"] = "https://acme.public-site.eu/staging"\n'
    assert site.value(URL, name) is False
    assert site.value(URL + given, name) is True
    assert site.value(URL + given + 'letsencrypt["staging_first"] = False', name) is False


def test_an_ecdsa_key_has_a_curve(site: Site) -> None:
    assert site.value(URL, "letsencrypt.ec_curve") is None
    assert site.value(URL + 'letsencrypt["key_type"] = "ecdsa"', "letsencrypt.ec_curve") == "prime256v1"


# --- what is wrong


def test_nothing_is_reported_of_what_works(site: Site) -> None:
    assert site.warnings(GITLAB + URL) == site.notes(GITLAB + URL) == []
    assert site.warnings(GITLAB + URL + ON) == []


def test_asked_for_beside_a_certificate_of_ones_own(site: Site) -> None:
    own = 'registry["nginx"]["ssl_certificate"] = "/etc/ssl/own.crt"\n'
    (output,) = site.warnings(
        URL + ON + own + 'registry["nginx"]["ssl_certificate_key"] = "/etc/ssl/own.key"\n'
    )
    assert "a certificate of your own, which is not replaced" in output


def test_asked_for_where_nothing_is_served(site: Site) -> None:
    output = site.warnings('registry_external_url = "http://registry.public-site.eu"\n' + ON)
    assert any("NGINX serves no registry with TLS here" in one for one in output)


def test_lets_encrypt_does_not_know_private_names(site: Site) -> None:
    private = 'registry_external_url = "https://registry.internal"\n' + ON
    (output,) = site.warnings(private)
    assert "Let's Encrypt issues no certificate for registry.internal" in output
    own = 'letsencrypt["acme_production_endpoint"] = "https://ca.internal/directory"\n'
    assert site.warnings(private + own) == []


@pytest.mark.parametrize(
    ("name", "part"),
    [("*.public-site.eu", "a wildcard cannot be validated"), ("203.0.113.7", "is an address")],
)
def test_names_that_cannot_be_certified(site: Site, name: str, part: str) -> None:
    assert part in site.error(URL + f'letsencrypt["alt_names"] = ["{name}"]')


def test_the_server_for_challenges_takes_its_port(site: Site) -> None:
    output = site.error(GITLAB + 'registry["registry_http_addr"] = "0.0.0.0:80"')
    assert "the server for challenges of Let's Encrypt" in output


def test_nginx_reads_the_folder_of_challenges_as_it_is_written(site: Site) -> None:
    assert "takes it for the start of a variable" in site.error(URL + 'letsencrypt["wwwroot"] = "/srv/$www"')
