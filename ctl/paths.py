"""Where everything is: all of it below one root."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Layout(NamedTuple):
    """The managed paths of one root.

    Args:
        root: the folder below which every managed path is; "/" for the machine itself.
    """

    root: Path = Path("/")

    def path(self, absolute: str | Path) -> Path:
        """Move an absolute path below the root; a path that is there already stays as it is.

        Raises:
            ValueError: the path is not absolute.
        """
        path = Path(absolute)
        if not path.is_absolute():
            raise ValueError(f"{path} is not an absolute path")
        if path.is_relative_to(self.root):
            return path
        return self.root / path.relative_to("/")

    @property
    def is_machine(self) -> bool:
        """Whether this is the machine's own root, not a private one."""
        return self.root == Path("/")

    @property
    def settings_file(self) -> Path:
        """The default settings file."""
        return self.path("/etc/gitlab/gitlab.py")

    @property
    def secrets_file(self) -> Path:
        """The generated secrets, mode 0600."""
        return self.path("/etc/gitlab/gitlab-secrets.json")

    @property
    def ssl(self) -> Path:
        """Certificates and keys that clients see."""
        return self.path("/etc/gitlab/ssl")

    @property
    def site_recipes(self) -> Path:
        """The site's own recipes (*.py) and, in `templates/` below it, their templates."""
        return self.path("/etc/gitlab/recipes.d")

    @property
    def data(self) -> Path:
        """The parent of every component's data directory."""
        return self.path("/var/opt/gitlab")

    @property
    def logs(self) -> Path:
        """The parent of every log directory."""
        return self.path("/var/log/gitlab")

    @property
    def sv(self) -> Path:
        """The runit service definitions."""
        return self.path("/opt/gitlab/sv")

    @property
    def service(self) -> Path:
        """The enabled services: symlinks into `sv`, watched by runsvdir."""
        return self.path("/opt/gitlab/service")

    @property
    def state(self) -> Path:
        """What ctl itself remembers between runs: lock, journal, marks of a collection. Mode 0700."""
        return self.path("/var/opt/gitlab/ctl")

    @property
    def timer(self) -> Path:
        """What runs by time, and how it ended last."""
        return self.path("/var/opt/gitlab/timer")

    @property
    def run_lock(self) -> Path:
        """The lock of a converging run (flock)."""
        return self.state / "run.lock"

    @property
    def written(self) -> Path:
        """The record of the files that ctl wrote."""
        return self.state / "written.json"

    @property
    def trial(self) -> Path:
        """The run on trial, if there is one."""
        return self.state / "trial.json"

    @property
    def journal(self) -> Path:
        """The undo journal of the run under way; it exists only during a run or after a crash."""
        return self.state / "journal"
