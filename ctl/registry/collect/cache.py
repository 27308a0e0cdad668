"""Clears the cache of blob descriptors in Redis around a collection.

It outlives the registry: afterwards it would go on promising blobs that are gone, clients would not send them
again, and images pushed then would be broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ctl.collector.progress import Reporter
from ctl.errors import PreflightError, RunFailed
from ctl.registry.collect.collector import Setup
from ctl.registry.programs import RegistryProgram, identify
from ctl.registry.reason import mask
from ctl.registry.redis import ANSWER_SECONDS, RedisServer, redis_server

PATTERNS = ("blobs::*", "repository::*")
"""What registries call their keys (Distribution, registry/storage/cache/redis); a database may have others."""
_AT_ONCE = 500
"""Keys looked at, and deleted, by one command: others use the server meanwhile."""
_NO_KEY = "blobs::ctl"


class Cache:
    """The descriptors in Redis.

    Args:
        server: where they are.
        secrets: values that must not be shown.
    """

    def __init__(self, server: RedisServer, secrets: frozenset[str]) -> None:
        self._server = server
        self._secrets = secrets

    def check(self, seconds: float = ANSWER_SECONDS, *, writes: bool = False) -> None:
        """See that it answers, and lets its keys be found and deleted. Changes nothing.

        Args:
            seconds: for each answer.
            writes: see that it takes keys, too, by one that is gone at once.

        Raises:
            PreflightError: it does not.
        """
        try:
            with self._client(seconds) as client:
                client.scan(match=PATTERNS[0], count=1)
                if writes:
                    client.set(_NO_KEY, "", ex=1)
                client.unlink(_NO_KEY)
        except RunFailed as error:
            raise PreflightError(
                f"{error.message}; its entries would go on promising blobs that a collection deletes, so "
                "nothing was begun",
                hint='Start it, or correct registry["redis"]; without it: registry["storage"]["cache"] = '
                '{"blobdescriptor": "inmemory"}, then `ctl reconfigure`',
            ) from error

    def clear(self) -> int:
        """Delete the registry's keys, and no others. Returns how many there were.

        Raises:
            RunFailed: the server does not do it.
        """
        count = 0
        with self._client() as client:
            for pattern in PATTERNS:
                batch: list[bytes] = []
                for key in client.scan_iter(match=pattern, count=_AT_ONCE):
                    batch.append(key)
                    if len(batch) == _AT_ONCE:
                        count += client.unlink(*batch)
                        batch.clear()
                count += client.unlink(*batch) if batch else 0
        return count

    def forget(self, links: Mapping[str, Sequence[str]]) -> None:
        """Delete the keys of some digests, and no others.

        Args:
            links: the digests, each with the repositories that link to it.

        Raises:
            RunFailed: the server does not do it.
        """
        with self._client() as client:
            for digest, repositories in links.items():
                keys = [f"repository::{name}::blobs::{digest}" for name in repositories]
                for key in (f"blobs::{digest}", *keys):
                    client.unlink(key)
                for name in repositories:
                    client.srem(f"repository::{name}::blobs", digest)

    @contextmanager
    def _client(self, seconds: float = ANSWER_SECONDS) -> Iterator[Any]:
        from redis import RedisError

        try:
            client = self._server.connect(seconds)
            try:
                yield client
            finally:
                client.close()
        except (RedisError, OSError, ValueError) as error:
            why = mask(" ".join(str(error).split()).rstrip("."), self._secrets)
            raise RunFailed(f"Redis at {self._server}, the cache of blob descriptors: {why}") from error


def cache_of(setup: Setup) -> Cache | None:
    """The cache that must be cleared; None where the registry keeps it in its own memory, or has none.

    Raises:
        PreflightError: the configuration names no server that this registry program would use.
    """
    if setup.config.cache != "redis":
        return None
    known = setup.program.exists()
    program = identify(setup.program) if known else RegistryProgram(setup.program, "unknown")
    server = redis_server(setup.config, program)
    if server is None:
        raise PreflightError(
            f"{setup.config.path} has its cache in Redis, but names no server that {program} would use"
        )
    return Cache(server, setup.config.secrets)


@contextmanager
def cache_cleared(cache: Cache | None, reporter: Reporter) -> Iterator[None]:
    """Clear a cache before anything is deleted, and again afterwards.

    The first time makes a killed ctl harmless: the registry finds a cache that promises nothing. The second time is
    for registries of other machines, which may have gone on filling it.

    Raises:
        RunFailed: the first time failed; nothing was begun.
    """
    if cache is None:
        yield
        return
    reporter.step("clearing the cache in Redis")
    cache.clear()
    try:
        yield
    finally:
        try:
            cache.clear()
        except RunFailed as error:
            reporter.warn(f"{error.message}; it was cleared before the collection")
