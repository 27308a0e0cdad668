"""Paths that follow from other paths."""

from __future__ import annotations

from ctl.settings.option import View, rule
from ctl.settings.rules.urls import registry_origin


@rule('gitlab_rails["dir"] + "/shared"')
def shared_path(view: View) -> str:
    """GitLab's shared files."""
    return f"{view['gitlab_rails.dir']}/shared"


@rule('gitlab_rails["shared_path"] + "/registry", else the given rootdirectory of the filesystem driver')
def registry_path(view: View) -> str:
    """The images: GitLab must know the folder that the registry uses.

    GitLab container registry administration, 'Enable the container registry': path "should be the same
    directory like specified in Registry's rootdirectory".
    """
    storage = view.given_value("registry.storage") or {}
    given = storage.get("filesystem", {}).get("rootdirectory")
    return given or f"{view['gitlab_rails.shared_path']}/registry"


@rule('gitlab_rails["dir"] + "/etc/gitlab-registry.key"')
def registry_key_path(view: View) -> str:
    """The key that signs tokens."""
    return f"{view['gitlab_rails.dir']}/etc/gitlab-registry.key"


@rule('nginx["log_directory"]')
def vhost_logs(view: View) -> str:
    """The logs of all that NGINX serves."""
    return str(view["nginx.log_directory"])


@rule('registry["dir"] + "/gitlab-registry.crt"')
def rootcertbundle(view: View) -> str:
    """The certificate that checks tokens."""
    return f"{view['registry.dir']}/gitlab-registry.crt"


@rule("/etc/gitlab/ssl/HOST.crt, HOST being that of registry_external_url")
def ssl_certificate(view: View) -> str | None:
    """The certificate that clients see."""
    return _ssl_file(view, "crt")


@rule("/etc/gitlab/ssl/HOST.key, HOST being that of registry_external_url")
def ssl_certificate_key(view: View) -> str | None:
    """Its key."""
    return _ssl_file(view, "key")


def _ssl_file(view: View, ending: str) -> str | None:
    origin = registry_origin(view)
    return f"/etc/gitlab/ssl/{origin.host}.{ending}" if origin else None
