"""Random histories of a storage against a model: nothing that is reachable is ever missing, what is not goes.

The storage is written as a registry writes it, step by step: checks of a push, links, tags, deletions, damages.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ctl.collector.collection import HOUR, Hooks, collect
from ctl.collector.layout import QUARANTINE, REPOSITORIES, blob_folder, layer_folder, revision_folder
from ctl.collector.quarantine import Quarantine
from ctl.collector.restoring import restore
from ctl.errors import LockHeld
from tests.harness import images
from tests.harness.collecting import SILENT, at_once
from tests.harness.examples import examples
from tests.harness.registry_store import Store

NAMES = ("a", "a/b", "c")
TAGS = ("t1", "t2")
LAYERS = [images.Blob(images.LAYER, f"layer {number}".encode()) for number in range(5)]
SEEDS = st.lists(st.sampled_from(range(len(LAYERS))), min_size=1, max_size=3, unique=True)


class Refused(Exception):
    """The registry answers 400: the client has to try again."""


class Histories(RuleBasedStateMachine):
    """A storage with what a registry promised to its clients."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ctl-histories-"))
        self.store = Store(self.folder / "images")
        self.tags: dict[tuple[str, str], images.Blob] = {}
        self.revisions: dict[tuple[str, str], images.Blob] = {}
        self.checked: list[tuple[str, images.Blob, str]] = []
        self.store.path(f"{REPOSITORIES}/empty/_layers").mkdir(parents=True)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # --- what registries do

    def _upload(self, name: str, blob: images.Blob) -> None:
        """Content that is there stays as it is; the link is written anew."""
        if not self.store.data(blob.digest).exists():
            self.store.write(f"{blob_folder(blob.digest)}/data", blob.content)
        self.store.write(f"{layer_folder(name, blob.digest)}/link", blob.digest.encode())

    def _check(self, name: str, manifest: images.Blob) -> None:
        """As a PUT checks what a manifest needs: through the link, then the content."""
        for one in manifest.needs:
            is_manifest = one.media_type in (images.MANIFEST, images.INDEX)
            link = (
                self.store.revision(name, one.digest) if is_manifest else self.store.layer(name, one.digest)
            )
            if not link.exists() or not self.store.data(one.digest).exists():
                raise Refused

    def _link(self, name: str, manifest: images.Blob, tag: str) -> None:
        if not self.store.data(manifest.digest).exists():
            self.store.write(f"{blob_folder(manifest.digest)}/data", manifest.content)
        self.store.write(f"{revision_folder(name, manifest.digest)}/link", manifest.digest.encode())
        self.revisions[name, manifest.digest] = manifest
        if tag:
            self.store.tag(name, tag, manifest.digest)
            self.tags[name, tag] = manifest

    def _push(self, name: str, manifest: images.Blob, tag: str) -> None:
        for one in manifest.needs:
            if one.media_type in (images.MANIFEST, images.INDEX):
                self._push(name, one, "")
            else:
                self._upload(name, one)
        self._check(name, manifest)
        self._link(name, manifest, tag)

    @rule(name=st.sampled_from(NAMES), layers=SEEDS, tag=st.sampled_from(("", *TAGS)))
    def push(self, name: str, layers: list[int], tag: str) -> None:
        self._push(name, _image(layers), tag)

    @rule(name=st.sampled_from(NAMES), one=SEEDS, two=SEEDS, tag=st.sampled_from(("", *TAGS)))
    def push_index(self, name: str, one: list[int], two: list[int], tag: str) -> None:
        inner = images.index(_image(one))
        self._push(name, images.index(inner, _image(two)), tag)

    @rule(name=st.sampled_from(NAMES), layers=SEEDS)
    def push_referrer(self, name: str, layers: list[int]) -> None:
        self._push(name, images.referrer(_image(layers), needs=False), "")

    @rule(name=st.sampled_from(NAMES), layers=SEEDS, tag=st.sampled_from(TAGS))
    def check_only(self, name: str, layers: list[int], tag: str) -> None:
        """A registry that is stopped between the checks of a manifest and its link."""
        image = _image(layers)
        for one in image.needs:
            self._upload(name, one)
        self._check(name, image)
        self.checked.append((name, image, tag))

    @precondition(lambda self: self.checked)
    @rule()
    def go_on(self) -> None:
        self._link(*self.checked.pop())

    @precondition(lambda self: self.tags)
    @rule(data=st.data())
    def delete_tag(self, data: st.DataObject) -> None:
        name, tag = data.draw(st.sampled_from(sorted(self.tags)))
        del self.tags[name, tag]
        self.store.untag(name, tag)

    @precondition(lambda self: self.revisions)
    @rule(data=st.data())
    def delete_manifest(self, data: st.DataObject) -> None:
        """By digest: all its tags go with it, and those of indexes that it was in, which nobody can pull any more."""
        name, digest = data.draw(st.sampled_from(sorted(self.revisions)))
        del self.revisions[name, digest]
        self.store.delete(name, digest)
        for tag in [tag for (of, tag), one in self.tags.items() if of == name and digest in one.family()]:
            del self.tags[name, tag]
            self.store.untag(name, tag)

    @rule(name=st.sampled_from(NAMES))
    def leave_an_upload(self, name: str) -> None:
        self.store.write(f"{REPOSITORIES}/{name}/_uploads/0f/data", b"half")

    @rule()
    def age(self) -> None:
        self.store.age()

    @rule(hours=st.sampled_from((-1, 1)))
    def the_clock_jumps(self, hours: int) -> None:
        """To all that is there, a clock that is put forward is as an hour that has passed."""
        for folder, _, files in os.walk(self.store.root):
            for path in (folder, *(f"{folder}/{name}" for name in files)):
                info = os.stat(path)  # noqa: PTH116 - of many
                os.utime(path, ns=(info.st_atime_ns - hours * HOUR, info.st_mtime_ns - hours * HOUR))

    # --- what collections do

    def _collect(
        self, *, untagged: bool, older_than: int = 0, keep_for: int = 24 * HOUR, **more: object
    ) -> None:
        before = dict(self.revisions)
        options = at_once(untagged=untagged, older_than=older_than, keep_for=keep_for, **more)
        collect(str(self.store.root), options, SILENT)
        if untagged:  # what no tag leads to may be gone; then it is none of the repository any more
            for name, digest in before:
                if not self.store.revision(name, digest).exists():
                    del self.revisions[name, digest]

    @rule(untagged=st.booleans(), older_than=st.sampled_from((0, HOUR)))
    def collect(self, untagged: bool, older_than: int) -> None:
        self._collect(untagged=untagged, older_than=older_than)

    @precondition(lambda self: not self.checked)  # beyond --keep-for nothing can know of a stopped process
    @rule(untagged=st.booleans())
    def collect_and_purge(self, untagged: bool) -> None:
        self._collect(untagged=untagged, keep_for=0)

    @precondition(lambda self: not self.checked)
    @rule()
    def collect_while_nobody_writes(self) -> None:
        self._collect(untagged=True, paused=True)

    @precondition(lambda self: self.tags and not self.checked)
    @rule(data=st.data(), content=st.sampled_from((None, b"", b"sha256:", b"{}")))
    def collect_while_something_is_damaged(self, data: st.DataObject, content: bytes | None) -> None:
        """A link or a manifest is lost, empty or garbled, and put in order afterwards: nothing has gone."""
        name, tag = data.draw(st.sampled_from(sorted(self.tags)))
        digest = self.tags[name, tag].digest
        parts = (self.store.link(name, tag), self.store.revision(name, digest), self.store.data(digest))
        path = data.draw(st.sampled_from(parts))
        before = path.read_bytes()
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        self._collect(untagged=data.draw(st.booleans()), keep_for=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)

    @rule(name=st.sampled_from(NAMES), layers=SEEDS, tag=st.sampled_from(TAGS))
    def collect_while_something_is_pushed(self, name: str, layers: list[int], tag: str) -> None:
        """Just after the blobs went, a client pushes; before, the registry has checked another image."""
        late = self.checked.pop() if self.checked else None

        def push(_: object) -> None:
            if late is not None:
                self._link(*late)
            self._push(name, _image(layers), tag)

        collect(str(self.store.root), at_once(), SILENT, Hooks(forget=push))

    @rule()
    def two_at_once(self) -> None:
        with Quarantine(str(self.store.root)):
            try:
                self._collect(untagged=True)
            except LockHeld:
                return
        raise AssertionError("two collections at once")

    @rule()
    def restore_all(self) -> None:
        for run in sorted((self.store.root / QUARANTINE).glob("20*")):
            restore(str(self.store.root), run.name)

    # --- what must hold

    def _pulls(self, name: str, manifest: images.Blob) -> bool:
        links = self.store.revision(name, manifest.digest).exists()
        return links and all(
            self._pulls(name, one)
            if one.media_type in (images.MANIFEST, images.INDEX)
            else self.store.layer(name, one.digest).exists() and self.store.data(one.digest).exists()
            for one in manifest.needs
        )

    @invariant()
    def every_tag_can_be_pulled_once_a_collection_has_run(self) -> None:
        """An image that was linked after its blobs went is missing until the next mark, and never longer."""
        missing = [key for key, manifest in self.tags.items() if not self._pulls(key[0], manifest)]
        if missing:
            collect(str(self.store.root), at_once(keep_for=24 * HOUR), SILENT)
        for (name, tag), manifest in self.tags.items():
            assert self._pulls(name, manifest), f"{name}:{tag} is lost"

    @precondition(lambda self: not self.checked)
    @rule()
    def in_the_end_all_garbage_is_gone(self) -> None:
        for _ in range(4):
            self._collect(untagged=True, keep_for=0)
            self.store.age()
        needed = {digest for manifest in self.tags.values() for digest in manifest.family()}
        subjects = {digest: one for (_, digest), one in self.revisions.items()}
        more = {digest for one in subjects.values() for digest in one.family()}
        assert needed <= self.store.blobs() <= needed | more
        assert not list((self.store.root / QUARANTINE).glob("20*"))


def _image(layers: list[int]) -> images.Blob:
    return images.of_layers([LAYERS[number] for number in sorted(layers)])


Histories.TestCase.settings = settings(
    max_examples=int(os.environ.get("CTL_TEST_HISTORIES", examples(8))),
    stateful_step_count=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a history takes minutes
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
