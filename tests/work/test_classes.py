"""Every class of work has a queue and threads of its own, over every broker: one that hangs holds up no other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import dramatiq
import pytest
from dramatiq.middleware import TimeLimitExceeded
from pytest_httpserver import HTTPServer
from werkzeug import Response

from engine.contracts import Answer
from engine.flow.accept import keep
from engine.flow.watch import alert
from engine.rules.alarm import Alarm
from engine.store import alarms
from engine.work.crew import Crew, shares
from engine.work.quorum import QuorumBroker
from engine.work.watch import Watch
from tests.flow.house import Desk, House
from tests.flow.orders import order
from tests.flow.test_turns import copies
from tests.flow.vendor import Asked, Vendor, serving
from tests.services import servers
from tests.work.test_hints import body, until

QUEUES = {"intake", "transactional", "service", "outbound"}


@pytest.mark.parametrize("threads", range(1, 33))
def test_every_queue_has_threads_and_together_they_are_as_many_as_were_asked_for(threads):
    parts = shares(threads)
    named = [queue for queues, _ in parts for queue in queues]
    assert sorted(named) == sorted(QUEUES)
    assert sum(number for _, number in parts) == threads
    assert all(number >= 1 for _, number in parts)
    if threads >= 2:
        assert {"transactional"} in [queues for queues, _ in parts]


@pytest.fixture(params=["memory", "redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "memory":
        yield "memory://"
        return
    folder = tmp_path / "broker"
    folder.mkdir()
    with {"redis": servers.redis, "rabbitmq": servers.rabbitmq}[request.param](folder) as url:
        yield url


def test_a_service_message_that_hangs_holds_up_nothing_that_must_arrive_now(broker: str, tmp_path: Path):
    desk, go = Desk(Answer(code=250)), Event()
    house = House(tmp_path, post=lambda _: desk, channel="smtp", broker_url=broker, worker_threads=4, sweep_seconds=0.2)
    house.tell(order())
    house.deliver()
    copies(house, 3, lane=1)
    stuck = []

    def hang(_request) -> None:
        if not stuck:
            stuck.append(True)
            assert go.wait(30)

    desk.before = hang
    crew = Crew(house.app)
    crew.start()
    try:
        until(lambda: stuck)
        keep(house.app, [house.raw(body(2))])
        ahead = "SELECT count(*) n FROM message WHERE lane = 0 AND status = 'sent'"
        until(lambda: house.rows(ahead)[0].n == 2)
        assert house.rows("SELECT count(*) n FROM message WHERE lane = 1 AND status = 'sent'")[0].n == 0
        go.set()
        until(lambda: house.rows("SELECT count(*) n FROM message WHERE status = 'sent'")[0].n == 5)
    finally:
        go.set()
        crew.stop()
        house.close()
    if broker.startswith("amqp"):
        assert isinstance(crew._broker, QuorumBroker)


def test_a_system_that_does_not_answer_holds_up_no_message(broker: str, tmp_path: Path):
    vendor, go = Vendor(), Event()
    vendor.before = lambda _: go.wait(30) and None
    with serving(vendor) as url:
        asked = Asked(tmp_path, vendor, url, broker_url=broker, worker_threads=4, sweep_seconds=0.2)
        crew = Crew(asked.app)
        crew.start()
        try:
            until(lambda: vendor.asked)
            keep(asked.app, [asked.house.raw(body(2))])
            until(lambda: asked.house.rows("SELECT count(*) n FROM message WHERE status = 'sent'")[0].n == 1)
            assert asked.errands()["poll"].holder is not None
            go.set()
            until(lambda: asked.errands()["poll"].ok_at is not None)
        finally:
            go.set()
            crew.stop()
            asked.house.close()


def test_alarms_are_told_by_workers_and_by_the_watch_where_there_is_none(broker: str, tmp_path: Path, monkeypatch):
    told: list[bytes] = []
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        server.expect_request("/").respond_with_handler(lambda request: (told.append(request.data), Response())[1])
        house = House(tmp_path, broker_url=broker, worker_threads=4, alert_url=server.url_for("/"))
        late = Watch(house.app, worker=False)
        with house.app.store.begin() as tx:
            alarms.keep(tx, [Alarm("restore_fence", "installation")], house.app.clock.real(), told_elsewhere=True)
        late.once()
        assert told == [], "a worker may still be about to tell it"
        crew = Crew(house.app)
        crew.start()
        try:
            until(lambda: told)
        finally:
            crew.stop()
        with house.app.store.begin() as tx:
            alarms.keep(tx, [Alarm("restore_fence", "another")], house.app.clock.real(), told_elsewhere=True)
        monkeypatch.setattr(alert, "LATE", timedelta(0))
        late.once()
        assert b"another" in told[-1]
        house.close()


def test_the_time_limit_of_dramatiq_holds_in_every_part_of_the_crew(tmp_path: Path):
    house = House(tmp_path, worker_threads=4)
    crew = Crew(house.app)
    ended: list[str] = []

    for queue in sorted(QUEUES):

        @dramatiq.actor(broker=crew._broker, actor_name=f"slow_{queue}", queue_name=queue, time_limit=200)
        def slow(name: str) -> None:
            try:
                with contextlib.suppress(KeyError):
                    while True:
                        Event().wait(0.01)
            except TimeLimitExceeded:
                ended.append(name)

    crew.start()
    try:
        for queue in QUEUES:
            crew._broker.get_actor(f"slow_{queue}").send(queue)
        until(lambda: set(ended) == QUEUES)
    finally:
        crew.stop()
        house.close()
