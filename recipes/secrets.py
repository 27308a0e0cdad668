"""What must outlive every run: the generated secrets, kept before anything uses them."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import File, Item, mask_all
from ctl.node.node import Node


def recipe(node: Node) -> Iterator[Item]:
    """The secrets file, unless package["generate_secrets_json_file"] is False."""
    if node.attributes.package.generate_secrets_json_file:
        yield File(
            node.layout.secrets_file,
            content=node.secrets,
            owner="root",
            group="root",
            mode=0o600,
            mask=mask_all,
        )
