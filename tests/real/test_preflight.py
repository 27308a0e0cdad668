"""What a run refuses before it changes anything, reported so that one knows what to do; and the exit codes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.namespaces import need_mounts
from tests.harness.people import Person
from tests.harness.result import Result
from tests.harness.root import Root, RootMaker

pytestmark = [pytest.mark.real, pytest.mark.one_registry("what is refused here, no registry has a part in")]


@pytest.fixture
def root(make_root: RootMaker, person: Person) -> Root:
    """A root in which nothing has run yet."""
    root = make_root(person)
    root.settings()
    return root


def _refused(root: Root, *, code: int = 1) -> Result:
    """A run that ends with the code, has changed nothing and left no process."""
    before = root.snapshot()
    result = root.ctl("reconfigure").exits(code)
    assert _managed(tree.changed(before, root.snapshot())) == set()
    assert root.processes() == []
    return result


def _managed(names: set[str]) -> set[str]:
    """Without ctl's own folder for its lock, and the folders above that."""
    own = {"var", "var/opt", "var/opt/gitlab", "var/opt/gitlab/ctl", "var/log", "var/log/gitlab"}
    return names - own


@contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


@pytest.mark.parametrize("which", ["registry_port", "port", "status_port"])
def test_port_taken_names_the_process(make_root: RootMaker, me: Person, which: str) -> None:
    root = make_root(me)
    root.settings()
    port = getattr(root, which)
    with _taken(port):
        result = _refused(root)
    assert str(port) in result.err
    assert str(os.getpid()) in result.err
    assert "python" in result.err or "pytest" in result.err
    root.reconfigure()
    assert root.serves()


@pytest.mark.usefixtures("need_root")
def test_port_taken_by_a_process_that_cannot_be_seen(make_root: RootMaker, ordinary_user: Person) -> None:
    """An ordinary user does not see whose port it is; the port itself must still be reported."""
    root = make_root(ordinary_user)
    root.settings()
    with _taken(root.registry_port):
        result = _refused(root)
    assert str(root.registry_port) in result.err


def test_own_running_services_do_not_count_as_taken(make_root: RootMaker, me: Person) -> None:
    root = make_root(me)
    root.settings()
    root.reconfigure()
    root.settings('registry["log_level"] = "warn"')
    root.reconfigure()
    assert root.serves()


def test_privileged_port_is_refused_to_an_ordinary_user(make_root: RootMaker, ordinary_user: Person) -> None:
    root = make_root(ordinary_user)
    root.settings('registry["nginx"]["listen_port"] = 443')
    result = _refused(root)
    assert "443" in result.err


@pytest.mark.parametrize(("setting", "package"), [("registry", "docker-registry"), ("nginx", "nginx")])
def test_missing_program_names_its_package(root: Root, setting: str, package: str) -> None:
    root.settings(f'{setting}["executable"] = "/nonexistent/program"')
    result = _refused(root)
    assert "/nonexistent/program" in result.err
    assert package in result.err


@pytest.mark.usefixtures("need_root")
def test_machine_without_runit_names_the_package(make_root: RootMaker) -> None:
    """In a mount namespace of its own, where the program cannot be executed."""
    need_mounts()
    root = make_root()
    root.settings()
    program = shutil.which("runsvdir")
    hide = f'mount --bind /dev/null {program} && exec "$@"'
    command = root.person.command(["--root", str(root.path), "reconfigure"])
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=root.environment(),
    )
    result = Result(done.returncode, done.stdout, done.stderr, ("reconfigure",)).exits(1)
    assert "apt-get install runit" in result.err


def test_missing_settings_file_names_the_command_for_one(make_root: RootMaker, person: Person) -> None:
    root = make_root(person, seeded=False)
    result = root.ctl("reconfigure").exits(2)
    assert str(root.path / "etc/gitlab/gitlab.py") in result.err
    assert "ctl settings template" in result.err
    assert list(root.path.iterdir()) == []


