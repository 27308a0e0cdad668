"""The pair that ties GitLab to the registry: the key signs tokens, the certificate lets them be verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Absent, File, Item, KeyPair, Rights, mask_all, restart
from ctl.node import Node
from ctl.registry.dialect import KEY_SET, key_set
from ctl.registry.program import flavour_of
from ctl.registry.token import key_set as public_keys


def recipe(node: Node) -> Iterator[Item]:
    """Both halves where both sides are on this node, and then as one; else the half that its side needs."""
    rails, registry = node.attributes.gitlab_rails, node.attributes.registry
    signs, verifies = rails.enable and rails.registry_enabled, registry.enable
    if signs and verifies:
        yield KeyPair(
            key=Path(rails.registry_key_path),
            certificate=Path(registry.rootcertbundle),
            key_pem=registry.internal_key,
            certificate_pem=registry.internal_certificate,
            key_rights=key_rights(node),
            certificate_rights=certificate_rights(node),
            notifies=(restart("registry"),),
        )
    elif signs:
        path, rights = Path(rails.registry_key_path), key_rights(node)
        yield File(path, content=registry.internal_key, mask=mask_all, **vars(rights))
    elif verifies:
        path, rights = Path(registry.rootcertbundle), certificate_rights(node)
        yield File(
            path, content=registry.internal_certificate, notifies=(restart("registry"),), **vars(rights)
        )
    if verifies:
        yield from names_of_keys(node)


def names_of_keys(node: Node) -> Iterator[Item]:
    """What GitLab calls its key, for a registry that does not find the certificate by that name."""
    registry = node.attributes.registry
    path = key_set(registry.dir, flavour_of(node.programs.registry))
    if path is None:
        yield Absent(Path(registry.dir) / KEY_SET)
        return
    yield File(
        path,
        content=lambda: public_keys(registry.internal_certificate),
        notifies=(restart("registry"),),
        **vars(certificate_rights(node)),
    )


def key_rights(node: Node) -> Rights:
    """Readable by GitLab alone."""
    return Rights(0o600, node.attributes.user.username, node.attributes.user.group)


def certificate_rights(node: Node) -> Rights:
    """Readable by the registry, written by root."""
    return Rights(0o640, "root", node.attributes.registry.group)
