"""What examples of storage must come to in config.yml."""

from __future__ import annotations

import json

from tests.harness.rendered_examples import STORAGE, Rendered, example


@example("filesystem-path.py")
def _filesystem_path(made: Rendered) -> None:
    assert made.storage == {"filesystem": {"rootdirectory": made.moved("/path/to/registry/storage")}}
    assert made.gitlab["registry"]["path"] == made.moved("/path/to/registry/storage")


S3 = {
    "accesskey": "s3-access-key",
    "secretkey": "s3-secret-key-for-access-key",
    "bucket": "your-s3-bucket",
    "region": "your-s3-region",
    "regionendpoint": "your-s3-regionendpoint",
}


@example("s3.py")
def _s3(made: Rendered) -> None:
    assert made.storage == {"s3": S3}


@example("s3-iam-role.py")
def _s3_iam_role(made: Rendered) -> None:
    assert made.storage == {"s3": {"bucket": "your-s3-bucket", "region": "your-s3-region"}}


@example("s3-vpc-endpoint.py")
def _s3_vpc_endpoint(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"regionendpoint": "your-s3-vpc-endpoint", "pathstyle": False}}


@example("s3-rate-limit.py")
def _s3_rate_limit(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"maxrequestspersecond": 100}}


@example("s3-no-redirect.py")
def _s3_no_redirect(made: Rendered) -> None:
    assert made.storage == {"s3": S3, "redirect": {"disable": True}}


@example("s3-encrypted.py")
def _s3_encrypted(made: Rendered) -> None:
    assert made.storage == {"s3": S3 | {"encrypt": True}}


@example("s3-chunksize.py")
def _s3_chunksize(made: Rendered) -> None:
    assert made.storage["s3"]["chunksize"] == 25_000_000
    assert made.storage["s3"]["bucket"] == "gitlab-registry-bucket-AKIAKIAKI"


@example("gcs.py")
def _gcs(made: Rendered) -> None:
    assert made.storage == {"gcs": {"bucket": "BUCKET_NAME", "keyfile": "/path/to/keyfile"}}


@example("azure.py")
def _azure(made: Rendered) -> None:
    assert made.storage == {
        "azure": {
            "accountname": "accountname",
            "accountkey": "base64encodedaccountkey",
            "container": "containername",
            "rootdirectory": "/azure/virtual/container",
            "trimlegacyrootprefix": True,
        }
    }


@example("garbage-collection.py")
def _garbage_collection(made: Rendered) -> None:
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if one["name"] == "registry-garbage-collect"]
    assert task["cron"] == "30 3 * * 0"
    options = "--quarantine --delete-untagged --older-than 24h --keep-for 24h --now-below 10"
    assert " ".join(task["command"]).endswith(f"registry-garbage-collect {options}")


@example("cleanup-policy.py")
def _cleanup_policy(made: Rendered) -> None:
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    (task,) = [one for one in tasks if one["name"] == "registry-cleanup"]
    assert task["cron"] == "0 2 * * 6"
    assert task["command"][-1] == "registry-cleanup"


@example("read-only.py")
def _read_only(made: Rendered) -> None:
    assert made.storage == {
        "filesystem": {"rootdirectory": made.moved(STORAGE)},
        "maintenance": {"readonly": {"enabled": True}},
    }
