"""Load balancers before NGINX: another NGINX that ends TLS, and a plain one that passes bytes on."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.harness.waiting import listening, wait_for

_FRONT = """\
daemon off;
{user}
pid {folder}/front.pid;
error_log stderr error;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      {lines}
    }}
  }}
}}
"""


@contextmanager
def ending_tls(
    folder: Path, port: int, behind: int, certificate: Path, key: Path, lines: str = "client_max_body_size 0;"
) -> Iterator[None]:
    """A balancer with TLS towards clients and plain HTTP behind, as those of cloud providers.

    Args:
        folder: an empty one for its files.
        port: where clients come.
        behind: where it passes requests on to.
        certificate, key: what clients see.
        lines: more of its configuration.
    """
    config = folder / "front.conf"
    config.write_text(
        _FRONT.format(
            folder=folder,
            port=port,
            behind=behind,
            certificate=certificate,
            key=key,
            lines=lines,
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    process = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-c", str(config), "-p", f"{folder}/"])
    try:
        wait_for(lambda: listening(port), what="the balancer")
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def proxy_protocol(port: int, behind: int) -> Iterator[None]:
    """A balancer that passes connections on as they are, with the PROXY protocol's line before each.

    Args:
        port: where clients come.
        behind: where it passes them on to.
    """
    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=_accept, args=(listener, behind), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def only_offering_http2(port: int, behind: int, certificate: Path, key: Path) -> Iterator[None]:
    """A balancer that ends TLS, offers HTTP/2, and passes bytes on to a server that does not speak it.

    Args:
        port: where clients come.
        behind: where it passes them on to.
        certificate, key: what clients see.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=_accept_tls, args=(listener, behind, context), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def _accept_tls(listener: socket.socket, behind: int, context: ssl.SSLContext) -> None:
    while True:
        try:
            client = context.wrap_socket(listener.accept()[0], server_side=True)
        except ssl.SSLError:  # a client that wants to speak something else
            continue
        except OSError:  # it is closed
            return
        threading.Thread(target=_pass_on_tls, args=(client, behind), daemon=True).start()


def _pass_on_tls(client: ssl.SSLSocket, behind: int) -> None:
    """One direction after the other, as requests and answers come: TLS cannot be read and written at once."""
    server = socket.create_connection(("127.0.0.1", behind))
    with client, server, suppress(OSError), selectors.DefaultSelector() as selector:
        for one, other in ((client, server), (server, client)):
            selector.register(one, selectors.EVENT_READ, other)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                if not (part := key.fileobj.recv(65_536)):
                    return
                key.data.sendall(part)


def _accept(listener: socket.socket, behind: int) -> None:
    while True:
        try:
            client, (address, source) = listener.accept()
        except OSError:  # it is closed
            return
        server = socket.create_connection(("127.0.0.1", behind))
        server.sendall(f"PROXY TCP4 {address} 127.0.0.1 {source} {behind}\r\n".encode())
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):  # either side has ended it
        while part := one.recv(65_536):
            other.sendall(part)
        other.shutdown(socket.SHUT_WR)
