"""Attributes: the frozen result of reading settings, each with its origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ctl.language.source import Diagnostic, Location

if TYPE_CHECKING:
    from ctl.settings.named import Named
else:

    class Named:
        __slots__ = ()


class OriginKind(StrEnum):
    """Where a value can come from."""

    FILE = "file"
    DEFAULT = "default"
    DERIVED = "derived"
    SECRETS = "secrets"
    GENERATED = "generated"


@dataclass(frozen=True)
class Origin:
    """Where the value of an attribute comes from.

    Args:
        kind: the settings file, a default, a rule, the secrets file, or made in this run.
        location: the place in the settings file (kind FILE).
        rule: the name of the rule (kind DERIVED).
    """

    kind: OriginKind
    location: Location | None = None
    rule: str = ""

    def __str__(self) -> str:
        if self.location:
            return str(self.location)
        return f"{self.kind} by {self.rule}" if self.rule else str(self.kind)


class Deferred:
    """A value that is still being made in another thread (the RSA pair); a Section waits for it on access.

    Args:
        get: returns the value, waiting if need be; may be called any number of times, and may raise CtlError.
    """

    __slots__ = ("get",)

    def __init__(self, get: Callable[[], Any]) -> None:
        self.get = get


class Section(Mapping[str, Any]):
    """A read-only group of attributes: `section.name`, `section["name"]`; `section["nginx.enable"]` goes deeper.

    For mypy each section has a class of its own in ctl/settings/named.pyi (under TYPE_CHECKING only: at run time
    there is this one).

    Raises:
        AttributeError, KeyError: no such attribute; templates treat both as an error.
    """

    __slots__ = ("_values",)
    _values: Mapping[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    if not TYPE_CHECKING:  # mypy knows the attributes of each section from ctl/settings/named.pyi

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            try:
                return self[name]
            except KeyError:
                raise AttributeError(f"no attribute {name!r}") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("attributes are read-only")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        first, dot, rest = name.partition(".")
        value = self._values[first]
        if dot:
            return value[rest]
        return value.get() if isinstance(value, Deferred) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Attributes(Section, Named):
    """All attributes of a node: `attributes.registry.log_level`, `attributes.registry.nginx.listen_port`.

    Args:
        values: section name to Section, or to a value for top-level settings (external_url).
        origins: dotted path of every option to its origin.
        diagnostics: warnings and notes to show, in the order of the file; never errors.
        secret_names: dotted paths of the options that hold secrets: masked wherever they are shown.
    """

    __slots__ = ("_origins", "diagnostics", "secret_names")
    _origins: Mapping[str, Origin]
    diagnostics: tuple[Diagnostic, ...]
    secret_names: frozenset[str]

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        origins: Mapping[str, Origin],
        diagnostics: tuple[Diagnostic, ...] = (),
        secret_names: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(values)
        object.__setattr__(self, "_origins", dict(origins))
        object.__setattr__(self, "diagnostics", diagnostics)
        object.__setattr__(self, "secret_names", secret_names)

    def lookup(self, path: Sequence[str]) -> Any:  # noqa: ANN401
        """The value under keys, also into mappings; None where one of them is not there."""
        value: Any = self
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def origin(self, name: str) -> Origin:
        """The origin of an option by its dotted path. Raises KeyError for an unknown one."""
        return self._origins[name]

    def given(self, name: str) -> bool:
        """Whether the settings file gave an option."""
        return self._origins[name].kind is OriginKind.FILE

    def origins(self) -> Mapping[str, Origin]:
        """Every option's dotted path with its origin."""
        return dict(self._origins)
