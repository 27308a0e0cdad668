"""NGINX itself refuses what is wrong, by the file's real name, and the check leaves nothing behind."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.errors import ValidationError
from ctl.machine.search import find_program
from ctl.nginx.validate import nginx_accepts
from tests.harness.as_nobody import NOBODY, as_nobody
from tests.harness.certificates import certificate_pem, key_pem, make_key

REAL = "/var/opt/gitlab/nginx/conf"


@pytest.fixture
def stage() -> Iterator[Path]:
    """A folder that other accounts can reach, as staging copies are."""
    folder = Path(tempfile.mkdtemp(prefix="stage-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def staged(stage: Path, snippet: str = "", *, port: int = 0) -> Path:
    """A configuration as it is rendered: every path that NGINX writes to is inside the copy."""
    conf = stage / REAL.lstrip("/")
    conf.mkdir(parents=True)
    (stage / "tmp").mkdir()
    temporary = "".join(
        f"{name}_temp_path {stage}/tmp/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (conf / "vhost.conf").write_text(f"server {{\n  listen 127.0.0.1:{port or 1};\n{snippet}}}\n")
    (conf / "nginx.conf").write_text(
        f"error_log stderr warn;\npid {stage}/nginx.pid;\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log {stage}/access.log;\n{temporary}include {conf}/vhost.conf;\n}}\n"
    )
    return conf / "nginx.conf"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def fake(folder: Path, script: str) -> Path:
    program = folder / "fake-nginx"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_words_of_the_program_reach_the_message(stage: Path) -> None:
    config = staged(stage)
    words = f"nginx: [emerg] bad in {config}:1\nnginx: configuration file x test failed"
    program = fake(stage, f"echo '{words}' >&2; exit 1")
    with pytest.raises(ValidationError) as error:
        nginx_accepts(config, program=program, prefix=stage)
    assert error.value.message == f"NGINX refuses its configuration: bad in {REAL}/nginx.conf:1"
    with pytest.raises(ValidationError, match=r"bad in <nginx\.conf>:1"):
        nginx_accepts(
            config,
            program=program,
            prefix=stage,
            real_names=lambda text: text.replace(str(config), "<nginx.conf>"),
        )


def test_the_callers_environment_stays_outside(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGINX", "3;4;")  # inherited sockets: NGINX would take them for its own
    program = fake(stage, 'test -z "$NGINX"')
    config = staged(stage)
    nginx_accepts(config, program=program, prefix=stage)
    with pytest.raises(ValidationError):
        nginx_accepts(config, program=fake(stage, 'test -n "$NGINX"'), prefix=stage)


def test_a_check_that_does_not_end(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctl.nginx.validate.PATIENCE", 0.2)
    with pytest.raises(ValidationError, match="did not end within"):
        nginx_accepts(staged(stage), program=fake(stage, "exec sleep 30"), prefix=stage)


def nginx() -> Path:
    found = find_program("nginx")
    assert found is not None, "nginx is not installed"
    return found


@pytest.mark.real
def test_a_good_configuration_is_accepted_though_its_port_is_taken(stage: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nginx_accepts(staged(stage, port=server.getsockname()[1]), program=nginx(), prefix=stage)


@pytest.mark.real
def test_a_bad_snippet_is_refused_by_its_files_real_name(stage: Path) -> None:
    config = staged(stage, "  no_such_directive on;\n", port=free_port())
    with pytest.raises(ValidationError) as error:
        nginx_accepts(config, program=nginx(), prefix=stage)
    assert error.value.message == (
        f'NGINX refuses its configuration: unknown directive "no_such_directive" in {REAL}/vhost.conf:3'
    )


@pytest.mark.real
def test_a_missing_certificate_is_refused(stage: Path) -> None:
    snippet = f"  ssl_certificate {stage}/a.crt;\n  ssl_certificate_key {stage}/a.key;\n"
    config = staged(stage, snippet, port=free_port())
    config.with_name("vhost.conf").write_text(
        config.with_name("vhost.conf").read_text().replace(";", " ssl;", 1)
    )
    with pytest.raises(ValidationError, match=r'cannot load certificate "/a\.crt"') as error:
        nginx_accepts(config, program=nginx(), prefix=stage)
    assert str(stage) not in error.value.message


@pytest.mark.real
@pytest.mark.parametrize("snippet", ["", "  no_such_directive on;\n"])
def test_nothing_is_left_outside_the_copy(stage: Path, snippet: str) -> None:
    places = [Path("/var/lib/nginx"), Path("/var/log/nginx"), Path("/run"), Path("/usr/share/nginx")]
    before = [_listing(place) for place in places]
    config = staged(stage, snippet, port=free_port())
    try:
        nginx_accepts(config, program=nginx(), prefix=stage)
    except ValidationError:
        assert snippet
    assert [_listing(place) for place in places] == before


def _listing(folder: Path) -> set[tuple[Path, int]]:
    pattern = "*nginx*" if folder == Path("/run") else "**/*"
    return {(entry, entry.lstat().st_uid) for entry in folder.glob(pattern)}


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's NGINX looks up the account")
def test_an_account_that_the_run_will_make(stage: Path) -> None:
    config = staged(stage, port=free_port())
    config.write_text("user not-made-yet not-made-yet;\n" + config.read_text())
    nginx_accepts(config, program=nginx(), prefix=stage)
    config.write_text("user nobody nogroup;\n" + config.read_text().partition("\n")[2])
    before = config.stat().st_mtime_ns
    nginx_accepts(config, program=nginx(), prefix=stage)
    assert config.stat().st_mtime_ns == before, "an account that exists is left as it is"


@pytest.mark.real
def test_an_ordinary_user_can_check(stage: Path) -> None:
    config = staged(stage, port=free_port())
    if os.geteuid() == 0:
        for path in (stage, *stage.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    program = nginx()
    assert as_nobody(lambda: nginx_accepts(config, program=program, prefix=stage)) == "None"


@pytest.mark.real
def test_an_encrypted_key_is_not_asked_for_on_the_terminal(stage: Path) -> None:
    """OpenSSL asks /dev/tty, whatever standard input is: a run in a terminal would wait for ever."""
    key = make_key()
    (stage / "a.key").write_bytes(key_pem(key, password=b"geheim"))
    (stage / "a.crt").write_bytes(certificate_pem(key))
    config = staged(
        stage, f"  ssl_certificate {stage}/a.crt;\n  ssl_certificate_key {stage}/a.key;\n", port=free_port()
    )
    vhost = config.with_name("vhost.conf")
    vhost.write_text(vhost.read_text().replace(";", " ssl;", 1))
    script = (
        "from pathlib import Path; from ctl.nginx.validate import nginx_accepts;"
        f"nginx_accepts(Path({str(config)!r}), program=Path({str(nginx())!r}), prefix=Path({str(stage)!r}))"
    )
    assert "cannot load certificate key" in _in_terminal([sys.executable, "-c", script])


def _in_terminal(command: list[str]) -> str:
    """Run a command with a terminal of its own; returns what it prints there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).parents[2])
        os.execv(command[0], command)  # noqa: S606
    output = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux: the other side has closed the terminal
            break
        if not chunk:
            break
        output += chunk
        assert b"Enter PEM pass phrase" not in output
    os.close(terminal)
    os.waitpid(pid, 0)
    return output.decode()
