"""The token issuer of a registry without GitLab: its account, configuration and service.

Its key comes with the registry's certificate, as one pair (recipe token_pair); its accounts from `ctl user` and
`ctl token`. Both stay where the issuer is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.auth.config import Config
from ctl.auth.runtime import NEEDED
from ctl.converge import Directory, File, FileRights, Item, restart
from ctl.machine.python import runtime
from ctl.machine.search import SYSTEM_PATH
from ctl.node.node import Node
from ctl.node.runit_service import component_account, runit_service
from ctl.registry.token import SERVICE
from ctl.settings.components.registry_auth import ISSUER as COMPONENT
from ctl.settings.types import lifetime_seconds


def recipe(node: Node) -> Iterator[Item]:
    """Its account, under which nothing else may read the key, its configuration and its service."""
    yield from component_account(node, COMPONENT)
    yield from configuration(node)
    yield from service(node)


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
        notifies=(restart(COMPONENT.name),),
    )
    yield FileRights(Path(auth.accounts_file), owner="root", group=auth.group, mode=0o640)


def config_file(node: Node) -> Path:
    """Where its configuration is."""
    return Path(node.attributes.registry_auth.dir) / "config.json"


def config(node: Node) -> Config:
    """What its configuration says."""
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
    found = runtime(NEEDED)
    yield from runit_service(
        node,
        COMPONENT,
        "registry_auth/run.j2",
        variables={
            "path": SYSTEM_PATH,
            "python": found.python,
            "code": found.code,
            "packages": found.packages,
            "config": config_file(node),
        },
    )
