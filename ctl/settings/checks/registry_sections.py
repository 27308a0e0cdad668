"""The registry's own settings against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctl.settings.option import View
from ctl.storage.drivers import WITH_CLIENT


def folders_are_one(view: View) -> None:
    """GitLab would look for images, and back them up, where they are not."""
    storage = view.given_value("registry.storage") or {}
    folder = storage.get("filesystem", {}).get("rootdirectory")
    path = view.given_value("gitlab_rails.registry_path")
    if folder and path and folder != path:
        view.warning(
            "gitlab_rails.registry_path",
            f"is {path}, but the filesystem driver's rootdirectory is {folder}: GitLab looks in another folder "
            "than the one with the images",
            "Give one of them.",
        )


def cache_has_its_server(view: View) -> None:
    """A cache in Redis without a server to go to ends the registry at its start; the blocks name none for it."""
    cache = view["registry.storage"].get("cache", {})
    redis: Mapping[str, Any] = view["registry.redis"] or {}
    named = {"addr", "addrs"} & redis.keys() or {"REGISTRY_REDIS_ADDR", "REGISTRY_REDIS_ADDRS"} & view[
        "registry.env"
    ].keys()
    if cache.get("blobdescriptor", cache.get("layerinfo")) == "redis" and not named:
        view.error(
            "registry.storage",
            'has its cache in Redis, but registry["redis"] names no server',
            'Give registry["redis"] = {"addr": "127.0.0.1:6379"}, or take {"blobdescriptor": "inmemory"}.',
        )


def collection_fits_storage(view: View) -> None:
    """Images in a storage that ctl has no client for cannot be moved into quarantine."""
    given = view.given_value("registry_garbage_collect.mode")
    if given == "quarantine" and not _has_client(view):
        view.error(
            "registry_garbage_collect.mode",
            "is quarantine, which there is only on disk, S3, Google Cloud Storage and Azure",
            'Write "read-only" or "stop", or leave it out.',
        )


def _has_client(view: View) -> bool:
    return any(driver in WITH_CLIENT for driver in view["registry.storage"])


def cleanup_can_be_done(view: View) -> None:
    """By time, there is nobody who would see that nothing happens."""
    if not view["registry_cleanup.enable"]:
        return
    if not view["registry_cleanup.policies"]:
        view.error(
            "registry_cleanup.enable", "is True, but there is no policy", "Give registry_cleanup.policies."
        )
    if not _has_client(view):
        view.note(
            "registry_cleanup.enable",
            "has no effect: tags can be removed on disk, S3, Google Cloud Storage and Azure only",
        )


def redis_is_used(view: View) -> None:
    """Blocks that are not enabled are not written."""
    if view.given_value("registry.redis") is not None and view["registry.redis"] is None:
        view.warning(
            "registry.redis",
            "is left out: it names no addr, and none of its blocks is enabled",
            'Add "enabled": True to the block.',
        )


def online_gc_has_its_database(view: View) -> None:
    """Online garbage collection works on the metadata database."""
    gc, database = view["registry.gc"], view["registry.database"]
    wanted = gc is not None and gc.get("disabled") is not True
    if wanted and (database is None or database["enabled"] in (False, "false")):
        view.warning("registry.gc", "has no effect without registry.database", "Enable the database.")
