"""Let's Encrypt: where challenges are answered, where the account is kept, and who looks after renewal.

The certificate itself is obtained after the run, once NGINX answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from ctl.acme.timer import TIMER, crontab_line, own_command, python_path
from ctl.acme.wanted import Places
from ctl.converge import Absent, Directory, Item, Service, Template
from ctl.node.node import Node
from ctl.services import runit_service

CRON_FILE = "/etc/cron.d/registry-ctl-letsencrypt"


def recipe(node: Node) -> Iterator[Item]:
    """Everything where certificates are obtained; elsewhere the timer is taken away, account and files stay."""
    scheduler = node.attributes.letsencrypt.auto_renew_scheduler if renews(node) else None
    if node.obtains_certificate:
        yield from folders(node)
    if scheduler == "runit":
        yield from timer(node)
    else:
        yield Service(TIMER, enabled=False)
    if scheduler == "cron":
        yield from cron(node)
    else:
        yield Absent(node.layout.path(CRON_FILE))


def renews(node: Node) -> bool:
    """Whether certificates are renewed by themselves."""
    return bool(node.obtains_certificate and node.attributes.letsencrypt.auto_renew)


def folders(node: Node) -> Iterator[Item]:
    """A private one for the account; open ones for challenges, below a folder that may be the administrator's."""
    places = Places.of(node.layout, node.attributes.letsencrypt)
    yield Directory(places.folder, owner="root", group="root", mode=0o700)
    yield Directory(places.challenges.parent.parent, mode=None)
    yield Directory(places.challenges.parent)
    yield Directory(places.challenges)


def timer(node: Node) -> Iterator[Item]:
    """A service that sleeps, and looks after the certificate when its time has come."""
    folder = node.layout.data / "letsencrypt"
    yield Directory(folder)
    yield from runit_service(
        node,
        TIMER,
        run_source="letsencrypt/run.j2",
        variables={
            "command": own_command(node),
            "python_path": python_path(),
            "pause": folder / "pause",
        },
        listen=[],
        wait=30,
        log_directory=node.attributes.letsencrypt.auto_renew_log_directory,
        logging=node.attributes.logging,
    )


def cron(node: Node) -> Iterator[Item]:
    """A file for the cron daemon, which notices it by itself."""
    logs = node.layout.path(node.attributes.letsencrypt.auto_renew_log_directory)
    yield Directory(logs, mode=0o750)
    yield Directory(node.layout.path(CRON_FILE).parent)
    yield Template(
        node.layout.path(CRON_FILE),
        source="letsencrypt/cron.j2",
        variables={"line": crontab_line(node, logs / "renewal.log")},
        owner="root",
        group="root",
    )
