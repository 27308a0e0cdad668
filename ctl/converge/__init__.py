"""Convergence: resources that compare, change and undo, and the engine that runs them. Knows no registries."""

from ctl.converge.checks import parses_as_yaml
from ctl.converge.diff import mask_all
from ctl.converge.engine import converge
from ctl.converge.inspect import Rights
from ctl.converge.journal import interrupted
from ctl.converge.lock import run_lock
from ctl.converge.model import Observer, Validation
from ctl.converge.plan import Item
from ctl.converge.rendering import render_to, to_json
from ctl.converge.resources.accounts import Group, User
from ctl.converge.resources.actions import Command, Service, reload, restart
from ctl.converge.resources.entries import Absent, Directory, File, FileRights, Symlink, Template
from ctl.converge.resources.environment import EnvDirectory
from ctl.converge.resources.owned_files import OwnedFiles
from ctl.converge.resources.yaml_part import YamlPart
from ctl.converge.rollback import recovered

__all__ = [
    "Absent",
    "Command",
    "Directory",
    "EnvDirectory",
    "File",
    "FileRights",
    "Group",
    "Item",
    "Observer",
    "OwnedFiles",
    "Rights",
    "Service",
    "Symlink",
    "Template",
    "User",
    "Validation",
    "YamlPart",
    "converge",
    "interrupted",
    "mask_all",
    "parses_as_yaml",
    "recovered",
    "reload",
    "render_to",
    "restart",
    "run_lock",
    "to_json",
]
