"""Storages of each kind, empty, as the registry's `storage` section names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ctl.storage.made import open_store
from ctl.storage.store import Store
from tests.harness import azure
from tests.harness.azure import AzureServer
from tests.harness.gcs import GoogleServer
from tests.harness.s3 import S3Server
from tests.harness.versity import KEY, SECRET, VersityServer

BUCKET = "images"


@dataclass(frozen=True)
class Kept:
    """A storage.

    Args:
        driver: of the registry.
        parameters: of the driver.
        environment: what the registry's own must say.
    """

    driver: str
    parameters: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)

    def open(self, **parameters: object) -> Store:
        """Its client, with other parameters."""
        return open_store(self.driver, {**self.parameters, **parameters}, self.environment)


@contextmanager
def storage(driver: str, folder: Path) -> Iterator[Kept]:
    """An empty storage that lasts as long as the context.

    Args:
        driver: filesystem, s3, gcs, azure, or versity for S3 by another server.
        folder: an empty one, for the filesystem.
    """
    made = {"filesystem": _folder, "s3": _s3, "versity": _versity, "gcs": _gcs, "azure": _azure}[driver]
    with made(folder) as kept:
        yield kept


@contextmanager
def _folder(folder: Path) -> Iterator[Kept]:
    yield Kept("filesystem", {"rootdirectory": str(folder)})


@contextmanager
def _s3(_: Path) -> Iterator[Kept]:
    with S3Server() as server:
        server.make_bucket(BUCKET)
        yield Kept("s3", s3_parameters(server))


@contextmanager
def _versity(_: Path) -> Iterator[Kept]:
    with VersityServer() as server:
        server.make_bucket(BUCKET)
        yield Kept("s3", s3_parameters(server))


def s3_parameters(server: S3Server | VersityServer, **more: object) -> dict[str, Any]:
    """Of a bucket of a server."""
    pair = (KEY, SECRET) if isinstance(server, VersityServer) else ("any", "any")
    keys = {"accesskey": pair[0], "secretkey": pair[1], "region": "us-east-1", "bucket": BUCKET}
    return {**keys, "regionendpoint": server.endpoint, "rootdirectory": "/deep/down", **more}


@contextmanager
def _gcs(_: Path) -> Iterator[Kept]:
    with GoogleServer(BUCKET) as server:
        yield kept_by_google(server)


def kept_by_google(server: GoogleServer, **more: object) -> Kept:
    """The bucket of a server, with further parameters."""
    parameters = {"bucket": BUCKET, "keyfile": str(server.key_file), "rootdirectory": "/gcs/prefix", **more}
    return Kept("gcs", parameters, server.environment)


@contextmanager
def _azure(_: Path) -> Iterator[Kept]:
    with azure_container("/azure/virtual") as (_server, kept):
        yield kept


@contextmanager
def azure_container(prefix: str) -> Iterator[tuple[AzureServer, Kept]]:
    """A server with a container, whose images are below a prefix. Skips the test where there is no Azurite."""
    if reason := azure.missing():
        pytest.skip(reason)
    with AzureServer() as server:
        server.make_container(BUCKET)
        yield server, Kept("azure", azure.parameters(server, BUCKET, prefix))
