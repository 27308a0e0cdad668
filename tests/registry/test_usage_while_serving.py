"""`ctl registry-disk-usage` beside a registry that serves, with an upload under way."""

from __future__ import annotations

import pytest

from tests.harness import images
from tests.harness.registry_stack import Stack, registry_uid

pytestmark = pytest.mark.real


def test_what_a_registry_has_written_is_measured(registry: Stack) -> None:
    layer = images.layer("shared", size=20_000)
    image, index = images.image("one", shared=[layer]), images.two_platforms("two")
    other = images.image("other", shared=[layer])
    registry.client.push("grp/app", image, "v1")
    registry.client.push("grp/app", index, "multi")
    registry.client.push("grp/app/inner", other, "v1")
    assert registry.client.request("POST", "/v2/grp/app/blobs/uploads/").status == 202
    found = registry.answer("registry-disk-usage")
    by_name = {one["name"]: one for one in found["repositories"]}
    app = by_name["grp/app"]
    assert (app["tags"], app["manifests"], app["shared"], app["uploads"]) == (2, 4, len(layer.content), 1)
    family = {**image.family(), **index.family()}
    assert app["size"] == sum(len(one.content) for one in family.values())
    assert found["totals"]["blobs"]["bytes"] == registry.stored()
    assert found["totals"]["unreferenced"]["count"] == 0
    assert found["damages"] == []
    assert {path.lstat().st_uid for path in registry.images.rglob("*")} == {registry_uid()}
