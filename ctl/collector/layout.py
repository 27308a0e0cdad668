"""Where Distribution keeps what (registry/storage/paths.go), relative to the root of the storage."""

from __future__ import annotations

import re

V2 = "docker/registry/v2"
BLOBS = f"{V2}/blobs"
"""BLOBS/sha256/ab/abcd…/data holds a blob: a layer, a config, a manifest."""
REPOSITORIES = f"{V2}/repositories"
MANIFESTS, LAYERS, UPLOADS = "_manifests", "_layers", "_uploads"
"""Folders of a repository; no part of a repository's name begins so."""
REVISIONS = f"{MANIFESTS}/revisions"
"""REVISIONS/sha256/HEX/link makes the manifest part of the repository; DELETE removes that file only."""
TAGS = f"{MANIFESTS}/tags"
"""TAGS/NAME/current/link holds a digest; TAGS/NAME/index/sha256/HEX/link each digest that it ever had."""
CURRENT = "current/link"
DATABASE_LOCK = "docker/registry/lockfiles/database-in-use"
"""Written by a registry that keeps its metadata in a database (GitLab's): tags are not in the files."""
QUARANTINE = "ctl-quarantine"
"""Ours, beside `docker`; registries do not look there."""

HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms of digests that registries accept (opencontainers/go-digest)."""
_DIGEST = re.compile(r"(sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})")
_ANY_DIGEST = re.compile(r"sha(?:256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128})(?![a-f0-9])")


def is_digest(text: str) -> bool:
    """Whether a text is a digest that can name a blob."""
    return _DIGEST.fullmatch(text) is not None


def digests_in(content: bytes) -> list[str]:
    """Every digest that occurs in damaged content: what it may have needed."""
    return _ANY_DIGEST.findall(content.decode("latin-1"))


def blob_folder(digest: str) -> str:
    """The folder of a blob."""
    algorithm, _, name = digest.partition(":")
    return f"{BLOBS}/{algorithm}/{name[:2]}/{name}"


def repository_folder(name: str) -> str:
    """The folder of a repository."""
    return f"{REPOSITORIES}/{name}"


def revision_folder(repository: str, digest: str) -> str:
    """The folder of a manifest in a repository."""
    return f"{REPOSITORIES}/{repository}/{REVISIONS}/{digest.replace(':', '/', 1)}"


def layer_folder(repository: str, digest: str) -> str:
    """The folder of the link by which a repository may serve a blob."""
    return f"{REPOSITORIES}/{repository}/{LAYERS}/{digest.replace(':', '/', 1)}"
