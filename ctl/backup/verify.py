"""Proves a backup: it is restored into a private root and started there, and images are pulled from it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ctl.backup.archive import IMAGES, bare_name, unpack
from ctl.backup.images import copy
from ctl.backup.place import Bucket, aws_environment, place_of, split
from ctl.backup.restic import Restic
from ctl.backup.restore import folder_of_images, images_of
from ctl.collector.filesystem import Filesystem
from ctl.collector.layout import CURRENT, REPOSITORIES, blob_folder
from ctl.converge.leftovers import abandoned, locked_folder
from ctl.errors import RunFailed, naming
from ctl.machine.own_command import own_command
from ctl.paths import Layout
from ctl.registry.token import issue, repository_access
from ctl.services.runit import Runit
from ctl.settings.attributes import Attributes
from ctl.settings.components import COMPONENTS
from ctl.settings.components.registry import REGISTRY
from ctl.settings.load import load
from ctl.settings.written import python_name

SAMPLE = 10
"""Images that are pulled."""
_PARENT, _PREFIX = Path("/var/tmp"), "ctl-verification-"  # noqa: S108 - a fresh name in it
_LIFETIME = timedelta(hours=1)
_MANIFESTS = ", ".join(
    f"application/vnd.{name}+json"
    for name in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)


@dataclass(frozen=True)
class Proof:
    """What was seen.

    Args:
        images: pulled, as REPOSITORY:TAG, each with every blob by its digest.
    """

    images: tuple[str, ...]


def verify(archive: str, attributes: Attributes, identity: Path | None = None) -> Proof:
    """Restore a backup beside the node and let a registry serve it.

    Args:
        archive: its path or URL.
        attributes: of the node, with its credentials for S3.
        identity: a private key of age or gpg.

    Raises:
        CtlError: it cannot be restored or started, a token of its key is refused, or an image is not whole.
    """
    source, name = split(archive)
    place = place_of(source, attributes)
    facts, members = unpack(archive, place.read(name), identity)
    with _private_root() as root:
        more = ["--identity", str(identity.absolute())] if identity else []
        aws = aws_environment(attributes) if isinstance(place, Bucket) else {}
        _ctl(root, "restore", place.where(name), "--no-reconfigure", *more, environment=aws)
        storage = root / "images"
        storage.mkdir(mode=0o755)
        chosen = []
        if facts.repository:
            chosen = _saved_sample(images_of(place, members), bare_name(name), storage)
        elif facts.images:
            chosen = _sample(folder_of_images(place, name), storage)
        port = _free_port()
        settings = _settings(root, Path(facts.settings), port, storage)
        attributes = load(settings, Layout(root)).attributes
        if os.geteuid() == 0:
            _give(storage, attributes)
        _ctl(root, "--settings", str(settings), "reconfigure")
        pull = _Pull(port, attributes, Path(place.where(name + IMAGES)))
        pull.log_in()
        for repository, tag in chosen:
            pull.image(repository, tag)
    return Proof(tuple(f"{repository}:{tag}" for repository, tag in chosen))


@contextmanager
def _private_root() -> Iterator[Path]:
    """A folder that accounts of services may enter; nothing of it stays, nor of one that was killed."""
    for left in abandoned(_PARENT, _PREFIX):
        with suppress(OSError):  # its commands may still be at work: the next verification removes it
            _end(left)
    folder, descriptor = locked_folder(_PREFIX, _PARENT)
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        _end(folder)
        os.close(descriptor)


def _end(root: Path) -> None:
    """End all that runs in a private root, and remove it."""
    Runit(Layout(root)).end_supervisor()
    shutil.rmtree(root)


def _ctl(root: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    done = own_command(["--root", str(root), *arguments], environment=environment)
    if done.returncode != 0:
        reason = done.stderr.strip() or done.stdout.strip()
        raise RunFailed(f"the backup does not start elsewhere: {reason}")


def _sample(source: Path, storage: Path) -> list[tuple[str, str]]:
    """Some tags with all that their repositories have, in a storage of their own."""
    chosen = _chosen(source)
    if chosen:
        copy(source, storage, source, only={repository for repository, _ in chosen})
    return chosen


def _chosen(source: Path) -> list[tuple[str, str]]:
    scans = [scan for scan in Filesystem(str(source)).repositories() if scan.tags]
    tags = [(scan.name, link.name) for scan in scans for link in scan.tags if link.path.endswith(CURRENT)]
    return random.sample(tags, min(SAMPLE, len(tags)))


def _saved_sample(images: Restic, name: str, storage: Path) -> list[tuple[str, str]]:
    """Likewise, of what restic has: links first, then the blobs that those of the chosen ones name."""
    images.restore(name, storage, [REPOSITORIES])
    chosen = _chosen(storage)
    tops = {storage / REPOSITORIES / repository for repository, _ in chosen}
    kinds = ("_layers", "_manifests/revisions")
    links = [link for top in tops for kind in kinds for link in (top / kind).rglob("link")]
    blobs = {blob_folder(f"{link.parents[1].name}:{link.parent.name}") for link in links}
    if blobs:
        images.restore(name, storage, sorted(blobs))
    return chosen


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _settings(root: Path, restored: Path, port: int, storage: Path) -> Path:
    """The restored settings, but for what would meet the node that serves, or others: the registry alone."""
    switches = {one.switch for one in COMPONENTS if one.switch} - {REGISTRY.switch}
    lines = [
        f"from_file({json.dumps(str(root / restored))})",
        f'registry["registry_http_addr"] = "127.0.0.1:{port}"',
        f'registry["storage"] = {{"filesystem": {{"rootdirectory": {json.dumps(str(storage))}}}}}',
        'registry["debug_addr"] = None',
        'registry["notifications"] = []',
        'registry["log_directory"] = "/var/log/gitlab/registry"',
        *(f"{python_name(switch.split('.'))} = False" for switch in sorted(switches)),
        'manage_accounts["enable"] = False',
        *(f'registry_{task}["enable"] = False' for task in ("backup", "cleanup", "garbage_collect")),
        "",
    ]
    path = root / "etc/gitlab/verify.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(0o600)
    return path


def _give(storage: Path, attributes: Attributes) -> None:
    """To the registry's account. What is linked to the backup is only read there."""
    shutil.chown(storage, attributes.registry.username, attributes.registry.group)
    for folder, _, _ in os.walk(storage):
        shutil.chown(folder, attributes.registry.username, attributes.registry.group)
        Path(folder).chmod(0o755)


