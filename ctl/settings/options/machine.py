"""Settings at the top, and those of the machine: accounts, directories, logs, secrets."""

from __future__ import annotations

from ctl.settings.option import Option
from ctl.settings.options.common import LOGGING, account_options
from ctl.settings.rules import urls
from ctl.settings.types import Bool, Extent, Url

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
        example="True",
        reaches=("accounts",),
    ),
    Option(
        "manage_storage_directories.enable",
        Bool(),
        "Folders for images are created.",
        default=True,
        example="True",
        reaches=('gitlab_rails["registry_path"]',),
    ),
    Option(
        "package.generate_secrets_json_file",
        Bool(),
        "Secrets that are made are kept in gitlab-secrets.json. False: they hold for one run only.",
        default=True,
        example="True",
        reaches=("gitlab-secrets.json",),
    ),
    Option(
        "package.generate_default_secrets",
        Bool(),
        "Missing secrets are made. False: a missing one is an error.",
        default=True,
        example="True",
        reaches=("gitlab-secrets.json",),
    ),
)

ACCOUNTS = (
    *account_options("user", "GitLab", "git", login_shell="/bin/sh", home="/var/opt/gitlab"),
    *account_options(
        "web_server", "NGINX's workers", "gitlab-www", login_shell="/bin/false", home="/var/opt/gitlab/nginx"
    ),
)

LOGS = tuple(
    Option(f"logging.{name}", kind, description, default, example=example, reaches=("log services",))
    for name, kind, description, default, example in LOGGING
)
