"""Parameters of storage that a registry program ignores without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ctl.language.source import Location
from ctl.registry.programs import Distribution2, Distribution3, GitlabRegistry, RegistryProgram
from ctl.registry.support import ignored_settings
from ctl.settings.attributes import Attributes, Origin, OriginKind, Section

Kind = type[RegistryProgram]
TWO, THREE, GITLAB = Distribution2, Distribution3, GitlabRegistry
MINIO = "http://minio:9000"


def warnings(kind: Kind, storage: dict[str, Any], *, origin: OriginKind = OriginKind.FILE) -> list[str]:
    given = {"registry.storage": Origin(origin, Location(Path("gitlab.py"), 7))}
    for name in ("threshold", "maxretries"):
        given[f"registry.default_notifications_{name}"] = Origin(OriginKind.DEFAULT)
    attributes = Attributes({"registry": Section({"storage": storage, "notifications": None})}, origins=given)
    program = kind(Path("/usr/bin/registry"), "1.2")
    return [str(one) for one in ignored_settings(attributes, program)]


@pytest.mark.parametrize(
    ("kind", "storage", "settings"),
    [
        (TWO, {"s3": {"bucket": "b", "maxrequestspersecond": 100}}, ["s3.maxrequestspersecond"]),
        (THREE, {"s3": {"bucket": "b", "maxrequestspersecond": 100}}, ["s3.maxrequestspersecond"]),
        (GITLAB, {"s3": {"bucket": "b", "maxrequestspersecond": 100}}, []),
        (TWO, {"s3": {"bucket": "b", "accelerate": True}}, ["s3.accelerate"]),
        (THREE, {"s3": {"bucket": "b", "accelerate": True, "pathstyle": False}}, []),
        (TWO, {"s3": {"regionendpoint": MINIO, "pathstyle": True}}, []),
        (TWO, {"s3": {"regionendpoint": MINIO, "pathstyle": False}}, ["s3.pathstyle"]),
        (TWO, {"s3": {"pathstyle": False}}, []),
        (TWO, {"s3": {"pathstyle": True}}, ["s3.pathstyle"]),
        (TWO, {"inmemory": {}, "redirect": {"disable": True, "expirydelay": "5m"}}, ["redirect.expirydelay"]),
        (TWO, {"inmemory": {}, "cache": {"blobdescriptorsize": 5}}, ["cache.blobdescriptorsize"]),
        (THREE, {"gcs": {"bucket": "b", "parallelwalk": True}}, ["gcs.parallelwalk"]),
        (THREE, {"azure": {"accountname": "a", "debuglog": True}}, ["azure.debuglog"]),
        (THREE, {"azure": {"accountname": "a", "trimlegacyrootprefix": True}}, []),
    ],
)
def test_what_has_no_effect_is_reported(kind: Kind, storage: dict[str, Any], settings: list[str]) -> None:
    found = warnings(kind, storage)
    assert [one.split(": ")[2] for one in found] == [f"registry.storage.{name}" for name in settings]
    for one in found:
        assert one.startswith("gitlab.py:7:1: warning: ")
        assert "has no effect: /usr/bin/registry (version 1.2" in one
    assert warnings(kind, storage, origin=OriginKind.DEFAULT) == []


@pytest.mark.parametrize("root", [{"trimlegacyrootprefix": False}, {"legacyrootprefix": True}])
def test_older_folders_of_azure_are_not_found_by_distribution_3(root: dict[str, Any]) -> None:
    (found,) = warnings(THREE, {"azure": {"accountname": "a", **root}})
    assert "does not find images whose paths begin with //" in found
