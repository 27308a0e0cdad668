"""Measures what a node can do: pulls, pushes and tokens a second, filesystem and S3, through NGINX and without.

    python benchmarks/sizing.py [SECONDS [FILE]]

Takes twenty times SECONDS [8], and a minute, and puts the table between the marks of FILE [docs/sizing.md].

The clients run on the same machine and take their share of its processors, so that a node alone does more. S3 is a
server of the tests (moto), on this machine, in one process of Python: it is the limit there, and real storage answers
more slowly but in parallel.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
PAGE = Path(__file__).parents[1] / "docs/sizing.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
CORES = len(os.sched_getaffinity(0))


def rate(job: Callable[[int], object], seconds: float) -> str:
    """How often a job is done in a second by CLIENTS threads, and how often for each core."""
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
    found = sum(counts) / (time.monotonic() - began)
    return f"{found:.0f} ({found / CORES:.0f})"


def requests(client: Client, name: str, seconds: float) -> Iterator[str]:
    """A row: requests of a manifest, pulls and pushes of a small image."""
    image = images.image("sizing", size=LAYER)
    client.push("grp/app", image, "v1")

    def pull(_: int) -> None:
        assert client.pulls("grp/app", image, "v1")

    def push(number: int) -> None:
        client.push(f"grp/p{number % 50}", images.image(f"sizing {name} {number}", size=LAYER), "v1")

    def manifest(_: int) -> None:
        assert client.manifest("grp/app", "v1").status == 200

    yield f"| {name} | {' | '.join(rate(job, seconds) for job in (manifest, pull, push))} |"


@contextmanager
def node(root: Root, *settings: str) -> Iterator[Root]:
    """A node that serves."""
    try:
        root.settings(*settings)
        root.reconfigure(timeout=300)
        yield root
    finally:
        root.end()


def tokens(seconds: float) -> Iterator[str]:
    """Rows: tokens of the issuer."""
    settings = (
        'registry_auth["enable"] = True',
        'registry["token_realm"] = None',
        "external_url = None",
        'registry_auth["requests_per_second"] = 10000',
        'registry_auth["requests_burst"] = 10000',
    )
    with ordinary() as other:
        root = Root(reachable(myself(), other) if other else myself())
        root.settings(*settings)
        write_accounts(root)
        with node(root, *settings):
            for name, issuer in (
                ("through NGINX and TLS", Issuer.of(root)),
                ("without", Issuer.behind(root)),
            ):
                issuer.get("reader", "repository:team/app:pull")

                def ask(_: int, issuer: Issuer = issuer) -> None:
                    assert issuer.get("reader", "repository:team/app:pull").status == 200

                yield f"| {name} | {rate(ask, seconds)} |"


def rows(seconds: float) -> Iterator[str]:
    """The lines of the tables."""
    now = datetime.datetime.now(datetime.UTC)
    yield f"{now:%Y-%m-%d}, {CORES} cores ({cpu()}), {platform.system()} {platform.release()}, load average"
    yield f"{os.getloadavg()[0]:.0f} before it began, {seconds:.0f} s a cell; in brackets for each core:"
    yield from ("", "| images | manifests/s | pulls/s | pushes/s |", "| --- | --- | --- | --- |")
    with node(Root(myself())) as root:
        yield from both(root, "filesystem", seconds)
    with S3Server() as server:
        server.make_bucket("sizing")
        given = {"accesskey": "test", "secretkey": "test", "region": "us-east-1", "bucket": "sizing"}
        given |= {"regionendpoint": server.endpoint, "secure": False}  # type: ignore[dict-item]
        storage = {"s3": given, "redirect": {"disable": True}}
        with node(Root(myself()), f'registry["storage"] = {storage!r}') as root:
            yield from both(root, "S3 (moto)", seconds)
    yield from ("", "| tokens of ctl's own issuer, RSA 2048, password known | tokens/s |", "| --- | --- |")
    yield from tokens(seconds)


def both(root: Root, storage: str, seconds: float) -> Iterator[str]:
    """Through NGINX, and without."""
    yield from requests(root.client, f"{storage}, through NGINX and TLS", seconds)
    yield from requests(root.direct, f"{storage}, without", seconds)


def main(seconds: float, page: Path) -> None:
    """Measure, and put the tables into the page."""
    lines = []
    for line in rows(seconds):
        print(line, flush=True)
        lines.append(f"{line}\n")
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{head}{BEGIN}{''.join(lines)}{END}{rest.partition(END)[2]}", encoding="utf-8")


def cpu() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((one.partition(": ")[2] for one in lines if one.startswith("model name")), platform.machine())


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 8.0, Path(given[1]) if len(given) > 1 else PAGE)
