"""For all tests: an environment without the settings of whoever runs them, and logs of failed runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_surroundings() -> None:
    """CTL_ROOT and the like would send the commands under test to another root."""
    for name in [name for name in os.environ if name.startswith(("CTL_", "REGISTRY_"))]:
        del os.environ[name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs and processes of every private root that is alive to the report of a failure."""
    report = yield
    root = sys.modules.get("tests.real.harness.root")
    if report.failed and root is not None:
        report.sections += [(f"root {one.path}", one.logs()) for one in root.Root.alive]
    return report
