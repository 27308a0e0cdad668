"""`ctl metrics`: the text format, lines counted once over rotations, alert rules, the dashboard's queries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ctl.doctor.metrics.counters import MOST_REPOSITORIES, OTHERS, Counters
from ctl.doctor.metrics.exposition import Family, text_of
from ctl.paths import Layout
from ctl.timer.outcome import Outcome, write_outcome
from ctl.timer.task import read_tasks
from tests.harness import images
from tests.harness.https import Client
from tests.harness.people import myself
from tests.harness.ports import Ports
from tests.harness.processes import end_all
from tests.harness.root import Root
from tests.harness.server import Server
from tests.harness.waiting import wait_for

RULES = Path(__file__).parents[3] / "packaging/prometheus"
LINE = '127.0.0.1 - - [29/Nov/2026:14:26:53 +0000] "{} HTTP/1.1" {} 100 "" "docker/24"\n'
PROMTOOL = shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(PROMTOOL is None, reason="Prometheus is not installed")


def counted(log: Path, state: Path) -> Counters:
    found = Counters.read(state)
    found.count_requests(log)
    found.write()
    return found


def test_the_text_format() -> None:
    family = Family("things_total", "All\nof them.", "counter")
    family.add(2, name='a "quoted" \\ name')
    family.add(None, name="unknown")
    family.add(0.5)
    assert text_of([family, Family("none", "Nothing.")]) == (
        "# HELP ctl_things_total All\\nof them.\n# TYPE ctl_things_total counter\n"
        'ctl_things_total{name="a \\"quoted\\" \\\\ name"} 2\nctl_things_total 0.5\n'
    )


def test_each_line_counts_once_over_a_rotation(tmp_path: Path) -> None:
    log, state = tmp_path / "access.log", tmp_path / "state.json"
    log.write_text(LINE.format("GET /v2/a/manifests/v1", 200) + "GET half a li")
    assert counted(log, state).requests == {"GET 200 a": 1}
    with log.open("a") as file:
        file.write("ne\n" + LINE.format("GET /v2/a/manifests/v1", 200))
    log.rename(tmp_path / "access.log.1")
    log.write_text(LINE.format("PUT /v2/b/c/manifests/v1", 201))
    found = counted(log, state)
    assert found.requests == {"GET 200 a": 2, "PUT 201 b/c": 1}
    assert found.sent == {"a": 200, "b/c": 100}
    assert counted(log, state).requests == found.requests


def test_a_log_that_was_cut_begins_anew(tmp_path: Path) -> None:
    log, state = tmp_path / "access.log", tmp_path / "state.json"
    log.write_text(LINE.format("GET /v2/", 401) * 3)
    counted(log, state)
    log.write_text(LINE.format("GET /v2/", 401))
    assert counted(log, state).requests == {"GET 401": 4}


def test_names_that_anybody_may_ask_for_make_no_series(tmp_path: Path) -> None:
    log, state = tmp_path / "access.log", tmp_path / "state.json"
    many = MOST_REPOSITORIES + 50
    log.write_text("".join(LINE.format(f"GET /v2/guess{n}/manifests/x", 404) for n in range(many)))
    assert counted(log, state).requests == {"GET 404": many}
    log.write_text("".join(LINE.format(f"GET /v2/real{n}/manifests/x", 200) for n in range(many)) * 2)
    found = counted(log, state)
    assert len(found.sent) <= MOST_REPOSITORIES + 1
    assert f"GET 200 {OTHERS}" in found.requests


def test_methods_that_are_none_make_no_series(tmp_path: Path) -> None:
    log, state = tmp_path / "access.log", tmp_path / "state.json"
    log.write_text("".join(LINE.format(f"{method} /v2/", 405) for method in ("ABC", "DEFG", "GET")))
    assert counted(log, state).requests == {f"{OTHERS} 405": 2, "GET 405": 1}


def test_a_damaged_state_begins_anew(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text("{")
    assert Counters.read(state).requests == {}


def test_decisions_of_the_issuer(tmp_path: Path) -> None:
    log = tmp_path / "current"
    log.write_text(
        '2026-11-29_1 address=1.2.3.4 outcome=granted\n2026-11-29_2 outcome="refused: wrong"\nevent=x\n'
    )
    found = Counters.read(tmp_path / "state.json")
    found.count_decisions(log)
    assert found.decisions == {"granted": 1, "refused": 1}


@pytest.mark.real
@needs_prometheus
def test_alert_rules() -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            [str(PROMTOOL), *command], cwd=RULES, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_number_of_rules_and_dashboard_is_made() -> None:
    made = set(
        re.findall(r'Family\(\s*"(\w+)"', (Path("ctl/doctor/metrics/gather.py")).read_text(encoding="utf-8"))
    )
    for name in ("alerts.yml", "dashboard.json"):
        used = set(re.findall(r"\bctl_(\w+)", (RULES / name).read_text(encoding="utf-8")))
        assert used - made == set(), name


@pytest.mark.real
@needs_prometheus
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the services under their accounts")
def test_a_real_prometheus_gets_an_answer_to_every_query_of_the_dashboard(tmp_path: Path) -> None:
    root, ports = Root(myself()), Ports()
    try:
        root.settings('metrics["enable"] = True', 'letsencrypt["enable"] = False')
        root.reconfigure(timeout=120)
        image = images.image("numbers")
        root.client.push("grp/app", image, "v1")
        assert root.client.pulls("grp/app", image, "v1")
        now = datetime.now(UTC)
        write_outcome(Layout(root.path), "metrics", Outcome(now, now, now, 0))
        root.ctl("registry-delete", "grp/app:v1", "--yes").ok()
        root.ctl("registry-garbage-collect", "-m", "--older-than", "0s").ok()
        root.ctl("registry-disk-usage", "--sums").ok()
        output = root.path / "var/opt/gitlab/metrics/registry.prom"
        root.ctl("metrics", "--output", str(output)).ok()
        page = Client(root.status_port).get("/metrics")
        assert (page.status, page.header("Content-Type")) == (200, "text/plain; version=0.0.4")
        text = page.body.decode()
        for line in ('ctl_service_healthy{service="registry"} 1', 'ctl_up{part="requests"} 1'):
            assert line in text, text
        (held,) = re.findall(r"ctl_quarantine_bytes (\d+)", text)
        (asked,) = re.findall(r'ctl_storage_bytes\{kind="quarantined"\} (\d+)', text)
        assert 0 < int(held) <= int(asked)
        assert {"metrics", "storage-usage"} <= {one.name for one in read_tasks(Layout(root.path))}
        assert re.search(
            r'ctl_http_requests_total\{method="PUT",status="201",repository="grp/app"\} [1-9]', text
        )
        done = subprocess.run(
            [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        config = tmp_path / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: 1s}}\nrule_files: [{RULES}/alerts.yml]\nscrape_configs:\n"
            f'  - {{job_name: ctl, static_configs: [{{targets: ["127.0.0.1:{root.status_port}"]}}]}}\n'
        )
        flags = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data"]
        with Server(["/usr/bin/prometheus", *flags, "--web.listen-address=127.0.0.1:{port}"]) as server:
            asked = Client(server.port)
            wait_for(lambda: asked.get("/-/ready").status == 200, what="Prometheus", seconds=30)
            rate = "rate(ctl_http_requests_total[10s])"
            wait_for(lambda: _result(asked, rate), what="two samples", seconds=30)
            empty = {"ctl_token_decisions_total"}
            for query in _queries():
                found = _result(asked, query.replace("[5m]", "[10s]"))
                assert found or any(name in query for name in empty) or "5.." in query, query
    finally:
        end_all(root.path)
        root.end()
        ports.release()


def _queries() -> list[str]:
    document = json.loads((RULES / "dashboard.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in document["panels"] for target in panel["targets"]]


def _result(client: Client, query: str) -> list[object]:
    answer = client.get(f"/api/v1/query?{urlencode({'query': query})}")
    document = answer.json()
    assert document["status"] == "success", f"{query}: {document}"
    found = document["data"]["result"]
    assert isinstance(found, list)
    return found
