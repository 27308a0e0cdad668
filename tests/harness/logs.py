"""The logs of a root that clients write into, and by how much they grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.harness.root import Root

LOGS = "var/log/gitlab"
REFUSED = f"{LOGS}/nginx/refused/gitlab_registry.log"
ACCESS = f"{LOGS}/nginx/gitlab_registry_access.log"
ANONYMOUS = f"{LOGS}/nginx/gitlab_registry_anonymous_access.log"
ERRORS = f"{LOGS}/nginx/gitlab_registry_error.log"
OUTPUT = f"{LOGS}/registry/current"
ISSUER = f"{LOGS}/registry-auth/current"
APART = {
    name: f"{LOGS}/{name}/current"
    for name in ("registry/refused", "registry/anonymous", "registry-auth/refused")
}
"""By their folders: svlogd's small logs of what anybody can cause."""


def grown(root: Root, action: Callable[[], object]) -> dict[str, int]:
    """By how many bytes each log has grown."""

    def sizes() -> dict[str, int]:
        files = [path for path in (root.path / LOGS).rglob("*") if path.is_file() and not path.is_symlink()]
        return {str(path.relative_to(root.path)): path.stat().st_size for path in files}

    before = sizes()
    action()
    return {name: size - before.get(name, 0) for name, size in sizes().items() if size > before.get(name, 0)}


def current(growth: Mapping[str, int]) -> set[str]:
    """Those that have grown, without the files into which svlogd has rotated one meanwhile."""
    return {one for one in growth if "/@" not in one}


def naming(root: Root, text: str) -> set[str]:
    """The logs that hold a text; of one that svlogd has rotated, the one that it writes now."""
    found = [path for path in (root.path / LOGS).rglob("*") if path.is_file() and not path.is_symlink()]
    holding = (path for path in found if text.encode() in path.read_bytes())
    return {
        str((path.with_name("current") if path.name[0] == "@" else path).relative_to(root.path))
        for path in holding
    }
