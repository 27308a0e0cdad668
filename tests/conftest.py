"""For all tests: the registry programs, an environment without anybody's settings, logs of failed runs."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from ctl.settings.secrets import token_pair
from tests.harness.memory import folders_in_memory
from tests.harness.registries import Registry, chosen

folders_in_memory()

ALL_REAL = re.compile(r"^pytestmark = (?:\[[^\]]*)?pytest\.mark\.real\b", re.MULTILINE)

# A slow machine fails no test.
hypothesis.settings.register_profile(
    "ctl", max_examples=60, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("ctl-fast", hypothesis.settings.get_profile("ctl"), max_examples=10)
hypothesis.settings.load_profile("ctl")

# Garbage is looked for seldom, and not at all among what stays to the end: that took a tenth of the time.
gc.set_threshold(20_000, 20, 50)

# Started in the background of a shell, this process ignores them, and so would everything that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

pytest_plugins = ["tests.harness.services_stack"]

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


@pytest.fixture(autouse=True)
def _same_environment() -> Generator[None]:
    """What a test, or the code that it calls, puts into the environment is gone after it."""
    before = dict(os.environ)
    yield
    before["PYTEST_CURRENT_TEST"] = os.environ["PYTEST_CURRENT_TEST"]
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


def fast_alone(config: pytest.Config) -> bool:
    """Whether only the fast tests are run."""
    return str(config.getoption("markexpr")) == "not real"


def pytest_configure(config: pytest.Config) -> None:
    """The fast tests by themselves try fewer random examples."""
    if fast_alone(config):
        hypothesis.settings.load_profile("ctl-fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Modules of real tests alone are not even read where none of these is run: every worker would read them all."""
    if not fast_alone(config) or collection_path.suffix != ".py":
        return None
    return ALL_REAL.search(collection_path.read_text(encoding="utf-8")) is not None or None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Real programs wait, so that four are run at once on any machine; fast tests take all of a core each."""
    return (os.cpu_count() or 1) if fast_alone(config) else 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """The choice of one registry program."""
    parser.addoption(
        "--registry", choices=["2", "3"], help="run with this major version of Distribution only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test in which a registry runs is run with each registry program, unless it is marked."""
    if "registry_program" in metafunc.fixturenames:
        found = chosen(metafunc.config, metafunc.definition.get_closest_marker("one_registry"))
        metafunc.parametrize("registry_program", found, ids=str, indirect=True, scope="module")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last, since pytest itself puts together what shares a parameter of a module."""
    from tests.harness.scheduling import in_order

    items[:] = in_order(items)


def pytest_collection_finish() -> None:
    """Modules and tests stay."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """What shares a root goes to one worker."""
    from tests.harness.scheduling import Scheduling

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="module")
def registry_program(request: pytest.FixtureRequest) -> Registry:
    """The registry program that a test runs with; what it needs of it goes through the test's root."""
    registry = request.param
    assert isinstance(registry, Registry)
    if registry.missing:
        pytest.skip(registry.missing)
    return registry


@pytest.fixture(autouse=True, scope="session")
def _no_surroundings() -> None:
    """CTL_ROOT and the like would send the commands under test to another root, and nohup would shield them."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for name in [name for name in os.environ if name.startswith(("CTL_", "REGISTRY_"))]:
        del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def _short_keys() -> None:
    """A pair that is made within this process is quickly made, whichever test needs it."""
    token_pair.KEY_SIZE = 1024


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs and processes of every private root that is alive to the report of a failure."""
    report = yield
    root = sys.modules.get("tests.harness.root")
    if report.failed and root is not None:
        report.sections += [(f"root {one.path}", one.logs()) for one in root.Root.alive]
    return report
