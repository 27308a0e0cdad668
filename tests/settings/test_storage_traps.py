"""What surprises about storage drivers: each trap is named at its place, with the way out."""

from __future__ import annotations

import pytest

from ctl.language.source import Severity
from tests.harness.settings_site import BOTH, Site

S3 = {"bucket": "images", "region": "eu-west-1"}
AZURE = {"accountname": "a", "container": "c", "trimlegacyrootprefix": True}
VPC = "https://bucket.vpce-0a1b-2c3d.s3.eu-west-1.vpce.amazonaws.com"
MINIO = "https://minio.example.com:9000"


def _text(storage: object) -> str:
    return f'{BOTH}registry["storage"] = {storage!r}\n'


def _s3(**parameters: object) -> dict[str, object]:
    return {"s3": S3 | parameters}


@pytest.mark.parametrize(
    ("storage", "setting", "message"),
    [
        (_s3(bucket="b/x/y"), "s3.bucket", '{"bucket": "b", "rootdirectory": "/x/y"}'),
        (_s3(bucket="s3://b/x"), "s3.bucket", '{"bucket": "b", "rootdirectory": "/x"}'),
        ({"gcs": {"bucket": "b/x"}}, "gcs.bucket", 'Put the path into "rootdirectory"'),
        (_s3(chunksize="5MB"), "s3.chunksize", "at least 5242880 bytes (S3's smallest part of an upload)"),
        (
            _s3(multipartcopychunksize="1MiB"),
            "s3.multipartcopychunksize",
            "at least 5242880 bytes (S3's smallest part of a copy)",
        ),
        ({"gcs": {"bucket": "b", "chunksize": 1_000_000}}, "gcs.chunksize", "Write 1048576."),
        ({"gcs": {"bucket": "b", "chunksize": 0}}, "gcs.chunksize", "Write 262144."),
        (
            {"azure": AZURE | {"legacyrootprefix": True}},
            "azure.trimlegacyrootprefix",
            "and legacyrootprefix are both True",
        ),
        ({"filesystem": {"rootdirectory": "images"}}, "filesystem.rootdirectory", "begins with /"),
        ({"filesystem": {"rootdirectory": "./images"}}, "filesystem.rootdirectory", "begins with /"),
        (
            {"inmemory": {}, "maintenance": {"readonly": True}},
            "maintenance.readonly",
            'Write {"enabled": True}.',
        ),
        (
            {"inmemory": {}, "maintenance": {"readonly": "true"}},
            "maintenance.readonly",
            'Write {"enabled": True}.',
        ),
        (
            {"inmemory": {}, "maintenance": {"readonly": {"enabled": "on"}}},
            "maintenance.readonly.enabled",
            "must be True or False",
        ),
        ({"inmemory": {}, "maintenance": True}, "maintenance", 'Write {"readonly": {"enabled": True}}.'),
        ({"inmemory": {}, "delete": True}, "delete", 'Write {"enabled": True}.'),
        ({"inmemory": {}, "redirect": False}, "redirect", 'Write {"disable": True}.'),
        ({"inmemory": {}, "cache": "redis"}, "cache", 'Write {"blobdescriptor": "inmemory"}.'),
        (
            {"inmemory": {}, "cache": {"blobdescriptor": "redis"}},
            "",
            'registry["redis"] names no server',
        ),
    ],
)
def test_what_cannot_work(site: Site, storage: object, setting: str, message: str) -> None:
    output = site.error(_text(storage))
    assert message in output
    assert f"registry.storage{'.' * bool(setting)}{setting}: " in output
    assert "gitlab.py:4:" in output


