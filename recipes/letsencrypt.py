"""Let's Encrypt: where challenges are answered, and where the account is kept.

The certificate itself is obtained after the run, once NGINX answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from ctl.acme.wanted import Places
from ctl.converge import Directory, Item
from ctl.node.node import Node
from ctl.settings.components.letsencrypt import LETSENCRYPT as COMPONENT

__all__ = ["COMPONENT", "recipe"]


def recipe(node: Node) -> Iterator[Item]:
    """A private one for the account; open ones for challenges, below a folder that may be the administrator's."""
    places = Places.of(node.layout, node.attributes.letsencrypt)
    yield Directory(places.folder, owner="root", group="root", mode=0o700)
    yield Directory(places.challenges.parent.parent, mode=None)
    yield Directory(places.challenges.parent)
    yield Directory(places.challenges)
