"""The type of settings that are mappings with known parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ctl.settings.place import Place
from ctl.settings.types.base import INVALID, Node, Parameter, Type, read_value
from ctl.settings.types.containers import Dictionary, Free, entries
from ctl.text.nearest import did_you_mean, nearest


class Schema(Dictionary):
    """A mapping with known parameters. A parameter given as None counts as not given.

    Args:
        title: what the mapping is, for errors ("a notification endpoint").
        parameters: the known parameters.
        lenient: whether others pass, as given and with a warning; else they are errors.
        form: how the mapping is written, for the error that it is none.
    """

    def __init__(
        self,
        title: str,
        parameters: Sequence[Parameter],
        *,
        lenient: bool = False,
        form: str = "{…}",
    ) -> None:
        self.title = title
        self._form = form
        self._parameters: Mapping[str, Parameter] = {one.name: one for one in parameters}
        self._lenient = lenient

    def read(self, value: object, place: Place) -> dict[str, Any]:
        """The mapping as given, known values in their one form, without the refused ones."""
        found: dict[str, Any] = {}
        refused: set[str] = set()
        for key, one in entries(value, place, self._form):
            if one is None:
                continue
            read = self._read_one(key, one, value, place)
            if read is INVALID:
                refused.add(key)
            else:
                found[key] = read
        self._check_required(found.keys() | refused, place)
        return found

    def _read_one(self, key: str, value: object, container: object, place: Place) -> Any:  # noqa: ANN401
        known = self._parameters.get(key)
        if known:
            return read_value(known.type, value, place.inside(container, key, secret=known.secret))
        here = place.inside(container, key)
        if not self._lenient:
            here.error(
                f"is not known in {self.title}",
                self.hint(key, here) or f"Known are {', '.join(self._parameters)}.",
            )
            return INVALID
        here.warning(f"is not known in {self.title}; it is passed on as it is", self.hint(key, here))
        return read_value(Free(), value, here)

    def hint(self, key: str, place: Place) -> str:
        """What was probably meant by an unknown key; "" where that cannot be guessed."""
        return "" if place.crowded else did_you_mean(key, self._parameters)

    def _check_required(self, given: set[str], place: Place) -> None:
        for name, parameter in self._parameters.items():
            if parameter.required and name not in given:
                place.error(f"{self.title} needs {name}: {parameter.description}", self._meant(name, given))

    def _meant(self, name: str, given: set[str]) -> str:
        """A hint where one of the unknown keys is likely to have been meant for a name."""
        near = nearest(name, sorted(given - self._parameters.keys()))
        return f'Write "{name}" in the place of "{near}".' if near else ""

    def json_schema(self) -> Node:
        """An object with its parameters."""
        found: Node = {
            "type": "object",
            "properties": {name: one.json_schema() for name, one in self._parameters.items()},
            "additionalProperties": self._lenient,
        }
        required = [one.name for one in self._parameters.values() if one.required]
        return found | ({"required": required} if required else {})

    def parameters(self) -> Mapping[str, Parameter]:
        """The known parameters."""
        return self._parameters

    def schemas(self) -> Mapping[str, Type]:
        """Itself, if it has any."""
        return {"parameters": self} if self._parameters else {}

    def inside(self, key: str) -> Parameter:
        """One of the known parameters."""
        if key not in self._parameters:
            raise KeyError(key)
        return self._parameters[key]
