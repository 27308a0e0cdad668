"""Values that follow from others: URLs, GitLab's side, paths, the vhost, Let's Encrypt."""

from __future__ import annotations

import pytest

from ctl.settings.attributes import OriginKind
from ctl.settings.option import Option, Rule, View
from ctl.settings.secrets.secrets_file import Secrets
from ctl.settings.types import Text
from tests.harness.settings_site import BOTH, GITLAB, URL, Site, lookup


@pytest.mark.parametrize(
    ("url", "port", "host", "shown", "https"),
    [
        ("https://r.example.com", 443, "r.example.com", None, True),
        ("https://r.example.com:443", 443, "r.example.com", None, True),
        ("https://r.example.com:5050/", 5050, "r.example.com", 5050, True),
        ("https://r.example.com:80", 80, "r.example.com", 80, True),
        ("http://r.example.com", 80, "r.example.com", None, False),
        ("http://r.example.com:443", 443, "r.example.com", 443, False),
        ("http://10.0.0.5:5050", 5050, "10.0.0.5", 5050, False),
        ("https://[2001:db8::1]:5050", 5050, "[2001:db8::1]", 5050, True),
    ],
)
def test_the_url_gives_host_port_and_tls(
    site: Site, url: str, port: int, host: str, shown: int | None, https: bool
) -> None:
    attributes = site.attributes(f'registry_external_url = "{url}"')
    assert attributes.registry.enable
    assert attributes.registry.nginx.listen_port == port
    assert attributes.registry.nginx.https is https
    assert attributes.gitlab_rails.registry_host == host
    assert attributes.gitlab_rails.registry_port == shown


@pytest.mark.parametrize(
    ("given", "realm"),
    [
        (GITLAB + URL, "https://gitlab.example.com"),
        (URL, "https://registry.example.com"),
        ('external_url = "https://example.com/gitlab/"\n' + URL, "https://example.com/gitlab"),
        (BOTH + 'registry["token_realm"] = "https://sso.example.com/"', "https://sso.example.com"),
    ],
)
def test_token_realm(site: Site, given: str, realm: str) -> None:
    """Without a trailing slash: /jwt/auth is put behind it."""
    assert site.value(given, "registry.token_realm") == realm


def test_origins_show_where_a_value_comes_from(site: Site) -> None:
    attributes = site.attributes(BOTH + 'registry["log_level"] = "warn"\n')
    given = attributes.origin("registry.log_level")
    assert (given.kind, given.location and given.location.line) == (OriginKind.FILE, 4)
    assert attributes.origin("registry.log_formatter").kind is OriginKind.DEFAULT
    derived = attributes.origin("registry.nginx.listen_port")
    assert (derived.kind, derived.rule) == (OriginKind.DERIVED, "listen-port")
    assert str(derived) == "derived by listen-port"


@pytest.mark.parametrize("false", ["False", '"false"'])
def test_disabling_takes_service_and_vhost(site: Site, false: str) -> None:
    attributes = site.attributes(f'{BOTH}registry["enable"] = {false}\nregistry["nginx"]["enable"] = True\n')
    assert attributes.registry.enable is False
    assert attributes.registry.nginx.enable is False
    assert attributes.nginx.enable is False
    assert attributes.gitlab_rails.registry_enabled is False


def test_a_disabled_registry_can_leave_gitlab_its_key(site: Site) -> None:
    attributes = site.attributes(
        f'{BOTH}registry["enable"] = False\ngitlab_rails["registry_enabled"] = True\n'
    )
    assert attributes.gitlab_rails.registry_enabled is True
    assert attributes.origin("registry.internal_key").kind is OriginKind.GENERATED


def test_gitlab_side_only_with_external_url(site: Site) -> None:
    assert site.value(URL, "gitlab_rails.enable") is False
    assert site.value(BOTH, "gitlab_rails.enable") is True
    assert site.value(BOTH + 'gitlab_rails["enable"] = False', "gitlab_rails.enable") is False
    own = URL + 'gitlab_rails["gitlab_yml_path"] = "/home/git/gitlab/config/gitlab.yml"\n'
    assert site.value(own, "gitlab_rails.enable") is True


def test_an_external_registry_starts_none_here(site: Site) -> None:
    attributes = site.attributes(
        GITLAB
        + """
gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "https://registry.internal:5000"
gitlab_rails["registry_host"] = "registry.gitlab.example.com"
gitlab_rails["registry_port"] = "5005"
"""
    )
    assert not attributes.registry.enable
    assert not attributes.nginx.enable
    assert not attributes.letsencrypt.enable
    rails = attributes.gitlab_rails
    assert (rails.registry_enabled, rails.registry_host, rails.registry_port) == (
        True, "registry.gitlab.example.com", 5005
    )  # fmt: skip
    assert rails.registry_api_url == "https://registry.internal:5000"


def test_paths_follow_their_folders(site: Site) -> None:
    attributes = site.attributes(
        BOTH + 'gitlab_rails["dir"] = "/srv/gitlab"\nregistry["dir"] = "/srv/registry"\n'
    )
    root, rails = str(site.folder), attributes.gitlab_rails
    assert rails.shared_path == f"{root}/srv/gitlab/shared"
    assert rails.registry_path == f"{root}/srv/gitlab/shared/registry"
    assert rails.registry_key_path == f"{root}/srv/gitlab/etc/gitlab-registry.key"
    assert attributes.registry.rootcertbundle == f"{root}/srv/registry/gitlab-registry.crt"
    assert attributes.registry.storage["filesystem"] == {
        "rootdirectory": f"{root}/srv/gitlab/shared/registry"
    }


