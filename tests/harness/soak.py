"""Six pushers that share layers by HEAD, mount and upload, against collections without a pause.

    python -m tests.harness.soak --pushes 100000 --journal FILE

Prints what was pushed, what was lost, and what a client without retries would have noticed; for ctl's own collector
and, at the same time beside it, for one that marks and then deletes (a proof that the run is strong enough), and
for the same pushers without any collector: what is refused there, no collector is the cause of. The
journal has each move of the collector and each refusal, so that a refusal can be followed to its cause.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import math
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from tests.harness import images
from tests.harness.bare_registry import served
from tests.harness.kept_alive import KeptAlive
from tests.harness.registries import DEBIAN
from tests.harness.soak_collectors import (
    AS_IT_IS,
    Collector,
    Scale,
    age,
    mark_then_delete,
    no_collector,
    note,
    ours,
)

PUSHERS, REPOSITORIES = 6, 4
LOOKS, PAUSE = 30, 0.2
"""How often an image that is missing is looked for, and seconds between."""
OWN = b"DIGEST_INVALID"
"""Is in the answer of a registry (2.8) that finds a layer link empty: another push has cut it, to write it anew."""


@dataclass(frozen=True)
class Named:
    """Content with its digest, which is asked for often."""

    content: bytes
    digest: str


@dataclass(frozen=True)
class Image:
    """A manifest with its config and layers."""

    manifest: Named
    needs: tuple[Named, ...]


def _named(content: bytes) -> Named:
    return Named(content, f"sha256:{hashlib.sha256(content).hexdigest()}")


def _image(layers: Sequence[Named]) -> Image:
    made = images.of_layers([images.Blob(images.LAYER, one.content) for one in layers])
    return Image(_named(made.content), tuple(_named(one.content) for one in made.needs))


@dataclass
class Tally:
    """What the pushers saw.

    Args:
        pushes: images that the registry took.
        refused: pushes that a client without retries would have failed with.
        by_itself: those of them that no collector has caused: see OWN.
        missing: images that could not be pulled for a moment.
        lost: images that could not be pulled any more.
        until: of the monotonic clock, when the pushers stop.
        kept: images that must be there at the end: repository and manifest.
        journal: file for what is refused or missing; "" for none.
    """

    pushes: int = 0
    refused: int = 0
    by_itself: int = 0
    missing: int = 0
    lost: int = 0
    until: float = math.inf
    kept: dict[tuple[str, str], Image] = field(default_factory=dict)
    journal: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pusher(threading.Thread):
    """One client.

    Args:
        port: of the registry.
        seed: of its decisions.
        tally: counts.
        wanted: pushes of all clients together.
        shared: layers to choose from.
        asks: whether it asks for each layer before it sends it, as docker and skopeo do.
    """

    def __init__(
        self, port: int, seed: int, tally: Tally, wanted: int, shared: Sequence[Named], *, asks: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self._ways = ("mount", "upload") if asks else ("head", "mount", "upload")
        self._asks = asks
        self._client = KeptAlive(port)
        self._shared = shared
        self._random = random.Random(seed)  # noqa: S311
        self._tally = tally
        self._wanted = wanted
        self._mine: list[tuple[str, Image]] = []
        self._offered: list[str] = []

    def run(self) -> None:
        """Push until all have pushed enough; delete most of it again, so that layers become garbage."""
        while self._tally.pushes < self._wanted and time.monotonic() < self._tally.until:
            name = f"r{self._random.randrange(REPOSITORIES)}"
            layers = self._random.sample(self._shared, self._random.randint(1, 3))
            image = _image([*layers, _named(self._random.randbytes(30))])
            while answer := self._push(name, image):
                with self._tally.lock:
                    self._tally.refused += 1
                    self._tally.by_itself += OWN in answer
            with self._tally.lock:
                self._tally.pushes += 1
                self._tally.kept[name, image.manifest.digest] = image
            self._mine.append((name, image))
            if len(self._mine) > 2:
                self._remove(*self._mine.pop(self._random.randrange(len(self._mine))))

    def _push(self, name: str, image: Image) -> bytes:
        """Push once. Returns what a registry that refuses it answers, else nothing."""
        for one in image.needs:
            self._offer(name, one)
        path, content = f"/v2/{name}/manifests/{image.manifest.digest}", image.manifest.content
        answer = self._client.request("PUT", path, content, images.MANIFEST)
        if answer.status != http.client.CREATED:
            offered, body = " ".join(self._offered), answer.body.decode(errors="replace").strip()
            note(self._tally.journal, f"refused {name} {answer.status} {body} after {offered}")
        self._offered.clear()
        return b"" if answer.status == http.client.CREATED else answer.body or b"no body"

    def _offer(self, name: str, blob: Named) -> None:
        way = self._random.choice(self._ways)
        self._offered.append(f"{way}={blob.digest}@{time.time():.6f}")
        asks = self._asks or way == "head"
        if asks and self._client.request("HEAD", f"/v2/{name}/blobs/{blob.digest}").status == 200:
            return
        query = f"?mount={blob.digest}&from=r{self._random.randrange(REPOSITORIES)}" if way == "mount" else ""
        begun = self._client.request("POST", f"/v2/{name}/blobs/uploads/{query}")
        if begun.status == http.client.CREATED:
            return
        place = begun.header("Location").split("://", 1)[-1]
        place = place[place.index("/") :]
        joint = "&" if "?" in place else "?"
        kind = "application/octet-stream"
        done = self._client.request("PUT", f"{place}{joint}digest={blob.digest}", blob.content, kind)
        if done.status != http.client.CREATED:  # the manifest is refused, too
            note(self._tally.journal, f"no upload {name} {blob.digest} {done.status} {done.body!r}")

    def _returns(self, name: str, image: Image) -> bool:
        """Whether it can be pulled, at the latest when the next collections have looked."""
        for attempt in range(LOOKS):
            part = absent(self._client, name, image)
            if not part:
                return True
            with self._tally.lock:
                self._tally.missing += attempt == 0
            note(self._tally.journal, f"missing {name} {attempt} {part}")
            time.sleep(PAUSE)
        return False

    def _remove(self, name: str, image: Image) -> None:
        lost = not self._returns(name, image)
        with self._tally.lock:
            self._tally.lost += lost
            del self._tally.kept[name, image.manifest.digest]
        self._client.request("DELETE", f"/v2/{name}/manifests/{image.manifest.digest}")


def pulls(client: KeptAlive, name: str, image: Image) -> bool:
    """Whether an image can be fetched, with exactly its bytes."""
    return not absent(client, name, image)


def absent(client: KeptAlive, name: str, image: Image) -> str:
    """What of an image cannot be fetched, with the registry's answer; nothing where all can."""
    for kind, one in (("manifests", image.manifest), *(("blobs", each) for each in image.needs)):
        answer = client.request("GET", f"/v2/{name}/{kind}/{one.digest}")
        if answer.status != 200 or answer.body != one.content:
            return f"{one.digest} {answer.status} {answer.body.decode(errors='replace').strip()}"
    return ""


