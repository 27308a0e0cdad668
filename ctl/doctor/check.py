"""A check: one question to the running node, and what its answers mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ctl.doctor.site import Site


class State(StrEnum):
    """How a question was answered."""

    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """Higher is worse; what could not be asked is worse than a warning: it may be anything."""
        return list(State).index(self)


@dataclass(frozen=True)
class Finding:
    """One answer.

    Args:
        state: of it.
        cause: in a sentence; for OK, what was seen.
        remedy: the command or the setting that mends it; "" where none is needed.
    """

    state: State
    cause: str
    remedy: str = ""


def ok(cause: str) -> Finding:
    """All is well."""
    return Finding(State.OK, cause)


def warning(cause: str, remedy: str = "") -> Finding:
    """It works, but not for long, or not for everybody."""
    return Finding(State.WARNING, cause, remedy)


def unknown(cause: str, remedy: str = "") -> Finding:
    """It could not be asked."""
    return Finding(State.UNKNOWN, cause, remedy)


def failure(cause: str, remedy: str = "") -> Finding:
    """It is broken."""
    return Finding(State.FAILURE, cause, remedy)


@dataclass(frozen=True)
class Check:
    """One question.

    Args:
        name: on the command line and in JSON.
        proves: what is true where the answer is ok.
        ask: looks, changes nothing, and yields findings; none where the question does not arise on this node.
        needs: checks without whose success this one could only repeat their failure: it is not asked then.
        remedy: where a finding has none of its own.
        arises: whether the command line asks this question.
    """

    name: str
    proves: str
    ask: Callable[[Site], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    remedy: str = ""
    arises: Callable[[Site], bool] = lambda _: True


@dataclass(frozen=True)
class Result:
    """What became of a check.

    Args:
        check: it.
        findings: the worst first.
        seconds: that it took.
    """

    check: Check
    findings: tuple[Finding, ...]
    seconds: float = field(default=0.0, compare=False)

    @property
    def state(self) -> State:
        """The worst of its findings."""
        return worst(one.state for one in self.findings)

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return {
            "name": self.check.name,
            "proves": self.check.proves,
            "state": str(self.state),
            "findings": [
                {"state": str(one.state), "cause": one.cause, "remedy": one.remedy or None}
                for one in self.findings
            ],
            "seconds": round(self.seconds, 3),
        }


def worst(states: Iterable[State]) -> State:
    """The worst of some states; ok for none."""
    return max(states, key=lambda one: one.rank, default=State.OK)
