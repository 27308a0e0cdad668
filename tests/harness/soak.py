"""Six pushers that share layers by HEAD, mount and upload, against collections without a pause.

    python -m tests.harness.soak --pushes 100000 --journal FILE

Prints what was pushed, what was lost, and what a client without retries would have noticed; for ctl's own collector
and, as a proof that the run is strong enough, for one that marks and then deletes, at the same time beside it. The
journal has each move of the collector and each refusal, so that a refusal can be followed to its cause.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import math
import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.synchronize import Event
from pathlib import Path

from ctl.collector.collection import HOUR, Hooks, Options, _Collection
from ctl.collector.filesystem import Filesystem, blob_state
from ctl.collector.holding import HeldRun
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Marker
from ctl.collector.quarantine import Quarantine
from ctl.collector.report import Report
from tests.harness import images
from tests.harness.collecting import Silent
from tests.harness.https import Client
from tests.harness.kept_alive import KeptAlive
from tests.harness.ports import Ports
from tests.harness.registries import DEBIAN
from tests.harness.waiting import wait_for

PUSHERS, REPOSITORIES = 6, 4
GRACE, DAY = 400_000_000, 24 * HOUR
"""Nanoseconds for which blobs are left alone: short, so that there is something to lose."""
KEPT = 3 * 10**9
"""Nanoseconds after which what was moved is purged."""
LOOKS, PAUSE = 30, 0.2
"""How often an image that is missing is looked for, and seconds between."""
OWN = b"DIGEST_INVALID"
"""Is in the answer of a registry that finds a layer link empty: another push has just cut it, to write it anew. Without
any collector, two clients that keep mounting one layer let 6 of 1,500 pushes fail so (2.8)."""
SLOW = 0.15
"""Seconds between mark and sweep, as where the storage is large."""


class Slow(Silent):
    """Lets a collection take its time between mark and sweep."""

    def step(self, text: str) -> None:
        """Wait before blobs are moved."""
        if text == "moving blobs":
            time.sleep(SLOW)


@dataclass(frozen=True)
class Scale:
    """How hard it is made.

    Args:
        shared: layers that images share. The fewer, the sooner one that is garbage is wanted again.
        aged: nanoseconds after which what nobody has used is made 25 hours old, so that the collector runs with its
            grace of 24 h; 0 for none, and a grace of moments.
        journal: file for each move, refusal and miss; "" for none.
    """

    shared: int = 30
    aged: int = 0
    journal: str = ""

    @property
    def grace(self) -> int:
        """The collector's."""
        return DAY if self.aged else GRACE


def age(root: str, after: int) -> None:
    """Make everything 25 hours older that neither a registry nor a client has used for that long.

    The collector, the registry and the file system (`relatime`) then do what they do to a storage of yesterday.
    """
    storage, now = Filesystem(root), time.time_ns()
    old = now - 25 * HOUR
    paths = [path for _, _, shard in storage.shards([]) for path in _with_file(shard, "data")]
    for scan in storage.repositories():
        paths += [path for _, folder in storage.layers(scan, []) for path in (folder, f"{folder}/link")]
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            info = os.stat(path)  # noqa: PTH116 - many
            latest = info.st_mtime_ns if path[-5:] != "/link" else max(info.st_mtime_ns, info.st_atime_ns)
            if old + HOUR < latest < now - after:
                os.utime(path, ns=(old, old))


def _with_file(shard: str, name: str) -> Iterator[str]:
    for entry in os.scandir(shard):
        yield from (entry.path, f"{entry.path}/{name}")


def note(journal: str, text: str) -> None:
    """Add a line with its time: of one call, since several processes write."""
    if journal:
        with Path(journal).open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.6f} {text}\n")


class Journalled(Quarantine):
    """Writes down what it moves, and when."""

    def __init__(self, root: str, journal: str) -> None:
        super().__init__(root)
        self.journal = journal

    def take(self, run: HeldRun, path: str) -> bool:
        """Move something into a run."""
        moved = super().take(run, path)
        note(self.journal, f"taken {path}")
        return moved

    def bring_back(self, run: HeldRun, path: str) -> bool:
        """Move something back."""
        moved = super().bring_back(run, path)
        note(self.journal, f"back {path} {moved}")
        return moved


