"""Settings at the top, and those of the machine: accounts, directories, logs, secrets."""

from __future__ import annotations

from ctl.settings.option import Option
from ctl.settings.options.common import IPV4, LOGGING, account_options, rotation_options
from ctl.settings.rules import urls
from ctl.settings.rules.logs import shipped_to
from ctl.settings.types import Bool, Extent, Printable, Text, Url, port

URLS = (
    Option(
        "registry_external_url",
        Url(Extent.ORIGIN),
        "Where users reach the registry. Enables it; gives host, port and TLS of its vhost.",
        rule=urls.registry_url_under_letsencrypt,
        example='"https://registry.example.com"',
        reaches=("vhost", "gitlab.yml: registry.host", "gitlab.yml: registry.port"),
    ),
    Option(
        "external_url",
        Url(Extent.BASE),
        "Where GitLab is, which issues the tokens.",
        example='"https://gitlab.example.com"',
        reaches=("config.yml: auth.token.realm", "gitlab.yml: gitlab"),
    ),
)

SWITCHES = (
    Option(
        "manage_accounts.enable",
        Bool(),
        "Users and groups are created.",
        default=True,
        reaches=("accounts",),
    ),
    Option(
        "manage_storage_directories.enable",
        Bool(),
        "Folders for images are created.",
        default=True,
        reaches=('gitlab_rails["registry_path"]',),
    ),
    Option(
        "package.generate_secrets_json_file",
        Bool(),
        "Secrets that are made are kept in gitlab-secrets.json. False: they hold for one run only.",
        default=True,
        reaches=("gitlab-secrets.json",),
    ),
    Option(
        "package.generate_default_secrets",
        Bool(),
        "Missing secrets are made. False: a missing one is an error.",
        default=True,
        reaches=("gitlab-secrets.json",),
    ),
)

ACCOUNTS = (
    *account_options("user", "GitLab", "git", login_shell="/bin/sh", home="/var/opt/gitlab"),
    *account_options(
        "web_server", "NGINX's workers", "gitlab-www", login_shell="/bin/false", home="/var/opt/gitlab/nginx"
    ),
)

SHIPPING = (
    Option(
        "logging.udp_log_shipping_host",
        Text(IPV4, "an IPv4 address (svlogd asks no DNS)", label="address"),
        "Address to which the lines of every service are sent too, by UDP.",
        example='"192.0.2.1"',
        reaches=("log services",),
    ),
    Option(
        "logging.udp_log_shipping_port",
        port(),
        "Port there.",
        514,
        reaches=("log services",),
    ),
    Option(
        "logging.udp_log_shipping_hostname",
        Printable(),
        "Name of this machine in what is sent.",
        default_text="the machine's",
        example='"registry-1"',
        reaches=("log services",),
    ),
)

LOGS = (
    *(
        Option(
            f"logging.{name}",
            kind,
            description,
            default,
            rule=shipped_to if name == "svlogd_udp" else None,
            example=example,
            reaches=("log services",),
        )
        for name, kind, description, default, example in LOGGING
    ),
    *rotation_options("logging", falls_back=False),
    *SHIPPING,
)
