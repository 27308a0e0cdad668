"""`ctl doctor storage` with object storage: each permission, from config.yml alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.cli import Cli
from tests.harness.s3 import S3Server

pytestmark = pytest.mark.real


def test_a_bucket_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ctl = Cli(tmp_path, capsys)
    with S3Server() as server:
        storage = {
            "s3": {
                "accesskey": "test",
                "secretkey": "s3cret-of-the-bucket",
                "region": "us-east-1",
                "bucket": "images",
                "regionendpoint": server.endpoint,
                "secure": False,
            }
        }
        ctl.settings(f'registry_external_url = "https://localhost:5443"\nregistry["storage"] = {storage!r}\n')
        config = tmp_path / "var/opt/gitlab/registry/config.yml"
        config.parent.mkdir(parents=True)
        http = {"addr": "127.0.0.1:0", "secret": "s"}
        config.write_text(json.dumps({"version": 0.1, "storage": storage, "http": http}))
        broken = ctl("doctor", "storage").exits(1)
        assert "bucket" in broken.out
        assert "s3cret-of-the-bucket" not in broken.text
        server.make_bucket("images")
        well = ctl("doctor", "storage").ok()
        assert "(s3): " in well.out
        assert "write" in well.out
        assert server.objects("images") == {}, "nothing is left behind"
