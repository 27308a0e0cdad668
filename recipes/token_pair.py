"""The pair that ties GitLab to the registry: the key signs tokens, the certificate lets them be verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ctl.converge import Absent, File, Item, Rights, mask_all, restart
from ctl.node.node import Node
from ctl.node.overlap import record
from ctl.registry.programs import Distribution3, program_at
from ctl.registry.token import key_set as public_keys
from ctl.settings.rules.token_issuer import signers

REGISTRY = "registry"


def recipe(node: Node) -> Iterator[Item]:
    """The half that each side needs. Nobody signs with a key before the registry accepts its certificate."""
    if node.attributes.registry.enable:
        yield from certificates(node)
    for one in signers(node.attributes):
        yield File(
            Path(one.key),
            content=node.attributes.registry.internal_key,
            mask=mask_all,
            after=(REGISTRY,),
            before=(one.service,) if one.service else (),
            notifies=(restart(one.service),) if one.service else (),
            **vars(Rights(one.mode, one.owner, one.group)),
        )


def certificates(node: Node) -> Iterator[Item]:
    """Those of the pair and, for some time, of the pair before it; also by GitLab's names of their keys."""
    registry, overlap = node.attributes.registry, node.overlap
    keys = program_at(node.programs.registry).key_set(registry.dir)
    reads = {**vars(Rights(0o640, "root", registry.group)), "notifies": (restart(REGISTRY),)}
    text = overlap.text(registry.internal_certificate)
    yield File(Path(registry.rootcertbundle), content=text, **reads)
    if keys is None:
        yield Absent(Path(registry.dir) / Distribution3.key_file)
    else:
        # it is public, but lines of the private key repeat it: a diff would look like a leak
        yield File(keys, content=lambda: public_keys(text), mask=mask_all, **reads)
    yield record(node.layout, replace(overlap, keys=str(keys or "")))
