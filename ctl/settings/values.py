"""What rules and declarations of components read: the values of options by dotted name."""

from __future__ import annotations

from typing import Any, Protocol


class Values(Protocol):
    """A View while settings are read, Attributes from then on."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - the type of an option's value is its own
        """The value of an option by its dotted name ("registry.nginx.listen_port")."""
        ...

    def given(self, name: str) -> bool:
        """Whether the settings file gives this option."""
        ...
