"""A site's own recipe: garbage collection every Sunday at 04:05, as cron runs it.

GitLab container registry administration, "Running the garbage collection on schedule". Copy this file to
/etc/gitlab/recipes.d/ and its template to /etc/gitlab/recipes.d/templates/, both writable by root alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import Directory, Item, Template
from ctl.node.node import Node


def recipe(node: Node) -> Iterator[Item]:
    """One crontab file; cron notices it by itself, so nothing is notified."""
    folder = node.layout.path("/etc/cron.d")
    yield Directory(folder)
    yield Template(
        folder / "registry-garbage-collect",
        source=str(node.layout.site_recipes / "templates/registry-garbage-collect.j2"),
        variables={"root": node.layout.root},
        mode=0o644,
    )
