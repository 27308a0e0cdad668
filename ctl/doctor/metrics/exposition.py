"""Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PREFIX = "ctl_"


@dataclass
class Family:
    """Samples of one name.

    Args:
        name: without the prefix; that of a counter ends in _total.
        help: what it counts.
        kind: "gauge" or "counter".
        samples: labels and value of each.
    """

    name: str
    help: str
    kind: str = "gauge"
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float | bool | None, **labels: str) -> None:
        """A sample; none where the value is not known."""
        if value is not None:
            self.samples.append((labels, float(value)))

    def lines(self) -> Iterable[str]:
        """Its text; nothing without samples."""
        if not self.samples:
            return
        name = f"{PREFIX}{self.name}"
        yield f"# HELP {name} {_escaped(self.help)}"
        yield f"# TYPE {name} {self.kind}"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{_quoted(text)}"' for key, text in labels.items())
            yield f"{name}{f'{{{inside}}}' if inside else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def text_of(families: Iterable[Family]) -> str:
    """All families as one text."""
    return "".join(f"{line}\n" for family in families for line in family.lines())
