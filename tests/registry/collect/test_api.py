"""The API client against a small server that has pages, closes connections and answers badly."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from ctl.registry.collect.api import ApiError, RegistryApi


class Reply(NamedTuple):
    status: int
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple has no other way, and nobody changes it


Server = Callable[[dict[str, Reply]], RegistryApi]


@pytest.fixture
def serve() -> Iterator[Server]:
    """Makes a registry that gives prepared replies by "METHOD path"."""
    running: list[ThreadingHTTPServer] = []

    def start(replies: dict[str, Reply]) -> RegistryApi:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                reply = replies.get(f"{self.command} {self.path}", Reply(404))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)

            do_GET = do_HEAD = do_DELETE = handle_one  # noqa: N815 - named by http.server

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return RegistryApi(
            lambda: http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
        )

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


FIRST = "GET /v2/a/b/tags/list?n=500"


def test_tags_of_all_pages(serve: Server) -> None:
    api = serve(
        {
            FIRST: Reply(
                200,
                b'{"tags": ["1", "2"]}',
                {"Link": '</v2/a/b/tags/list?last=2&n=500>; rel="next"'},
            ),
            "GET /v2/a/b/tags/list?last=2&n=500": Reply(200, b'{"tags": ["3"]}'),
        }
    )
    assert api.tags("a/b") == ["1", "2", "3"]


def test_page_that_leads_to_itself_ends(serve: Server) -> None:
    link = {"Link": "<http://elsewhere/v2/a/b/tags/list?n=500>; rel=next"}
    assert serve({FIRST: Reply(200, b'{"tags": ["1"]}', link)}).tags("a/b") == ["1"]


def test_repository_without_tags_has_none(serve: Server) -> None:
    assert serve({}).tags("a/b") == []
    assert serve({FIRST: Reply(200, b'{"name": "a/b", "tags": null}')}).tags("a/b") == []


@pytest.mark.parametrize("reply", [Reply(500), Reply(200, b"<html>"), Reply(401, b"{}")])
def test_other_answers_about_tags_are_errors(serve: Server, reply: Reply) -> None:
    with pytest.raises(ApiError, match="tags of a/b: the registry answers"):
        serve({FIRST: reply}).tags("a/b")


def test_tag_is_resolved(serve: Server) -> None:
    api = serve({"HEAD /v2/a/b/manifests/v1": Reply(200, b"", {"Docker-Content-Digest": "sha256:aa"})})
    assert api.digest_of_tag("a/b", "v1") == "sha256:aa"
    assert api.digest_of_tag("a/b", "broken") is None


def test_tag_that_cannot_be_resolved_is_an_error(serve: Server) -> None:
    with pytest.raises(ApiError, match=r"a/b:v1: the registry answers 500"):
        serve({"HEAD /v2/a/b/manifests/v1": Reply(500)}).digest_of_tag("a/b", "v1")


def test_content_is_checked_against_its_digest(serve: Server) -> None:
    content = b'{"layers": []}'
    good = "sha256:" + hashlib.sha256(content).hexdigest()
    bad = "sha256:" + "0" * 64
    api = serve(
        {
            f"GET /v2/a/manifests/{good}": Reply(200, content),
            f"GET /v2/a/manifests/{bad}": Reply(200, content),
        }
    )
    assert api.manifest("a", good) == content
    with pytest.raises(ApiError, match="does not have that digest"):
        api.manifest("a", bad)


def test_deletion_reports_whether_it_was_there(serve: Server) -> None:
    api = serve(
        {"DELETE /v2/a/manifests/sha256:aa": Reply(202), "DELETE /v2/a/manifests/sha256:bb": Reply(405)}
    )
    assert api.delete("a", "sha256:aa")
    assert not api.delete("a", "sha256:gone")
    with pytest.raises(ApiError, match="answers 405"):
        api.delete("a", "sha256:bb")


def test_closed_connection_is_opened_again(serve: Server) -> None:
    api = serve({FIRST: Reply(200, b'{"tags": []}', {"Connection": "close"})})
    assert [api.tags("a/b") for _ in range(3)] == [[], [], []]


def test_registry_that_is_gone_is_an_error() -> None:
    api = RegistryApi(lambda: http.client.HTTPConnection("127.0.0.1", 1, timeout=1))
    with pytest.raises(ApiError, match="does not answer"):
        api.tags("a")
