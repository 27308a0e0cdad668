"""The scheduled tasks of a node, as commands that the timer can run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ctl.graceful.master import ENDS_WITH_US
from ctl.machine.python import python
from ctl.node.confinement import as_account
from ctl.node.node import Node
from ctl.node.runit_service import log_command
from ctl.node.timed_end import FORMER, LOCAL_CA, at_end
from ctl.settings.component import Component, ScheduledTask
from ctl.settings.components import TIMER
from ctl.timer.schedule import five_fields
from ctl.timer.task import Task
from ctl.tls.ca_renewal import renewal_end


def tasks(node: Node) -> Iterator[Task]:
    """Those of all components that the node has, a site's own included; and ends of times of grace."""
    for component in node.running():
        for task in component.tasks(node.attributes):
            yield _task(node, component, task)
    for name, (end, command) in _ends(node).items():
        if end:
            yield at_end(_task(node, TIMER, ScheduledTask(name, "@daily", command, retry=True)), end)


def _ends(node: Node) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Times of grace under way: when each ends (0 for none), and what ends it."""
    return {
        FORMER: (node.overlap.end, ("secrets", "rotate", "--due")),
        LOCAL_CA: (renewal_end(node.layout), ("certificates", "renew", "--ca", "--due")),
    }


def _task(node: Node, component: Component, task: ScheduledTask) -> Task:
    words = (str(node.layout.path(word)) if isinstance(word, Path) else word for word in task.command)
    program = [str(getattr(node.programs, task.program))] if task.program else own_command(node)
    account = task.account(node.attributes) if task.account else None
    return Task(
        task.name,
        five_fields(task.cron),
        (*as_account(node, account), *_ends_with_the_timer(node), *program, *words),
        task.timeout,
        retry=task.retry,
        on_write=task.on_write,
        log=log_command(node, component) if task.log else (),
        environment={} if task.program or not python_path() else {"PYTHONPATH": python_path()},
    )


def _ends_with_the_timer(node: Node) -> list[str]:
    """After the change of account, which would undo it."""
    return [str(node.programs.setpriv), *ENDS_WITH_US[1:]]


def own_command(node: Node) -> list[str]:
    """The command line that runs ctl with this root and these settings."""
    words = [str(python()), "-m", "ctl"]
    if not node.layout.is_machine:
        words += ["--root", str(node.layout.root)]
    if node.settings_file:
        words += ["--settings", str(node.settings_file)]
    return words


def python_path() -> str:
    """Where ctl was found, if Python was given that place."""
    return os.environ.get("PYTHONPATH", "")


def crontab_line(node: Node, log: Path) -> str:
    """The line of crontab(5) that renews at the times of the settings; root runs it."""
    settings = node.attributes.letsencrypt
    command = shlex.join([*own_command(node), "renew-le-certs"])
    prefix = f"PYTHONPATH={shlex.quote(python_path())} " if python_path() else ""
    line = f"{prefix}{command} >> {shlex.quote(str(log))} 2>&1".replace("%", r"\%")
    return f"{settings.auto_renew_minute} {settings.auto_renew_hour} {settings.auto_renew_day_of_month} * * root {line}"
