"""What is deleted while a client pushes there: a push is refused, or its image is whole in the end.

The race is forced: the client has uploaded its layers, or has asked by HEAD whether they are there; a deletion or
collection moves what there is, and the manifest comes just before the registry forgets. A cache in memory promises then
what went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ctl.collector.collection import Hooks, collect
from ctl.collector.filesystem import RepositoryScan
from ctl.images.removal import Remover
from tests.harness import images
from tests.harness.bare_registry import started
from tests.harness.collecting import SILENT, at_once
from tests.harness.registries import Registry

pytestmark = pytest.mark.real

NAME = "grp/app"
OLD = images.image("old")
REFUSED = 400
"""MANIFEST_BLOB_UNKNOWN: the client's next try uploads what is missing."""


class Node:
    """A registry that can be started anew, and a client of it.

    Args:
        registry: its program.
        root: of its storage.
        cache: for descriptors of blobs; "" for none.
    """

    def __init__(self, registry: Registry, root: Path, cache: str) -> None:
        self._program, self.root, self._cache = registry.program, root, cache
        self._stack, self._number = ExitStack(), 0
        root.mkdir()
        self.start()

    def start(self) -> None:
        """Start it, or end it and start it anew."""
        self.close()
        self._number += 1
        self.client, self.process = self._stack.enter_context(
            started(self._program, self.root, cache=self._cache, name=str(self._number))
        )

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def offer(self, image: images.Blob) -> None:
        """Upload of an image or index what the registry says that it lacks, as clients do."""
        for blob in image.needs:
            if blob.media_type == images.MANIFEST:
                if self.client.manifest(NAME, blob.digest).status != 200:
                    self.client.push(NAME, blob)
            elif self.client.request("HEAD", f"/v2/{NAME}/blobs/{blob.digest}").status != 200:
                self.client.upload_blob(NAME, blob)

    def put(self, image: images.Blob, reference: str) -> int:
        """Put a manifest, by which an image is pushed. Returns the status."""
        path, kind = f"/v2/{NAME}/manifests/{reference}", image.media_type
        return self.client.authorised(
            "PUT", path, repository=NAME, body=image.content, Content_Type=kind
        ).status

    def pulls(self, image: images.Blob, reference: str) -> bool:
        """Whether an image can be pulled: of a blob that only a cache knows, the answer is cut off."""
        try:
            return self.client.pulls(NAME, image, reference)
        except ConnectionError:
            return False

    def remover(self, *, meanwhile: Callable[[], None], note: str = "delete") -> Remover:
        """Removes, and something happens when all has been moved and the registry has not yet forgotten it."""

        def switch() -> None:
            meanwhile()
            self.start()

        return Remover(str(self.root), lambda _: None, note=note, switch=switch)

    def scan(self) -> RepositoryScan:
        """The repository as it is."""
        found = self.remover(meanwhile=lambda: None).storage.repository(NAME)
        assert found is not None
        return found


@pytest.fixture(params=["", "inmemory"], ids=["no cache", "inmemory"])
def node(request: pytest.FixtureRequest, registry_program: Registry, tmp_path: Path) -> Iterator[Node]:
    found = Node(registry_program, tmp_path / "images", request.param)
    found.client.push("always", images.image("always"), "v1")
    found.client.push(NAME, OLD, "v1")
    yield found
    found.close()


class Push:
    """A push whose manifest comes in a given moment; afterwards its client may try again.

    Args:
        node: where to.
        image: with layers that were offered before.
    """

    def __init__(self, node: Node, image: images.Blob) -> None:
        self.node, self.image, self.status = node, image, 0
        node.offer(image)

    def __call__(self) -> None:
        self.status = self.node.put(self.image, "pushed")

    def is_whole(self) -> bool:
        return self.node.pulls(self.image, "pushed")

    def is_right(self) -> bool:
        """Whether it was refused, and its repetition is whole; or it was taken, and is whole."""
        if self.status == REFUSED:
            self.node.offer(self.image)
            self()
        return self.status == 201 and self.is_whole()


def test_a_whole_repository(node: Node) -> None:
    push = Push(node, images.image("new", shared=[OLD.needs[1]]))
    seen: list[bool] = []

    def meanwhile() -> None:
        push()
        node.start()
        seen.append(push.is_whole())  # what a process sees that was started anew then

    with node.remover(meanwhile=meanwhile) as remover:
        remover.repository(node.scan())
    cached = push.status == 201
    assert cached == bool(remover.removed.kept)
    assert push.is_right()
    assert seen == [False], "without another look the push would have been lost"
    assert not node.pulls(OLD, "v1")


def test_a_manifest_that_becomes_part_of_an_index(node: Node) -> None:
    """Distribution 3 keeps in memory which manifests there are, too."""
    index = images.index(OLD, images.image("other", architecture="arm64"))
    node.client.push(NAME, index.needs[1])
    push = Push(node, index)
    with node.remover(meanwhile=push) as remover:
        remover.tags(node.scan(), {"v1": OLD.digest})
        remover.manifest(NAME, OLD.digest)
    assert (push.status == 201) == bool(remover.removed.kept)
    assert push.is_right()


def test_a_clean_up_and_its_collection(node: Node) -> None:
    """The layers of the image that goes are those of the one that comes, in the last moment of either."""
    moments: list[Push] = []
    for number in range(2):
        node.client.push(NAME, images.image(f"goes {number}"), "goes")
        push = Push(node, images.image(f"comes {number}", shared=images.image(f"goes {number}").needs[1:]))
        moments.append(push)
        with node.remover(meanwhile=push if number == 0 else lambda: None, note="cleanup") as remover:
            scan = node.scan()
            remover.tags_and_manifests(scan, {"goes": images.image(f"goes {number}").digest})

        def switch(push: Push = push, late: bool = number == 1) -> None:
            if late:
                push()
            node.start()

        collect(str(node.root), at_once(untagged=True, settle=(0.1,)), SILENT, Hooks(switch=switch))
        assert push.is_right(), number


def test_a_registry_that_remembers_until_all_is_over(node: Node) -> None:
    """As one that was stopped between its check and its link: the next collection brings back what it needs."""
    push = Push(node, images.image("late"))
    with Remover(str(node.root), lambda _: None, note="delete") as remover:
        remover.repository(node.scan())
    push()
    node.start()
    assert not push.is_whole()
    report = collect(str(node.root), at_once(untagged=True, settle=()), SILENT)
    assert (push.status == 201) == (report.counts.get("links_restored") == 2)
    assert push.is_right()
