"""Clients of registries, each with a home of its own and the CA of a root in place of the machine's list.

Those that Debian lacks are built by `tests/clients.sh`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.people import CHECKOUT

_FOLDER = CHECKOUT / ".cache/clients"
_STORAGE = ("--root", "{home}/storage", "--runroot", "{home}/run", "--storage-driver", "vfs")
_CREDENTIALS = ("--cert-dir", "{home}/certs", "--creds", "{user}:{password}")


def program(name: str) -> Path:
    """A client's program. Skips the test, with the reason, where there is none."""
    lines = (CHECKOUT / "tests/clients.txt").read_text(encoding="utf-8").splitlines()
    modules = dict(line.split() for line in lines if not line.startswith("#"))
    if name not in modules:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        return Path(found)
    built = _FOLDER / f"{name}-{modules[name].rpartition('@')[2]}"
    if not built.exists():
        missing = _FOLDER / f"{name}.missing"
        reason = missing.read_text().strip() if missing.exists() else f"run `sh tests/clients.sh {name}`"
        pytest.skip(f"no {name}: {reason}")
    return built


@dataclass(frozen=True)
class Client:
    """How a client does what every client does; words may have {host}, {ref}, {layout}, {out}, {user}, {password}.

    Args:
        name: of the program.
        login: arguments; none where each command takes credentials.
        push: an OCI layout with the tag v1.
        pull: into an OCI layout.
        takes: arguments that make an image of the layout in the client's own storage first.
        keeps: whether what is pulled has the digests of what was pushed.
    """

    name: str
    push: tuple[str, ...]
    pull: tuple[str, ...]
    login: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    keeps: bool = True


CLIENTS = (
    Client(
        "skopeo",
        ("--insecure-policy", "copy", "--dest-cert-dir", "{home}/certs", "oci:{layout}:v1", "docker://{ref}"),
        ("--insecure-policy", "copy", "--src-cert-dir", "{home}/certs", "docker://{ref}", "oci:{out}:v1"),
        ("login", "--cert-dir", "{home}/certs", "-u", "{user}", "-p", "{password}", "{host}"),
    ),
    Client(
        "podman",
        (*_STORAGE, "push", *_CREDENTIALS, "{taken}", "docker://{ref}"),
        (*_STORAGE, "pull", "--quiet", *_CREDENTIALS, "docker://{ref}"),
        (*_STORAGE, "login", "--cert-dir", "{home}/certs", "-u", "{user}", "-p", "{password}", "{host}"),
        takes=(*_STORAGE, "pull", "--quiet", "oci:{layout}:v1"),
        keeps=False,
    ),
    Client(
        "crane",
        ("push", "{layout}", "{ref}"),
        ("pull", "--format", "oci", "{ref}", "{out}"),
        ("auth", "login", "{host}", "-u", "{user}", "-p", "{password}"),
    ),
    Client(
        "oras",  # takes localhost for a registry without TLS
        ("cp", "--to-plain-http=false", "--from-oci-layout", "{layout}:v1", "{ref}"),
        ("cp", "--from-plain-http=false", "--to-oci-layout", "{ref}", "{out}:v1"),
        ("login", "--plain-http=false", "{host}", "-u", "{user}", "-p", "{password}"),
    ),
    Client(
        "regctl",
        ("image", "copy", "ocidir://{layout}:v1", "{ref}"),
        ("image", "copy", "{ref}", "ocidir://{out}:v1"),
        ("registry", "login", "{host}", "-u", "{user}", "-p", "{password}"),
    ),
)


@dataclass(frozen=True)
class Session:
    """One account with one client.

    Args:
        program: of the client.
        home: an empty folder.
        words: values for the client's arguments.
        ca: what Go's clients trust, in place of the machine's list.
    """

    program: Path
    home: Path
    words: Mapping[str, str]
    ca: Path

    def run(
        self, arguments: Sequence[str], more: Mapping[str, str] | None = None, *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the client. Raises AssertionError where it failed and `check` is on, with what it printed."""
        words = {"home": str(self.home), **self.words, **(more or {})}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "REGISTRY_AUTH_FILE": str(self.home / "auth.json"),
            "SSL_CERT_FILE": str(self.ca),
        }
        done = subprocess.run(
            [str(self.program), *(one.format(**words) for one in arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
        return done


def session(program: Path, home: Path, ca: Path, **words: str) -> Session:
    """A client with an empty folder as its home, which has the CA also as podman and skopeo take it."""
    (home / "certs").mkdir()
    shutil.copyfile(ca, home / "certs/ca.crt")
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    return Session(program, home, words, ca)