def test_the_command_for_a_missing_settings_file_works(make_root: RootMaker, person: Person) -> None:
    """What the error names, done as it says, gives a file that check-config accepts."""
    root = make_root(person, seeded=False)
    advice = root.ctl("reconfigure").exits(2).err
    command = advice[advice.index("ctl settings") :].splitlines()[0].split()[1:]
    root.ctl(*command, "--url", f"https://localhost:{root.port}").ok()
    assert root.url in root.ctl("show-config").ok().out


def test_installed_gitlab_package_is_left_alone(root: Root) -> None:
    (root.path / "opt/gitlab/embedded").mkdir(parents=True)
    result = _refused(root)
    assert "/opt/gitlab/embedded" in result.err
    assert "--root" in result.err


@pytest.mark.usefixtures("need_root")
def test_storage_that_the_registry_cannot_write(make_root: RootMaker) -> None:
    root = make_root()
    storage = root.path / "srv/images"
    storage.mkdir(parents=True, mode=0o700)
    storage.parent.chmod(0o700)
    root.settings(
        'manage_storage_directories["enable"] = False', f'gitlab_rails["registry_path"] = "{storage}"'
    )
    result = _refused(root)
    assert str(storage) in result.err
    assert "docker-registry" in result.err


@pytest.mark.usefixtures("need_root")
def test_ordinary_user_is_advised_to_use_sudo(ordinary_user: Person, tmp_path: Path) -> None:
    """On the machine itself, without --root. Nothing is read or written there: the refusal comes first."""
    settings = Path("/tmp") / f"ctl-test-settings-{os.getpid()}.py"
    settings.write_text('registry_external_url = "https://localhost:5050"\n', encoding="ascii")
    try:
        done = subprocess.run(
            ordinary_user.command(["--settings", str(settings), "reconfigure"]),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ordinary_user.pythonpath},
        )
    finally:
        settings.unlink()
    result = Result(done.returncode, done.stdout, done.stderr, ("reconfigure",)).exits(1)
    assert "root" in result.err
    assert "sudo" in result.err or "--root" in result.err


@pytest.mark.parametrize(
    "arguments",
    [("reconfigur",), ("--nonsense",), ("reconfigure", "--nonsense"), ("restart", "nosuchservice")],
)
def test_usage_errors_exit_with_2(root: Root, arguments: tuple[str, ...]) -> None:
    result = root.ctl(*arguments).exits(2)
    assert result.err


def test_mistyped_command_names_the_nearest(root: Root) -> None:
    assert "reconfigure" in root.ctl("reconfigur").exits(2).err


def test_global_options_are_taken_before_or_after_the_command(root: Root) -> None:
    before = root.ctl("--settings", str(root.path / "etc/gitlab/gitlab.py"), "check-config").ok()
    after = root.ctl("check-config", "--settings", str(root.path / "etc/gitlab/gitlab.py")).ok()
    assert before.text == after.text


def test_root_and_settings_from_the_environment(root: Root) -> None:
    environment = root.environment() | {
        "CTL_ROOT": str(root.path),
        "CTL_SETTINGS": str(root.path / "etc/gitlab/gitlab.py"),
    }
    done = subprocess.run(
        root.person.command(["show-config", "--format", "json"]),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert root.url in done.stdout


def test_wrong_settings_are_all_reported_at_once_with_their_places(root: Root) -> None:
    root.settings('registry["log_levle"] = "info"', 'registry["storage"] = 5', "import os")
    result = _refused(root, code=2)
    count = len(root.read("etc/gitlab/gitlab.py").splitlines())
    for line in (count - 2, count - 1, count):
        assert f"gitlab.py:{line}:" in result.err
    assert "log_level" in result.err


def test_commands_before_the_first_run_do_not_fail_with_a_traceback(root: Root) -> None:
    for arguments in (("status",), ("stop",), ("service-list",), ("registry-garbage-collect",)):
        result = root.ctl(*arguments)
        assert "Traceback" not in result.text
        assert result.code in (0, 1, 2), arguments
    assert root.processes() == []