def ours(root: str, scale: Scale) -> None:
    """A collection by ctl; what it moved is purged three seconds later."""
    options = Options(older_than=scale.grace, keep_for=KEPT, settle=())
    with Journalled(root, scale.journal) as quarantine:
        _Collection(Filesystem(root), options, Slow(), Hooks(), Report(False, False), quarantine).run()


def mark_then_delete(root: str, scale: Scale) -> None:
    """A collection as others do it: a complete mark, a grace time, then deletion."""
    storage = Filesystem(root)
    marker = Marker(storage, Manifests(storage), untagged=False, young_after=0)
    mark = marker.mark({}, lambda: None)
    time.sleep(SLOW)
    for algorithm, shard, path in storage.shards([]):
        marked = mark.marks.shard(algorithm, shard)
        for blob in storage.blobs(algorithm, shard, path, []):
            state = blob_state(blob.path)
            old = state is not None and time.time_ns() - state[1] >= scale.grace
            if old and bytes.fromhex(blob.digest.partition(":")[2]) not in marked:
                shutil.rmtree(blob.path, ignore_errors=True)


Collector = Callable[[str, Scale], None]


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
    """

    def __init__(self, port: int, seed: int, tally: Tally, wanted: int, shared: Sequence[Named]) -> None:
        super().__init__(daemon=True)
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
        way = self._random.choice(("head", "mount", "upload"))
        self._offered.append(f"{way}={blob.digest}@{time.time():.6f}")
        if way == "head" and self._client.request("HEAD", f"/v2/{name}/blobs/{blob.digest}").status == 200:
            return
        query = f"?mount={blob.digest}&from=r{self._random.randrange(REPOSITORIES)}" if way == "mount" else ""
        begun = self._client.request("POST", f"/v2/{name}/blobs/uploads/{query}")
        if begun.status == http.client.CREATED:
            return
        place = begun.header("Location").split("://", 1)[-1]
        place = place[place.index("/") :]
        joint = "&" if "?" in place else "?"
        kind = "application/octet-stream"
        self._client.request("PUT", f"{place}{joint}digest={blob.digest}", blob.content, kind)

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


def soak(
    collector: Collector,
    pushes: int,
    scale: Scale = Scale(),
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
            pushers = [Pusher(client.port, seed, tally, pushes, shared) for seed in range(PUSHERS)]
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


def _line(name: str) -> Callable[[Tally], None]:
    def show(one: Tally) -> None:
        refused = f"{one.refused} refused ({one.by_itself} by the registry itself)"
        counts = f"{one.pushes:,} pushes, {one.lost} lost, {one.missing} missing a moment, {refused}"
        print(f"{time.strftime('%H:%M:%S')} {name}: {counts}", flush=True)

    return show


def main() -> int:
    """Run both, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most")
    parser.add_argument("--control", type=int, default=5_000, help="pushes of the control")
    parser.add_argument("--journal", default="", metavar="FILE", help="for each move and each refusal")
    parser.add_argument("--shared", type=int, default=30, help="layers that images share")
    parser.add_argument("--aged", type=float, default=0, metavar="SECONDS",
                        help="make 25 hours old what was not used for so long; collect at 24 h")  # fmt: skip
    parser.add_argument("--program", type=Path, default=DEBIAN)
    given = parser.parse_args()
    seconds = given.minutes * 60
    scale = Scale(given.shared, int(given.aged * 10**9), given.journal)
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as beside:
        control = beside.submit(_control, given.control, replace(scale, journal=""), given.program, seconds)
        tally = soak(ours, given.pushes, scale, program=given.program, seconds=seconds, shown=_line("ctl"))
        return int(tally.lost > 0 or control.result() == 0)


def _control(pushes: int, scale: Scale, program: Path, seconds: float) -> int:
    """What a collector that marks and then deletes loses."""
    name = "mark, then delete"
    return soak(mark_then_delete, pushes, scale, program=program, seconds=seconds, shown=_line(name)).lost


if __name__ == "__main__":
    raise SystemExit(main())
