"""A registry without auth on a storage, which other processes may use, too."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.harness.https import Client
from tests.harness.ports import Ports
from tests.harness.waiting import wait_for


@contextlib.contextmanager
def served(program: Path, root: Path) -> Iterator[Client]:
    """A registry without cache or auth on a storage."""
    with started(program, root) as (client, _):
        yield client


@contextlib.contextmanager
def started(
    program: Path,
    root: Path,
    *,
    cache: str = "",
    name: str = "one",
    storage: Mapping[str, object] | None = None,
) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """A registry without auth on a storage, and its process. GOGC of the environment is passed on.

    Args:
        program: of the registry.
        root: of the storage; its configuration is a file beside that.
        cache: for descriptors of blobs ("inmemory"); "" for none.
        name: of this process, where several serve one storage.
        storage: the driver with its parameters; None for a file system.
    """
    ports = Ports()
    port = ports.take()
    config = root.with_suffix(f".{name}.yml")
    driver = storage or {"filesystem": {"rootdirectory": str(root)}}
    cached = {"cache": {"blobdescriptor": cache}} if cache else {}
    document = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {**cached, **driver, "delete": {"enabled": True}, "redirect": {"disable": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    config.write_text(json.dumps(document), encoding="utf-8")
    process = subprocess.Popen(
        [program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"OTEL_TRACES_EXPORTER": "none", "GOGC": os.environ.get("GOGC", "100")},
    )  # fmt: skip
    client = Client(port, None, lambda _name, _actions: "none")
    try:
        wait_for(lambda: client.get("/v2/").status == 200, what="the registry serves")
        yield client, process
    finally:
        process.kill()
        process.wait()
        ports.release()