def test_paths_of_a_root_stay_there(site: Site) -> None:
    inside = f"{site.folder}/images"
    attributes = site.attributes(
        f'{BOTH}gitlab_rails["registry_path"] = "{inside}"\nregistry["executable"] = "/x/y"\n'
    )
    assert attributes.gitlab_rails.registry_path == inside
    assert attributes.registry.executable == "/x/y"


def test_gitlab_gets_the_folder_of_the_driver(site: Site) -> None:
    attributes = site.attributes(BOTH + 'registry["storage"] = {"filesystem": {"rootdirectory": "/images"}}')
    assert attributes.gitlab_rails.registry_path == f"{site.folder}/images"
    assert attributes.registry.storage["filesystem"]["rootdirectory"] == f"{site.folder}/images"


def test_services_have_the_logging_of_all_unless_their_own(site: Site) -> None:
    attributes = site.attributes(
        BOTH + 'logging["svlogd_num"] = 10\nlogging["log_group"] = "adm"\nregistry["svlogd_num"] = 3\n'
    )
    assert (attributes.registry.svlogd_num, attributes.nginx.svlogd_num) == (3, 10)
    assert (attributes.registry.log_group, attributes.nginx.log_group) == ("adm", "adm")


# --- the vhost


def test_a_load_balancer_that_ends_tls(site: Site) -> None:
    """The listener has no TLS, but clients do: the registry must answer with https addresses."""
    attributes = site.attributes(
        BOTH + 'registry["nginx"]["listen_https"] = False\nregistry["nginx"]["listen_port"] = 5678\n'
    )
    vhost = attributes.registry.nginx
    assert (vhost.https, vhost.listen_port) == (False, 5678)
    assert vhost.proxy_set_headers["X-Forwarded-Proto"] == "https"
    headers = vhost.proxy_set_headers
    assert (headers["Host"], headers["X-Forwarded-Host"], headers["Forwarded"]) == (
        "registry.example.com",
        "",
        "",
    )
    assert attributes.gitlab_rails.registry_port is None


def test_https_is_honoured(site: Site) -> None:
    vhost = site.attributes(
        'registry_external_url = "http://r.example.com:5050"\nregistry["nginx"]["https"] = True\n'
    ).registry.nginx
    assert vhost.https is True
    assert vhost.proxy_set_headers["X-Forwarded-Proto"] == "https"


def test_http_has_no_tls_headers(site: Site) -> None:
    headers = site.value('registry_external_url = "http://r.example.com"', "registry.nginx.proxy_set_headers")
    assert headers["X-Forwarded-Proto"] == "http"
    assert "X-Forwarded-Ssl" not in headers


def test_headers_are_merged_and_none_removes(site: Site) -> None:
    headers = site.value(
        BOTH + 'registry["nginx"]["proxy_set_headers"] = {"host": "r", "X-Real-IP": None, "X-Own": "1"}',
        "registry.nginx.proxy_set_headers",
    )
    assert headers == {
        "X-Forwarded-For": "$proxy_add_x_forwarded_for",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Ssl": "on",
        "host": "r",
        "X-Own": "1",
    }


def test_the_proxy_protocol_brings_the_address(site: Site) -> None:
    vhost = site.attributes(BOTH + 'registry["nginx"]["proxy_protocol"] = True').registry.nginx
    assert vhost.real_ip_header == "proxy_protocol"
    assert vhost.proxy_set_headers["X-Real-IP"] == "$proxy_protocol_addr"
    assert vhost.proxy_set_headers["X-Forwarded-For"] == "$proxy_protocol_addr"
    own = (
        'registry["nginx"]["proxy_protocol"] = True\nregistry["nginx"]["real_ip_header"] = "X-Forwarded-For"'
    )
    assert site.value(BOTH + own, "registry.nginx.real_ip_header") == "X-Forwarded-For"


def test_options_of_the_status_page_are_merged(site: Site) -> None:
    options = site.value(
        BOTH + 'nginx["status"] = {"options": {"stub_status": "on", "access_log": True, "deny": None}}',
        "nginx.status.options",
    )
    assert options == {"server_tokens": "off", "access_log": "on", "allow": "127.0.0.1"}


# --- how rules work


def _view(site: Site, *options: Option) -> View:
    named = {option.name: option for option in options}
    return View(named, {}, layout=site.layout, secrets=Secrets(site.layout.secrets_file))


def test_a_circle_of_rules_is_found(site: Site) -> None:
    one = Option("one", Text(), "…", rule=Rule("r", "…", lambda view: view["two"]))
    two = Option("two", Text(), "…", rule=Rule("r", "…", lambda view: view["one"]))
    with pytest.raises(RuntimeError, match="one -> two -> one"):
        _view(site, one, two)["one"]


def test_a_rule_is_asked_once(site: Site) -> None:
    values = iter(["first", "second"])
    option = Option("one", Text(), "…", rule=Rule("r", "…", lambda _: next(values)))
    view = _view(site, option)
    assert (view["one"], view["one"]) == ("first", "first")


def test_none_is_not_given_and_zero_is(site: Site) -> None:
    attributes = site.attributes(
        BOTH + 'registry["log_level"] = None\nregistry["default_notifications_maxretries"] = 0\n'
        'registry["nginx"]["hsts_max_age"] = 0\nregistry["svlogd_filter"] = ""\n'
    )
    assert attributes.registry.log_level == "info"
    for name, value in (
        ("registry.default_notifications_maxretries", 0),
        ("registry.nginx.hsts_max_age", 0),
        ("registry.svlogd_filter", ""),
    ):
        assert lookup(attributes, name) == value
