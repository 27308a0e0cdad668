"""`ctl doctor --push` on a node with object storage: a small image goes there and back, and leaves nothing."""

from __future__ import annotations

import os
import re

import pytest

from tests.harness import images
from tests.harness.people import myself
from tests.harness.root import Root
from tests.harness.s3 import S3Server

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the services under their accounts"),
]


def test_nothing_is_left_of_what_was_pushed() -> None:
    with S3Server() as server:
        server.make_bucket("images")
        given = {"accesskey": "test", "secretkey": "test", "region": "us-east-1", "bucket": "images"}
        place = {"regionendpoint": server.endpoint, "secure": False}
        storage = {"s3": {**given, **place}, "redirect": {"disable": True}}
        root = Root(myself())
        try:
            root.settings(f'registry["storage"] = {storage!r}')
            root.reconfigure(timeout=120)
            before = server.objects("images")
            done = root.ctl("doctor", "push", "--push", timeout=120).ok()
            assert "was pushed to" in done.out
            assert server.objects("images") == before
            root.ctl("doctor", "--trace", "grp/traced", timeout=120).ok()
            left = [one for one in server.objects("images") if "/blobs/" in one]
            assert left == [], "the repository is a person's, and keeps what the registry keeps of it"
            _numbers(root)
        finally:
            root.end()


def _numbers(root: Root) -> None:
    """What a bucket holds is known once it was asked."""
    root.client.push("grp/app", images.image("app"), "v1")
    assert "ctl_storage" not in root.ctl("metrics").ok().out
    root.ctl("registry-delete", "grp/app:v1", "--yes").ok()
    root.ctl("registry-garbage-collect", "-m", "--older-than", "0s", timeout=120).ok()
    sums = root.ctl("registry-disk-usage", "--json", timeout=120).ok().json()["totals"]
    text = root.ctl("metrics").ok().out
    assert sums["quarantined"]["bytes"] > 0
    assert f'ctl_storage_bytes{{kind="blobs"}} {sums["blobs"]["bytes"]}' in text
    assert f'ctl_storage_bytes{{kind="quarantined"}} {sums["quarantined"]["bytes"]}' in text
    assert "ctl_storage_asked_timestamp_seconds 1" in text
    assert re.search(r"^ctl_collection_last_timestamp_seconds \d", text, re.MULTILINE)
    (held,) = re.findall(r"^ctl_quarantine_bytes (\d+)", text, re.MULTILINE)
    assert 0 < int(held) <= sums["quarantined"]["bytes"]
