"""NGINX itself shows what it reads where a value was quoted for it."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from ctl.text.quoting import nginx
from tests.harness.waiting import wait_for
from tests.templates.test_hostile_values import NASTY

pytestmark = pytest.mark.real

MORE = ["", "a\\\\b", '\\"', "\\'", "a\\ b", "a;b{c}d#e", "hostnames", "default"]
TEXTS = [text for text in [*NASTY, *MORE] if text.isprintable()]
"""Variables stay variables in NGINX, so a dollar sign is given as one."""

CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  geo $dollar {{ default "$"; }}
  map $uri $found {{
{pairs}
  }}
  server {{ listen unix:{folder}/socket; add_header X-Found "<$found>"; location / {{ return 204; }} }}
}}
"""


def test_a_parameter_is_read_as_it_was_given(tmp_path: Path) -> None:
    """A map's value is text with variables, as log formats and headers are."""
    quoted = [nginx(text.replace("$", "${dollar}")) for text in TEXTS]
    pairs = "\n".join(f"    /{number} {text};" for number, text in enumerate(quoted))
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, pairs=pairs))
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config), "-p", str(tmp_path)])
    try:
        wait_for(lambda: _ask(tmp_path, 0))
        found = [_ask(tmp_path, number) for number in range(len(TEXTS))]
    finally:
        server.terminate()
        server.wait()
    assert found == [f"<{text}>" for text in TEXTS]


def _ask(folder: Path, number: int) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "socket"))
        client.sendall(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
        answer = client.makefile("rb").read().decode()
    return answer.partition("X-Found: ")[2].partition("\r\n")[0]
