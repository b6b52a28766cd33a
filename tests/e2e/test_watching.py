"""Real processes: an alarm reaches an endpoint that was away when it was opened; a worker serves its counters; and
the web sees that no worker is left."""

from __future__ import annotations

import json
import subprocess

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.installation import TODOKE, Installation, until
from tests.flow.test_alarms import SECRET, Endpoint
from tests.services.ports import free_port


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def here(tmp_path, endpoint):
    made = Installation(tmp_path / "home", alert_url=endpoint.url, alert_secret=SECRET, alert_locale="en")
    made.todoke("merchant", "add", "hana", "--from-email", "shop@hana.example", "--json")
    made.path = made.connect("standard")
    yield made
    made.stop()


def figures(url: str) -> dict[str, float]:
    text = httpx.get(f"{url}/metrics", trust_env=False).raise_for_status().text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {f"{one.name}{json.dumps(one.labels, sort_keys=True)}": one.value for one in samples}


def unreadable(here: Installation) -> str:
    path = here.home.with_name("broken.jsonl")
    path.write_text(json.dumps({"headers": {}, "body": "{"}) + "\n", encoding="utf-8")
    ran = subprocess.run(
        [TODOKE, "ingest", here.path.rpartition("/")[2], str(path)], env=here.env, capture_output=True, check=False
    )
    assert ran.returncode in {0, 1}, ran.stderr
    return here.path.rpartition("/")[2]


def test_an_alarm_waits_for_its_endpoint(here, endpoint):
    connection = unreadable(here)
    here.start()
    (row,) = until(lambda: here.todoke("alarms", "--json"), "an alarm")
    assert (row["kind"], row["about"], row["merchant"]) == ("dead_deliveries", f"{connection}/dead", "hana")
    until(lambda: here.rows("SELECT 1 FROM alarm WHERE tries > 0"), "a try that found nobody")
    assert here.todoke("alarms", "--json")[0]["told"] is None
    with endpoint.up():
        until(lambda: endpoint.taken, "the alert", seconds=60)
    ((headers, body),) = endpoint.taken
    assert headers["webhook-id"] == f"{row['id']}.opened"
    said = json.loads(body)
    assert (said["type"], said["data"]["next"]) == ("alarm.opened", row["next"])
    until(lambda: here.todoke("alarms", "--json")[0]["told"] == "opened", "it to be written down")
    assert figures(here.url)['todoke_alarms_open{"kind": "dead_deliveries"}'] == 1


def test_a_worker_alone_serves_its_counters(here):
    port = free_port()
    with here.log.open("ab") as log:
        words = [TODOKE, "worker", "--metrics-port", str(port)]
        worker = subprocess.Popen(words, env=here.env, stdout=log, stderr=log)

    def counted() -> dict[str, float]:
        assert worker.poll() is None, here.log.read_text()
        try:
            return figures(f"http://127.0.0.1:{port}")
        except httpx.TransportError:
            return {}

    try:
        found = until(counted, "the worker to be up")
        assert found["todoke_send_seconds_count{}"] == 0
        assert not [name for name in found if name.startswith("todoke_messages_due")]
        until(lambda: here.rows("SELECT 1 FROM watch WHERE name = 'worker'"), "a sign of life")
        refused = subprocess.run(words, env=here.env, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert f"type: --metrics-port {port + 1}" in refused.stderr
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
