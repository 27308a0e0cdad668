"""Every setting is declared, with the default that it has in the Linux package."""

from __future__ import annotations

import pytest

from ctl.settings.attributes import OriginKind
from ctl.settings.options import NAMES, OPTIONS
from ctl.settings.options.registry_nginx import CIPHERS
from tests.harness.settings_site import BOTH, URL, Site, lookup

SVLOGD = {
    "svlogd_size": 209715200, "svlogd_num": 30, "svlogd_timeout": 86400, "svlogd_filter": "gzip",
    "svlogd_udp": None, "svlogd_prefix": None, "log_group": None,
}  # fmt: skip

ROTATION = {"frequency": "daily", "size": None, "delaycompress": None, "dateformat": None}
AS_SVLOGD = {"maxsize": 209715200, "rotate": 30, "compress": "compress"}
DEFAULTS: dict[str, object] = {
    **{f"logging.logrotate_{name}": value for name, value in ROTATION.items()},
    **{f"logging.logrotate_{name}": None for name in AS_SVLOGD},
    **{f"nginx.logrotate_{name}": value for name, value in (ROTATION | AS_SVLOGD).items()},
    "logging.udp_log_shipping_host": None, "logging.udp_log_shipping_port": 514,
    "logging.udp_log_shipping_hostname": None,
    "registry.nginx.log_directory": "{root}/var/log/gitlab/nginx",
    "external_url": None,
    "manage_accounts.enable": True,
    "manage_storage_directories.enable": True,
    "user.username": "git", "user.group": "git", "user.uid": None, "user.gid": None, "user.shell": "/bin/sh",
    "user.home": "{root}/var/opt/gitlab",
    "web_server.username": "gitlab-www", "web_server.group": "gitlab-www", "web_server.uid": None,
    "web_server.gid": None, "web_server.shell": "/bin/false", "web_server.home": "{root}/var/opt/gitlab/nginx",
    **{f"logging.{name}": value for name, value in SVLOGD.items()},
    **{f"registry.{name}": value for name, value in SVLOGD.items()},
    **{f"nginx.{name}": value for name, value in SVLOGD.items()},
    "gitlab_rails.enable": False,
    "gitlab_rails.dir": "{root}/var/opt/gitlab/gitlab-rails",
    "gitlab_rails.gitlab_yml_path": None,
    "gitlab_rails.shared_path": "{root}/var/opt/gitlab/gitlab-rails/shared",
    "gitlab_rails.registry_enabled": True,
    "gitlab_rails.registry_host": "registry.example.com",
    "gitlab_rails.registry_port": None,
    "gitlab_rails.registry_api_url": "http://127.0.0.1:5000",
    "gitlab_rails.registry_path": "{root}/var/opt/gitlab/gitlab-rails/shared/registry",
    "gitlab_rails.registry_key_path": "{root}/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key",
    "gitlab_rails.registry_issuer": "omnibus-gitlab-issuer",
    "gitlab_rails.registry_notification_secret": None,
    "gitlab_rails.internal_key": None,
    **{
        f"gitlab_rails.gitlab_default_projects_features_{name}": None
        for name in ("issues", "merge_requests", "wiki", "snippets", "builds", "container_registry")
    },
    "gitlab_rails.backup_keep_time": 604800,
    "registry.enable": True,
    "registry.username": "registry", "registry.group": "registry", "registry.uid": None, "registry.gid": None,
    "registry.shell": "/usr/sbin/nologin",
    "registry.dir": "{root}/var/opt/gitlab/registry",
    "registry.registry_http_addr": "127.0.0.1:5000",
    "registry.debug_addr": None,
    "registry.log_directory": "{root}/var/log/gitlab/registry",
    "registry.env_directory": "{root}/opt/gitlab/etc/registry/env",
    "registry.env": {},
    "registry.log_level": "info", "registry.log_formatter": "text",
    "registry.rootcertbundle": "{root}/var/opt/gitlab/registry/gitlab-registry.crt",
    "registry.token_realm": "https://registry.example.com",
    "registry.autoredirect": False,
    "registry.health_storagedriver_enabled": True, "registry.health_gate_timeout": 30,
    "registry.storage_delete_enabled": True,
    "registry.storage_probe_enabled": True,
    "registry.socket_directory": "{root}/var/opt/gitlab/run/registry",
    "registry.drain_timeout": "15m",
    "registry.middleware": None,
    "registry.validation_enabled": False,
    "registry.compatibility_schema1_enabled": False,
    "registry.http_draintimeout": 0,
    "registry.notifications": None,
    "registry.default_notifications_timeout": "500ms", "registry.default_notifications_maxretries": 5,
    "registry.default_notifications_backoff": "1s", "registry.default_notifications_headers": {},
    "registry.default_notifications_threshold": None,
    "registry.database": None,
    "registry.auto_migrate": True,
    "registry.gc": None, "registry.redis": None, "registry.reporting": None,
    "registry.executable": None,
    "nginx.enable": True,
    "nginx.dir": "{root}/var/opt/gitlab/nginx", "nginx.log_directory": "{root}/var/log/gitlab/nginx",
    "nginx.worker_connections": 10240, "nginx.log_format_escape": "default",
    "nginx.sendfile": "on", "nginx.tcp_nopush": "on", "nginx.tcp_nodelay": "on",
    "nginx.gzip_enabled": True, "nginx.gzip_http_version": "1.1", "nginx.gzip_comp_level": 2,
    "nginx.gzip_proxied": "no-cache no-store private expired auth",
    "nginx.keepalive_timeout": 65, "nginx.keepalive_time": "1h", "nginx.server_names_hash_bucket_size": 64,
    "nginx.proxy_cache_path": None, "nginx.custom_nginx_config": None, "nginx.executable": None,
    "nginx.status.enable": True, "nginx.status.listen_addresses": ["127.0.0.1"],
    "nginx.status.fqdn": "localhost", "nginx.status.port": 8060,
    "nginx.status.options": {"server_tokens": "off", "access_log": "off", "allow": "127.0.0.1", "deny": "all"},
    "registry.nginx.enable": True,
    "registry.nginx.listen_addresses": ["*"], "registry.nginx.listen_port": 443,
    "registry.nginx.listen_https": None, "registry.nginx.https": True,
    "registry.nginx.ssl_certificate": "{root}/etc/gitlab/ssl/registry.example.com.crt",
    "registry.nginx.ssl_certificate_key": "{root}/etc/gitlab/ssl/registry.example.com.key",
    "registry.nginx.ssl_ciphers": CIPHERS, "registry.nginx.ssl_protocols": "TLSv1.2 TLSv1.3",
    "registry.nginx.ssl_prefer_server_ciphers": "off", "registry.nginx.ssl_session_cache": "shared:SSL:10m",
    "registry.nginx.ssl_session_tickets": "off", "registry.nginx.ssl_session_timeout": "1d",
    "registry.nginx.ssl_dhparam": None, "registry.nginx.ssl_ecdh_curve": None,
    "registry.nginx.ssl_conf_command": None, "registry.nginx.ssl_password_file": None,
    "registry.nginx.ssl_client_certificate": None, "registry.nginx.ssl_verify_client": None,
    "registry.nginx.ssl_verify_depth": 1, "registry.nginx.http2_enabled": False,
    "registry.nginx.hsts_max_age": 63072000, "registry.nginx.hsts_include_subdomains": False,
    "registry.nginx.real_ip_header": None, "registry.nginx.real_ip_recursive": None,
    "registry.nginx.real_ip_trusted_addresses": [], "registry.nginx.proxy_protocol": False,
    "registry.nginx.redirect_http_to_https": False, "registry.nginx.redirect_http_to_https_port": 80,
    "registry.nginx.error_log_level": "error", "registry.nginx.custom_gitlab_server_config": None,
    "letsencrypt.enable": False, "letsencrypt.auto_renew": True, "letsencrypt.auto_renew_hour": "0",
    "letsencrypt.auto_renew_day_of_month": "*/4",
    "letsencrypt.auto_renew_log_directory": "{root}/var/log/gitlab/lets-encrypt",
    "letsencrypt.alt_names": [], "letsencrypt.contact_emails": [], "letsencrypt.chain": None,
    "letsencrypt.key_type": "rsa", "letsencrypt.key_size": 2048, "letsencrypt.ec_curve": None,
    "letsencrypt.owner": "root", "letsencrypt.group": "root",
    "letsencrypt.wwwroot": "{root}/var/opt/gitlab/nginx/www",
    "letsencrypt.auto_renew_scheduler": "runit", "letsencrypt.staging_first": False,
    "letsencrypt.acme_ca_file": None,
    "letsencrypt.acme_production_endpoint": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt.acme_staging_endpoint": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "registry_auth.enable": True,
    "registry_auth.username": "registry-auth", "registry_auth.group": "registry-auth",
    "registry_auth.uid": None, "registry_auth.gid": None, "registry_auth.shell": "/usr/sbin/nologin",
    "registry_auth.dir": "{root}/var/opt/gitlab/registry-auth",
    "registry_auth.log_directory": "{root}/var/log/gitlab/registry-auth",
    "registry_auth.listen_addr": "127.0.0.1:5002",
    "registry_auth.socket_directory": "{root}/var/opt/gitlab/run/registry-auth",
    "registry_auth.accounts_file": "{root}/etc/gitlab/registry-accounts.json",
    "registry_auth.token_expire_delay": "5m",
    "registry_auth.failed_attempts_per_account": 10, "registry_auth.failed_attempts_per_address": 30,
    "registry_auth.failed_attempts_period": "5m",
    "registry_garbage_collect.enable": False, "registry_garbage_collect.schedule": "0 4 * * *",
    "registry_garbage_collect.mode": "quarantine", "registry_garbage_collect.delete_untagged": False,
    "registry_garbage_collect.older_than": "24h", "registry_garbage_collect.keep_for": "24h",
    "registry_garbage_collect.now_below": 10,
    "registry_cleanup.enable": False, "registry_cleanup.schedule": "0 2 * * *", "registry_cleanup.policies": [],
    "registry_cleanup.max_share": 50,
    "registry_backup.enable": False, "registry_backup.schedule": "0 2 * * *",
    "registry_backup.path": "/var/opt/gitlab/backups", "registry_backup.with_images": False,
    "registry_backup.encrypt_to": None, "registry_backup.verify": False, "registry_backup.identity": None,
    "registry_backup.s3_endpoint": None, "registry_backup.s3_region": None,
    "registry_backup.s3_accesskey": None, "registry_backup.s3_secretkey": None,
    "registry_auth.requests_per_second": 30, "registry_auth.requests_burst": 150,
    **{f"registry_auth.{name}": value for name, value in SVLOGD.items()},
    "metrics.enable": False, "metrics.textfile": "{root}/var/opt/gitlab/metrics/registry.prom",
    "registry.nginx.host_names": [], "registry.nginx.connections_per_address": 500,
    "registry.nginx.anonymous_requests_per_second": 50, "registry.nginx.anonymous_requests_burst": 1000,
    "package.generate_secrets_json_file": True, "package.generate_default_secrets": True,
}  # fmt: skip
"""What holds with nothing but registry_external_url given."""

