"""The registry comes back whatever happens to a collection, and stays down where it was down."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path

import pytest

from ctl.registry.repair import mark_file, repair
from tests.harness import images
from tests.harness.processes import below
from tests.harness.registry_stack import Stack
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

OPTIONS = pytest.mark.parametrize("options", [(), ("-m",)], ids=["plain", "untagged"])


@pytest.fixture
def filled(registry: Stack) -> Stack:
    """A registry with a tagged and an untagged image."""
    registry.client.push("grp/app", images.image("tagged"), "v1")
    registry.client.push("grp/app", images.image("untagged"))
    return registry


def whole(registry: Stack) -> bool:
    """Serves what is tagged, and takes a push."""
    registry.client.push("grp/app", images.image("afterwards"), "v2")
    return registry.client.pulls("grp/app", images.image("tagged"), "v1")


def collectors(registry: Stack) -> list[int]:
    return [one.pid for one in below(registry.folder) if "garbage-collect" in one.arguments]


@OPTIONS
def test_registry_is_down_during_a_collection_and_up_after_it(
    filled: Stack, options: tuple[str, ...]
) -> None:
    with filled.held(*options) as process:
        assert filled.silent()
        filled.go_on()
        assert process.wait(timeout=20) == 0
        assert filled.serves()
    assert whole(filled)


def test_collector_that_fails(filled: Stack) -> None:
    (filled.signs / "fail").touch()
    output = filled.collect("-m", code=1)
    assert "the registry serves again" in output
    assert filled.serves()
    (filled.signs / "fail").unlink()
    assert whole(filled)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_interrupted_ctl(filled: Stack, number: signal.Signals) -> None:
    with filled.held("-m") as process:
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
        assert not collectors(filled)
        assert filled.serves()
        assert process.stderr is not None
        assert f"interrupted by {number.name}" in process.stderr.read()
    assert whole(filled)


@OPTIONS
def test_killed_ctl(filled: Stack, options: tuple[str, ...]) -> None:
    """Nobody is left to bring the registry back: it comes by itself, once the collector is dead too."""
    with filled.held(*options) as process:
        process.kill()
        process.wait()
        wait_for(lambda: not collectors(filled), what="the collector dies with ctl")
        wait_for(filled.serves, what="the registry serves again")
    filled.collect("-m")
    assert whole(filled)


def test_killed_collector(filled: Stack) -> None:
    with filled.held() as process:
        for pid in collectors(filled):
            os.kill(pid, signal.SIGKILL)
        assert process.wait(timeout=20) == 1
        assert filled.serves()
        assert process.stderr is not None
        assert "garbage-collect was ended by SIGKILL" in process.stderr.read()


@pytest.fixture
def slow_deletion(filled: Stack) -> Stack:
    """Its private registry stops at its start, so that ctl can be met while that is there."""
    text = filled.wrapper.read_text(encoding="utf-8")
    stop = f'if [ "$1" = serve ]; then touch {filled.signs}/serving; kill -STOP $$; fi\n'
    filled.wrapper.write_text(text.replace("exec", f"{stop}exec", 1), encoding="utf-8")
    return filled


def private_folders(registry: Stack) -> list[Path]:
    return list(registry.layout.data.glob(".ctl-collect-*"))


def test_ctl_killed_with_a_private_registry(slow_deletion: Stack) -> None:
    registry = slow_deletion
    process = registry.begin("-m")
    wait_for((registry.signs / "serving").exists, what="the private registry starts")
    (folder,) = private_folders(registry)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "config.yml").stat().st_mode & 0o777 == 0o600
    assert not repair(registry.layout)
    process.kill()
    process.communicate()
    wait_for(registry.serves, what="the registry serves again")
    assert private_folders(registry) == [folder]
    assert repair(registry.layout)
    assert private_folders(registry) == []
    assert not mark_file(registry.layout).exists()


def test_ctl_interrupted_with_a_private_registry(slow_deletion: Stack) -> None:
    registry = slow_deletion
    process = registry.begin("-m")
    wait_for((registry.signs / "serving").exists, what="the private registry starts")
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert private_folders(registry) == []
    assert registry.serves()


def test_stopped_registry_stays_stopped(filled: Stack) -> None:
    filled.sv("stop")
    filled.collect("-m")
    assert filled.sv("status").startswith("down: registry: ")
    assert filled.silent()
    with filled.held() as process:
        process.kill()
        process.wait()
    assert filled.sv("status").startswith("down: registry: ")
    filled.sv("start")
    wait_for(filled.serves)
    assert whole(filled)


def test_registry_started_once_is_started_once_again(filled: Stack) -> None:
    filled.sv("once")
    filled.collect()
    assert filled.serves()
    assert "want down" in filled.sv("status")


def test_registry_started_during_a_collection_waits_for_its_end(filled: Stack) -> None:
    filled.sv("stop")
    with filled.held() as process:
        filled.sv("up")
        wait_for(lambda: filled.sv("status").startswith("run: "), what="the run script waits")
        assert filled.silent()
        filled.go_on()
        assert process.wait(timeout=20) == 0
    wait_for(filled.serves)


def test_two_collections_at_once(filled: Stack) -> None:
    with filled.held() as process:
        for options in ((), ("-d",)):
            output = filled.collect(*options, code=75)
            assert "is under way" in output
            assert f"process {process.pid}" in output
        filled.go_on()
        assert process.wait(timeout=20) == 0
    assert whole(filled)


def test_requests_under_way_are_finished_first(filled: Stack) -> None:
    """With a drain time, TERM lets downloads end; the collector may not begin before."""
    filled.write(http={"addr": f"127.0.0.1:{filled.port}", "draintimeout": "10s"})
    filled.restart()
    image = images.image("large", size=30_000_000)
    filled.client.push("grp/app", image, "large")
    layer = image.needs[1]
    connection = http.client.HTTPConnection("127.0.0.1", filled.port, timeout=20)
    connection.request("GET", f"/v2/grp/app/blobs/{layer.digest}")
    response = connection.getresponse()
    first = response.read(1000)
    with filled.begin("-m") as process:
        wait_for(filled.silent, what="the registry takes no new requests")
        assert not collectors(filled)
        assert first + response.read() == layer.content
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, out + err
    assert filled.serves()


def test_run_script_without_a_gate_is_refused(filled: Stack) -> None:
    script = filled.layout.sv / "registry" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    kept = [
        line for line in lines if "collect.lock" not in line and "flock" not in line and "9>&-" not in line
    ]
    script.write_text("\n".join(kept) + "\n", encoding="utf-8")
    output = filled.collect("-m", code=1)
    assert "does not wait for garbage collections" in output
    assert "ctl reconfigure" in output
    assert filled.serves()


def test_registry_that_does_not_come_back_is_reported(filled: Stack) -> None:
    script = filled.layout.sv / "registry" / "run"
    facts = json.loads((script.parent / "ctl.json").read_text(encoding="utf-8"))
    (script.parent / "ctl.json").write_text(json.dumps(facts | {"wait": 2}), encoding="utf-8")
    with filled.held() as process:
        script.write_text(
            f"#!/bin/sh\n# {filled.layout.state}/collect.lock\nexec sleep 60\n", encoding="utf-8"
        )
        filled.sv("kill")
        filled.go_on()
        assert process.wait(timeout=30) == 1
        assert process.stderr is not None
        assert "does not answer 2 s after the garbage collection" in process.stderr.read()
