"""That faults meet what they are for, and that what they leave behind is found: else they would prove nothing."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator

import pytest

from tests.faults.run import CALLS, Campaign
from tests.harness.faults import BROKEN, KILL, NO_SPACE, Call, run_with

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine"),
]


@pytest.fixture(scope="module")
def vhost() -> Iterator[Campaign]:
    """An installation whose vhost changes."""
    with Campaign("vhost", random.Random(0), [CALLS]) as one:  # noqa: S311 - wanted: the same points each time
        yield one


def test_faults_meet_the_call_that_they_are_for(vhost: Campaign) -> None:
    one = vhost.installation
    call = next(
        call
        for call in vhost.calls(1)
        if isinstance(call, Call) and call.name == "renameat" and "gitlab-registry.conf" in call.text
    )
    one.choose(1)
    for fault, code in ((KILL, -9), (NO_SPACE, 1), (BROKEN, 1)):
        outcome = run_with(fault, call, vhost.command, environment=vhost.environment)
        assert "gitlab-registry.conf" in outcome.hit
        assert outcome.code == code
        assert (".ctl-" in str(one.leftovers())) == (fault == KILL)
    assert "No space left on device" not in outcome.err
    assert "Input/output error" in outcome.err
    one.choose(0)
    one.root.reconfigure()
    one.is_in(0)


def test_what_is_not_as_it_should_be_is_found(vhost: Campaign) -> None:
    """Otherwise no point would prove anything."""
    one, root = vhost.installation, vhost.root
    left = root.write("etc/gitlab/.ctl-0123456789abcdef", "")
    with pytest.raises(AssertionError, match=r"left over: etc/gitlab/\.ctl-"):
        one.is_in(0)
    left.unlink()
    conf = root.path / "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
    former = conf.read_text()
    conf.write_text(former.replace("X-State 0", "X-State 1"))
    with pytest.raises(AssertionError, match=r"file var/opt/gitlab/nginx/conf/gitlab-registry\.conf"):
        one.is_in(0)
    with pytest.raises(AssertionError, match=r"process answers: .*X-State 0.* instead of .*X-State 1"):
        one.is_in(1)  # the file is that of the other state, and NGINX was not reloaded
    conf.write_text(former)
    one.is_in(0)
    config = root.path / "var/opt/gitlab/registry/config.yml"
    times = config.stat().st_atime, config.stat().st_mtime
    os.utime(config)
    with pytest.raises(AssertionError, match=r"process older than their files: \['config\.yml'\]"):
        one.is_in(0)  # written after the start of the process, which cannot have read it
    os.utime(config, times)
    one.is_in(0)