TESTED_ELSEWHERE = {
    "registry_external_url", "registry.http_secret", "registry.internal_key", "registry.internal_certificate",
    "registry.storage", "registry.nginx.proxy_set_headers", "nginx.worker_processes", "nginx.log_format",
    "nginx.gzip_types", "letsencrypt.auto_renew_minute",
}  # fmt: skip


def test_every_setting_is_declared_and_none_besides() -> None:
    assert set(OPTIONS) == set(DEFAULTS) | TESTED_ELSEWHERE


def test_defaults(site: Site) -> None:
    attributes = site.attributes(URL)
    wrong = {}
    for name, expected in DEFAULTS.items():
        if isinstance(expected, str):
            expected = expected.replace("{root}", str(site.folder))
        found = lookup(attributes, name)
        if found != expected:
            wrong[name] = (found, expected)
    assert not wrong


def test_composed_defaults(site: Site) -> None:
    attributes = site.attributes(BOTH)
    assert attributes.registry_external_url == "https://registry.example.com"
    assert attributes.registry.storage == {
        "filesystem": {"rootdirectory": f"{site.folder}/var/opt/gitlab/gitlab-rails/shared/registry"},
        "cache": {"blobdescriptor": "inmemory"},
        "delete": {"enabled": True},
    }
    assert attributes.registry.nginx.proxy_set_headers == {
        "Host": "$http_host",
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$proxy_add_x_forwarded_for",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Ssl": "on",
    }
    assert attributes.nginx.worker_processes >= 1
    assert "$request_uri" not in attributes.nginx.log_format
    assert "$loggable_request" in attributes.nginx.log_format
    assert "application/json" in attributes.nginx.gzip_types.split()
    assert 0 <= int(attributes.letsencrypt.auto_renew_minute) < 60


