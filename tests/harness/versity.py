"""A second S3 server, of other people: versitygw, on a folder. `sh tests/clients.sh versitygw` builds it.

Unlike moto it checks each signature and condition, and keeps to the order of keys and to versions as a real one does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.harness import clients
from tests.harness.server import Server

KEY, SECRET = "versity-key", "versity-secret"


class VersityServer(Server):
    """A server with no bucket yet; use it as a context. Skips the test where the program was not built."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ctl-versity-")
        objects, versions = (Path(self._folder.name, name) for name in ("objects", "versions"))
        objects.mkdir()
        versions.mkdir()
        program = str(clients.program("versitygw"))
        posix = ["posix", "--versioning-dir", str(versions), str(objects)]
        options = ["--quiet", "--port", "127.0.0.1:{port}", "--access", KEY, "--secret", SECRET]
        super().__init__([program, *options, *posix])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.cleanup()

    @property
    def client(self) -> Any:  # noqa: ANN401 - boto3
        """Another client than ctl's own."""
        import boto3  # type: ignore[import-untyped]

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self.client.create_bucket(Bucket=name)

    def keep_versions(self, bucket: str) -> None:
        """Let a bucket keep what is deleted or overwritten."""
        self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def versions(self, bucket: str) -> list[str]:
        """The keys of all versions and deletions."""
        found = self.client.list_object_versions(Bucket=bucket)
        return [str(one["Key"]) for kind in ("Versions", "DeleteMarkers") for one in found.get(kind, [])]
