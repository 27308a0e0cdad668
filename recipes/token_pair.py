"""The pair that ties GitLab to the registry: the key signs tokens, the certificate lets them be verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Absent, File, Item, KeyPair, Rights, mask_all, restart
from ctl.node.node import Node
from ctl.registry.programs import Distribution3, program_at
from ctl.registry.token import key_set as public_keys
from ctl.settings.rules.token_issuer import signers


def recipe(node: Node) -> Iterator[Item]:
    """Both halves where both sides are on this node, and then as one; else the half that its side needs."""
    registry, keys = node.attributes.registry, list(keys_of_signers(node))
    verifies = registry.enable
    if keys and verifies:
        (path, rights), *copies = keys
        issuers = (restart(one.service) for one in signers(node.attributes) if one.service)
        yield KeyPair(
            key=path,
            certificate=Path(registry.rootcertbundle),
            key_pem=registry.internal_key,
            certificate_pem=registry.internal_certificate,
            key_rights=rights,
            certificate_rights=certificate_rights(node),
            copies=tuple(copies),
            notifies=(restart("registry"), *issuers),
        )
    elif keys:
        path, rights = keys[0]
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
    path = program_at(node.programs.registry).key_set(registry.dir)
    if path is None:
        yield Absent(Path(registry.dir) / Distribution3.key_file)
        return
    yield File(
        path,
        content=lambda: public_keys(registry.internal_certificate),
        # it is public, but lines of the private key repeat it: a diff would look like a leak
        mask=mask_all,
        notifies=(restart("registry"),),
        **vars(certificate_rights(node)),
    )


def keys_of_signers(node: Node) -> Iterator[tuple[Path, Rights]]:
    """A key for each that signs tokens here, readable by that one alone."""
    for one in signers(node.attributes):
        yield Path(one.key), Rights(one.mode, one.owner, one.group)


def certificate_rights(node: Node) -> Rights:
    """Readable by the registry, written by root."""
    return Rights(0o640, "root", node.attributes.registry.group)
