"""Which certificates the registry accepts beside that of the settings, and until when."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.node.overlap import Former, Overlap, read_record, record, record_file
from ctl.paths import Layout
from tests.harness.seeds import server_certificate

A, B, C = (server_certificate(name)[1] for name in "abc")
NOW = 1_000_000.0


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(time, "time", lambda: NOW)
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    return layout


def deploy(layout: Layout, *accepted: str, former: tuple[Former, ...] = ()) -> Path:
    """What the last run has left."""
    bundle = layout.root / "bundle.crt"
    bundle.write_text("".join(accepted))
    document = {"bundle": str(bundle), "keys": "", "former": [vars(one) for one in former]}
    record_file(layout).write_text(json.dumps(document))
    return bundle


def test_nothing_without_a_change(layout: Layout) -> None:
    overlap = Overlap.of(layout, deploy(layout, A), A.replace("\n", "\r\n"))
    assert overlap.former == ()
    assert overlap.text(A.rstrip()) == A.rstrip()
    assert record(layout, overlap).name == f"absent[{record_file(layout)}]"


def test_what_is_replaced_is_accepted_for_the_time_of_grace(layout: Layout) -> None:
    overlap = Overlap.of(layout, deploy(layout, A), B.rstrip(), grace=60)
    assert overlap.former == (Former(A, NOW + 60),)
    assert overlap.text(B.rstrip()) == B + A


def test_each_former_one_keeps_its_own_end(layout: Layout) -> None:
    bundle = deploy(layout, B, A, former=(Former(A, NOW + 5),))
    assert Overlap.of(layout, bundle, C, grace=60).former == (Former(B, NOW + 60), Former(A, NOW + 5))
    assert Overlap.of(layout, bundle, A).former == (Former(B, NOW + 600),)


def test_what_is_over_goes_and_so_does_all_without_grace(layout: Layout) -> None:
    bundle = deploy(layout, B, A, former=(Former(A, NOW),))
    assert Overlap.of(layout, bundle, B).former == ()
    assert Overlap.of(layout, bundle, C, grace=0).former == ()


def recorded(certificate: str, end: object) -> str:
    return json.dumps({"former": [{"certificate": certificate, "until": end}], "bundle": "", "keys": ""})


def test_a_record_is_read(layout: Layout) -> None:
    record_file(layout).write_text(recorded(A, 5))
    assert read_record(layout).former == (Former(A, 5),)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        *(recorded(A, end) for end in (float("nan"), 1e300, -1, None)),
        *(recorded(one, 5) for one in ("", "x", A[:200] + A[264:], A.replace("M", "-", 1))),
    ],
)
def test_a_damaged_record_is_named(layout: Layout, content: str) -> None:
    record_file(layout).write_text(content)
    with pytest.raises(CtlError, match=r"former-certificates\.json is damaged"):
        read_record(layout)
