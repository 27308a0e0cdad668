"""Names that people write: of repositories, tags, and both in one reference."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ctl.collector.layout import is_digest

_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
"""As Distribution has them (reference/regexp.go). A part can be neither `..` nor one of a repository's own folders."""


class WrongName(ValueError):
    """A text that can name nothing in a registry."""


@dataclass(frozen=True)
class Reference:
    """What `REPOSITORY`, `REPOSITORY:TAG` or `REPOSITORY@DIGEST` names.

    Args:
        repository: its name.
        tag, digest: "" where it is not given.
    """

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises:
        WrongName: a part of it can name nothing; says which.
    """
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise WrongName(f'"{digest}" is no digest: it must be sha256: and 64 of 0-9 and a-f')
    name, colon, tag = rest.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise WrongName(f'"{tag}" is no tag: it must be of letters, digits, "_", "." and "-", 128 at most')
    return Reference(repository_name(name), tag, digest)


def is_tag(text: str) -> bool:
    """Whether a tag can be called so."""
    return _TAG.fullmatch(text) is not None


def is_repository(text: str) -> bool:
    """Whether a repository can be called so."""
    return _REPOSITORY.fullmatch(text) is not None and len(text) <= 255


def repository_name(text: str) -> str:
    """The name of a repository, checked.

    Raises:
        WrongName: none can be called so.
    """
    if not is_repository(text):
        raise WrongName(
            f'"{text}" is no name of a repository: it must be of lower case letters, digits, ".", "_", "-" and "/"'
        )
    return text