def test_the_minute_of_renewal_is_the_sites_own_and_stays(site: Site) -> None:
    first = site.value(URL, "letsencrypt.auto_renew_minute")
    assert site.value(URL, "letsencrypt.auto_renew_minute") == first
    others = {
        site.value(
            f'registry_external_url = "https://r{number}.example.com"', "letsencrypt.auto_renew_minute"
        )
        for number in range(8)
    }
    assert len(others) > 1


def test_every_option_is_present_and_frozen_on_an_empty_node(site: Site) -> None:
    attributes = site.attributes("")
    for name in OPTIONS:
        lookup(attributes, name)
        assert attributes.origin(name).kind in (OriginKind.DEFAULT, OriginKind.DERIVED)
    with pytest.raises(AttributeError):
        attributes.registry.log_level = "debug"


@pytest.mark.real
def test_every_example_is_taken_by_its_own_setting(site: Site) -> None:
    company = {
        "registry_cleanup.enable": 'registry_cleanup["policies"] = [{"repositories": "**", "name_regex": ".*"}]\n',
        "registry.gc": 'registry["database"] = {"enabled": True}\n',
        "registry.nginx.ssl_certificate_key": 'registry["nginx"]["ssl_certificate"] = "/c"\n',
        "registry.nginx.ssl_verify_client": 'registry["nginx"]["ssl_client_certificate"] = "/c"\n',
        "gitlab_rails.registry_port": 'registry_external_url = "https://registry.example.com:5050"\n',
    }
    for option in OPTIONS.values():
        text = f"{BOTH}{company.get(option.name, '')}{option.python} = {option.example}\n"
        assert (option.name, site.warnings(text)) == (option.name, [])


