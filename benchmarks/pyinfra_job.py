"""The same converge job for pyinfra: every folder, file, link and account of a root as pyinfra operations."""

from __future__ import annotations

import grp
import pwd
import shutil
import stat
import sys
from pathlib import Path

MANAGED = ("etc/gitlab", "opt/gitlab", "var/opt/gitlab", "var/log/gitlab")
"""Where the managed files of a root are."""
RUNTIME = {"supervise", "ctl", "reconfigure", "tmp", "run"}
"""Names of folders that services and ctl itself fill: no part of the job."""
LOGS = {"current", "lock", "state"}


def pyinfra() -> Path:
    """The pyinfra beside this Python (extra `bench`)."""
    program = Path(sys.executable).parent / "pyinfra"
    if not program.exists():
        raise SystemExit("pyinfra is not installed here: pip install -e '.[bench]'")
    return program


def command(deploy: Path) -> list[str]:
    """The command line that converges this machine by a deploy file."""
    return [str(pyinfra()), "-y", "@local", str(deploy)]


def deploy_of_root(root: Path, folder: Path) -> Path:
    """Write a deploy file that makes what is in a converged root.

    Args:
        root: the root, as ctl has made it.
        folder: receives the deploy file and the sources of its files.
    """
    lines = ["from pyinfra.operations import files, server", ""]
    if root.stat().st_uid == 0:
        lines += accounts("registry", "gitlab-www")
    for top in MANAGED:
        lines += [line for path in walk(root / top) for line in operations(path, folder)]
    deploy = folder / "deploy.py"
    deploy.write_text("\n".join(lines) + "\n")
    return deploy


def accounts(*names: str) -> list[str]:
    """Operations for users and their groups."""
    lines = []
    for name in names:
        user = pwd.getpwnam(name)
        lines.append(f"server.group(group={name!r}, system=True)")
        lines.append(
            f"server.user(user={name!r}, group={name!r}, home={user.pw_dir!r}, shell={user.pw_shell!r}, "
            "system=True, create_home=False, ensure_home=False)"
        )
    return lines


def walk(path: Path) -> list[Path]:
    """A folder and what is below it, the outermost first, without what services fill."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    inside = sorted(entry for entry in path.iterdir() if entry.name not in RUNTIME | LOGS)
    return [path, *(below for entry in inside for below in walk(entry) if below.suffix != ".log")]


def operations(path: Path, folder: Path) -> list[str]:
    """The operation that makes one path as it is."""
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        return [f"files.link(path={str(path)!r}, target={str(path.readlink())!r})"]
    rights = (
        f"user={pwd.getpwuid(facts.st_uid).pw_name!r}, group={grp.getgrgid(facts.st_gid).gr_name!r}, "
        f"mode='{stat.S_IMODE(facts.st_mode):o}'"
    )
    if stat.S_ISDIR(facts.st_mode):
        return [f"files.directory(path={str(path)!r}, {rights})"]
    source = folder / "sources" / path.relative_to("/")
    source.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, source)
    return [f"files.put(src={str(source)!r}, dest={str(path)!r}, {rights})"]


ENDPOINTS = """notifications:
  endpoints:
{% for endpoint in endpoints %}
    - name: "{{ endpoint.name }}"
      url: "{{ endpoint.url }}"
      timeout: "500ms"
      maxretries: 5
      backoff: "1s"
      headers:
        Authorization: ["{{ endpoint.authorization }}"]
        X-Number: ["{{ endpoint.number }}"]
{% endfor %}
"""


def deploy_of_endpoints(count: int, folder: Path) -> Path:
    """Write a deploy file that renders a template with so many notification endpoints."""
    (folder / "config.yml.j2").write_text(ENDPOINTS)
    deploy = folder / "deploy_endpoints.py"
    deploy.write_text(
        "from pyinfra.operations import files\n"
        "endpoints = [dict(name=f'endpoint-{n}', url=f'https://listener-{n}.example.com/events',\n"
        f"    authorization=f'Bearer {{n}}', number=n) for n in range({count})]\n"
        f"files.template(src={str(folder / 'config.yml.j2')!r}, dest={str(folder / 'config.yml')!r},\n"
        "    endpoints=endpoints)\n"
    )
    return deploy