@pytest.mark.parametrize(
    ("storage", "setting", "message"),
    [
        (_s3(pathstyle=True), "pathstyle", "AWS gives paths of the form host/bucket/object up"),
        (_s3(pathstyle=True, regionendpoint=VPC), "pathstyle", "for VPC endpoints too"),
        (_s3(forcepathstyle=True), "forcepathstyle", 'Write "forcepathstyle": False'),
        (
            _s3(pathstyle=False, regionendpoint=MINIO),
            "pathstyle",
            "requests go to images.minio.example.com, a name",
        ),
        (_s3(maxrequestspersecond=0), "maxrequestspersecond", "Write a number above 0"),
        (_s3(maxrequestspersecond=-1.5), "maxrequestspersecond", "is -1.5"),
        (_s3(maxrequestspersecond=3501), "maxrequestspersecond", "above 3500 writes a second"),
        (_s3(v4auth=False), "v4auth", "refuses signatures of version 2"),
        (_s3(secure=False, regionendpoint=MINIO), "secure", "begins with https://, and that holds"),
        (
            _s3(secure=True, regionendpoint="http://minio.example.com"),
            "secure",
            "begins with http://, and that holds",
        ),
        (_s3(secure=False), "secure", "travel to and from AWS unencrypted"),
        (_s3(keyid="k"), "keyid", 'Add "encrypt": True.'),
        (_s3(keyid="k", encrypt=False), "keyid", "has no effect without encrypt"),
        (_s3(accesskey="AKIA"), "accesskey", "is given without secretkey"),
        (_s3(secretkey="hidden"), "secretkey", "is given without accesskey"),
        (_s3(regionendpoint="10.1.2.3:9000"), "regionendpoint", "is the private address 10.1.2.3"),
        (_s3(regionendpoint="http://[fd00::1]:9000"), "regionendpoint", "is the private address fd00::1"),
        (_s3(regionendpoint="http://localhost:9000"), "regionendpoint", '"redirect": {"disable": True}'),
        (_s3(regionendpoint="https://s3.corp.internal"), "regionendpoint", "clients elsewhere cannot pull"),
        (
            _s3(regionendpoint="192.168.0.9") | {"redirect": {"disable": False}},
            "regionendpoint",
            "is the private address 192.168.0.9",
        ),
    ],
)
def test_what_may_not_work(site: Site, storage: object, setting: str, message: str) -> None:
    (output,) = site.warnings(_text(storage))
    assert message in output
    assert f"registry.storage.s3.{setting}: " in output
    assert "gitlab.py:4:" in output
    assert "hidden" not in output


@pytest.mark.parametrize(
    "storage",
    [
        _s3(),
        _s3(pathstyle=False),
        _s3(pathstyle=False, regionendpoint=VPC),
        _s3(pathstyle=True, regionendpoint=MINIO),
        _s3(regionendpoint="10.1.2.3") | {"redirect": {"disable": True}},
        _s3(regionendpoint="http://[::1"),
        _s3(secure=False, regionendpoint="minio.example.com"),
        _s3(maxrequestspersecond=100, chunksize="5MiB"),
        _s3(encrypt=True, keyid="k", accesskey="a", secretkey="s"),
        {"gcs": {"bucket": "b", "chunksize": "5MiB"}},
        {"azure": AZURE},
        {"azure": AZURE | {"legacyrootprefix": False}},
    ],
)
def test_what_works_is_not_complained_about(site: Site, storage: object) -> None:
    assert site.warnings(_text(storage)) == []
    assert not [note for note in site.notes(_text(storage)) if "storage" in note]


def test_moving_to_azure(site: Site) -> None:
    text = _text({"azure": {"accountname": "a", "container": "c"}})
    (output,) = (note for note in site.notes(text) if "registry.storage.azure: " in note)
    assert 'Write "trimlegacyrootprefix": True when moving to Azure' in output


def test_a_driver_without_parameters_is_one_error(site: Site) -> None:
    (output,) = site.errors(_text({"azure": "container"}))
    assert "must be a dictionary" in str(output)


def test_a_warning_leads_to_the_line_of_the_parameter(site: Site) -> None:
    text = BOTH + 'registry["storage"] = {\n  "s3": {\n    "bucket": "b",\n    "region": "r",\n'
    (found,) = (
        one
        for one in site.attributes(text + '    "v4auth": False,\n  }\n}\n').diagnostics
        if one.severity is Severity.WARNING
    )
    assert found.location is not None
    assert found.location.line == 8