def test_every_option_explains_itself() -> None:
    for name, option in OPTIONS.items():
        assert option.name == name
        assert option.description.endswith("."), name
        assert option.type.label, name


def test_names_for_the_language() -> None:
    assert {"registry", "registry_nginx", "gitlab_rails", "nginx", "letsencrypt", "package"} <= NAMES.sections
    assert NAMES.settings == {"external_url", "registry_external_url"}
    assert NAMES.foreign("sidekiq")
    assert NAMES.foreign("redis_sentinel_role")
    assert not NAMES.foreign("registry")


def test_logs_are_shipped_under_the_names_of_host_and_service(site: Site) -> None:
    text = (
        URL
        + 'logging["udp_log_shipping_host"] = "192.0.2.1"\nlogging["udp_log_shipping_hostname"] = "node-1"\n'
    )
    registry = site.attributes(text).registry
    assert (registry.svlogd_udp, registry.svlogd_prefix) == ("192.0.2.1:514", "node-1 registry: ")
    own = site.attributes(
        text + 'registry["svlogd_udp"] = "192.0.2.9:1514"\nregistry["svlogd_prefix"] = "own: "\n'
    )
    assert (own.registry.svlogd_udp, own.registry.svlogd_prefix) == ("192.0.2.9:1514", "own: ")
    assert (own.nginx.svlogd_udp, own.nginx.svlogd_prefix) == ("192.0.2.1:514", "node-1 nginx: ")
    assert "NGINX's access and error logs are not sent" in site.notes(text)[0]
    assert site.attributes(URL).registry.svlogd_prefix is None
    assert "svlogd asks no DNS" in site.error(URL + 'logging["udp_log_shipping_host"] = "logs.example.com"')


