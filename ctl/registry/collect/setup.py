"""Puts together what is known of the registry that is collected: from the settings, or from its config.yml alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.converge.inspect import group_id, user_id
from ctl.paths import Layout
from ctl.registry.collect.collector import Setup
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.launch import Account

if TYPE_CHECKING:
    from ctl.settings.named import Registry

DEFAULT_DIR = "/var/opt/gitlab/registry"
DEFAULT_ENVIRONMENT = "/opt/gitlab/etc/registry/env"


def make_setup(layout: Layout, registry: Registry | None, program: Path, given: Path | None) -> Setup:
    """Find out about the registry.

    Args:
        layout: the root.
        registry: its settings, where they can be read.
        program: the registry program.
        given: a config.yml, or None for the service's own.

    Raises:
        CtlError: the configuration cannot be read.
    """
    own = layout.path(registry.dir if registry else DEFAULT_DIR) / "config.yml"
    folder = layout.path(registry.env_directory if registry else DEFAULT_ENVIRONMENT)
    path = (given or own).absolute()
    config = read_config(path, read_environment(folder))
    account = _account(config, registry, own=path == own) if os.geteuid() == 0 else None
    return Setup(layout, config, program, account)


def _account(config: RegistryConfig, registry: Registry | None, *, own: bool) -> Account:
    """Whose rights the collector gets: those of the service, also for its images by another configuration,
    or of who owns the images.

    Args:
        config: the configuration.
        registry: the settings, if they can be read.
        own: whether it is the configuration of ctl's service.
    """
    named = _named(registry.username, registry.group) if registry else None
    if own and named:
        return named
    owned = config.path.parent if own else config.root
    if owned is not None and owned.exists():
        info = owned.stat()
        if named and named.uid == info.st_uid:
            return named
        return Account(info.st_uid, info.st_gid)
    return named or Account(os.geteuid(), os.getegid())


def _named(user: str, group: str) -> Account | None:
    uid, gid = user_id(user), group_id(group)
    return None if uid is None or gid is None else Account(uid, gid)
