"""Images that are no longer served: settings name another storage and nobody has moved them, or its disk is away."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ctl.collector.layout import REPOSITORIES
from ctl.converge.inspect import user_id
from ctl.errors import CtlError, PreflightError
from ctl.language.source import Diagnostic, Severity
from ctl.registry.config import read_config, read_environment
from ctl.registry.drivers import driver_of
from ctl.registry.store import parameters, same_place
from ctl.settings.attributes import Attributes
from ctl.storage.made import environment_restored, open_store
from ctl.storage.store import StorageError, Store

_TAG = re.compile(re.escape(REPOSITORIES) + r"/(?P<name>.+?)/_manifests/tags/(?P<tag>[^/]+)/current/link")
_MOST = 200_000
"""Objects that are looked at in each storage."""
_HINT = (
    "`ctl registry-migrate-storage --to {file}` moves them, in place of ctl reconfigure, while the registry serves; "
    "otherwise they stay where they are."
)


def left_behind(attributes: Attributes, settings_file: Path) -> list[Diagnostic]:
    """A warning with what the registry would no longer serve; none where its storage stays, or has the images.

    Args:
        attributes: the new settings.
        settings_file: where they are.

    Raises:
        PreflightError: the folder that the registry has served is gone; a run would make it anew, without images.
    """
    registry = attributes.registry
    if not registry.enable:
        return []
    try:
        current = read_config(
            Path(registry.dir) / "config.yml", read_environment(Path(registry.env_directory))
        )
    except (CtlError, PermissionError):  # none is in force yet, or this user may not see it
        return []
    there = driver_of(registry.storage) or ""
    new = (there, registry.storage.get(there) or {})
    old = (current.driver, parameters(current))
    if same_place(old, new):
        if there == "filesystem" and attributes.manage_storage_directories.enable:
            _refuse_lost(Path(new[1]["rootdirectory"]), attributes)
        return []
    with environment_restored():
        problem = _problem(old, new, current.environment, registry.env)
    place = (
        attributes.origin("registry.storage").location
        or attributes.origin("gitlab_rails.registry_path").location
    )
    hint = _HINT.format(file=settings_file)
    return [Diagnostic(problem, place, "registry.storage", hint, Severity.WARNING)] if problem else []


def _refuse_lost(images: Path, attributes: Attributes) -> None:
    """Below a disk that is not mounted there is nothing, or an empty folder of root's."""
    try:
        owner = images.stat().st_uid
        if owner != 0 or user_id(attributes.registry.username) == 0 or any(images.iterdir()):
            return
        what = "is empty and root's"
    except FileNotFoundError:
        what = "is gone"
    except OSError:  # the registry's own check of the storage says why
        return
    raise PreflightError(
        f"{images} {what}: the registry has served its images from there; is its disk mounted?",
        hint="Mount it. If there should be no image: "
        + shlex.join(["install", "-d", "-o", attributes.registry.username, str(images)]),
    )


Given = tuple[str, Mapping[str, object]]


def _problem(old: Given, new: Given, environment: Mapping[str, str], more: Mapping[str, object]) -> str:
    try:
        store = open_store(*old, environment)
        tags, whole = _tags(store)
    except PreflightError:  # no client for that driver
        return ""
    except StorageError as error:
        return (
            f"is another than that of the registry that runs, whose images cannot be counted: {error.message}"
        )
    served: set[tuple[str, str]] = set()
    try:
        served, _ = _tags(open_store(*new, {name: str(value) for name, value in more.items()}))
    except (PreflightError, StorageError):  # the check of the storage itself reports why
        served = set()
    lost = tags - served
    if not lost:
        return ""
    tags_lost = "1 tag" if len(lost) == 1 else f"{len(lost):,} tags"
    names = {name for name, _ in lost}
    repositories = "1 repository" if len(names) == 1 else f"{len(names):,} repositories"
    least = "" if whole else "at least "
    return (
        f"is another than that of the registry that runs: {least}{tags_lost} of {repositories} "
        f"in {store.name} would no longer be served"
    )


def _tags(store: Store) -> tuple[set[tuple[str, str]], bool]:
    """Repositories and tags of a storage, and whether that is all."""
    found, count = set(), 0
    for one in itertools.islice(store.list(f"{REPOSITORIES}/"), _MOST):
        count += 1
        if match := _TAG.fullmatch(one.key):
            found.add((match["name"], match["tag"]))
    return found, count < _MOST
