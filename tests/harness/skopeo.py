"""skopeo as a client of the registry, with a home and a trust of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Skopeo:
    """Runs skopeo against one registry.

    Args:
        registry: HOST:PORT.
        ca: the CA file it is to trust, or None for the machine's own trust.
        home: an empty folder: skopeo keeps a cache of what it pushed below HOME.
    """

    registry: str
    ca: Path | None
    home: Path

    def push(self, layout: Path, tag: str, repository: str, *, token: str | None) -> str:
        """Push a tag of an OCI layout with all its platforms. Returns the digest that the registry keeps."""
        digest = self.home / "digest"
        source, target = f"oci:{layout}:{tag}", f"docker://{self.registry}/{repository}:{tag}"
        access = self._access("dest", token)
        self.run(
            ["copy", "--all", "--preserve-digests", "--digestfile", str(digest), *access, source, target]
        )
        return digest.read_text(encoding="ascii").strip()

    def pull(self, reference: str, layout: Path, tag: str, *, token: str | None) -> Path:
        """Pull `repository:tag` or `repository@digest` with all its platforms into an OCI layout."""
        source, target = f"docker://{self.registry}/{reference}", f"oci:{layout}:{tag}"
        self.run(["copy", "--all", "--preserve-digests", *self._access("src", token), source, target])
        return layout

    def pull_platform(self, reference: str, layout: Path, architecture: str, *, token: str | None) -> Path:
        """Pull what a machine of one architecture would."""
        source, target = f"docker://{self.registry}/{reference}", f"oci:{layout}:{architecture}"
        choice = ["--override-os", "linux", "--override-arch", architecture]
        self.run([*choice, "copy", "--preserve-digests", *self._access("src", token), source, target])
        return layout

    def inspect(self, reference: str, *, token: str | None) -> Any:  # noqa: ANN401 - JSON
        """What skopeo reports of an image."""
        access = self._access("", token)
        return json.loads(self.run(["inspect", *access, f"docker://{self.registry}/{reference}"]).stdout)

    def delete(self, reference: str, *, token: str | None) -> None:
        """Delete the manifest that `repository:tag` names; all tags of that manifest go with it."""
        self.run(["delete", *self._access("", token), f"docker://{self.registry}/{reference}"])

    def run(self, arguments: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run skopeo.

        Raises:
            AssertionError: it failed and `check` is on; with its output.
        """
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home)}
        command = ["skopeo", "--insecure-policy", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def _access(self, side: str, token: str | None) -> list[str]:
        prefix = f"--{side}-" if side else "--"
        options = [f"{prefix}no-creds"] if token is None else [f"{prefix}registry-token", token]
        if self.ca is not None:
            options += [f"{prefix}cert-dir", str(self._trust(self.ca))]
        return options

    def _trust(self, ca: Path) -> Path:
        folder = self.home / "certs"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(ca, folder / "ca.crt")
        return folder
