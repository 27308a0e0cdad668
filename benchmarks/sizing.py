"""Measures what a node can do: pulls, pushes and tokens a second, filesystem and S3, through NGINX and without.

    python benchmarks/sizing.py [SECONDS]

The clients run on the same machine and take their share of its processors, so that a node alone does more. Prints
the table of docs/sizing.md. S3 is a server of the tests (moto), on this machine, in one process of Python: it is the
limit there, and real storage answers more slowly but in parallel.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.harness import images
from tests.harness.https import Client
from tests.harness.issuer import Issuer, reachable, write_accounts
from tests.harness.people import myself, ordinary
from tests.harness.root import Root
from tests.harness.s3 import S3Server

CLIENTS = 8
LAYER = 1_000_000
"""Bytes of the layer of an image that is pulled and pushed."""


def rate(job: Callable[[int], object], seconds: float) -> float:
    """How often a job is done in a second by CLIENTS threads."""
    end, counts, failed = time.monotonic() + seconds, [0] * CLIENTS, []

    def work(number: int) -> None:
        try:
            while time.monotonic() < end:
                job(number * 1_000_000 + counts[number])
                counts[number] += 1
        except (OSError, AssertionError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"a request failed: {failed[0]}")
    return sum(counts) / (time.monotonic() - began)


def requests(root: Root, client: Client, name: str, seconds: float) -> None:
    """Two rows: pulls and pushes of a small image, requests of a manifest."""
    image = images.image("sizing", size=LAYER)
    client.push("grp/app", image, "v1")

    def pull(_: int) -> None:
        assert client.pulls("grp/app", image, "v1")

    def push(number: int) -> None:
        client.push(f"grp/p{number % 50}", images.image(f"sizing {name} {number}", size=LAYER), "v1")

    def manifest(_: int) -> None:
        assert client.manifest("grp/app", "v1").status == 200

    line(name, rate(manifest, seconds), rate(pull, seconds), rate(push, seconds))


def line(name: str, manifests: float, pulls: float, pushes: float) -> None:
    """A row of the table."""
    print(f"| {name} | {manifests:.0f} | {pulls:.0f} | {pushes:.0f} |", flush=True)


def tokens(seconds: float) -> None:
    """Tokens a second of the issuer, through NGINX."""
    with ordinary() as other:
        root = Root(reachable(myself(), other) if other else myself())
        measure_tokens(root, seconds)


def measure_tokens(root: Root, seconds: float) -> None:
    """Let it run, and ask for tokens."""
    try:
        root.settings(
            'registry_auth["enable"] = True',
            'registry["token_realm"] = None',
            "external_url = None",
            'registry_auth["requests_per_second"] = 10000',
            'registry_auth["requests_burst"] = 10000',
        )
        write_accounts(root)
        root.reconfigure(timeout=300)
        issuer = Issuer.of(root)
        issuer.get("reader", "repository:team/app:pull")
        found = rate(lambda _: issuer.get("reader", "repository:team/app:pull"), seconds)
        print(f"\nTokens through NGINX, RSA 2048, password known: {found:.0f} a second")
    finally:
        root.end()


def main(seconds: float) -> None:
    """Print the table."""
    now = datetime.datetime.now(datetime.UTC)
    print(f"{now:%Y-%m-%d}, {os.cpu_count()} CPUs ({cpu()}), {platform.system()} {platform.release()}")
    print("\n| | manifests/s | pulls/s | pushes/s |\n| --- | --- | --- | --- |")
    root = Root(myself())
    try:
        root.settings()
        root.reconfigure(timeout=300)
        requests(root, root.client, "filesystem, through NGINX and TLS", seconds)
        requests(root, root.direct, "filesystem, without TLS", seconds)
    finally:
        root.end()
    with S3Server() as server:
        server.make_bucket("sizing")
        root = Root(myself())
        try:
            storage = {
                "s3": {
                    "accesskey": "test",
                    "secretkey": "test",
                    "region": "us-east-1",
                    "bucket": "sizing",
                    "regionendpoint": server.endpoint,
                    "secure": False,
                },
                "redirect": {"disable": True},
            }
            root.settings(f'registry["storage"] = {storage!r}')
            root.reconfigure(timeout=300)
            requests(root, root.client, "S3 (moto), through NGINX and TLS", seconds)
        finally:
            root.end()
    tokens(seconds)


def cpu() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((one.partition(": ")[2] for one in lines if one.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
