"""Files of challenges: shown while needed, gone afterwards; and whether a server really shows them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ctl.acme.challenge import Listener, require_answer, serving
from ctl.errors import CtlError
from tests.harness.acme_site import Site


@contextmanager
def server(folder: Path, *, status: int = 200, other: bytes = b"") -> Iterator[Listener]:
    """A web server that shows the folder, or something else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(other or (folder / Path(self.path).name).read_bytes())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield Listener("127.0.0.1", running.server_port)
        running.shutdown()


def test_files_are_there_for_everybody_and_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "left-by-a-killed-run").touch()
    with serving(tmp_path, {"token": "content"}):
        (file,) = tmp_path.iterdir()
        assert file.read_text(encoding="ascii") == "content"
        assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == []


def test_they_go_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), serving(tmp_path, {"token": "content"}):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_nginx_was_not_reloaded(tmp_path: Path) -> None:
    with pytest.raises(CtlError, match="NGINX is not configured") as caught, serving(tmp_path / "no", {}):
        pass
    assert caught.value.hint == "Run: sudo ctl reconfigure"


def test_a_server_that_shows_them(tmp_path: Path) -> None:
    with server(tmp_path) as listener:
        require_answer(listener, tmp_path, "registry.invalid", patience=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "other", "output"),
    [(404, b"no", "it says 404"), (200, b"mine", "another server answers there")],
)
def test_a_server_that_does_not(tmp_path: Path, status: int, other: bytes, output: str) -> None:
    with server(tmp_path, status=status, other=other) as listener, pytest.raises(CtlError, match=output):
        require_answer(listener, tmp_path, "registry.invalid", patience=0)


def test_no_server(tmp_path: Path) -> None:
    with server(tmp_path) as listener:
        pass
    with pytest.raises(CtlError, match="Connection refused"):
        require_answer(listener, tmp_path, "registry.invalid", patience=0)


def test_the_listener_of_a_node(site: Site) -> None:
    vhost = 'registry["nginx"]'
    assert Listener.of(site.node()) == Listener("127.0.0.1", 80)
    more = (
        f'{vhost}["listen_addresses"] = ["[::]", "*"]\n{vhost}["proxy_protocol"] = True\n'
        f'{vhost}["redirect_http_to_https_port"] = 8080\n'
    )
    found = Listener.of(site.node(more))
    assert found == Listener("::1", 8080, proxied=True)
    assert found.endpoint == "[::1]:8080"
