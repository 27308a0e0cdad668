"""Asks the node for its numbers."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from ctl import __version__
from ctl.certificates.installed import installed
from ctl.doctor.metrics.counters import Counters
from ctl.doctor.metrics.exposition import Family
from ctl.errors import CtlError
from ctl.nginx.vhost import ANONYMOUS_LOG, refused_folder
from ctl.node.last_backup import last_backup
from ctl.node.last_usage import collections, last_usage
from ctl.node.node import Node
from ctl.node.runit_service import REFUSED
from ctl.registry.collect.serving import history
from ctl.registry.collect.setup import make_setup
from ctl.registry.gate import collecting
from ctl.services.condition import problems
from ctl.services.details import usage
from ctl.services.processes import Processes
from ctl.services.runit import Runit
from ctl.settings.rules.token_issuer import signers
from ctl.timer.listing import scheduled
from ctl.timer.outcome import read_outcome

BY_HAND = ("registry-garbage-collect", "registry-cleanup", "backup")
"""What persons start, too."""


def gather(node: Node) -> Iterator[Family]:
    """Every number of a node; of what cannot be asked, none, and `ctl_up` says so.

    Args:
        node: as the settings want it.
    """
    up = Family("up", "Whether each part of these numbers could be asked.")
    for name, part in _PARTS.items():
        found = []
        try:
            found = list(part(node))
        except (CtlError, OSError):
            up.add(False, part=name)
        else:
            up.add(True, part=name)
        yield from found
    yield up
    build = Family("build_info", "The version of ctl.")
    build.add(1, version=__version__)
    now = Family("metrics_timestamp_seconds", "When these numbers were made.")
    now.add(round(time.time(), 3))
    yield from (build, now)


def _services(node: Node) -> Iterator[Family]:
    runit = Runit(node.layout)
    running = Family("service_running", "Whether the supervisor runs the service.")
    healthy = Family("service_healthy", "Whether it runs, answers and can use what it needs.")
    since = Family("service_uptime_seconds", "For how long its process runs.")
    memory = Family("service_memory_bytes", "Resident memory of it and all that came from it.")
    processor = Family(
        "service_cpu_seconds_total", "Processor time of the processes that run now.", "counter"
    )
    processes = Processes()
    for status in runit.statuses(runit.names()):
        definition = runit.definition(status.name)
        used = usage(status.pid)
        running.add(status.runs, service=status.name)
        wrong = problems(node.layout.sv / status.name, status, definition, processes)
        healthy.add(not wrong, service=status.name)
        since.add(status.seconds if status.runs else 0, service=status.name)
        memory.add(_float(used["memory"]), service=status.name)
        processor.add(_float(used["cpu_seconds"]), service=status.name)
    supervisor = Family("supervisor_running", "Whether runsvdir runs.")
    supervisor.add(runit.supervised())
    yield from (supervisor, running, healthy, since, memory, processor)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _certificates(node: Node) -> Iterator[Family]:
    end = Family("certificate_not_after_timestamp_seconds", "When a certificate ends.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in installed(node.attributes, node.layout):
            if one.facts is not None:
                end.add(
                    one.facts.not_after.timestamp(),
                    path=str(one.path),
                    kind=one.kind,
                    subject=one.facts.subject,
                )
    yield end


def _space(node: Node) -> Iterator[Family]:
    free = Family("filesystem_free_bytes", "Room for those who are not root.")
    size = Family("filesystem_size_bytes", "All of it.")
    inodes = Family("filesystem_free_inodes", "Inodes that are free.")
    for use, path in _places(node):
        there = next(one for one in (path, *path.parents) if one.exists())
        found = os.statvfs(there)
        free.add(found.f_bavail * found.f_frsize, use=use)
        size.add(found.f_blocks * found.f_frsize, use=use)
        inodes.add(found.f_favail, use=use)
    yield from (free, size, inodes)


def _places(node: Node) -> Iterator[tuple[str, Path]]:
    filesystem = node.attributes.registry.storage.get("filesystem")
    if filesystem is not None:
        yield "images", Path(filesystem["rootdirectory"])
    yield from (("logs", node.layout.logs), ("data", node.layout.data))


def _collections(node: Node) -> Iterator[Family]:
    """Garbage collections into quarantine, and what is still there; of object storage when it was asked last."""
    under_way = Family("collection_under_way", "Whether a garbage collection runs.")
    under_way.add(collecting(node.layout))
    yield under_way
    registry, measured = node.attributes.registry, last_usage(node.layout)
    if registry.enable and "filesystem" in registry.storage:
        found = collections(*history(make_setup(node.layout, registry, node.programs.registry, None)))
    elif registry.enable and measured:
        found = dict(measured.collections)
    else:
        return
    last = Family("collection_last_timestamp_seconds", "When the last collection into quarantine ended.")
    freed = Family("collection_freed_bytes_total", "Bytes that collections have freed.", "counter")
    blobs = Family("collection_last_blobs", "Blobs that the last one moved.")
    quarantine = Family("quarantine_runs", "Runs of which something is in quarantine.")
    held = Family(
        "quarantine_bytes", "Bytes that collections have moved into quarantine, and that are still there."
    )
    if found["last"]:
        last.add(found["last"])
        blobs.add(found["blobs"])
    freed.add(found["freed"])
    quarantine.add(found["runs"])
    held.add(found["held"])
    yield from (last, freed, blobs, quarantine, held)


def _storage(node: Node) -> Iterator[Family]:
    """What the storage held when registry-disk-usage asked it last."""
    found = last_usage(node.layout)
    if found is None:
        return
    used = Family("storage_bytes", "Bytes in the storage by kind, when it was asked last.")
    objects = Family("storage_objects", "How many of each kind.")
    repositories = Family("storage_repositories", "How many repositories there are.")
    asked = Family("storage_asked_timestamp_seconds", "When the storage was asked last.")
    for kind, (count, size) in found.totals.items():
        used.add(size, kind=kind)
        objects.add(count, kind=kind)
    repositories.add(found.repositories)
    asked.add(round(found.time, 3))
    yield from (used, objects, repositories, asked)


def _tasks(node: Node) -> Iterator[Family]:
    """Scheduled tasks: renewals, collections, backups, rotation of logs; also those that a person has started."""
    started = Family("task_last_start_timestamp_seconds", "When a scheduled task began last.")
    succeeded = Family("task_succeeded", "Whether its last run succeeded.")
    failures = Family("task_failures", "How often it failed in a row.")
    outcomes = {name: read_outcome(node.layout, name) for name in BY_HAND}
    outcomes |= {one.task.name: one.outcome for one in scheduled(node.layout)}
    for name, outcome in outcomes.items():
        if outcome is None or outcome.started is None:
            continue
        started.add(outcome.started.timestamp(), task=name)
        failures.add(outcome.failures, task=name)
        if outcome.ended is not None:
            succeeded.add(not outcome.failed, task=name)
    yield from (started, succeeded, failures, _backups(node))


def _backups(node: Node) -> Family:
    last = Family("backup_last_timestamp_seconds", "When the last backup succeeded.")
    found = last_backup(node.layout)
    if found is not None:
        labels = {"images": found.images, "verified": found.verified}
        last.add(round(found.time, 3), **{name: str(value).lower() for name, value in labels.items()})
    return last


def _requests(node: Node) -> Iterator[Family]:
    """From the logs: requests of NGINX's vhost, decisions of the token issuer."""
    counters = Counters.read(node.layout.state / "metrics.json")
    if node.serves_registry:
        logs = Path(node.attributes.registry.nginx.log_directory)
        for log in (logs / "gitlab_registry_access.log", logs / ANONYMOUS_LOG):
            counters.count_requests(log)
        counters.count_requests(refused_folder(node.attributes) / "gitlab_registry.log")
    for signer in signers(node.attributes):
        if signer.service:
            folder = Path(node.component(signer.service).log_folder(node.attributes, node.layout))
            for log in (folder / "current", folder / REFUSED / "current"):
                counters.count_decisions(log)
    counters.write()
    requests = Family("http_requests_total", "Requests that NGINX has answered for the registry.", "counter")
    sent = Family("http_sent_bytes_total", "Bytes of their answers.", "counter")
    decisions = Family("token_decisions_total", "Decisions of the token issuer.", "counter")
    for key, count in sorted(counters.requests.items()):
        method, status, *rest = key.split(" ")
        requests.add(count, method=method, status=status, repository=rest[0] if rest else "")
    for repository, size in sorted(counters.sent.items()):
        sent.add(size, repository=repository)
    for outcome, count in sorted(counters.decisions.items()):
        decisions.add(count, outcome=outcome)
    yield from (requests, sent, decisions)


_PARTS: dict[str, Callable[[Node], Iterator[Family]]] = {
    "services": _services,
    "certificates": _certificates,
    "space": _space,
    "collections": _collections,
    "storage": _storage,
    "tasks": _tasks,
    "requests": _requests,
}
