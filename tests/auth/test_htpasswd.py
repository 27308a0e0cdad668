"""htpasswd files: what is taken over of them, and every line that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.auth import htpasswd
from ctl.errors import CtlError
from tests.harness.account_models import HASH


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "htpasswd"


def test_lines(file: Path) -> None:
    file.write_text(f"# a comment\n\nalice:{HASH}\r\n  bob@example.com:{HASH.replace('2y', '2b')}  \n")
    assert htpasswd.read(file) == {"alice": HASH, "bob@example.com": HASH.replace("2y", "2b")}


def test_every_fault_is_reported_and_no_hash(file: Path) -> None:
    file.write_text(
        f"alice:$apr1$zzzzzzzz$zzzzzzzzzzzzzzzzzzzzzz\nbob:{{SHA}}zzzzzzzzzzzzzzzzzzzzzzzzzzz=\ncarol\n:{HASH}\n"
        f"a b:{HASH}\nanonymous:{HASH}\ndave:{HASH[:-3]}\nerin:{HASH.replace('$04$', '$20$')}\n"
        f"fred:{HASH}\nfred:{HASH}\n"
    )
    with pytest.raises(CtlError) as caught:
        htpasswd.read(file)
    lines = caught.value.message.splitlines()
    assert [line.partition("htpasswd:")[2].partition(":")[0] for line in lines] == [*"12345678", "10"]
    assert "alice: the hash is not bcrypt" in lines[0]
    assert "is there twice" in lines[-1]
    assert "zzz" not in caught.value.message
    assert "aaa" not in caught.value.message


def test_many_faults_are_counted(file: Path) -> None:
    file.write_text("x:y\n" * 50)
    with pytest.raises(CtlError) as caught:
        htpasswd.read(file)
    assert caught.value.message.endswith("and 40 more lines")


def test_what_cannot_be_read(file: Path) -> None:
    with pytest.raises(CtlError, match="No such file"):
        htpasswd.read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CtlError, match="not UTF-8"):
        htpasswd.read(file)
