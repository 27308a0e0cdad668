"""The local CA in the store of a tool: what is there is kept, renewed, or replaced only if asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.certificates.stores import State, stores
from ctl.errors import CtlError
from ctl.paths import Layout
from tests.harness.certificates import certificate_pem, make_key

KEY = make_key()
CA = certificate_pem(KEY, common_name="ours")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_each_tool_has_its_place(layout: Layout) -> None:
    found = {
        tool: str(store.path.relative_to(layout.root))
        for tool, store in stores(layout, "r.example:5050").items()
    }
    assert found["docker"] == "etc/docker/certs.d/r.example:5050/ca.crt"
    assert found["podman"] == "etc/containers/certs.d/r.example:5050/ca.crt"
    assert found["system"].startswith("usr/local/share/ca-certificates/")


def test_it_is_put_there_with_its_folders(layout: Layout) -> None:
    store = stores(layout, "r.example")["docker"]
    assert store.judge(CA, replace=False) is State.NEW
    store.put(CA)
    assert store.path.read_bytes() == CA
    assert store.path.stat().st_mode & 0o777 == 0o644
    assert store.path.parent.stat().st_mode & 0o777 == 0o755
    assert store.judge(CA, replace=False) is State.TRUSTED


def test_a_longer_life_of_the_same_ca_renews(layout: Layout) -> None:
    store = stores(layout, "r.example")["docker"]
    store.put(CA)
    assert store.judge(certificate_pem(KEY, days=900, common_name="ours"), replace=False) is State.RENEWED


@pytest.mark.parametrize(
    "present", [certificate_pem(make_key(), common_name="theirs"), b"no certificate", b""]
)
def test_anothers_stays_unless_asked(layout: Layout, present: bytes) -> None:
    store = stores(layout, "r.example")["docker"]
    store.put(present)
    with pytest.raises(CtlError, match="is there already") as caught:
        store.judge(CA, replace=False)
    assert "--replace" in (caught.value.hint or "")
    assert store.judge(CA, replace=True) is State.REPLACED


def test_a_link_that_leads_nowhere_is_named(layout: Layout) -> None:
    store = stores(layout, "r.example")["docker"]
    store.path.parent.mkdir(parents=True)
    store.path.symlink_to("nowhere")
    with pytest.raises(CtlError, match="a link that leads nowhere"):
        store.judge(CA, replace=False)
