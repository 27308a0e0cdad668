"""`gitlab_rails[…]`: what GitLab itself knows of the registry."""

from __future__ import annotations

from ctl.settings.option import Option
from ctl.settings.rules import default_paths, storage, urls
from ctl.settings.types import AbsolutePath, Bool, Content, Extent, Integer, Pem, Text, Url, port

_MANAGED = AbsolutePath(managed=True)
FEATURES = ("issues", "merge_requests", "wiki", "snippets", "builds", "container_registry")

GITLAB = (
    Option(
        "gitlab_rails.enable",
        Bool(),
        "This machine has GitLab's side: gitlab.yml, the key that signs tokens, GitLab's account.",
        rule=urls.gitlab_side,
        example="True",
        reaches=("gitlab.yml",),
        added=True,
    ),
    Option(
        "gitlab_rails.dir",
        _MANAGED,
        "gitlab.yml and the private key are in `etc` of this folder.",
        default="/var/opt/gitlab/gitlab-rails",
        reaches=("gitlab.yml",),
    ),
    Option(
        "gitlab_rails.gitlab_yml_path",
        _MANAGED,
        "gitlab.yml of a self-compiled GitLab. Only production.registry and given features in production.gitlab."
        "default_projects_features are managed in it; of GitLab's side there is besides only the key file. GitLab "
        "reads it when it starts.",
        default_text='none: `etc/gitlab.yml` in gitlab_rails["dir"] is written whole',
        example='"/home/git/gitlab/config/gitlab.yml"',
        reaches=("gitlab.yml: registry",),
        added=True,
    ),
    Option(
        "gitlab_rails.shared_path",
        _MANAGED,
        "GitLab's shared files, images among them.",
        rule=default_paths.shared_path,
        example='"/var/opt/gitlab/gitlab-rails/shared"',
    ),
    Option(
        "gitlab_rails.backup_keep_time",
        Integer(),
        "Seconds for which `ctl backup-etc` and `ctl backup` keep their archives; 0 keeps all.",
        default=604800,
        reaches=("ctl backup-etc", "ctl backup"),
    ),
)

REGISTRY = (
    Option(
        "gitlab_rails.registry_enabled",
        Bool(),
        "GitLab works with a registry. True without registry_external_url: with one elsewhere.",
        rule=urls.registry_enabled,
        example="True",
        reaches=("gitlab.yml: registry.enabled",),
    ),
    Option(
        "gitlab_rails.registry_host",
        Text(r"[^\s/]+", "a host name, without scheme and port", label="host name"),
        "Host that users see, without scheme. registry_external_url wins over it.",
        rule=urls.registry_host,
        wins=True,
        example='"registry.example.com"',
        reaches=("gitlab.yml: registry.host",),
    ),
    Option(
        "gitlab_rails.registry_port",
        port(),
        "Port that users see. registry_external_url wins over it.",
        rule=urls.registry_port,
        wins=True,
        example="5050",
        reaches=("gitlab.yml: registry.port",),
    ),
    Option(
        "gitlab_rails.registry_api_url",
        Url(Extent.BASE),
        "How GitLab itself reaches the registry; for a registry elsewhere, with https if it has TLS.",
        rule=urls.registry_api_url,
        example='"http://127.0.0.1:5000"',
        reaches=("gitlab.yml: registry.api_url",),
    ),
    Option(
        "gitlab_rails.registry_path",
        _MANAGED,
        "Folder of the images on this machine's disk; owner the registry's user, group GitLab's, mode 0770.",
        rule=default_paths.registry_path,
        example='"/var/opt/gitlab/gitlab-rails/shared/registry"',
        reaches=("gitlab.yml: registry.path", "config.yml: storage.filesystem.rootdirectory"),
    ),
    Option(
        "gitlab_rails.registry_key_path",
        _MANAGED,
        'Where registry["internal_key"] is written; owner GitLab\'s user, mode 0600.',
        rule=default_paths.registry_key_path,
        example='"/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"',
        reaches=("gitlab.yml: registry.key",),
    ),
    Option(
        "gitlab_rails.registry_issuer",
        Text(empty=False),
        "Name of the token issuer; the same at GitLab and at the registry.",
        default="omnibus-gitlab-issuer",
        reaches=("gitlab.yml: registry.issuer", "config.yml: auth.token.issuer"),
    ),
    Option(
        "gitlab_rails.registry_notification_secret",
        Text(),
        "By what GitLab recognises events of its own registry.",
        rule=storage.notification_secret,
        example='env("REGISTRY_NOTIFICATION_SECRET", None)',
        reaches=("gitlab.yml: registry.notification_secret",),
        secret=True,
    ),
    Option(
        "gitlab_rails.internal_key",
        Pem(Content.KEY),
        'The same as registry["internal_key"], for a machine that runs only GitLab.',
        example='env("REGISTRY_INTERNAL_KEY", None)',
        reaches=('gitlab_rails["registry_key_path"]',),
        secret=True,
    ),
)

PROJECT_FEATURES = tuple(
    Option(
        f"gitlab_rails.gitlab_default_projects_features_{name}",
        Bool(),
        f"Whether new projects have {name.replace('_', ' ')}.",
        default_text="GitLab's own",
        example="True",
        reaches=(f"gitlab.yml: gitlab.default_projects_features.{name}",),
    )
    for name in FEATURES
)

OPTIONS = (*REGISTRY, *GITLAB, *PROJECT_FEATURES)
