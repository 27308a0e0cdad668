"""Settings files full of one text: put wherever a setting takes text, as the type of the setting has it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from typing import Any

from ctl.language.source import Diagnostic
from ctl.settings import types
from ctl.settings.options import OPTIONS
from ctl.settings.options.storage import DRIVERS
from ctl.settings.types import Type

Text_ = Callable[[str], str]

LEFT_OUT = None
_PLAIN: dict[str, object] = {
    "registry_external_url": "https://registry.gitlab.com",
    "external_url": "https://gitlab.gitlab.com",
    "gitlab_rails.gitlab_yml_path": LEFT_OUT,
    "letsencrypt.enable": False,
    "metrics.enable": True,
}
_ISSUER = {
    "external_url": LEFT_OUT,
    "registry.token_realm": LEFT_OUT,
    "registry_auth.enable": True,
    "registry_backup.enable": True,
    "registry_backup.verify": True,
}
_LETSENCRYPT = {
    "letsencrypt.enable": True,
    "letsencrypt.contact_emails": ["a@gitlab.com"],
    "registry.nginx.ssl_certificate": LEFT_OUT,
    "registry.nginx.ssl_certificate_key": LEFT_OUT,
}
SCENES: Mapping[str, Mapping[str, object]] = {
    "GitLab": _PLAIN,
    "issuer": _PLAIN | _ISSUER,
    "Let's Encrypt": _PLAIN | _ISSUER | _LETSENCRYPT | {"letsencrypt.auto_renew_scheduler": "runit"},
    "cron": _PLAIN | _LETSENCRYPT | {"letsencrypt.auto_renew_scheduler": "cron"},
}
"""Settings that decide what is on the node, by the name of the scene."""


def full(text: Text_, *, scene: str = "GitLab", driver: str = "s3") -> dict[str, Any]:
    """A settings file in which every setting that takes text has one.

    Args:
        text: the text for the setting, or the part of it, of this name.
        scene: of SCENES.
        driver: where images are.
    """
    found: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        if name in SCENES[scene]:
            value = SCENES[scene][name]
        elif name == "registry.storage":
            value = {driver: example(DRIVERS[driver], f"{name}.{driver}", text)}
        else:
            value = example(option.type, name, text)
        if value is not None:
            *sections, key = name.split(".")
            inner = found
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[key] = copy.deepcopy(value)
    return found


@singledispatch
def example(kind: Type, name: str, text: Text_) -> Any:  # noqa: ANN401 - a value of that type
    """A value of a type with a text wherever it can hold some, or None.

    Args:
        kind: the type.
        name: dotted name of the setting.
        text: gives the text for a name.
    """
    if isinstance(kind, types.Text | types.Scalar | types.Words):
        return text(name)
    return None


@example.register
def _(kind: types.Schema, name: str, text: Text_) -> dict[str, Any]:
    """Every parameter that can hold text."""
    parts = {key: example(one.type, f"{name}.{key}", text) for key, one in kind.parameters().items()}
    return {key: one for key, one in parts.items() if one is not None}


@example.register
def _(kind: types.ListOf, name: str, text: Text_) -> list[Any] | None:
    element = example(kind.element, name, text)
    return None if element is None else [element]


@example.register
def _(kind: types.MapOf, name: str, text: Text_) -> dict[str, Any]:
    return {"some_name": example(kind.inside("some_name").type, name, text)}


@example.register
def _(kind: types.Free, name: str, text: Text_) -> dict[str, Any]:
    """Texts as keys and values."""
    return {text(name): [text(name), {text(name): text(name)}]}


@example.register
def _(kind: types.OneOf, name: str, text: Text_) -> Any:  # noqa: ANN401
    """One of the first type that can hold text."""
    return next((found for one in kind.types if (found := example(one, name, text))), None)


@example.register
def _(kind: types.Bool, name: str, text: Text_) -> bool | None:
    """True for `enabled`, so that what is beside it has an effect."""
    return True if name.endswith(".enabled") else None


@example.register
def _(kind: types.Expression, name: str, text: Text_) -> str:
    """One that is right, whatever text is asked for."""
    return ".*"


@example.register
def _(kind: types.Url, name: str, text: Text_) -> str:
    return f"https://url.example.com/{text(name)}"


@example.register
def _(kind: types.AbsolutePath, name: str, text: Text_) -> str:
    return f"/{name}/{text(name)}"


def without(values: dict[str, Any], refused: Sequence[Diagnostic]) -> None:
    """Take away the values that were refused; of the first, as much around it as its name shows."""
    for number, one in enumerate(refused):
        path = re.findall(r"[^.\[\]]+", one.setting)
        trail = _trail(values, path)
        if trail and (number == 0 or len(trail) == len(path)):
            container, key = trail[-1]
            del container[key]


def _trail(values: dict[str, Any], path: Sequence[str]) -> list[tuple[Any, Any]]:
    """Containers and keys on the way to a value, as far as they are there."""
    trail: list[tuple[Any, Any]] = []
    inner: Any = values
    for part in path:
        key: Any = int(part) if isinstance(inner, list) else part
        if not isinstance(inner, dict | list) or key not in (
            inner if isinstance(inner, dict) else range(len(inner))
        ):
            break
        trail.append((inner, key))
        inner = inner[key]
    return trail
