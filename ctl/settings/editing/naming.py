"""Names of settings on the command line: `registry.log_level`, or as a file has it: `registry["log_level"]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ctl.errors import UsageFault
from ctl.settings.masking import mask_value
from ctl.settings.option import Option
from ctl.settings.options import OLD_VHOST, OPTIONS
from ctl.settings.place import Refused
from ctl.settings.types import Parameter, Type
from ctl.settings.written import python_name
from ctl.text.nearest import nearest

Path = tuple[str, ...]
"""The keys that lead to a setting: ("registry", "nginx", "listen_port")."""

VHOST: Path = ("registry", "nginx")
_STEP = re.compile(r"\.?([^.\[\]\"'\s]+)|\[\s*(?:\"([^\"]*)\"|'([^']*)'|([0-9]+))\s*\]")
_MOST_MEANT = 3
_LIST_OF_ALL = "`ctl settings list` lists them all."


@dataclass(frozen=True)
class Setting:
    """An option, or what is inside of one.

    Args:
        path: the keys that lead to it.
        option: the option that it is or is part of.
        type: what it may be.
        secret: whether all of it is secret.
        description: what it does.
        of_elements: whether it is in the elements of a list, each of which has its own value.
    """

    path: Path
    option: Option
    type: Type
    secret: bool = False
    description: str = ""
    of_elements: bool = False

    @property
    def name(self) -> str:
        """The dotted name."""
        return ".".join(self.path)

    @property
    def python(self) -> str:
        """As it is written in a settings file."""
        return python_name(self.path)

    def masked(self, value: object) -> object:
        """A value of it as it may be shown."""
        inside_env = self.option.name == "registry.env"
        wrapped = {self.path[-1]: value} if len(self.path) > 1 else value
        above = self.path[:-1] if len(self.path) > 1 else self.path
        is_variable = inside_env and self.name != self.option.name
        shown = mask_value(wrapped, secret=self.secret, path=above, environment=is_variable)
        inner = shown[self.path[-1]] if isinstance(shown, Mapping) and len(self.path) > 1 else shown
        if inside_env and isinstance(inner, Mapping):
            return mask_value(inner, environment=True)
        return inner

    def holds_secret(self, value: object) -> bool:
        """Whether some of a value of it must not be shown."""
        return self.masked(value) != value


def path_of(text: str) -> Path:
    """The keys of a name in either form; the older spelling of the vhost's settings becomes the present one.

    Raises:
        UsageFault: it is no name.
    """
    keys: list[str] = []
    end = 0
    while end < len(text):
        step = _STEP.match(text, end)
        if step is None:
            raise UsageFault(f"{text!r} is no name of a setting", hint="Write it as registry.log_level.")
        keys.append(next(group for group in step.groups() if group is not None))
        end = step.end()
    if not keys:
        raise UsageFault("the name of the setting is empty", hint=_LIST_OF_ALL)
    return canonical(tuple(keys))


def canonical(path: Path) -> Path:
    """registry_nginx is registry.nginx."""
    return (*VHOST, *path[1:]) if path[0] == OLD_VHOST else path


def find(text: str, *, in_elements: bool = False) -> Setting:
    """The setting that a name on the command line means; its section may be left out where one has such a setting.

    Args:
        text: the name.
        in_elements: whether it may lead into the elements of a list, which have values of their own each.

    Raises:
        UsageFault: there is none; names the nearest.
    """
    path = path_of(text)
    for length in range(len(path), 0, -1):
        option = OPTIONS.get(".".join(path[:length]))
        if option:
            return _inside(option, path[length:], in_elements=in_elements)
    for length in range(len(path), 0, -1):
        options = [] if is_section(path[:1]) else _ending(".".join(path[:length]))
        if len(options) == 1:
            return _inside(options[0], path[length:], in_elements=in_elements)
    raise unknown(path)


def _ending(name: str) -> list[Option]:
    """The options of any section that have a name."""
    return [option for option in OPTIONS.values() if option.name.endswith(f".{name}")]


def unknown(path: Path) -> UsageFault:
    """The error that there is no setting of a name."""
    name = ".".join(path)
    if is_section(path):
        return UsageFault(
            f"{name} is a section of settings, not a setting", hint=f"`ctl settings list {name}` lists them."
        )
    return UsageFault(f"there is no setting {name}", hint=_meant(path))


def _meant(path: Path) -> str:
    """The nearest names, also of settings in a section that was left out."""
    near = nearest(".".join(path), OPTIONS)
    if near is None and len(path) == 1:
        last = nearest(path[0], [name.rpartition(".")[2] for name in OPTIONS])
        near = " or ".join(one.name for one in _ending(last or path[0])[:_MOST_MEANT])
    return f"Did you mean {near}?" if near else _LIST_OF_ALL


def is_section(path: Path) -> bool:
    """Whether a path leads to a group of options."""
    prefix = ".".join(path) + "."
    return any(name.startswith(prefix) for name in OPTIONS)


def _inside(option: Option, keys: Path, *, in_elements: bool) -> Setting:
    """Follow the keys behind an option's name into its type."""
    found = Setting(tuple(option.name.split(".")), option, option.type, option.secret, option.description)
    for key in keys:
        kind = found.type.elements() if in_elements else found.type
        listed = kind is not found.type
        if listed and key.isdigit():
            continue
        part = _step(kind, key, found.name)
        secret, listed = found.secret or part.secret, found.of_elements or listed
        found = Setting((*found.path, key), option, part.type, secret, part.description, listed)
    return found


def _step(kind: Type, key: str, above: str) -> Parameter:
    """What is under a key of a value of a type."""
    try:
        return kind.inside(key)
    except Refused as refused:
        raise UsageFault(f"{above} {refused.message}", hint=f"Name {above}.") from None
    except KeyError:
        known = kind.parameters()
        near = nearest(key, known)
        hint = f"Did you mean {above}.{near}?" if near else f"Known are {', '.join(known) or 'none'}."
        raise UsageFault(f"there is no setting {above}.{key}", hint=hint) from None


def names(beginning: str = "") -> Iterator[str]:
    """Every dotted name that begins so: options, and parameters where their option's name is complete."""
    for option in OPTIONS.values():
        if option.name.startswith(beginning):
            yield option.name
        if beginning.startswith(f"{option.name}."):
            yield from (one for one in _below(option.name, option.type) if one.startswith(beginning))


def _below(name: str, kind: Type) -> Iterator[str]:
    for key, one in kind.parameters().items():
        yield f"{name}.{key}"
        yield from _below(f"{name}.{key}", one.type)
