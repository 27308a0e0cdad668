"""Reads the manifests of repositories through the registry's API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from ctl.collector.manifest import Manifest, parse
from ctl.registry.collect.api import ApiError, RegistryApi
from ctl.registry.collect.plan import Repository

THREADS = 8
"""Requests at once: an object store takes some hundredths of a second for each."""


@contextmanager
def threads() -> Iterator[Executor]:
    """Threads for requests. An interruption does not wait for requests that have not begun."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="survey")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def survey(
    api: RegistryApi,
    manifests: Mapping[str, Iterable[str]],
    *,
    pool: Executor,
    all_manifests: bool,
    advance: Callable[[], None],
    warn: Callable[[str], None],
) -> Iterator[Repository]:
    """Read what decides about survival, one repository after the other.

    Args:
        api: the registry.
        manifests: digests of the manifests of each repository.
        pool: its threads.
        all_manifests: read also those of repositories in which every manifest has a tag.
        advance: called with each repository.
        warn: gets each repository that is kept whole since something of it cannot be read.
    """
    for name, digests in manifests.items():
        try:
            yield _read(api, name, set(digests), pool, all_manifests)
        except ApiError as error:
            warn(f"{name}: everything there is kept: {error.message}")
            yield Repository(name, {}, frozenset(), unreadable=frozenset(digests))
        advance()


def _read(
    api: RegistryApi,
    name: str,
    digests: set[str],
    pool: Executor,
    all_manifests: bool,
) -> Repository:
    tags = api.tags(name)
    named = list(pool.map(lambda tag: api.digest_of_tag(name, tag), tags))
    for tag, digest in zip(tags, named, strict=True):
        if digest is None:  # what it named is among the manifests, and nobody knows which it is
            raise ApiError(f"{name}:{tag} names a manifest that is missing")
    tagged = frozenset(digest for digest in named if digest is not None)
    wanted = sorted(digests | tagged) if all_manifests or digests - tagged else []
    found = pool.map(lambda digest: _manifest(api, name, digest), wanted)
    return Repository(name, {one.digest: one for one in found}, tagged)


def _manifest(api: RegistryApi, name: str, digest: str) -> Manifest:
    try:
        return parse(digest, api.manifest(name, digest))
    except (ValueError, RecursionError) as error:
        raise ApiError(f"{name}@{digest} is no manifest that can be read") from error
