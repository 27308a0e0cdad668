"""The registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.settings.component import Component, ScheduledTask, account_settings
from ctl.settings.components.registry_health import registry_checks
from ctl.settings.listener import Listener
from ctl.settings.rules.vhost import socket_link, through_socket
from ctl.settings.values import Values
from ctl.storage.drivers import WITH_CLIENT

USUAL_NAMES = ("/opt/gitlab/embedded/bin/registry", "registry", "docker-registry")
"""Of its program: in GitLab's package, as it is built, and in Debian."""
_COLLECTION = ("enable", "schedule", "mode", "delete_untagged", "older_than", "keep_for", "now_below")
_BACKUP = ("enable", "schedule", "path", "with_images", "encrypt_to", "verify", "identity")
_DAY = 86_400


def names_of(executable: str | None) -> tuple[str, ...]:
    """What to look for as its program: registry["executable"], else the usual names."""
    return (executable,) if executable else USUAL_NAMES


def listeners(values: Values) -> Iterator[Listener]:
    """A socket that NGINX knows, or its address; and that of its debug server."""
    address = "registry.registry_http_addr"
    if through_socket(values):
        yield Listener.at(f"unix:{socket_link(values)}", "the registry", "registry.socket_directory")
    else:
        yield Listener.at(values[address], "the registry", address)
    if values["registry.debug_addr"]:
        yield Listener.at(values["registry.debug_addr"], "the registry's debug server", "registry.debug_addr")


def collections(values: Values) -> Iterator[ScheduledTask]:
    """The scheduled garbage collection, as its command line."""
    given = {name: values[f"registry_garbage_collect.{name}"] for name in _COLLECTION}
    if not given["enable"]:
        return
    words = ["registry-garbage-collect", f"--{given['mode']}"]
    if given["delete_untagged"]:
        words.append("--delete-untagged")
    if given["mode"] == "quarantine":
        words += ["--older-than", given["older_than"], "--keep-for", given["keep_for"]]
        words += ["--now-below", str(given["now_below"])] if given["now_below"] else []
    yield ScheduledTask("registry-garbage-collect", given["schedule"], tuple(words), timeout=_DAY)


def cleanups(values: Values) -> Iterator[ScheduledTask]:
    """The scheduled clean-up of tags. Nobody is there to ask: what would lose too much is left alone."""
    if values["registry_cleanup.enable"] and any(one in WITH_CLIENT for one in values["registry.storage"]):
        yield ScheduledTask(
            "registry-cleanup", values["registry_cleanup.schedule"], ("registry-cleanup",), timeout=_DAY
        )


def backups(values: Values) -> Iterator[ScheduledTask]:
    """The scheduled backup, as its command line."""
    given = {name: values[f"registry_backup.{name}"] for name in _BACKUP}
    if not given["enable"]:
        return
    path = str(given["path"])
    words: list[str | Path] = ["backup", "--to", path if "://" in path else Path(path)]
    words += ["--with-images"] if given["with_images"] else []
    words += ["--encrypt-to", given["encrypt_to"]] if given["encrypt_to"] else []
    if given["verify"] and (given["identity"] or not given["encrypt_to"]):
        words.append("--verify")
        words += ["--identity", Path(given["identity"])] if given["identity"] else []
    yield ScheduledTask("backup", given["schedule"], tuple(words), timeout=_DAY, retry=True)


REGISTRY = Component(
    "registry",
    what="the registry",
    switch="registry.enable",
    account=account_settings("registry", home="registry.dir"),
    listeners=listeners,
    health=registry_checks,
    health_seconds="registry.health_gate_timeout",
    log="registry.log_directory",
    logging="registry",
    programs=("registry",),
    tasks=lambda values: (*collections(values), *cleanups(values), *backups(values)),
    signals={
        "INT": "ends, as with TERM",
        "TERM": "finishes its requests and ends",
    },
    starter={
        "What the registry does": (
            "registry.enable",
            "registry.log_level",
            "registry.log_formatter",
            "registry.env",
            "registry.http_draintimeout",
            "registry.validation_enabled",
            "registry.compatibility_schema1_enabled",
            "registry.health_storagedriver_enabled",
            "registry.debug_addr",
            "registry.notifications",
        ),
    },
)
