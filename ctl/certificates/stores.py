"""Puts a CA where the tools of this machine look for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import Rights, look
from ctl.converge.steps import MakeDirectory
from ctl.distribution import Distribution, distribution
from ctl.errors import CtlError
from ctl.machine.child import run_child
from ctl.machine.search import find_program
from ctl.paths import Layout
from ctl.tls.authority import NAME
from ctl.tls.certificates import each, inspect, load_chain, public_of_chain
from ctl.tls.chain import name
from ctl.tls.vhost_files import read

if TYPE_CHECKING:
    from cryptography import x509

FILE_MODE, FOLDER_MODE = 0o644, 0o755
DOCKER_FOLDER = "/etc/docker/certs.d"
"""docs.docker.com, 'Verify repository client with certificates': HOST:PORT/ca.crt below it."""
CONTAINERS_FOLDER = "/etc/containers/certs.d"
"""containers-certs.d(5); without a folder of the registry there, Docker's is read."""
CONTAINERD_FOLDER = "/etc/containerd/certs.d"
"""containerd, docs/hosts.md: HOST:PORT/hosts.toml below it, where its configuration names it as config_path."""
SYSTEM_FILE = str(Distribution.ca_own)
PROGRAMS = {
    "docker": ("docker", "dockerd"),
    "podman": ("podman", "skopeo", "buildah"),
    "containerd": ("containerd", "nerdctl"),
}
"""Which programs show that a tool is in use on this machine."""
_PATIENCE = 120.0


class State(StrEnum):
    """Whether a tool trusts the CA."""

    TRUSTED = "already trusted"
    NEW = "trusted now"
    RENEWED = "renewed"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Store:
    """Where one tool looks for the CA of one registry.

    Args:
        tool: docker, podman, containerd or system.
        path: the CA's file there.
        beside: a file that refers to it, and its content.
        apart: whether each certificate needs a file of its own (the distribution links no others of the same file).
    """

    tool: str
    path: Path
    beside: tuple[Path, str] | None = None
    apart: bool = False

    def judge(self, ca: bytes, *, replace: bool) -> State:
        """What `put` is going to do.

        Args:
            ca: PEM.
            replace: whether another one may be replaced.

        Raises:
            CtlError: something else is there, which is not to be replaced.
        """
        referring = self._judge_beside(replace=replace)
        if not os.path.lexists(self.path):
            return State.NEW
        leads_nowhere = not self.path.exists()
        present = b"" if leads_nowhere else self._present()
        found = _compare(present, ca)
        if found is None and not replace:
            raise CtlError(
                f"{self.path} is there already: {'a link that leads nowhere' if leads_nowhere else _name(present)}",
                hint="--replace puts this registry's in its place; or keep both: copy it beside that one "
                "under another name that ends in .crt",
            )
        return referring if found is State.TRUSTED else found or State.REPLACED

    def _present(self) -> bytes:
        files = file_names(self.path) if self.apart else (self.path,)
        return b"".join(read(one, f"where {self.tool} looks") for one in files if one.exists())

    def _judge_beside(self, *, replace: bool) -> State:
        if self.beside is None:
            return State.TRUSTED
        path, content = self.beside
        if not os.path.lexists(path):
            return State.NEW
        if read(path, f"where {self.tool} looks").decode(errors="replace") == content:
            return State.TRUSTED
        if not replace:
            raise CtlError(
                f"{path} is there already, with other content",
                hint="--replace writes it anew; or add to it by hand: " + content.splitlines()[-1].strip(),
            )
        return State.REPLACED

    def put(self, ca: bytes) -> None:
        """Write the CA; folders that are missing are made. Raises OSError with the path."""
        missing = [parent for parent in self.path.parents if look(parent, follow=True) is None]
        for folder in reversed(missing):
            MakeDirectory(folder, Rights(FOLDER_MODE), parent=True).apply()
        first, second = file_names(self.path)
        parts = each(ca) if self.apart else [ca]
        write_atomic(first, parts[0], mode=FILE_MODE)
        if self.apart:
            second.unlink(missing_ok=True)
        if len(parts) > 1:
            write_atomic(second, b"".join(parts[1:]), mode=FILE_MODE)
        if self.beside:
            write_atomic(self.beside[0], self.beside[1].encode(), mode=FILE_MODE)


