"""A node with its own issuer of tokens, and clients that have them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness import images
from tests.harness.https import Answer
from tests.harness.issuer import (
    NO_GITLAB,
    Issuer,
    password,
    write_accounts,
)
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker

IMAGE = images.image("token-issuer")
WITHOUT_GITLAB = (NO_GITLAB, 'registry_auth["failed_attempts_period"] = "1h"')
KEY = "var/opt/gitlab/registry-auth/gitlab-registry.key"


def issuer_node(make: RootMaker, person: Person, *settings: str) -> Root:
    """A registry with its own issuer, and accounts.

    Args:
        make: makes its root.
        person: who runs `ctl`, with a Python that every account can read.
        settings: further ones.
    """
    root = make(person)
    root.settings(*WITHOUT_GITLAB, *settings)
    write_accounts(root)
    root.reconfigure()
    return root


def skopeo(
    root: Root, command: str, *arguments: str, user: str | None, side: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run skopeo with an account's password, or as nobody."""
    prefix = f"--{side}-" if side else "--"
    (root.home / "certs").mkdir(exist_ok=True)
    shutil.copyfile(root.ca, root.home / "certs/ca.crt")
    access = [f"{prefix}cert-dir", str(root.home / "certs")]
    access += [f"{prefix}no-creds"] if user is None else [f"{prefix}creds", f"{user}:{password(user)}"]
    return root.skopeo.run([command, *access, *arguments], check=check)


def push(root: Root, repository: str, *, user: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Push the image with an account's password."""
    layout = root.home / "layout"
    if not layout.exists():
        images.write_layout(layout, {"v1": IMAGE})
    source, target = f"oci:{layout}:v1", f"docker://localhost:{root.port}/{repository}:v1"
    return skopeo(root, "copy", "--preserve-digests", source, target, user=user, side="dest", check=check)


def pull(root: Root, repository: str, *, user: str | None, check: bool = True) -> set[str]:
    """The digests of what was pulled; empty where nothing was."""
    with tempfile.TemporaryDirectory(dir=root.home) as folder:
        source = f"docker://localhost:{root.port}/{repository}:v1"
        done = skopeo(root, "copy", source, f"oci:{folder}:v1", user=user, side="src", check=check)
        if done.returncode != 0:
            assert "denied" in done.stderr or "unauthorized" in done.stderr, done.stderr
            return set()
        return images.layout_digests(Path(folder))


def ask_registry(root: Root, user: str | None, method: str, path: str, *scopes: str) -> Answer:
    """A request to the registry with a token for the scopes."""
    token = Issuer.of(root).token(user, *scopes)
    return root.client.request(method, path, headers={"Authorization": f"Bearer {token}"})
