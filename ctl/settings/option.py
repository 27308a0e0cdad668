"""What an option is: the one declaration from which its check, default, manual and template come; and the values of
all options, worked out on demand: what rules and checks look at.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from ctl.language.source import Diagnostic, Location, Severity
from ctl.paths import Layout
from ctl.settings.attributes import Origin, OriginKind
from ctl.settings.secrets.secrets_file import Secrets
from ctl.settings.types import Type
from ctl.settings.written import python_name, python_value


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """A named derivation: how the value of an option follows from others when it is not given.

    Args:
        name: as origins show it ("registry-host").
        summary: the value in words, for the manual ("host of registry_external_url").
        apply: computes it; UNSET leaves the option's plain default.
    """

    name: str
    summary: str
    apply: Callable[[View], Any]


def rule(summary: str) -> Callable[[Callable[[View], Any]], Rule]:
    """Declare a derivation: the function's name is the rule's.

    Args:
        summary: the value in words, for the manual.
    """

    def declare(function: Callable[[View], Any]) -> Rule:
        return Rule(function.__name__.replace("_", "-"), summary, function)

    return declare


@dataclass(frozen=True, eq=False, repr=False)
class Option:
    """One setting.

    Args:
        name: dotted path ("registry.nginx.listen_port").
        type: what it may be.
        description: what it does, a sentence or two.
        default: what holds when it is not given and no rule says otherwise.
        rule: derives its default from other settings, or None.
        wins: the rule's value holds even where another is given.
        finish: completes a value, given or default, from other settings; it is not asked about None.
        default_text: the default in words, where neither value nor rule say it well.
        example: a value as it is written in a settings file, by default `default`; "" for none (it is then left out
            of templates).
        reaches: the files and keys that it reaches, as "config.yml: http.addr".
        secret: its value is never shown.
        added: it is not one of gitlab.rb's.
    """

    name: str
    type: Type
    description: str
    default: Any = None
    rule: Rule | None = None
    wins: bool = False
    finish: Callable[[View, Any], Any] | None = None
    default_text: str = ""
    example: str = ""
    reaches: tuple[str, ...] = ()
    secret: bool = False
    added: bool = False

    def __post_init__(self) -> None:
        if not self.example and self.default is not None:
            object.__setattr__(self, "example", python_value(self.default))

    @property
    def python(self) -> str:
        """The setting as it is written in a settings file: `registry["nginx"]["listen_port"]`."""
        return python_name(self.name.split("."))

    @property
    def default_in_words(self) -> str:
        """The default for people; "" where there is none."""
        if self.default_text:
            return self.default_text
        if self.rule:
            return self.rule.summary
        return "" if self.default is None else python_value(self.default)


class Unset(Enum):
    """What a rule returns where it has no value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, eq=False, repr=False)
class Sourced:
    """What a rule returns where a value comes from somewhere else than from other settings.

    Args:
        value: the value.
        kind: the secrets file, or made in this run.
    """

    value: Any
    kind: OriginKind


@dataclass(frozen=True, eq=False, repr=False)
class Given:
    """A value that the settings file gave, in the one form of its type.

    Args:
        value: the value; never None.
        location: where it was given.
    """

    value: Any
    location: Location | None = None


@dataclass(frozen=True, eq=False, repr=False)
class _Result:
    value: Any
    origin: Origin
    tainted: bool


@dataclass
class _Frame:
    """One rule or check at work: its findings count only if it saw no value that was refused."""

    name: str
    tainted: bool = False
    findings: list[Diagnostic] = field(default_factory=list)


