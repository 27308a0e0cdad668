"""GitLab's side: its account, and what GitLab is given of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.converge import Directory, Item, Template, Validation, YamlPart, parses_as_yaml
from ctl.node.node import Node
from ctl.node.runit_service import component_account
from ctl.registry.gitlab_yml import default_projects_features, gitlab_address, registry_values
from ctl.settings.components.gitlab_rails import GITLAB as COMPONENT
from ctl.settings.masking import mask_yaml

if TYPE_CHECKING:
    from ctl.settings.named import GitlabRails


def recipe(node: Node) -> Iterator[Item]:
    """gitlab.yml: ctl's own, or the registry in that of a GitLab which is installed by other means."""
    if node.attributes.gitlab_rails.gitlab_yml_path:
        yield self_compiled(node.attributes.gitlab_rails)
        return
    yield from component_account(node, COMPONENT)
    yield from configuration(node)


def self_compiled(rails: GitlabRails) -> YamlPart:
    """The registry in the gitlab.yml of a GitLab that is installed and maintained by other means."""
    values: list[tuple[tuple[str, ...], dict[str, object]]] = [
        (("production", "registry"), registry_values(rails))
    ]
    if features := default_projects_features(rails):
        values.append((("production", "gitlab", "default_projects_features"), features))
    return YamlPart(Path(rails.gitlab_yml_path), values=values, mask=mask_yaml)


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