def file_names(path: Path) -> tuple[Path, Path]:
    """The files of the CA that signs, and of the one that will, where each needs its own."""
    return path, path.with_name(f"{path.stem}-next{path.suffix}")


def stores(layout: Layout, registry: str) -> dict[str, Store]:
    """Every tool's store, by the tool's name.

    Args:
        layout: the root below which the paths are.
        registry: as `ctl.tls.client_trust.registry_name` writes it.
    """
    paths = {
        "docker": f"{DOCKER_FOLDER}/{registry}/ca.crt",
        "podman": f"{CONTAINERS_FOLDER}/{registry}/ca.crt",
        "containerd": f"{CONTAINERD_FOLDER}/{registry}/ca.crt",
        "system": str(distribution(layout.root).ca_own),
    }
    hosts = layout.path(f"{CONTAINERD_FOLDER}/{registry}/hosts.toml")
    beside = {"containerd": (hosts, hosts_toml(registry))}
    return {
        tool: Store(tool, layout.path(path), beside.get(tool), apart=tool == "system")
        for tool, path in paths.items()
    }


def hosts_toml(registry: str) -> str:
    """What containerd reads of a registry: the mirror that it asks, and the CA of that.

    Args:
        registry: as `ctl.tls.client_trust.registry_name` writes it.
    """
    url = f"https://{registry}"
    return (
        f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve", "push"]\n'
        f'  ca = "{CONTAINERD_FOLDER}/{registry}/ca.crt"\n'
    )


def installed_tools() -> list[str]:
    """The tools with a store of their own that are installed here."""
    return [tool for tool, programs in PROGRAMS.items() if find_program(*programs)]


def system_program() -> Path:
    """The program that makes the machine's list of CAs. Raises CtlError where there is none."""
    name = distribution().ca_command
    found = find_program(name)
    if found is None:
        raise CtlError(f"{name} is not installed", hint=f"Run: {distribution().install_hint(name)}")
    return found


def update_system(ca: bytes, program: Path) -> bool:
    """Let the machine's own list of CAs take up what is in its folder, unless it holds it already.

    Returns:
        Whether the list had to be made anew.

    Raises:
        CtlError: the program failed; run again, it is tried again.
    """
    here = distribution()
    known = here.ca_bundle.read_bytes() if here.ca_bundle.is_file() else b""
    if all(one.strip() in known for one in each(ca)):
        return False
    options = here.ca_renew if os.path.lexists(here.ca_link) else ()
    done = run_child([str(program), *options], seconds=_PATIENCE)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise CtlError(f"{program} failed: {last}", hint=f"Run it to see all that it says: {program}")
    return True


def _compare(present: bytes, ca: bytes) -> State | None:
    """How the file in a store compares with the CA; None where it is another's."""
    try:
        there, own = load_chain(present, where="the file"), load_chain(ca, where="the CA")
        ours = _of_one_node([*there, *own])
        if all(one in there for one in own):
            # beside a former one of ours, which clients trust no longer when they are given the new file
            return State.RENEWED if ours and len(there) > len(own) else State.TRUSTED
        if ours and any(one in there for one in own):
            return State.RENEWED
        same_keys = set(public_of_chain(present)) == set(public_of_chain(ca))
    except CtlError:  # no certificate: another's, whatever it is
        return None
    return State.RENEWED if same_keys and there[0].subject == own[0].subject else None


def _of_one_node(authorities: list[x509.Certificate]) -> bool:
    """Whether all are local CAs of the same node, the present one and such as were or will be in its place."""
    names = {re.sub(r" \d{4}-\d\d$", "", name(one)) for one in authorities}
    return len(names) == 1 and f"CN={NAME}" in names.pop()


def _name(present: bytes) -> str:
    try:
        return f"it holds another CA ({inspect(present).subject})"
    except CtlError as error:
        return f"it {error.message.removeprefix('the certificate ')}"