class View:
    """Looks up options by dotted name, derives what is not given, once, and collects what rules find.

    Args:
        options: every option by its dotted name.
        given: what the settings file gave, by dotted name.
        layout: the root below which managed paths move.
        secrets: the secrets that exist, and the maker of those that do not.
        postgresql: the settings of that component, which the registry's database follows.
        broken: options whose given value was refused. What depends on one of them is not complained about:
            the refusal has been reported, and the rest would be noise.
    """

    def __init__(
        self,
        options: Mapping[str, Option],
        given: Mapping[str, Given],
        *,
        layout: Layout,
        secrets: Secrets,
        postgresql: Mapping[str, Any] | None = None,
        broken: Container[str] = (),
    ) -> None:
        self.layout = layout
        self.secrets = secrets
        self.postgresql = postgresql or {}
        self.findings: list[Diagnostic] = []
        self._options = options
        self._given = given
        self._broken = broken
        self._results: dict[str, _Result] = {}
        self._once: dict[str, Any] = {}
        self._frames: list[_Frame] = []

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the type of an option's value is its own
        """The value of an option. KeyError for an unknown name."""
        result = self._result(name)
        if result.tainted:
            self._taint()
        return result.value

    def origin(self, name: str) -> Origin:
        """Where the value of an option comes from."""
        return self._result(name).origin

    def given_value(self, name: str) -> Any:  # noqa: ANN401
        """What the settings file gave for an option, or None. KeyError for an unknown name."""
        if name in self._broken:
            self._taint()
        found = self._given.get(self._options[name].name)
        return None if found is None else found.value

    def given(self, name: str) -> bool:
        """Whether the settings file gives an option."""
        return self.given_value(name) is not None

    def location(self, setting: str) -> Location | None:
        """Where a setting, or what it is part of, was given."""
        while setting:
            if setting in self._given:
                return self._given[setting].location
            setting = setting.rpartition(".")[0]
        return None

    def once(self, name: str, make: Callable[[View], Any]) -> Any:  # noqa: ANN401
        """A value that several rules share, made by the first of them."""
        if name not in self._once:
            self._once[name] = make(self)
        return self._once[name]

    def error(self, setting: str, message: str, hint: str = "") -> None:
        """Say that settings contradict each other, or that one is missing."""
        self._say(setting, message, hint, Severity.ERROR)

    def warning(self, setting: str, message: str, hint: str = "") -> None:
        """Say something that does not end the run."""
        self._say(setting, message, hint, Severity.WARNING)

    def note(self, setting: str, message: str, hint: str = "") -> None:
        """Say something that is good to know."""
        self._say(setting, message, hint, Severity.NOTE)

    def run(self, check: Callable[[View], None]) -> None:
        """Let a check look at the options and report what is wrong."""
        self._in_frame(check.__name__, lambda: check(self))

    def _say(self, setting: str, message: str, hint: str, severity: Severity) -> None:
        finding = Diagnostic(message, self.location(setting), setting, hint, severity)
        (self._frames[-1].findings if self._frames else self.findings).append(finding)

    def _taint(self) -> None:
        if self._frames:
            self._frames[-1].tainted = True

    def _result(self, name: str) -> _Result:
        found = self._results.get(name)
        if found is None:
            found = self._results[name] = self._work_out(self._options[name])
        return found

    def _work_out(self, option: Option) -> _Result:
        if any(frame.name == option.name for frame in self._frames):
            chain = " -> ".join([frame.name for frame in self._frames] + [option.name])
            raise RuntimeError(f"rules go in a circle: {chain}")
        (value, origin), tainted = self._in_frame(option.name, lambda: self._value_of(option))
        return _Result(value, origin, tainted)

    def _in_frame(self, name: str, work: Callable[[], Any]) -> tuple[Any, bool]:
        frame = _Frame(name)
        self._frames.append(frame)
        try:
            value = work()
        finally:
            self._frames.pop()
        if not frame.tainted:
            self.findings += frame.findings
        return value, frame.tainted

    def _value_of(self, option: Option) -> tuple[Any, Origin]:
        value, origin = self._before_finish(option)
        if option.finish and value is not None:
            value = option.finish(self, value)
        if option.type.managed and isinstance(value, str):
            value = str(self.layout.path(value))
        return value, origin

    def _before_finish(self, option: Option) -> tuple[Any, Origin]:
        given = self.given_value(option.name)
        if given is not None and not option.wins:
            return given, Origin(OriginKind.FILE, self.location(option.name))
        derived = option.rule.apply(self) if option.rule else UNSET
        if isinstance(derived, Sourced):
            return derived.value, Origin(derived.kind)
        if option.rule and derived is not UNSET:
            return derived, Origin(OriginKind.DERIVED, rule=option.rule.name)
        if given is not None:
            return given, Origin(OriginKind.FILE, self.location(option.name))
        return option.default, Origin(OriginKind.DEFAULT)
