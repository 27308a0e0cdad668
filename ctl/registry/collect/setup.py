"""Finds the registry that is to be collected: from the settings, or from its config.yml alone."""

from __future__ import annotations

import os
from pathlib import Path

from ctl.cli.framework import Context
from ctl.converge.inspect import group_id, user_id
from ctl.errors import CtlError, PreflightError
from ctl.registry.collect.collector import Setup
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.launch import Account
from ctl.settings.attributes import Attributes

DEFAULT_DIR = "/var/opt/gitlab/registry"
DEFAULT_ENVIRONMENT = "/opt/gitlab/etc/registry/env"


def find_setup(ctx: Context, given: Path | None) -> Setup:
    """Find out about the registry.

    Args:
        ctx: the root, and the settings where they can be read.
        given: a config.yml, or None for the service's own.

    Raises:
        CtlError: the configuration cannot be read, or no registry program is installed.
    """
    attributes = _settings(ctx)
    own = ctx.layout.path(attributes.registry.dir if attributes else DEFAULT_DIR) / "config.yml"
    folder = ctx.layout.path(attributes.registry.env_directory if attributes else DEFAULT_ENVIRONMENT)
    path = (given or own).absolute()
    config = read_config(path, read_environment(folder))
    account = _account(config, attributes, own=path == own) if os.geteuid() == 0 else None
    return Setup(ctx.layout, config, _program(attributes), account)


def _settings(ctx: Context) -> Attributes | None:
    """The attributes, or None: broken settings do not stand in the way of a collection."""
    from ctl.settings.load import load

    try:
        return load(ctx.settings_file, ctx.layout, use_secrets=False).attributes
    except CtlError as error:
        if ctx.settings_file.exists():
            ctx.console.note(f"{ctx.settings_file} cannot be read, going on with defaults: {error.message}")
        return None


def _program(attributes: Attributes | None) -> Path:
    from ctl.machine.search import find_program
    from ctl.node.locate import REGISTRY_NAMES

    given = attributes.registry.executable if attributes else None
    names = (given,) if given else REGISTRY_NAMES
    found = find_program(*names)
    if found is None:
        raise PreflightError(f"{' or '.join(names)} is not installed", hint="apt-get install docker-registry")
    return found


def _account(config: RegistryConfig, attributes: Attributes | None, *, own: bool) -> Account:
    """Whose rights the collector gets: those of the service, also for its images by another configuration,
    or of who owns the images.

    Args:
        config: the configuration.
        attributes: the settings, if they can be read.
        own: whether it is the configuration of ctl's service.
    """
    named = _named(attributes.registry.username, attributes.registry.group) if attributes else None
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
