"""`ctl show-config`: every attribute with its value, and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ctl.cli.framework import Context, command

if TYPE_CHECKING:
    from ctl.settings.attributes import Attributes, Origin


@command(name="show-config")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    help="Form of the output [default: yaml].",
)
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@click.option("--show-secrets", is_flag=True, help="Show secrets instead of ********.")
def show_config(ctx: Context, *, form: str, origin: bool, show_secrets: bool) -> None:
    """Show the attributes that result from the settings.

    An origin is a place in a settings file, a default, the rule that derived the value, or the secrets file.
    """
    from ctl.cli.loading import load_for_command

    attributes = load_for_command(ctx, use_secrets=show_secrets).attributes
    values = dict(_values(attributes, show_secrets=show_secrets))
    if form == "json":
        ctx.console.result_json(_tree(_with_origins(values, attributes) if origin else values))
    else:
        ctx.console.result("\n".join(_yaml(_tree(values), attributes if origin else None)))


def _values(attributes: Attributes, *, show_secrets: bool) -> Iterator[tuple[str, object]]:
    """Every option by dotted name with the value to show."""
    from ctl.settings.attributes import OriginKind
    from ctl.settings.manual.at_present import NOT_MADE_YET
    from ctl.settings.masking import mask_value

    for name, origin in attributes.origins().items():
        if origin.kind is OriginKind.GENERATED:
            yield name, NOT_MADE_YET
            continue
        path = tuple(name.split("."))
        value = attributes.lookup(path)
        secret = name in attributes.secret_names
        environment = name == "registry.env"
        yield (
            name,
            value if show_secrets else mask_value(value, secret=secret, path=path, environment=environment),
        )


def _with_origins(values: Mapping[str, object], attributes: Attributes) -> dict[str, object]:
    return {
        name: {"value": value, "origin": _plain(attributes.origin(name))} for name, value in values.items()
    }


def _plain(origin: Origin) -> dict[str, object]:
    place = origin.location
    return {
        "kind": str(origin.kind),
        **({"rule": origin.rule} if origin.rule else {}),
        **({"file": str(place.file), "line": place.line, "column": place.column} if place else {}),
    }


def _tree(values: Mapping[str, object]) -> dict[str, Any]:
    """Dotted names as mappings inside mappings."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        here = tree
        for one in sections:
            here = here.setdefault(one, {})
        here[last] = value
    return tree


def _yaml(
    tree: Mapping[str, Any], attributes: Attributes | None, path: tuple[str, ...] = ()
) -> Iterator[str]:
    """Lines of YAML; with attributes, the origin of each option as a comment."""
    from ctl.settings.options import OPTIONS
    from ctl.text.quoting import yaml

    pad = "  " * len(path)
    for key, value in tree.items():
        name = ".".join((*path, key))
        if name not in OPTIONS:
            yield f"{pad}{key}:"
            yield from _yaml(value, attributes, (*path, key))
            continue
        first, *rest = yaml(value, len(pad)).split("\n")
        comment = f"  # {attributes.origin(name)}" if attributes else ""
        yield f"{pad}{key}:{first}{comment}"
        yield from rest
