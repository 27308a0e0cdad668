"""What an option is: the one declaration from which its check, default, manual and template come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ctl.settings.types import Type
from ctl.settings.view import View
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
