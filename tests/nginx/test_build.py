"""The program itself lists the directives it knows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ctl.errors import PreflightError
from ctl.machine.search import find_program
from ctl.nginx.build import USUAL, nginx_build, parse

OPENRESTY = """nginx version: openresty/1.25.3.1
built with OpenSSL 1.1.1w  11 Sep 2023
configure arguments: --prefix=/usr/local --with-http_v2_module --without-http_gzip_module
"""


def test_output_of_a_relative() -> None:
    build = parse(OPENRESTY)
    assert build is not None
    assert build.version == (1, 25, 3, 1)
    assert build.http2_directive
    assert build.has("http_v2_module")
    assert not build.has("http_realip_module")
    assert not build.has("http_gzip_module")
    assert build.has("http_proxy_module")


@pytest.mark.parametrize(("version", "directive"), [("1.22.1", False), ("1.25.0", False), ("1.25.1", True)])
def test_form_of_http2(version: str, directive: bool) -> None:
    build = parse(f"nginx version: nginx/{version}\nconfigure arguments:\n")
    assert build is not None
    assert build.http2_directive is directive


def test_modules_that_must_be_loaded_first_do_not_count() -> None:
    build = parse("nginx version: nginx/1.22.1\nconfigure arguments: --with-http_xslt_module=dynamic\n")
    assert build is not None
    assert not build.has("http_xslt_module")


@pytest.mark.parametrize("text", ["", "usage: cat", "apache version 2"])
def test_other_programs_are_not_taken_for_nginx(text: str) -> None:
    assert parse(text) is None


def test_a_program_that_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "nginx"
    fake.write_text("#!/bin/sh\necho I am a teapot >&2\n")
    fake.chmod(0o755)
    with pytest.raises(PreflightError, match="does not answer as NGINX: I am a teapot"):
        nginx_build(fake)
    with pytest.raises(PreflightError, match="does not run"):
        nginx_build(tmp_path / "absent")


def test_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "my-nginx"
    assert find_program(str(given)) is None, "a given program is not replaced by another"
    given.write_text("#!/bin/sh\n")
    given.chmod(0o755)
    assert find_program(str(given)) == given
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), "/usr/bin"]))
    given.rename(tmp_path / "nginx")
    assert find_program("nginx") == tmp_path / "nginx"


@pytest.mark.real
def test_the_distributions_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # without sbin, as an ordinary user's
    program = find_program("nginx")
    assert program is not None
    build = nginx_build(program)
    assert USUAL.modules <= build.modules
    assert shutil.which("nginx", path="/usr/sbin:/usr/bin") == str(program)
