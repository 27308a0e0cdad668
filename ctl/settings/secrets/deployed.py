"""Secrets as they are deployed: what a run takes up again where gitlab-secrets.json has lost them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ctl.settings.secrets.token_pair import UnusableKey, matches


@dataclass(frozen=True, repr=False)
class Found:
    """A secret in a file that an earlier run has written.

    Args:
        path: the file.
        text: the secret.
    """

    path: Path
    text: str


def deployed(paths: Iterable[Path]) -> Found | None:
    """The first of some files that is there and has something in it; None also where this user may not read it."""
    for path in paths:
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        if text.strip():
            return Found(path, text)
    return None


def fits(key: str | None, certificate: str | None) -> bool:
    """Whether both are there and belong together."""
    if not key or not certificate:
        return False
    try:
        return matches(key, certificate)
    except UnusableKey:
        return False


def http_secret(config: Path) -> Found | None:
    """The secret of uploads in a registry's config.yml; None where it cannot be had."""
    found = deployed([config])
    if found is None:
        return None
    import yaml

    try:
        http = yaml.safe_load(found.text)["http"]
        return Found(config, http["secret"]) if isinstance(http["secret"], str) and http["secret"] else None
    except (yaml.YAMLError, LookupError, TypeError):
        return None
