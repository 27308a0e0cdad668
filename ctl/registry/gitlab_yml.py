"""What GitLab is given of the registry: the values of gitlab.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ctl.settings.named import GitlabRails

FEATURES = ("issues", "merge_requests", "wiki", "snippets", "builds", "container_registry")


def registry_values(rails: GitlabRails) -> dict[str, object]:
    """`production.registry`, in the order of the template."""
    names = ("enabled", "host", "port", "api_url", "path", "key_path", "issuer", "notification_secret")
    return {name.removesuffix("_path"): rails[f"registry_{name}"] for name in names}


def gitlab_address(external_url: str | None) -> dict[str, object]:
    """`production.gitlab`, from external_url."""
    if not external_url:
        return {}
    url = urlsplit(external_url)
    https = url.scheme == "https"
    address: dict[str, object] = {
        "host": url.hostname,
        "port": url.port or (443 if https else 80),
        "https": https,
    }
    path = url.path.rstrip("/")
    return address | ({"relative_url_root": path} if path else {})


def default_projects_features(rails: GitlabRails) -> dict[str, object]:
    """The features that the settings name; the others are left to GitLab's own defaults."""
    given = {name: rails[f"gitlab_default_projects_features_{name}"] for name in FEATURES}
    return {name: value for name, value in given.items() if value is not None}
