"""Requests to S3 that a collection needs: the first, and each one after it.

    python -m benchmarks.requests --blobs 1000 10000

Aim: at most 0.1 a blob in the first run, 0.01 after. Each HTTP request counts that the server has noted (moto). An
image has ten layers and a configuration of its own.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from benchmarks.collection import AT_REST
from ctl.collector.collection import Options, collect
from ctl.collector.layout import REPOSITORIES, blob_folder, layer_folder, revision_folder
from ctl.storage.made import open_store
from ctl.storage.store import Store
from tests.harness import images
from tests.harness.cloud import BUCKET, s3_parameters
from tests.harness.collecting import Silent
from tests.harness.s3 import S3Server

IMAGES, LAYERS = 9, 9
"""Images of a repository, and layers of each. A manifest is one request in the first run, so layers decide."""


def fill(store: Store, blobs: int) -> int:
    """Write repositories until there are so many blobs. Returns how many there are."""
    written: set[str] = set()
    repository = 0
    while len(written) < blobs:
        for number in range(IMAGES):
            layers = [images.layer(f"{repository}-{number}-{each}", size=20) for each in range(LAYERS)]
            image = images.image(f"{repository}:{number}", size=20, shared=layers)
            _push(store, f"group/r{repository}", f"v{number}", image)
            written |= image.family().keys()
        repository += 1
    return len(written)


def _push(store: Store, repository: str, tag: str, image: images.Blob) -> None:
    for digest, one in image.family().items():
        store.write(f"{blob_folder(digest)}/data", [one.content])
        is_manifest = one.media_type == images.MANIFEST
        folder = (revision_folder if is_manifest else layer_folder)(repository, digest)
        store.write(f"{folder}/link", [digest.encode()])
    folder = f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}"
    store.write(f"{folder}/index/{image.digest.replace(':', '/')}/link", [image.digest.encode()])
    store.write(f"{folder}/current/link", [image.digest.encode()])


def _requests(server: S3Server) -> Counter[str]:
    lines = (line.partition('"')[2] for line in server.log().splitlines() if '" ' in line)
    return Counter(
        f"{line.split()[0]} {line.split()[1].partition('&continuation')[0]}" for line in lines if line
    )


def compare(blobs: int, *, listed: bool) -> None:
    """Print what each collection asks."""
    with S3Server() as server:
        server.make_bucket(BUCKET)
        store = open_store("s3", s3_parameters(server), {})
        there = fill(store, blobs)
        for name in ("first", "at rest", "each later one"):
            if name == "at rest":
                time.sleep(AT_REST)  # repositories that have just changed are not yet remembered as a whole
            before = _requests(server)
            collect(store, Options(settle=()), Silent())
            asked = _requests(server) - before
            print(f"{there:,} blobs, {name}: {asked.total()} requests, {asked.total() / there:.4f} a blob")
            for line, number in asked.most_common(30) if listed else ():
                print(f"  {number} {line}")


def main() -> None:
    """Compare at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blobs", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("-v", "--verbose", action="store_true", help="print the requests")
    given = parser.parse_args()
    for blobs in given.blobs:
        compare(blobs, listed=given.verbose)


if __name__ == "__main__":
    main()