class _Pull:
    """A client of the private registry, with tokens of the restored key.

    Args:
        port: of the registry.
        attributes: as restored.
        images: the folder of the backup's images, if there is one.
    """

    def __init__(self, port: int, attributes: Attributes, images: Path) -> None:
        self.port, self.attributes, self.images = port, attributes, images

    def log_in(self) -> None:
        """A token of the restored key is accepted."""
        self._get("/v2/", "")

    def image(self, repository: str, reference: str) -> None:
        """Everything that an image needs, each blob with the digest that it should have."""
        content = self._get(f"/v2/{repository}/manifests/{reference}", repository)
        found = json.loads(content)
        for child in found.get("manifests", ()):
            self.image(repository, child["digest"])
        for blob in (*found.get("layers", ()), *([found["config"]] if "config" in found else ())):
            if "urls" not in blob:
                self._blob(repository, blob["digest"])

    def _blob(self, repository: str, digest: str) -> None:
        algorithm, _, wanted = digest.partition(":")
        content = self._get(f"/v2/{repository}/blobs/{digest}", repository)
        if hashlib.new(algorithm, content).hexdigest() != wanted:
            place = self.images / blob_folder(digest) / "data"
            raise RunFailed(
                f"the backup is damaged: {digest} of {repository} has other bytes",
                hint=f"The next one copies it anew after: rm {place}" if place.exists() else None,
            )

    def _get(self, path: str, repository: str) -> bytes:
        access = repository_access([repository], ["pull"]) if repository else []
        issuer, key = self.attributes.gitlab_rails.registry_issuer, self.attributes.registry.internal_key
        headers = {"Accept": _MANIFESTS}
        if key:  # a node whose key is GitLab's cannot sign: then it is the refusal that is seen
            token = issue(key, issuer=issuer, subject="ctl", access=access, lifetime=_LIFETIME)
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise RunFailed(f"the restored registry does not answer: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise RunFailed(f"the restored registry answers {answer.status} to {path}: {content[:200]!r}")
        return content
