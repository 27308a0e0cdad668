"""Who issues tokens: GitLab where there is one, else the issuer of this machine, if it has the key."""

from __future__ import annotations

import pytest

from ctl.settings.attributes import OriginKind
from ctl.settings.types import lifetime_seconds
from tests.harness import seeds
from tests.harness.settings_site import BOTH, GITLAB, URL, Site

KEY, CERTIFICATE = seeds.pair()
ON = 'registry_auth["enable"] = True\n'


def lone_certificate() -> str:
    return f'registry["internal_certificate"] = """{CERTIFICATE}"""\n'


@pytest.mark.parametrize(
    ("text", "enabled", "realm"),
    [
        (URL, True, "https://registry.example.com"),
        (BOTH, False, "https://gitlab.example.com"),
        (BOTH + ON, True, "https://registry.example.com"),
        (URL + 'registry_auth["enable"] = False\n', False, "https://registry.example.com"),
        (URL + 'registry["token_realm"] = "https://sso.example.com"\n', False, "https://sso.example.com"),
        (URL + 'registry["enable"] = False\n', False, "https://registry.example.com"),
        (URL + 'gitlab_rails["gitlab_yml_path"] = "/g.yml"\n', False, "https://registry.example.com"),
        (GITLAB + 'letsencrypt["enable"] = False\n', False, "https://gitlab.example.com"),
        ("", False, None),
    ],
)
def test_where_it_runs(site: Site, text: str, enabled: bool, realm: str | None) -> None:
    attributes = site.attributes(text)
    assert attributes.registry_auth.enable is enabled
    assert attributes.registry.token_realm == realm


def test_it_does_not_run_where_the_key_is_elsewhere(site: Site) -> None:
    assert site.value(URL + lone_certificate(), "registry_auth.enable") is False
    site.write_secrets({"registry": {"internal_certificate": CERTIFICATE}})
    stored = site.load(URL, use_secrets=True).attributes
    assert stored.registry_auth.enable is False
    site.write_secrets({"registry": {"internal_certificate": CERTIFICATE, "internal_key": KEY}})
    assert site.load(URL, use_secrets=True).attributes.registry_auth.enable is True


def test_it_cannot_run_without_the_key(site: Site) -> None:
    output = site.error(URL + lone_certificate() + ON)
    assert "internal_certificate" in output
    assert "with which the token issuer (registry_auth.enable) signs" in output
    site.write_secrets({"registry": {"internal_certificate": CERTIFICATE}})
    with pytest.raises(Exception, match="nothing could sign tokens"):
        site.load(URL + ON, use_secrets=True)


def test_a_registry_of_ones_own_gets_a_pair(site: Site) -> None:
    attributes = site.attributes(URL)
    assert attributes.origin("registry.internal_key").kind is OriginKind.GENERATED


def test_a_realm_elsewhere_is_warned_of(site: Site) -> None:
    (output,) = site.warnings(URL + ON + 'registry["token_realm"] = "https://sso.example.com"\n')
    assert "clients ask there for tokens" in output
    own = URL + ON + 'registry["token_realm"] = "https://registry.example.com/"\n'
    assert site.warnings(own) == []


def test_a_realm_is_needed(site: Site) -> None:
    text = 'registry["enable"] = True\nregistry["registry_http_addr"] = "127.0.0.1:5000"\n' + ON
    assert any("says who issues tokens" in str(one) for one in site.errors(text))
    given = text + 'registry["token_realm"] = "https://registry.example.com"\n'
    assert site.value(given, "registry_auth.enable") is True


def test_without_a_registry_it_has_no_effect(site: Site) -> None:
    (output,) = site.warnings(ON)
    assert "has no effect" in output
    assert site.value(ON, "registry_auth.enable") is False


def test_beside_gitlab_a_note_says_whose_accounts_count(site: Site) -> None:
    assert any("not with those of GitLab" in one for one in site.notes(BOTH + ON))


def test_its_port_is_its_own_where_nginx_is_off(site: Site) -> None:
    off = URL + 'nginx["enable"] = False\n'
    error = site.error(off + 'registry_auth["listen_addr"] = "127.0.0.1:5000"\n')
    assert "the token issuer" in error
    assert "and only one can" in error
    elsewhere = 'registry_auth["listen_addr"] = "10.0.0.5:5002"\n'
    assert any("without TLS" in one for one in site.warnings(off + elsewhere))
    assert not site.warnings(URL + elsewhere), "it listens on a socket"


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://registry.example.com", True),
        ("http://10.0.0.5:5050", True),
        ("http://localhost.example.com", True),
        ("http://localhost:5050", False),
        ("http://127.0.0.1:5050", False),
        ("https://registry.example.com", False),
    ],
)
def test_passwords_in_clear_text_are_warned_of(site: Site, url: str, warned: bool) -> None:
    output = site.warnings(f'registry_external_url = "{url}"\nletsencrypt["enable"] = False\n')
    assert ["is http: passwords" in one for one in output] == [True] * warned
    assert site.warnings(f'{GITLAB}registry_external_url = "{url}"\nletsencrypt["enable"] = False\n') == []


@pytest.mark.parametrize(
    ("given", "text", "seconds"),
    [("5", "5m", 300), ('"15"', "15m", 900), ('"90s"', "90s", 90), ('"1h30m"', "1h30m", 5400)],
)
def test_a_bare_lifetime_counts_minutes(site: Site, given: str, text: str, seconds: int) -> None:
    """As in GitLab's admin area ('Increase token duration')."""
    value = site.value(
        f'{URL}registry_auth["token_expire_delay"] = {given}\n', "registry_auth.token_expire_delay"
    )
    assert value == text
    assert lifetime_seconds(value) == seconds


@pytest.mark.parametrize("given", ["0", '"59s"', '"5 minutes"', '""', "-1", '"366d"', "True", "1.5"])
def test_lifetimes_that_are_none(site: Site, given: str) -> None:
    """Clients may count on 60 seconds (token specification, expires_in)."""
    assert "token_expire_delay" in site.error(f'{URL}registry_auth["token_expire_delay"] = {given}\n')


def test_a_long_lifetime_is_warned_of(site: Site) -> None:
    (output,) = site.warnings(URL + 'registry_auth["token_expire_delay"] = "2d"\n')
    assert "even if its account is removed" in output