@pytest.mark.parametrize(
    ("lines", "limits"),
    [
        ("", (209_715_200, 30)),
        ('nginx["enable"] = False\n', (10_000_000, 3)),
        ('nginx["enable"] = False\nlogging["svlogd_num"] = 5\n', (10_000_000, 5)),
        ('nginx["enable"] = False\nregistry["svlogd_size"] = 99\n', (99, 3)),
    ],
    ids=["behind NGINX", "without it", "a number for all", "a size of its own"],
)
def test_what_anybody_can_write_into_is_small(site: Site, lines: str, limits: tuple[int, int]) -> None:
    registry = site.attributes(URL + lines).registry
    assert (registry.svlogd_size, registry.svlogd_num) == limits


def test_rotation_follows_svlogd_unless_it_is_given(site: Site) -> None:
    text = URL + 'nginx["svlogd_num"] = 7\nlogging["svlogd_filter"] = "xz"\nlogging["svlogd_size"] = 1000\n'
    nginx = site.attributes(text).nginx
    assert (nginx.logrotate_rotate, nginx.logrotate_compress, nginx.logrotate_maxsize) == (
        7,
        "nocompress",
        1000,
    )
    text += 'logging["logrotate_rotate"] = "9"\nlogging["logrotate_frequency"] = "weekly"\n'
    nginx = site.attributes(text + 'nginx["logrotate_frequency"] = "Hourly"\n').nginx
    assert (nginx.logrotate_rotate, nginx.logrotate_frequency) == (9, "hourly")


@pytest.mark.parametrize(
    "refused", ['logrotate_size"] = "10 MB', 'logrotate_dateformat"] = "%c', 'logrotate_rotate"] = "a']
)
def test_what_logrotate_would_not_take_is_refused(site: Site, refused: str) -> None:
    assert "logging.logrotate_" in site.error(URL + f'logging["{refused}"\n')


SECTIONS_OF_OUR_OWN = (
    "registry_auth.",
    "registry_backup.",
    "registry_cleanup.",
    "registry_garbage_collect.",
)


def test_added_settings_are_marked() -> None:
    added = {
        name for name, option in OPTIONS.items() if option.added and not name.startswith(SECTIONS_OF_OUR_OWN)
    }
    assert added == {
        "registry.storage_probe_enabled",
        "registry.socket_directory",
        "registry.drain_timeout",
        "registry.nginx.host_names",
        "registry.nginx.connections_per_address",
        "registry.nginx.anonymous_requests_per_second",
        "registry.nginx.anonymous_requests_burst",
        "gitlab_rails.enable",
        "gitlab_rails.gitlab_yml_path",
        "registry.executable",
        "nginx.executable",
        "letsencrypt.auto_renew_scheduler",
        "letsencrypt.staging_first",
        "letsencrypt.acme_ca_file",
    }
    assert all(option.added for name, option in OPTIONS.items() if name.startswith(SECTIONS_OF_OUR_OWN))
