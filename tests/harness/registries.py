"""The registry programs that the tests run with: Debian's, which is Distribution 2, and Distribution 3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import distribution3

DEBIAN = Path("/usr/bin/docker-registry")


@dataclass(frozen=True)
class Registry:
    """A registry program.

    Args:
        major: of its version: 2 or 3.
    """

    major: int

    def __str__(self) -> str:
        return f"distribution-{self.major}"

    @property
    def missing(self) -> str | None:
        """Why it cannot be run here; None where it can."""
        return distribution3.missing() if self.major == 3 and distribution3.path() is None else None

    @property
    def program(self) -> Path:
        """Where it is; it must not be missing."""
        if self.major == 2:
            return DEBIAN
        found = distribution3.path()
        assert found is not None, distribution3.missing()
        return found

    @property
    def settings(self) -> list[str]:
        """What a settings file needs for it; Debian's is found by itself."""
        return [] if self.major == 2 else [f'registry["executable"] = "{self.program}"']


REGISTRIES = (Registry(2), Registry(3))


def chosen(config: pytest.Config, mark: pytest.Mark | None) -> list[Registry]:
    """Those that a test runs with.

    Args:
        config: `--registry` leaves one.
        mark: `one_registry`, if the test has it: the program cannot matter to it, and the first is enough; or its
            `major` names the only one that can do it.
    """
    wanted = config.getoption("--registry")
    found = [registry for registry in REGISTRIES if wanted in (None, str(registry.major))]
    if mark is None:
        return found
    major = mark.kwargs.get("major")
    return [registry for registry in found if registry.major == major] if major else found[:1]
