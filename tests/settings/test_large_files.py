"""Large settings files, checked as a whole: with little work, in 200 MB, and no more reported than can be read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ctl.language.source import MOST_SHOWN

pytestmark = pytest.mark.real

URL = 'registry_external_url("http://registry.example.com")\n'
REGISTRY = URL + 'registry["'
ADDRESSES = ",".join(f'"10.{n // 65536}.{n // 256 % 256}.{n % 256}"' for n in range(30_000))


def _members(count: int, form: str) -> str:
    return ",".join(form.format(n) for n in range(count))


FILES = {
    "unknown settings": (URL + "".join(f'registry["some_name_{n}"] = 1\n' for n in range(19_000)), 2),
    "unknown parameters": (
        REGISTRY
        + 'storage"] = {"s3": {"bucket": "b", "region": "r", '
        + _members(35_000, '"chunksiz{}": 1')
        + "}}\n",
        0,
    ),
    "names of no variables": (REGISTRY + 'env"] = {' + _members(35_000, '"A-{}": 1') + "}\n", 2),
    "variables": (REGISTRY + 'env"] = {' + _members(35_000, '"A{}": 1') + "}\n", 0),
    "settings of others": (URL + "".join(f'gitlab_rails["smtp_{n}"] = 1\n' for n in range(19_000)), 0),
    "addresses": (f'{REGISTRY}nginx"]["listen_addresses"] = [{ADDRESSES}]\n', 2),
    "headers of all endpoints": (
        f'{REGISTRY}default_notifications_headers"] = {{f"A{{i}}": ["x"] for i in range(3_000)}}\n'
        'registry["notifications"] = [{"name": f"a{i}", "url": "http://a.example/"} for i in range(4_000)]\n',
        2,
    ),
}
_MEASURE = """
import contextlib, io, json, sys
from pathlib import Path
from ctl.__main__ import run
from ctl.commands import check_config
from tests.harness.work import at_most
found = {}
for file in sorted(Path(sys.argv[1]).glob("*.py")):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), at_most(calls=8_000_000):
        code = run(["--root", sys.argv[1] + "/root", "--settings", str(file), "check-config"])
    found[file.stem] = code, out.getvalue()
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(json.dumps({"found": found, "peak": peak}))
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and what was printed of each file; all in one process of its own."""
    folder = tmp_path_factory.mktemp("large")
    for name, (text, _) in FILES.items():
        (folder / f"{name}.py").write_text(text)
    argv = [sys.executable, "-c", _MEASURE, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["peak"] < 200 * 1024
    return {name: tuple(one) for name, one in found["found"].items()}


@pytest.mark.parametrize("name", FILES)
def test_a_large_file_is_checked_soon(measured: dict[str, tuple[int, str]], name: str) -> None:
    code, output = measured[name]
    assert code == FILES[name][1], output[:1_000]
    assert len(output) < 64 * 1024


def test_of_many_findings_the_first_are_reported_and_the_rest_counted(
    measured: dict[str, tuple[int, str]],
) -> None:
    _, output = measured["unknown settings"]
    assert output.count("is not known") == MOST_SHOWN
    assert f"error: and {19_000 - MOST_SHOWN:,} more" in output
