"""The token issuer of a registry without GitLab: its account, configuration and service.

Its key comes with the registry's certificate, as one pair (recipe token_pair); its accounts from `ctl user` and
`ctl token`. Both stay where the issuer is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.auth.config import Config
from ctl.auth.runtime import runtime
from ctl.converge import Directory, File, FileRights, Group, Item, Service, User, restart
from ctl.machine.search import SYSTEM_PATH
from ctl.node.node import Node
from ctl.registry.token import SERVICE
from ctl.services import runit_service
from ctl.settings.types import lifetime_seconds

NAME = "registry-auth"
WAIT = 30
"""Seconds in which it starts or, once it has finished its requests, ends."""


def recipe(node: Node) -> Iterator[Item]:
    """Everything of the issuer where it is enabled; elsewhere its service is taken away."""
    if not node.attributes.registry_auth.enable:
        yield Service(NAME, enabled=False)
        return
    if node.attributes.manage_accounts.enable:
        yield from account(node)
    yield from configuration(node)
    yield from service(node)


def account(node: Node) -> Iterator[Item]:
    """The user under which it runs: its own, so that nothing else may read the key."""
    auth = node.attributes.registry_auth
    yield Group(auth.group, gid=auth.gid)
    yield User(
        auth.username,
        group=auth.group,
        uid=auth.uid,
        home=auth.dir,
        shell=auth.shell,
        shared=not node.layout.is_machine,
    )


def configuration(node: Node) -> Iterator[Item]:
    """Its folder and configuration, and that it may read the accounts; it may write nothing."""
    auth = node.attributes.registry_auth
    yield Directory(Path(auth.dir), owner="root", group=auth.group, mode=0o750)
    yield File(
        config_file(node),
        content=config(node).render(),
        owner="root",
        group=auth.group,
        mode=0o640,
        notifies=(restart(NAME),),
    )
    yield FileRights(Path(auth.accounts_file), owner="root", group=auth.group, mode=0o640)


def config_file(node: Node) -> Path:
    """Where its configuration lies."""
    return Path(node.attributes.registry_auth.dir) / "config.json"


def config(node: Node) -> Config:
    """What it is told."""
    auth, attributes = node.attributes.registry_auth, node.attributes
    return Config(
        listen=auth.listen_addr,
        realm=attributes.registry.token_realm,
        service=SERVICE,
        issuer=attributes.gitlab_rails.registry_issuer,
        key_file=str(Path(auth.dir) / "gitlab-registry.key"),
        accounts_file=auth.accounts_file,
        lifetime=lifetime_seconds(auth.token_expire_delay),
        failed_per_account=auth.failed_attempts_per_account,
        failed_per_address=auth.failed_attempts_per_address,
        failed_period=lifetime_seconds(auth.failed_attempts_period),
    )


def service(node: Node) -> Iterator[Item]:
    """The supervised process, under its own account: the Python and the code that run now."""
    auth, found = node.attributes.registry_auth, runtime()
    yield from runit_service(
        node,
        NAME,
        run_source="registry_auth/run.j2",
        variables={
            "path": SYSTEM_PATH,
            "python": found.python,
            "code": found.code,
            "packages": found.packages,
            "config": config_file(node),
            "as_user": f" -u {auth.username}:{auth.group}" if node.privileged else "",
        },
        listen=node.listens()[NAME],
        wait=WAIT,
        log_directory=auth.log_directory,
        logging=auth,
    )
