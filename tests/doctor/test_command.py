"""`ctl doctor` without a node: names, the list, JSON, what is wrong before anything runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.acme.record import Attempts
from ctl.doctor.check import Check, Finding, State, failure, ok, unknown, warning
from ctl.doctor.checks import CHECKS
from ctl.doctor.checks.logged import complaint
from ctl.doctor.log_lines import moment, recent
from ctl.doctor.messages import KNOWN, explain, shape
from ctl.doctor.run import examine, select
from ctl.doctor.site import Site
from ctl.errors import CtlError, UsageFault
from ctl.paths import Layout
from tests.harness.cli import Cli
from tests.harness.people import CHECKOUT

WITH_LETSENCRYPT = 'registry_external_url = "https://registry.example.com"\nletsencrypt["enable"] = True\n'


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`ctl` with an empty root."""
    return Cli(tmp_path, capsys)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A node of which nothing is known."""
    return Site(Layout(tmp_path), tmp_path / "gitlab.py", None)


def test_the_list_names_each_check(ctl: Cli) -> None:
    lines = ctl("doctor", "--list").ok().out.splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in CHECKS]
    found = ctl("doctor", "--list", "--json").ok().json()
    assert [one["name"] for one in found] == [one.name for one in CHECKS]


def test_a_mistyped_name_is_answered_with_the_nearest(ctl: Cli) -> None:
    result = ctl("doctor", "storrage").exits(2)
    assert "no check 'storrage'" in result.err
    assert "Did you mean 'storage'?" in result.err


def test_each_check_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= seen
        assert check.name not in seen
        assert check.proves
        seen.add(check.name)


def test_a_node_that_was_never_set_up(ctl: Cli) -> None:
    ctl.settings('registry_external_url = "https://localhost:5443"\n')
    found = {
        one["name"]: one
        for one in ctl("doctor", "supervisor", "registry", "--json").exits(1).json()["checks"]
    }
    assert found["supervisor"]["state"] == "failure"
    assert found["registry"]["findings"] == [
        {"state": "unknown", "cause": "not asked, because of supervisor", "remedy": None}
    ]


def test_without_settings_the_file_is_named(ctl: Cli) -> None:
    result = ctl("doctor", "settings").exits(1)
    assert "gitlab.py: there is no settings file" in result.out
    assert "ctl settings template" in result.out


def test_a_url_in_front_must_be_one(ctl: Cli) -> None:
    assert "is not a URL" in ctl("doctor", "--from", "registry.example.com").exits(2).err


def test_a_renewal_that_failed(ctl: Cli) -> None:
    ctl.settings(WITH_LETSENCRYPT)
    folder = ctl.root / "var/opt/gitlab/ctl"
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    Attempts().after_failure("DNS problem: NXDOMAIN", now, counted=True).write(folder / "letsencrypt.json")
    result = ctl("doctor", "renewal").exits(1)
    assert "DNS problem: NXDOMAIN" in result.out
    assert "ctl renew-le-certs" in result.out
    Attempts().write(folder / "letsencrypt.json")
    assert "no attempt has failed" in ctl("doctor", "renewal").ok().out


# --- running checks


def check(name: str, *findings: Finding, needs: tuple[str, ...] = ()) -> Check:
    return Check(name, "all is well", lambda _: findings, needs, remedy="mend it")


def test_what_depends_on_a_failure_is_not_asked(site: Site) -> None:
    checks = [
        check("a", failure("broken")),
        check("b", ok("fine"), needs=("a",)),
        check("c", ok("fine"), needs=("b",)),
    ]
    states = {one.check.name: [finding.cause for finding in one.findings] for one in examine(checks, site)}
    assert states == {"a": ["broken"], "b": ["not asked, because of a"], "c": ["not asked, because of b"]}


def test_warnings_hinder_nobody_and_the_worst_comes_first(site: Site) -> None:
    found = examine([check("a", ok("1"), warning("2"), unknown("3")), check("b", ok("fine"))], site)
    assert [one.state for one in found] == [State.UNKNOWN, State.OK]
    assert [one.cause for one in found[0].findings] == ["3", "2", "1"]
    assert [one.remedy for one in found[0].findings] == ["mend it", "mend it", ""]


def test_an_error_of_a_check_is_no_answer(site: Site) -> None:
    def ask(_: Site) -> Iterator[Finding]:
        yield ok("one thing")
        raise CtlError("the other cannot be seen", hint="look there")

    (found,) = examine([Check("a", "both", ask)], site)
    assert found.state is State.UNKNOWN
    assert found.findings[0].remedy == "look there"


def test_naming_one_brings_what_it_needs() -> None:
    checks = [check("a", ok("")), check("b", ok(""), needs=("a",)), check("c", ok(""))]
    assert [one.name for one in select(checks, ["b"])] == ["a", "b"]
    with pytest.raises(UsageFault):
        select(checks, ["d"])


# --- logs

LINES = {
    'time="2026-11-29T14:05:09Z" level=info msg="token signed by untrusted key with ID: \\"TOKE\\""': "another key",
    'time="2026-11-29T14:05:09Z" level=error msg="response completed with error" err.code=unknown '
    'err.detail="unexpected EOF" err.message="unknown error"': "ended early",
    'time="x" level=error msg="response completed with error" err.detail="s3aws: AccessDenied: Access Denied '
    'status code: 403, request id: 1"': "refuses the registry",
    'time="x" level=error msg="response completed with error" err.detail="mkdir /x: permission denied"': (
        "may not read or write"
    ),
    'time="x" level=error msg="response completed with error" err.detail="no space left on device"': "disk is full",
    'time="x" level=error msg="retryingsink: error writing events: httpSink{http://h/}: response status 500, '
    'retrying"': "does not take events",
    "2026/11/29 14:05:09 [error] 7#7: *9 client intended to send too large body: 9 bytes, client: ": "larger than",
    "2026/11/29 14:05:09 [crit] 7#7: *9 connect() to unix:/x.sock failed (2: No such file or directory) while": (
        "did not reach the registry"
    ),
    "2026/11/29 14:05:09 [error] 7#7: *9 upstream timed out (110: Connection timed out) while reading": "too long",
    'panic: unable to configure authorization (token): missing "rootcertbundle"': "has crashed",
    '{"level":"error","msg":"error authorizing context: token from untrusted issuer","time":"2026-11-29T14:05:09Z"}': (
        "another issuer"
    ),
}


ASKED = (
    'level=error msg="response completed with error" err.code="{0}" err.message="{0} to registry" '
    'http.request.method={1} http.request.uri="/v2/grp/app/{2}" http.response.status=404'
)
LINES[ASKED.format("blob unknown", "GET", "blobs/sha256:10d5")] = "a layer of theirs is not in the storage"
LINES[
    '{"err.code":"blob unknown","http.request.method":"GET","http.request.uri":"/v2/a/blobs/sha256:1",'
    '"http.response.status":404,"level":"error","msg":"response completed with error"}'
] = "a layer of theirs is not in the storage"


@pytest.mark.parametrize("line", LINES)
def test_known_messages_are_explained(line: str) -> None:
    assert complaint(line)
    found = explain(line)
    assert found is not None
    assert LINES[line] in found.cause
    assert found.remedy


def test_each_known_message_has_a_remedy_of_its_own_words() -> None:
    assert all(one.cause and one.remedy for one in KNOWN)


@pytest.mark.parametrize(
    "line",
    [
        'time="x" level=info msg="response completed" http.response.status=200',
        'time="x" level=warning msg="error authorizing context: authorization token required"',
        '127.0.0.1 - - [29/Nov/2026:14:26:53 +0000] "GET /v2/ HTTP/1.1" 401 87 "" "ctl"',
        'time="x" level=error msg="error closing blobwriter" vars.name=ctl-doctor/381542425b0d',
        ASKED.format("blob unknown", "HEAD", "blobs/sha256:10d5"),
        ASKED.format("manifest unknown", "GET", "manifests/v9"),
        ASKED.format("name unknown", "GET", "tags/list"),
        '{"err.code":"blob unknown","http.request.method":"HEAD","http.request.uri":"/v2/a/blobs/sha256:1",'
        '"http.response.status":404,"level":"error","msg":"response completed with error"}',
    ],
)
def test_what_is_no_complaint(line: str) -> None:
    assert complaint(line) == ""


def test_like_messages_have_one_shape() -> None:
    one, other = (
        f"unknown blob sha256:{'ab' * 32} at /var/x/{number} after {number} s" for number in (1, 27)
    )
    assert shape(one) == shape(other)


STAMPS = {
    "2026-11-29_14:05:09.12345 x": (5, 9),
    "2026-11-29_14:05:09 x": (5, 9),
    '127.0.0.1 - - [29/Nov/2026:14:05:09 +0000] "GET /v2/': (5, 9),
    '{"level":"info","time":"2026-11-29T14:05:09.5Z"}': (5, 9),
    'time="2026-11-29T14:05:09.274515885Z" level=info': (5, 9),
}


@pytest.mark.parametrize("line", STAMPS)
def test_when_a_line_was_written(line: str) -> None:
    found = moment(line)
    assert found is not None
    assert (found.minute, found.second) == STAMPS[line]
    assert moment("no time at all") is None
    assert moment("2026-13-29_14:05:09.12345 x") is None


def test_only_recent_lines_and_what_follows_them(tmp_path: Path) -> None:
    path = tmp_path / "current"
    old, new = (datetime(2026, 11, 29, hour, tzinfo=UTC) for hour in (3, 9))
    lines = [f"{old:%Y-%m-%d_%H:%M:%S}.1 old", "more of it", f"{new:%Y-%m-%d_%H:%M:%S}.1 new", "goroutine 1"]
    path.write_text("\n".join(lines))
    assert list(recent(path, new - timedelta(hours=1))) == lines[2:]


def test_json_of_wrong_settings(ctl: Cli) -> None:
    ctl.settings('registry_external_url = "https://a.example"\nregistry["log_level"] = "s3cret-in-a-line"\n')
    document = json.loads(ctl("doctor", "settings", "--json").exits(1).out)
    (finding,) = document["checks"][0]["findings"]
    assert "gitlab.py:2:" in finding["cause"]
    assert "registry.log_level" in finding["cause"]


AT_ONCE = """
import sys, types
from ctl.doctor.check import Check, ok
from ctl.doctor.run import examine
sys.setswitchinterval(1e-6)

def asking(name):
    def ask(site):
        __import__(name, fromlist=["x"])
        yield ok(name)
    return ask

NAMES = "josepy.b64", "josepy.jwk", "josepy.jwa", "redis", "redis.cluster", "importlib.metadata"
checks = [Check(name, "", asking(name)) for name in NAMES]
examine(checks, types.SimpleNamespace(secrets=()))
"""


@pytest.mark.real
def test_checks_may_load_a_library_at_the_same_time() -> None:
    for _ in range(4):  # without the import beforehand most fail
        done = subprocess.run(
            [sys.executable, "-c", AT_ONCE], check=False, cwd=CHECKOUT, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.real
def test_it_asks_again_until_it_is_interrupted(ctl: Cli) -> None:
    ctl.settings('registry_external_url = "https://localhost:5443"\n')
    command = [sys.executable, "-m", "ctl", "--root", str(ctl.root), "doctor", "settings", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        ctl.settings('registry["log_level"] = "lout"\n')
        lines += [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert lines[0].startswith("ok ")
    assert any(line.startswith("failure") for line in lines), lines
    assert "interrupted" in said
    assert "Traceback" not in said
