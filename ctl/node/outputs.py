"""Whose files: what the settings name as a place to write to must be free, or hold what ctl wrote there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ctl.converge import Item, Validation
from ctl.converge.inspect import owner_name
from ctl.converge.model import Machine, Resource
from ctl.converge.resources.entries import Directory, FileRights
from ctl.converge.written import Stranger, Written, is_ours, outputs, strangers
from ctl.language.source import Diagnostic, SettingsError
from ctl.node.node import Node
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.settings.options import OPTIONS
from ctl.settings.types.addresses import AbsolutePath
from ctl.settings.written import python_name

CONTENT = {
    "registry.rootcertbundle": 'registry["internal_certificate"]',
    "gitlab_rails.registry_key_path": 'registry["internal_key"]',
}
"""Settings that take the content of a file which these would replace."""
NGINX_LOGS = {"nginx.log_directory", "registry.nginx.log_directory"}
SHARED = ("registry.storage", "gitlab_rails.shared_path", "gitlab_rails.registry_path", "letsencrypt.wwwroot")
"""Folders that may have been there before: those of images, and the one of a web server."""


def refuse_strangers(node: Node, wanted: Iterable[Item], machine: Machine) -> None:
    """Refuse to replace, remove or take over what ctl did not write because a setting names its place.

    Raises:
        SettingsError: with each such setting, its place in the file, what is there and what to do.
        CtlError: the record of what ctl wrote is damaged.
    """
    named = dict(_named(node.attributes))
    if not named:
        return  # every place is of ctl's own choice: no file need be rendered to know that
    resources = [one for one in wanted if not isinstance(one, Validation)]
    found = list(_shared_places(resources, machine, named, node.attributes))
    found += _shared_folders(resources, named, node.attributes)
    if names_outputs(node.attributes):
        found += _strangers(node, resources, machine, named)
    if found:
        raise SettingsError(tuple(dict.fromkeys(found)))


def names_outputs(attributes: Attributes) -> bool:
    """Whether a setting names a file to write, or a folder that is there or in another one: else all is well."""
    others = dict(_managed(attributes))
    return any(
        setting in CONTENT
        or os.path.lexists(place)
        or any(place.is_relative_to(other) for name, other in others.items() if name != setting)
        for setting, place in _named(attributes)
    )


def _shared_places(
    resources: Iterable[Resource], machine: Machine, named: dict[str, Path], attributes: Attributes
) -> Iterator[Diagnostic]:
    """A setting that names the place of another file of ctl's own."""
    owners: dict[Path, Resource] = {}
    for resource in resources:
        for path, _ in outputs(resource, machine):
            setting = _setting_of(path, named)
            if owners.setdefault(path, resource) != resource and setting:
                others = [one for one, place in _managed(attributes) if place == path and one != setting]
                names = [f"by {python_name(one.split('.'))}" for one in others] or [
                    f"for {one}" for one in dict.fromkeys((owners[path].name, resource.name))
                ]
                twice = f"{path} would be written twice: {', '.join(names)}"
                yield _own_place(setting, twice, attributes)


def _shared_folders(
    resources: Iterable[Resource], named: dict[str, Path], attributes: Attributes
) -> Iterator[Diagnostic]:
    """A setting that names a folder of another account's, or one in which that could plant what NGINX opens as root."""
    folders: dict[Path, Directory] = {}
    for one in (one for one in resources if isinstance(one, Directory) and one.mode is not None):
        other, setting = folders.setdefault(one.path, one), _setting_of(one.path, named)
        if setting and (other.owner, other.group, other.mode) != (one.owner, one.group, one.mode):
            whose = f"{_rights(other)}, and {_rights(one)}"
            yield _own_place(setting, f"{one.path} would be the folder of two: {whose}", attributes)
    for setting in NGINX_LOGS & named.keys():
        above = (folders.get(place) for place in (named[setting], *named[setting].parents))
        if owner := next((one.owner for one in above if one and one.owner not in (None, "root")), None):
            risk = f"NGINX opens its logs as root, and user {owner} could put links there"
            yield _own_place(setting, f"{named[setting]}: {risk}", attributes)


def _rights(folder: Directory) -> str:
    return f"of {folder.owner}:{folder.group} with mode {folder.mode:04o}"


def _own_place(setting: str, message: str, attributes: Attributes) -> Diagnostic:
    return Diagnostic(message, attributes.origin(setting).location, setting, "Name a path of its own.")


def _strangers(
    node: Node, resources: list[Resource], machine: Machine, named: dict[str, Path]
) -> Iterator[Diagnostic]:
    written = Written.read(node.layout)
    evidence = "" if written.present else _evidence(node.layout, resources, machine)
    for resource in resources:
        for stranger in strangers(resource, machine, written):
            setting = _setting_of(stranger.path, named)
            known = f"{stranger.path}" in evidence or _is_known(resource)
            if setting and not known:
                yield _diagnostic(setting, stranger, node.attributes)


def _evidence(layout: Layout, resources: Iterable[Resource], machine: Machine) -> str:
    """What a version that kept no record left behind: its own files, and the logs of its runs, name what it wrote."""
    own = [path for resource in resources for path, _ in outputs(resource, machine)]
    scripts = layout.sv.glob("*/run")
    texts = [path.read_bytes() for path in {*own, *scripts} if path.is_file() and not path.is_symlink()]
    texts = [text for text in texts if is_ours(text, None)]
    logs = [path.read_bytes() for path in (layout.logs / "reconfigure").glob("*.log")]
    lines = [line for log in logs for line in log.splitlines() if b": create" in line]
    return b"\n".join([*texts, *lines]).decode(errors="replace")


def _named(attributes: Attributes) -> Iterator[tuple[str, Path]]:
    """The settings that the file gives and that say where something is written, with their paths."""
    return (
        (name, path) for name, path in _managed(attributes) if name not in SHARED and attributes.given(name)
    )


def _managed(attributes: Attributes) -> Iterator[tuple[str, Path]]:
    """All that say where something is written, given or not."""
    for name, option in OPTIONS.items():
        if isinstance(option.type, AbsolutePath) and option.type.managed and attributes[name]:
            yield name, Path(attributes[name])


def _setting_of(path: Path, named: dict[str, Path]) -> str:
    """The setting that names a path, or the nearest folder above it; "" for a place of ctl's own choice."""
    above = [(len(place.parts), name) for name, place in named.items() if path.is_relative_to(place)]
    return max(above)[1] if above else ""


def _is_known(resource: Resource) -> bool:
    """Whether it is about a file that others write, and the file is one of these."""
    if not isinstance(resource, FileRights) or resource.known_by is None:
        return False
    return resource.known_by(resource.path.read_bytes())


def _diagnostic(setting: str, stranger: Stranger, attributes: Attributes) -> Diagnostic:
    whose = f"{stranger.what}, owner {owner_name(stranger.found.uid)}"
    hint = f"Name a path of its own, or move {stranger.path} away."
    if setting in CONTENT:
        hint = (
            f'To use what is in it: {CONTENT[setting]} = read_file("{stranger.path}"), '
            f"and leave {python_name(setting.split('.'))} out. Else name a path that is free."
        )
    return Diagnostic(
        f"{stranger.path} is there ({whose}), and was not written by ctl: it is not replaced",
        attributes.origin(setting).location,
        setting,
        hint,
    )
