"""CSV and the page with the treemap: hostile names stay text, and the page works in a browser without a network."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ctl.images.usage.export import as_csv, as_html, in_order
from ctl.images.usage.usage import Heap, RepositoryUsage, Usage

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>{{SCRIPT}}"
BROWSERS = ("chromium-headless-shell", "chromium")
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


@pytest.fixture
def usage() -> Usage:
    """Three repositories, one with a name that no registry would take."""
    found = Usage(
        [
            RepositoryUsage("team/app", tags=3, manifests=4, own=7_000_000, shared=500, last_push=10**18),
            RepositoryUsage("team/app/inner", tags=1, manifests=1, own=40_000),
            RepositoryUsage(HOSTILE, tags=1, manifests=1, own=2_000_000, complete=False),
        ]
    )
    found.blobs = Heap(9, 9_040_500)
    return found


def test_csv(usage: Usage) -> None:
    usage.repositories.append(RepositoryUsage("=1+1"))
    rows = list(csv.DictReader(io.StringIO(as_csv(usage, "name"))))
    assert [row["repository"] for row in rows] == [HOSTILE, "'=1+1", "team/app", "team/app/inner"]
    assert rows[2] | {"own": "7000000", "size": "7000500", "last_push": "2001-09-09T01:46:40Z"} == rows[2]
    assert (rows[0]["complete"], rows[0]["last_push"]) == ("no", "")


def test_orders(usage: Usage) -> None:
    assert [one.name for one in in_order(usage, "size")] == ["team/app", HOSTILE, "team/app/inner"]
    assert next(one.name for one in in_order(usage, "last-push")) == "team/app"


def test_the_page_holds_everything_and_names_nothing_elsewhere(usage: Usage) -> None:
    page = as_html(usage)
    (script,), (data,) = SCRIPT.findall(page), DATA.findall(page)
    assert json.loads(data)["repositories"][2]["name"] == HOSTILE
    assert not re.findall(r"(?:src|href|url)\s*[=(]|https?://|@import", page.replace(data, ""))
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in page
    assert "default-src 'none'" in page


@pytest.mark.real
def test_its_script_draws_every_repository(usage: Usage, tmp_path: Path) -> None:
    """By node, with as much of a document as the script uses; areas are as the sizes."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        pytest.skip("no node here")
    (script,), (data,) = SCRIPT.findall(as_html(usage)), DATA.findall(as_html(usage))
    (tmp_path / "page.js").write_text(DOCUMENT.replace("DATA", json.dumps(data)) + script + REPORT)
    done = subprocess.run([node, tmp_path / "page.js"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["rows"][0][:2] == ["team/app", "7.0 MB"]
    assert found["rows"][1][:2] == [HOSTILE, "≥ 2.0 MB"]
    areas = {box["title"].partition(": ")[0]: box["area"] for box in found["boxes"]}
    assert abs(areas["team"] - 800 * 500 * 7_040_500 / 9_040_500) < 1
    assert abs(areas["team"] + areas["<"] - 800 * 500) < 1, "the two fill the map"
    assert HOSTILE in areas


def test_a_browser_draws_it_and_runs_nothing_of_the_names(usage: Usage, tmp_path: Path) -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    page = tmp_path / "page.html"
    page.write_text(as_html(usage), encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    offline = [
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=2000",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run([*command, *offline], capture_output=True, text=True, timeout=60, check=True)
    assert "<title>Disk usage of the registry</title>" in done.stdout
    assert f"<td>{html.escape(HOSTILE, quote=False)}</td><td>≥ 2.0 MB</td>" in done.stdout
    assert re.search(r'<div title="team/app: 7.0 MB[^"]*"', done.stdout)
    assert done.stdout.count("<img") == 0


DOCUMENT = """
class Element {
  constructor(tag) { this.tag = tag; this.style = {}; this.inner = []; this.textContent = ""; }
  append(...more) { this.inner.push(...more); }
  prepend(...more) { this.inner.unshift(...more); }
  replaceChildren(...more) { this.inner = more; }
  addEventListener() {}
}
const elements = { data: new Element("script") };
elements.data.textContent = DATA;
globalThis.document = {
  getElementById: (id) => (elements[id] ??= new Element("div")),
  createElement: (tag) => new Element(tag),
};
"""
REPORT = """
const number = (text) => Number(text.replace("px", ""));
console.log(JSON.stringify({
  rows: elements.rows.inner.map((tr) => tr.inner.map((td) => String(td.textContent))),
  boxes: elements.map.inner.map((div) => ({
    title: div.title, area: number(div.style.width) * number(div.style.height),
  })),
}));
"""
