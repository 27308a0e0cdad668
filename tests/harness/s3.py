"""An S3 server on a loopback port, with nothing in it."""

from __future__ import annotations

import http.client
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.harness.server import Server

_MOTO = Path(__file__).with_name("moto_server.py")


class S3Server(Server):
    """A server that speaks S3 and keeps objects in memory; use it as a context."""

    def __init__(self) -> None:
        super().__init__([sys.executable, str(_MOTO), "-H", "127.0.0.1", "-p", "{port}"])

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket.

        Raises:
            AssertionError: the server refuses.
        """
        status, body = self._request("PUT", f"/{name}")
        assert status == 200, f"bucket {name}: {status} {body!r}"

    def keep_versions(self, bucket: str) -> None:
        """Let a bucket keep what is deleted or overwritten."""
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        body = f'<VersioningConfiguration xmlns="{space}"><Status>Enabled</Status></VersioningConfiguration>'
        status, answer = self._request("PUT", f"/{bucket}?versioning", body.encode())
        assert status == 200, f"bucket {bucket}: {status} {answer!r}"

    def versions(self, bucket: str, kind: str = "") -> list[str]:
        """The keys of all versions and deletions, or of one kind: Version, DeleteMarker."""
        from xml.etree import ElementTree

        status, body = self._request("GET", f"/{bucket}?versions")
        assert status == 200, f"bucket {bucket}: {status} {body!r}"
        path = f".//{{*}}{kind}/{{*}}Key" if kind else ".//{*}Key"
        return [str(one.text) for one in ElementTree.fromstring(body).findall(path)]  # noqa: S314 - as below

    def put(self, bucket: str, key: str) -> None:
        """Make an empty object, of whatever key."""
        status, body = self._request("PUT", f"/{bucket}/{key}")
        assert status == 200, f"object {key}: {status} {body!r}"

    def objects(self, bucket: str) -> dict[str, int]:
        """The size of each object of a bucket in bytes, by its key."""
        from xml.etree import ElementTree

        status, body = self._request("GET", f"/{bucket}?list-type=2&max-keys=1000")
        assert status == 200, f"bucket {bucket}: {status} {body!r}"
        found = ElementTree.fromstring(body).findall(".//{*}Contents")  # noqa: S314 - from our own server
        return {str(one.findtext("{*}Key")): int(str(one.findtext("{*}Size"))) for one in found}

    def _request(self, method: str, path: str, content: bytes = b"") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, content)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@dataclass(frozen=True)
class Credentials:
    """Who somebody is to the server.

    Args:
        access_key, secret_key: a pair.
        token: of a session, or "".
    """

    access_key: str
    secret_key: str
    token: str = ""


class GuardedS3Server(S3Server):
    """A server that lets nobody in but one user and who has taken one role, with one bucket.

    Attributes:
        user, role: who may do everything in the bucket.
    """

    def __init__(self, bucket: str) -> None:
        super().__init__()
        self._bucket = bucket
        self.user = self.role = Credentials("", "")
        self._environment["INITIAL_NO_AUTH_ACTION_COUNT"] = "7"

    def __enter__(self) -> Self:
        super().__enter__()
        anybody = Credentials("any", "any")
        iam, sts = (self.aws(service, anybody) for service in ("iam", "sts"))
        self.aws("s3", anybody).create_bucket(Bucket=self._bucket)
        policy = _policy("s3:*", "iam:*")
        iam.create_user(UserName="registry")
        iam.put_user_policy(UserName="registry", PolicyName="all", PolicyDocument=policy)
        key = iam.create_access_key(UserName="registry")["AccessKey"]
        self.user = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        arn = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        iam.put_role_policy(RoleName="machine", PolicyName="all", PolicyDocument=policy)
        taken = sts.assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
        self.role = Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
        return self

    def aws(self, service: str, who: Credentials | None = None) -> Any:  # noqa: ANN401 - boto3
        """A client of one of the services, as the user by default."""
        import boto3  # type: ignore[import-untyped]

        who = who or self.user
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=who.access_key,
            aws_secret_access_key=who.secret_key,
            aws_session_token=who.token or None,
            region_name="us-east-1",
        )

    def user_who_may(self, name: str, *actions: str) -> Credentials:
        """A new user with these permissions and no others."""
        iam = self.aws("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=_policy(*actions))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def keys(self, prefix: str) -> set[str]:
        """The keys of all objects below a prefix, and those of uploads under way."""
        s3 = self.aws("s3")
        objects = s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
        uploads = s3.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix).get("Uploads", [])
        return {str(one["Key"]) for one in (*objects, *uploads)}

    def properties(self, suffix: str) -> dict[str, Any]:
        """What the server knows of the one object whose key ends so, and its `key`."""
        s3 = self.aws("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])]
        (key,) = (key for key in keys if key.endswith(suffix))
        return {"key": key, **s3.head_object(Bucket=self._bucket, Key=key)}

    def parts(self) -> list[int]:
        """The sizes of the parts of the upload that is under way."""
        s3 = self.aws("s3")
        (upload,) = s3.list_multipart_uploads(Bucket=self._bucket)["Uploads"]
        listed = s3.list_parts(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return [part["Size"] for part in listed["Parts"]]


def _policy(*actions: str) -> str:
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