def _collect_on(collector: Collector, root: str, scale: Scale, stop: Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(FileNotFoundError):  # the control does not expect what pushes do meanwhile
            if scale.aged:
                age(root, scale.aged)
            collector(root, scale)
        time.sleep(0.05)


def soak(
    collector: Collector,
    pushes: int,
    scale: Scale = AS_IT_IS,
    *,
    program: Path = DEBIAN,
    seconds: float = math.inf,
    shown: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Push against collections, at most for some seconds. Returns what the pushers saw, which is shown each minute."""
    with tempfile.TemporaryDirectory(prefix="ctl-soak-") as folder:
        root, stop = Path(folder, "images"), multiprocessing.Event()
        tally = Tally(until=time.monotonic() + seconds, journal=scale.journal)
        root.mkdir()
        with served(program, root) as client:
            client.push("always", images.image("always"), "v1")
            process = multiprocessing.Process(target=_collect_on, args=(collector, str(root), scale, stop))
            process.start()
            shared = [_named(f"shared layer {number}".encode() * 50) for number in range(scale.shared)]
            pushers = [
                Pusher(client.port, seed, tally, pushes, shared, asks=scale.asks) for seed in range(PUSHERS)
            ]
            for one in pushers:
                one.start()
            for one in pushers:
                while one.is_alive():
                    one.join(60)
                    shown(tally)
            stop.set()
            process.join()
            collector(str(root), scale)
            last = KeptAlive(client.port)
            lost = [key for key, image in tally.kept.items() if not pulls(last, key[0], image)]
        tally.lost += len(lost)
        shown(tally)
        return tally


@dataclass(frozen=True)
class Rate:
    """How a run has gone, in numbers.

    Args:
        pushes, lost, refused: of its tally.
    """

    pushes: int
    lost: int
    refused: int

    @classmethod
    def of(cls, tally: Tally) -> Rate:
        """What a tally comes to."""
        return cls(tally.pushes, tally.lost, tally.refused)

    @property
    def refused_of_10_000(self) -> float:
        """Pushes of 10,000 with which a client without retries fails."""
        return 10_000 * self.refused / max(1, self.pushes)

    def beyond(self, control: Rate) -> str:
        """The refusals of a run beside those of a control without a collector."""
        own, other = self.refused_of_10_000, control.refused_of_10_000
        return (
            f"{self.refused} of {self.pushes:,} pushes refused, {control.refused} of {control.pushes:,} without a "
            f"collector: {own:.1f} and {other:.1f} of 10,000, {max(0.0, own - other):.1f} beyond the control's"
        )


def _line(name: str) -> Callable[[Tally], None]:
    def show(one: Tally) -> None:
        refused = f"{one.refused} refused ({one.by_itself} as without a collector)"
        counts = f"{one.pushes:,} pushes, {one.lost} lost, {one.missing} missing a moment, {refused}"
        print(f"{time.strftime('%H:%M:%S')} {name}: {counts}", flush=True)

    return show


def main() -> int:
    """Run all three, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most")
    parser.add_argument(
        "--control", type=int, default=5_000, help="pushes against the collector that deletes"
    )
    parser.add_argument("--alone", type=int, default=20_000, help="pushes without a collector")
    parser.add_argument("--journal", default="", metavar="FILE", help="for each move and each refusal")
    parser.add_argument("--shared", type=int, default=30, help="layers that images share")
    parser.add_argument("--aged", type=float, default=0, metavar="SECONDS",
                        help="make 25 hours old what was not used for so long; collect at 24 h")  # fmt: skip
    parser.add_argument("--program", type=Path, default=DEBIAN)
    parser.add_argument(
        "--ask", action="store_true", help="ask for each layer first, as docker and skopeo do"
    )
    given = parser.parse_args()
    scale = Scale(given.shared, int(given.aged * 10**9), given.journal, given.ask)
    quiet = replace(scale, journal="")
    more = {"program": given.program, "seconds": given.minutes * 60}
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as beside:
        control = beside.submit(_beside, "mark, then delete", mark_then_delete, given.control, quiet, more)
        alone = beside.submit(_beside, "no collector", no_collector, given.alone, quiet, more)
        ctl = Rate.of(soak(ours, given.pushes, scale, shown=_line("ctl"), **more))
        print(ctl.beyond(alone.result()))
        return int(ctl.lost > 0 or control.result().lost == 0)


def _beside(name: str, collector: Collector, pushes: int, scale: Scale, more: Mapping[str, Any]) -> Rate:
    return Rate.of(soak(collector, pushes, scale, shown=_line(name), **more))


if __name__ == "__main__":
    raise SystemExit(main())
