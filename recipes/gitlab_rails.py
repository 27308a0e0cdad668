"""GitLab's side: what GitLab is told of the registry, and the key with which it signs tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ctl.converge import Directory, File, Group, Item, Template, User, Validation, mask_all, parses_as_yaml
from ctl.node import Node
from ctl.settings.attributes import Section
from ctl.settings.masking import mask_yaml

FEATURES = ("issues", "merge_requests", "wiki", "snippets", "builds", "container_registry")


def recipe(node: Node) -> Iterator[Item]:
    """gitlab.yml and the key, where this node has GitLab's side (gitlab_rails["enable"])."""
    rails = node.attributes.gitlab_rails
    if rails.enable:
        if node.attributes.manage_accounts.enable:
            yield from account(node)
        yield from configuration(node)
        if rails.registry_enabled:
            yield from signing_key(node)


def account(node: Node) -> Iterator[Item]:
    """GitLab's user and group."""
    user = node.attributes.user
    yield Group(user.group, gid=user.gid)
    yield User(
        user.username,
        group=user.group,
        uid=user.uid,
        home=user.home,
        shell=user.shell,
        shared=not node.layout.is_machine,
    )


def configuration(node: Node) -> Iterator[Item]:
    """gitlab.yml: the registry as GitLab sees it."""
    rails = node.attributes.gitlab_rails
    yield Directory(Path(rails.dir))
    yield Directory(Path(rails.dir) / "etc")
    gitlab_yml = Path(rails.dir) / "etc/gitlab.yml"
    yield Template(
        gitlab_yml,
        source="gitlab_rails/gitlab.yml.j2",
        variables={
            "rails": rails,
            "gitlab": gitlab_address(node.attributes.external_url),
            "default_projects_features": default_projects_features(rails),
        },
        owner="root",
        group=node.attributes.user.group,
        mode=0o640,
        mask=mask_yaml,
    )
    yield Validation(
        "gitlab.yml is YAML",
        watches=(gitlab_yml,),
        check=lambda staging: parses_as_yaml(staging.path(gitlab_yml), real=gitlab_yml),
    )


def signing_key(node: Node) -> Iterator[Item]:
    """The private key, readable by GitLab alone: the pair of the registry's rootcertbundle."""
    rails, user = node.attributes.gitlab_rails, node.attributes.user
    yield File(
        Path(rails.registry_key_path),
        content=node.attributes.registry.internal_key,
        owner=user.username,
        group=user.group,
        mode=0o600,
        mask=mask_all,
    )


def gitlab_address(external_url: str | None) -> dict[str, object]:
    """`production.gitlab` of gitlab.yml, from external_url."""
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


def default_projects_features(rails: Section) -> dict[str, object]:
    """The features that the settings speak of; the others are left to GitLab's own defaults."""
    given = {name: rails[f"gitlab_default_projects_features_{name}"] for name in FEATURES}
    return {name: value for name, value in given.items() if value is not None}
