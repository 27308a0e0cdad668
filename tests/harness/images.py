"""Container images made from nothing but a seed: the same bytes, and so the same digests, each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
_PART = 1 << 24
"""More bytes than 256 MB cannot be made at once."""
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Blob:
    """Content with its type.

    Args:
        media_type: as registries know it.
        content: the bytes.
        platform: (os, architecture) of an image in an index, or None.
        needs: what it refers to: a config and layers, or the manifests of an index.
        algorithm: of its digest.
    """

    media_type: str
    content: bytes
    platform: tuple[str, str] | None = None
    needs: tuple[Blob, ...] = ()
    algorithm: str = "sha256"

    @property
    def digest(self) -> str:
        """As sha256:HEX of the content."""
        return f"{self.algorithm}:{hashlib.new(self.algorithm, self.content).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, Any]:
        """How another blob refers to this one."""
        found: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.content),
        }
        if self.platform:
            found["platform"] = {"os": self.platform[0], "architecture": self.platform[1]}
        return found

    def family(self) -> dict[str, Blob]:
        """This blob and all that it needs, by digest, what is needed first."""
        found: dict[str, Blob] = {}
        for needed in self.needs:
            found |= needed.family()
        found[self.digest] = self
        return found


def image(
    seed: str,
    *,
    size: int = 2_000,
    architecture: str = "amd64",
    shared: Sequence[Blob] = (),
    algorithm: str = "sha256",
) -> Blob:
    """An image of one layer with one file of random content.

    Args:
        seed: another seed, another image.
        size: bytes of the file; they do not compress.
        architecture: its platform is linux/ARCHITECTURE.
        shared: further layers, as `layer` makes them.
        algorithm: of all its digests.
    """
    layers = [*shared, replace(layer(seed, size=size), algorithm=algorithm)]
    config = Blob(CONFIG, _config(layers, architecture), algorithm=algorithm)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [one.descriptor for one in layers],
    }
    return Blob(MANIFEST, _json(manifest), ("linux", architecture), (config, *layers), algorithm)


def dated(seed: str, created: object, *, architecture: str = "amd64", **more: object) -> Blob:
    """An image whose configuration gives a date.

    Args:
        seed: another seed, another image.
        created: as the configuration has it; None for none.
        architecture: its platform is linux/ARCHITECTURE.
        more: further keys of the configuration.
    """
    one = layer(seed, size=500)
    document = {"architecture": architecture, "os": "linux", "created": created, **more}
    config = Blob(CONFIG, _json(document))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [one.descriptor],
    }
    return Blob(MANIFEST, _json(manifest), ("linux", architecture), (config, one))


def of_layers(layers: Sequence[Blob]) -> Blob:
    """An image of given blobs, which need not be archives."""
    config = Blob(CONFIG, _json({"architecture": "amd64", "os": "linux", "layers": len(layers)}))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [one.descriptor for one in layers],
    }
    return Blob(MANIFEST, _json(manifest), ("linux", "amd64"), (config, *layers))


def referrer(of: Blob, *, needs: bool = True) -> Blob:
    """A manifest about another (OCI image specification, `subject`): a signature."""
    layers = [layer(f"signature of {of.digest}"[:40], size=64)] if needs else []
    config = Blob("application/vnd.oci.empty.v1+json", b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [one.descriptor for one in layers],
        "subject": of.descriptor,
    }
    return Blob(MANIFEST, _json(manifest), None, (config, *layers))


def index(*images: Blob) -> Blob:
    """An index of images (or of indexes), as multi-platform images are."""
    content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [one.descriptor for one in images]}
    return Blob(INDEX, _json(content), None, images)


def two_platforms(seed: str, *, size: int = 2_000) -> Blob:
    """An index of an amd64 and an arm64 image."""
    return index(*(image(f"{seed}-{arch}", size=size, architecture=arch) for arch in ("amd64", "arm64")))


def layer(seed: str, *, size: int) -> Blob:
    """A layer that holds one file `/SEED` of `size` random bytes."""
    rng = random.Random(seed)  # noqa: S311 - wanted: the same bytes for the same seed
    data = b"".join(rng.randbytes(min(_PART, size - start)) for start in range(0, size, _PART))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(seed.replace("/", "-"))
        member.size = size
        tar.addfile(member, io.BytesIO(data))
    return Blob(LAYER, gzip.compress(archive.getvalue(), compresslevel=1, mtime=0))


def write_layout(folder: Path, tags: Mapping[str, Blob]) -> Path:
    """Write an OCI layout that skopeo reads as `oci:FOLDER:TAG`. Returns the folder."""
    for blob in tags.values():
        for digest, one in blob.family().items():
            target = folder / "blobs" / digest.replace(":", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(one.content)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")
    entries = [
        blob.descriptor | {"annotations": {"org.opencontainers.image.ref.name": tag}}
        for tag, blob in tags.items()
    ]
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": entries}))
    return folder


def layout_digests(folder: Path) -> set[str]:
    """The digests of all blobs in a layout; each is checked against its content."""
    found = set()
    for path in (folder / "blobs" / "sha256").iterdir():
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
        assert actual == path.name, f"{path} holds other bytes than its name says"
        found.add(f"sha256:{actual}")
    return found


def _config(layers: Sequence[Blob], architecture: str) -> bytes:
    digests = ["sha256:" + hashlib.sha256(gzip.decompress(one.content)).hexdigest() for one in layers]
    return _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": digests},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "test"} for _ in layers],
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
