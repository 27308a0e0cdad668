"""Fixtures of the tests with real programs: people and private roots, ended and removed whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.harness.issuer import reachable
from tests.harness.people import Person, myself, ordinary
from tests.harness.registries import Registry
from tests.harness.root import SETTINGS, Root, RootMaker

PROGRAMS = ("nginx", "docker-registry", "runsvdir", "chpst", "svlogd", "skopeo", "openssl")


@pytest.fixture(autouse=True, scope="session")
def _programs() -> None:
    """The real tier needs the real programs; `tests/run.sh` installs them."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)}", pytrace=False)


@pytest.fixture(scope="session")
def me() -> Person:
    """The user who runs the tests."""
    return myself()


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[Person]:
    """A user without rights of root."""
    with ordinary() as person:
        if person is None:
            pytest.skip("no Python of this version that an ordinary user can run")
        yield person


@pytest.fixture(scope="session")
def somebody(me: Person, ordinary_user: Person) -> Person:
    """Who runs `ctl`: root, if the tests run as root, with a Python that every account can read."""
    return reachable(me, ordinary_user)


@pytest.fixture(params=["root", "ordinary"])
def person(request: pytest.FixtureRequest, me: Person) -> Person:
    """Root where the tests run as root, and an ordinary user."""
    if request.param == "ordinary":
        found = request.getfixturevalue("ordinary_user")
        assert isinstance(found, Person)
        return found
    if not me.is_root:
        pytest.skip("needs root")
    return me


@pytest.fixture(scope="session")
def need_root(me: Person) -> None:
    """For tests of what only root can do."""
    if not me.is_root:
        pytest.skip("needs root")


@pytest.fixture(scope="module")
def module_root_maker(me: Person, registry_program: Registry) -> Iterator[RootMaker]:
    """As make_root, for roots that the tests of a module share."""
    yield from _makers(me, registry_program)


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker) -> Root:
    """A root with a running registry that the tests of a module share; they use it through `running`."""
    root = module_root_maker()
    root.settings()
    root.reconfigure()
    return root


@pytest.fixture
def running(module_root: Root) -> Iterator[Root]:
    """A running registry; what a test changes in its settings is put back afterwards."""
    before = module_root.read(SETTINGS)
    yield module_root
    if module_root.read(SETTINGS) != before:
        module_root.write(SETTINGS, before)
        module_root.reconfigure()


@pytest.fixture
def make_root(me: Person, registry_program: Registry) -> Iterator[RootMaker]:
    """Makes private roots, by default of the user who runs the tests."""
    yield from _makers(me, registry_program)


def _makers(me: Person, registry: Registry) -> Iterator[RootMaker]:
    with ExitStack() as stack:

        def make(person: Person = me, *, seeded: bool = True) -> Root:
            root = Root(person, registry=registry, seeded=seeded)
            stack.callback(root.end)
            return root

        yield make
