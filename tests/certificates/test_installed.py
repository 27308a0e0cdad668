"""What is broken about a certificate, and what soon will be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ctl.certificates.installed import Installed, Key, KeyState
from ctl.tls.certificates import inspect
from tests.harness.certificates import NOW, certificate_pem, make_key

PATH = Path("/etc/gitlab/ssl/r.example.crt")
FACTS = inspect(certificate_pem(make_key(), "r.example", now=NOW, days=100))


def server(**more: object) -> Installed:
    return Installed("server", PATH, "NGINX", FACTS, host="r.example", **more)  # type: ignore[arg-type]


def test_a_good_one() -> None:
    one = server(key=Key(KeyState.MATCHES, Path("/k")))
    assert one.faults(NOW) == one.warnings(NOW) == []


def test_the_end_is_a_warning_first_and_then_a_fault() -> None:
    assert server().warnings(NOW + timedelta(days=95)) == [f"{PATH} (CN=somebody) ends in 5 days"]
    after = NOW + timedelta(days=101)
    assert server().warnings(after) == []
    (fault,) = server().faults(after)
    assert "has ended on" in fault


@pytest.mark.parametrize("state", KeyState)
def test_only_a_key_that_cannot_be_used_is_a_fault(state: KeyState) -> None:
    faults = server(key=Key(state, Path("/k"))).faults(NOW)
    broken = state in {KeyState.DIFFERS, KeyState.MISSING, KeyState.UNUSABLE}
    assert faults == ([f"/k, the key of {PATH}, {state}"] if broken else [])


def test_what_root_could_read_is_no_fault() -> None:
    assert Installed("server", PATH, "NGINX", problem="is damaged").faults(NOW) == ["is damaged"]
    assert Installed("server", PATH, "NGINX", problem="permission denied", denied=True).faults(NOW) == []


def test_another_host_and_a_failed_renewal() -> None:
    one = Installed("server", PATH, "NGINX", FACTS, host="other.example", failure="no route")
    assert one.warnings(NOW) == [
        f"{PATH} is not for other.example: clients refuse it",
        f"{PATH} was not renewed when that was last tried: no route",
    ]
