"""What a storage holds, by one listing: nothing is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ctl.collector.layout import BLOBS, REPOSITORIES, is_digest
from ctl.storage.store import Object, Store

_OWN = re.compile(r"(?P<name>.+?)/_(?P<kind>manifests|layers|uploads)/(?P<rest>.*)")
_TAG = re.compile(r"tags/(?P<tag>[^/]+)/(?P<rest>.*)")
_TAG_NAME = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
"""Distribution, reference/regexp.go."""
_LINK = re.compile(r"(?P<algorithm>[^/]+)/(?P<hex>[^/]+)/(?P<rest>.*)")


@dataclass
class Files:
    """What a repository holds.

    Args:
        name: of the repository.
        revisions: the link of each manifest, by digest.
        layers: the link of each layer, by digest.
        tags: the link of each tag; None where it has none.
        former: the digests that each tag ever had, with their links.
        has_layers: whether it has `_layers`.
    """

    name: str
    revisions: dict[str, Object] = field(default_factory=dict)
    layers: dict[str, Object] = field(default_factory=dict)
    tags: dict[str, Object | None] = field(default_factory=dict)
    former: dict[str, dict[str, Object]] = field(default_factory=dict)
    has_layers: bool = False


@dataclass
class Survey:
    """What a storage holds.

    Args:
        blobs: their content, by digest.
        repositories: by name.
        strays: what no registry writes, each with its repository or "".
        folders: empty objects in the place of folders, which no registry writes either.
    """

    blobs: dict[str, Object] = field(default_factory=dict)
    repositories: dict[str, Files] = field(default_factory=dict)
    strays: list[tuple[Object, str]] = field(default_factory=list)
    folders: list[tuple[Object, str]] = field(default_factory=list)


def survey(store: Store, advance: Callable[[], None], repositories: Iterable[str] = ()) -> Survey:
    """List a storage.

    Args:
        store: the storage.
        advance: called for each object.
        repositories: only these, and no blobs; all by default.
    """
    found = Survey()
    real = store.driver == "filesystem"
    prefixes = [f"{REPOSITORIES}/{name}/" for name in repositories] or [f"{BLOBS}/", f"{REPOSITORIES}/"]
    for prefix in prefixes:
        for one in store.list(prefix):
            advance()
            _sort(found, one, real_folders=real)
    return found


def _sort(found: Survey, one: Object, *, real_folders: bool) -> None:
    if one.key.endswith("/") and not real_folders:
        found.folders.append((one, _repository(one.key)))
    elif one.key.startswith(f"{BLOBS}/"):
        _blob(found, one)
    else:
        _of_repository(found, one)


def _repository(key: str) -> str:
    rest = key.removeprefix(f"{REPOSITORIES}/")
    if rest == key:
        return ""
    own = _OWN.match(rest)
    return own["name"] if own else rest.rstrip("/")


def _blob(found: Survey, one: Object) -> None:
    parts = one.key.removeprefix(f"{BLOBS}/").split("/")
    digest = f"{parts[0]}:{parts[2]}" if len(parts) == 4 else ""
    if is_digest(digest) and parts[2].startswith(parts[1]) and parts[3] in ("data", ""):
        if parts[3]:
            found.blobs[digest] = one
    elif not one.key.endswith("/"):
        found.strays.append((one, ""))


def _of_repository(found: Survey, one: Object) -> None:
    own = _OWN.match(one.key.removeprefix(f"{REPOSITORIES}/"))
    if own is None:
        if not one.key.endswith("/"):
            found.strays.append((one, ""))
        return
    files = found.repositories.setdefault(own["name"], Files(own["name"]))
    if own["kind"] == "layers":
        files.has_layers = True
        good = not own["rest"] or _link(files.layers, own["rest"], one)
    else:
        good = own["kind"] == "uploads" or _manifests(files, own["rest"], one)
    if not good:
        found.strays.append((one, files.name))


def _manifests(files: Files, rest: str, one: Object) -> bool:
    if rest.startswith("revisions/"):
        return rest == "revisions/" or _link(files.revisions, rest.removeprefix("revisions/"), one)
    tag = _TAG.match(rest)
    if tag is None:
        return rest in ("", "tags/")
    if not _TAG_NAME.fullmatch(tag["tag"]):
        return False
    files.tags.setdefault(tag["tag"], None)
    if tag["rest"] == "current/link":
        files.tags[tag["tag"]] = one
        return True
    former = files.former.setdefault(tag["tag"], {})
    if tag["rest"].startswith("index/"):
        return tag["rest"] == "index/" or _link(former, tag["rest"].removeprefix("index/"), one)
    return tag["rest"] in ("", "current/")


def _link(links: dict[str, Object], rest: str, one: Object) -> bool:
    match = _LINK.fullmatch(rest)
    if match is None or not is_digest(f"{match['algorithm']}:{match['hex']}"):
        return rest.endswith("/") and rest.count("/") == 1
    if match["rest"] == "link":
        links[f"{match['algorithm']}:{match['hex']}"] = one
    return match["rest"] in ("", "link") or match["rest"].startswith("signatures/")
