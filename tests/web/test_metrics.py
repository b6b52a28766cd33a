"""/metrics: figures that can be parsed, cheap, and nobody's name; and who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event
from starlette.applications import Starlette

import connectors
from engine.config import SHIPPED, Settings
from engine.contracts import Answer, Failure
from engine.flow.watch import gauges
from engine.flow.watch.alert import look
from engine.io import metrics as counted
from engine.rules.alarm import KINDS
from engine.web.app import make_app
from engine.web.metrics import own, routes
from tests.e2e.installation import SECRET, standard
from tests.flow.house import Desk, House
from tests.flow.orders import order
from tests.flow.test_alarms import LOST
from tests.loops import run

NAMES = {
    "todoke_deliveries", "todoke_attempts", "todoke_hints", "todoke_intake_commit_deliveries",
    "todoke_observe_seconds", "todoke_send_seconds", "todoke_messages_due", "todoke_messages_due_oldest_seconds",
    "todoke_deliveries_waiting", "todoke_deliveries_waiting_oldest_seconds", "todoke_messages_troubled",
    "todoke_runs_due", "todoke_accounts_held", "todoke_pauses", "todoke_alarms_open", "todoke_worker_seen_seconds",
    "todoke_database_up",
}  # fmt: skip


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    made = House(tmp_path, post=lambda _: Desk(LOST), channel="smtp")
    made.tell(order())
    made.work()
    made.tell(order(number="#1002"))
    look(made.app)
    yield made
    made.close()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(house: House, host: str = "127.0.0.1", **headers: str) -> httpx.Response:
    return run(get(Starlette(routes=routes(house.app)), 1, host, headers))[0]


async def get(web: Starlette, times: int, host: str = "127.0.0.1", headers: dict[str, str] | None = None):
    wire = httpx.ASGITransport(web, client=(host, 50_000))
    async with httpx.AsyncClient(transport=wire, base_url="http://todoke.example") as client:
        return [await client.get("/metrics", headers=headers) for _ in range(times)]


def test_figures_are_those_of_the_database(house):
    answer = scrape(house)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert set(families) >= NAMES
    found = samples(answer.text)
    assert found["todoke_messages_troubled", (("status", "unknown"),)] == 1
    assert found["todoke_messages_troubled", (("status", "dead"),)] == 0
    assert found["todoke_messages_due", (("lane", "transactional"),)] == 1
    assert found["todoke_alarms_open", (("kind", "unknown"),)] == 1
    assert {labels[0][1] for name, labels in found if name == "todoke_alarms_open"} == set(KINDS)
    assert found["todoke_database_up", ()] == 1
    assert found["todoke_deliveries_waiting", ()] == 0


def test_the_page_for_operators_knows_every_figure_and_every_alarm():
    page = (SHIPPED / "docs" / "operating.md").read_text("utf-8")
    counters = {f"{one.name}_total" for one in counted.TALLIES}
    names = NAMES - {one.name for one in counted.TALLIES} | counters
    assert [name for name in sorted(names) if f"`{name}" not in page] == []
    assert [kind for kind in KINDS if f"| `{kind}` |" not in page] == []
    ours = [name for name in Settings.model_fields if name.startswith(("alert_", "metrics_"))]
    assert [name for name in ours if f"TODOKE_{name.upper()}" not in page] == []
    assert len(page.splitlines()) < 120


def test_lag_is_the_age_of_the_oldest(house):
    house.clock.advance(timedelta(seconds=90))
    found = samples(scrape(house).text)
    assert found["todoke_messages_due_oldest_seconds", (("lane", "transactional"),)] == 90
    assert found["todoke_messages_due_oldest_seconds", (("lane", "service"),)] == 0


def test_nobody_is_named(house):
    text = scrape(house).text
    said = {value for family in text_string_to_metric_families(text) for one in family.samples
            for label, value in one.labels.items() if label != "le"}  # fmt: skip
    said -= {*connectors.SOURCES, *connectors.CHANNELS}  # counted for the whole process, so by other tests too
    for name in ("hana", "shop", "naoko", "example", "1001", "髙橋", "m_"):
        assert not [value for value in said if name in value]
    labels = {
        label for family in text_string_to_metric_families(text) for one in family.samples for label in one.labels
    }
    assert labels <= {"le", "lane", "status", "held_for", "kind", "fate", "connector", "answer", "channel", "outcome"}


def test_the_web_serves_it(here, web):
    assert "todoke_messages_due{" in web.get("/metrics").text


def test_many_scrapes_are_one_look(house):
    asked: list[str] = []
    listen = (house.app.store.engine, "before_cursor_execute", lambda _c, _k, sql, *_: asked.append(sql))
    event.listen(*listen)
    web = Starlette(routes=routes(house.app))
    run(get(web, 1))
    once = len(asked)
    assert [answer.status_code for answer in run(get(web, 5))] == [200] * 5
    assert len(asked) == once > 0
    event.remove(*listen)


def test_a_database_that_is_away_is_a_figure_too(house):
    house.app.store.engine.dispose()
    house.database.rename(house.database.with_suffix(".away"))
    house.database.mkdir()
    found = samples(counted.exposition(gauges.Gauges(house.app).read())[0].decode())
    assert found["todoke_database_up", ()] == 0
    assert not [name for name, _ in found if name == "todoke_messages_due"]
    house.database.rmdir()
    house.database.with_suffix(".away").rename(house.database)


@pytest.mark.parametrize(
    ("host", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("10.0.0.7", {}, "", 403),
        ("testclient", {}, "", 403),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "", 403),
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}, "", 403),
        ("127.0.0.1", {}, "k" * 24, 401),
        ("10.0.0.7", {"authorization": "Bearer " + "k" * 24}, "k" * 24, 200),
        ("10.0.0.7", {"authorization": "Bearer " + "k" * 23}, "k" * 24, 401),
        ("10.0.0.7", {"authorization": "k" * 24}, "k" * 24, 401),
    ],
)
def test_who_may_read_it(house, host, headers, token, status):
    house.app.settings.metrics_token = token
    answer = scrape(house, host, **headers)
    assert answer.status_code == status
    assert ("todoke_" in answer.text.lower().replace("todoke_metrics_token", "")) == (status == 200)


def test_a_worker_serves_its_own_counters_alone(house):
    (answer,) = run(get(own(house.app), 1))
    names = {name for name, _ in samples(answer.text)}
    assert "todoke_send_seconds_count" in names
    assert "todoke_messages_due" not in names
    assert "process_cpu_seconds_total" in names


def test_counting_by_many_threads_loses_nothing():
    tally, spread = counted.Tally("x", "x", "a"), counted.Spread("y", "y", (1.0, 2.0))
    with ThreadPoolExecutor(8) as threads:
        for n in range(4_000):
            threads.submit(tally.add, str(n % 2))
            threads.submit(spread.add, float(n % 4))
    assert tally.read() == {("0",): 2_000, ("1",): 2_000}
    assert spread.read() == ([("1.0", 2_000.0), ("2.0", 3_000.0), ("+Inf", 4_000.0)], 6_000.0)


def changed(before: dict, after: dict) -> dict[str, float]:
    """What has been counted in between, by name and labels."""
    more = {key: value - before.get(key, 0) for key, value in after.items()}
    return {
        f"{name} {' '.join(value for _, value in labels)}".strip(): value
        for (name, labels), value in more.items()
        if value and name.endswith(("_total", "_count")) and name.startswith("todoke_")
    }


def test_what_happens_is_counted_where_it_happens(house):
    house.app.post.answers[:] = [Answer(code=250), LOST, Failure(stage="refused", code=450, command="RCPT")]
    make = make_app(house.app)
    before = samples(counted.exposition()[0].decode())

    async def deliver() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(make), base_url="http://todoke.example") as client:
            signed = await client.post("/in/signed", content=b"{}", headers=standard("d1", b"{}"))
            forged = await client.post("/in/signed", content=b"{}", headers={"webhook-id": "x"})
            stranger = await client.post("/in/nobody", content=b"{}")
            return [signed.status_code, forged.status_code, stranger.status_code]

    house.connect("signed", "standard", secrets={"secret": (SECRET,)})
    assert run(deliver()) == [202, 401, 404]
    for number in ("#1", "#2", "#3"):
        house.tell(order(number=number))
        house.deliver()
    more = changed(before, samples(counted.exposition()[0].decode()))
    assert more["todoke_deliveries_total 202 standard"] == 1
    assert more["todoke_intake_commit_deliveries_count"] == 1
    assert more["todoke_deliveries_total 401 standard"] == 1
    assert more["todoke_deliveries_total 404 none"] == 1
    assert more["todoke_attempts_total smtp accepted"] >= 1
    assert more["todoke_attempts_total smtp ambiguous"] == 1
    assert more["todoke_attempts_total smtp deferred"] >= 1
    assert more["todoke_observe_seconds_count"] >= 3
    assert more["todoke_send_seconds_count"] >= 3
