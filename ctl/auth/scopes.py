"""What a client asks for: the scopes of the Distribution token specification.

Grammar: https://distribution.github.io/distribution/spec/auth/scope/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ctl.errors import CtlError

MAX_SCOPES = 100
MAX_LENGTH = 512
"""Characters of one scope: a name of 255, a host, and a few actions."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*"
_HOST_COMPONENT = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_HOST_COMPONENT}(?:\.{_HOST_COMPONENT})*(?::[0-9]+)?"
_NAME = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*(?:/\*)?"
"""Ends in `/*` where GitLab asks for every repository below a name."""
_SCOPE = re.compile(
    rf"(?P<type>[a-z0-9]+)(?:\((?P<kind>[a-z0-9]+)\))?:(?P<name>{_NAME}):(?P<actions>[a-z*,]*)", re.ASCII
)
_ACTION = re.compile(r"[a-z]+|\*", re.ASCII)


class ScopeError(CtlError):
    """A scope is not one of the specification's grammar; the message is fit for the client."""


@dataclass(frozen=True)
class Scope:
    """One resource and what may be done with it.

    Args:
        type: of the resource: "repository", "registry", or another.
        kind: the class in parentheses, as "plugin"; "" where there is none.
        name: of the resource; may begin with a host and port.
        actions: each once, in the order given; may be empty.
    """

    type: str
    kind: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        """As the specification writes it."""
        kind = f"({self.kind})" if self.kind else ""
        return f"{self.type}{kind}:{self.name}:{','.join(self.actions)}"


def parse_scopes(values: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of a request.

    Args:
        values: of every `scope` parameter; each holds scopes parted by blanks, or none.

    Raises:
        ScopeError: one is malformed, or there are more than MAX_SCOPES.
    """
    found: list[Scope] = []
    for text in _texts(values):
        if len(found) == MAX_SCOPES:
            raise ScopeError(f"more than {MAX_SCOPES} scopes")
        found.append(_parse(text))
    return tuple(found)


def _texts(values: Sequence[str]) -> Iterator[str]:
    for value in values:
        yield from (text for text in value.split(" ") if text)


def _parse(text: str) -> Scope:
    if len(text) > MAX_LENGTH:
        raise ScopeError(f"a scope of {len(text)} characters: at most {MAX_LENGTH} are allowed")
    match = _SCOPE.fullmatch(text)
    if match is None:
        raise ScopeError(f"malformed scope {text!a}: {_fault(text)}, as repository:team/app:pull")
    actions = tuple(dict.fromkeys(action for action in match["actions"].split(",") if action))
    unfit = next((action for action in actions if not _ACTION.fullmatch(action)), None)
    if unfit is not None:
        raise ScopeError(f"malformed action {unfit!a} in scope {text!a}")
    return Scope(match["type"], match["kind"] or "", match["name"], actions)


def _fault(text: str) -> str:
    """What is wrong with a scope; upper case is named also where it is not the only fault."""
    if _SCOPE.fullmatch(text.lower()):
        return "names and actions are lower case"
    upper = any(letter.isupper() for letter in text)
    return f"it must be type:name:actions{', in lower case' if upper else ''}"
