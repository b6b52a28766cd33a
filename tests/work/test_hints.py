"""Hints may be lost, doubled or late; a delivery or a run may break: the rest comes through."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Event, Thread

import msgspec
import pytest
from dramatiq import Middleware

from engine.flow import observe as observing
from engine.flow.accept import keep
from engine.work import hints
from engine.work import sweeper as sweeping
from engine.work.actors import BrokerHints
from engine.work.broker import MemoryBroker, make_broker
from engine.work.crew import Crew
from engine.work.sweeper import Sweeper
from tests.flow.house import House
from tests.flow.orders import order, parcel

LONG_AGO = "2020-01-01 00:00:00.000000"


def until(look, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


def body(number: int) -> bytes:
    return msgspec.json.encode(order(number=f"#{number}"))


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path, sweep_seconds=0.1, worker_threads=2)
    yield made
    made.close()


def test_the_sweeper_finishes_what_lost_hints_left(house, monkeypatch):
    crew = Crew(house.app)
    monkeypatch.setattr(hints, "BELIEVED", 0.3)
    lost = []

    def forgetful(self, message, *, delay=None):
        lost.append(message)  # as a broker that is restarted forgets what it holds
        return message

    monkeypatch.setattr(MemoryBroker, "enqueue", forgetful)
    crew.start()
    try:
        keep(house.app, [house.raw(body(1))])
        until(lambda: list(house.statuses().values()) == ["sent"])
        assert lost, "no hint was given, so none was lost"
    finally:
        crew.stop()


def test_a_hint_that_is_taken_up_is_given_again_for_new_work(house):
    crew = Crew(house.app)
    crew.start()
    try:
        for number in range(1, 6):
            keep(house.app, [house.raw(body(number))])
            until(lambda n=number: house.rows("SELECT count(*) n FROM message WHERE status = 'sent'")[0].n == n)
    finally:
        crew.stop()


def test_a_source_that_breaks_holds_nobody_up(house):
    whole = house.app.sources("standard")

    def read(delivery):
        if b"#13" in delivery.body:
            raise RuntimeError("a bug in the connector")
        return whole.read(delivery)

    house.app.sources = lambda name: replace(whole, read=read)
    keep(house.app, [house.raw(body(number)) for number in (12, 13, 14)])
    house.work()
    assert [row.state for row in house.rows("SELECT state FROM inbox ORDER BY id")] == ["processed", "new", "processed"]
    for _ in range(5):
        with house.app.store.begin() as tx:
            tx.conn.exec_driver_sql(f"UPDATE inbox SET lease_until = '{LONG_AGO}' WHERE state = 'new'")
        house.observe()
    ((state, reason, tries),) = house.rows("SELECT state, reason, tries FROM inbox WHERE id = 2")
    assert (state, tries) == ("dead", 5)
    assert reason.startswith("RuntimeError")
    assert sorted(row.status for row in house.reports()) == ["sent", "sent"]


def test_a_delivery_that_breaks_the_fold_is_tried_alone(house, monkeypatch):
    absorb = observing.absorb

    def poisoned(app, tx, said, now, **more):
        if any(one.seen.ref.order_number == "#13" for one in said):
            raise RuntimeError("a bug in a rule")
        return absorb(app, tx, said, now, **more)

    monkeypatch.setattr(observing, "absorb", poisoned)
    keep(house.app, [house.raw(body(number)) for number in (12, 13, 14)])
    house.work()
    assert [row.state for row in house.rows("SELECT state FROM inbox ORDER BY id")] == ["processed", "new", "processed"]
    assert sorted(row.status for row in house.reports()) == ["sent", "sent"]


def test_a_look_that_fails_keeps_the_sweeper_from_nothing_else(house, monkeypatch):
    def broken(app):
        raise RuntimeError("a bug in recovery")

    monkeypatch.setattr(sweeping, "recover", broken)
    given = []

    class Heard:
        def observe(self):
            given.append("observe")

        def deliver(self):
            given.append("deliver")

    keep(house.app, [house.raw(body(1))])
    house.app.hints = Heard()
    Sweeper(house.app).look()
    assert given == ["observe"]


def test_two_connections_that_name_the_same_order_by_number_are_one(house):
    house.connect("wms", "standard")
    sent = parcel()
    sent = type(sent)(ref=type(sent.ref)(order_number="1001", tracking_number="4000"), as_of=sent.as_of,
                      dispatched_at=sent.dispatched_at)  # fmt: skip
    house.tell(sent, connection="wms")  # the warehouse is often first
    house.tell(order())
    house.work()
    assert house.rows("SELECT count(*) n FROM subject WHERE joined_into IS NULL")[0].n == 1
    assert [row.journey for row in house.reports(status="sent")] == ["shipped"]


class Slow(Middleware):
    """A broker's server that takes its time: sending a hint lasts until `go`."""

    def __init__(self) -> None:
        self.asked, self.go, self.sent = Event(), Event(), 0

    def before_enqueue(self, broker, message, delay):
        self.asked.set()
        assert self.go.wait(10)
        self.sent += 1


def test_a_broker_is_closed_when_nobody_speaks_to_it(house):
    slow = Slow()
    broker = make_broker("memory://")
    broker.add_middleware(slow)
    hints = BrokerHints(house.app, broker)
    sending = Thread(target=hints.observe)
    sending.start()
    assert slow.asked.wait(10)
    closing = Thread(target=hints.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    hints.deliver()  # comes too late: it is not sent, and not waited for
    slow.go.set()
    for thread in (closing, sending):
        thread.join(10)
    assert slow.sent == 1


def test_whoever_gives_a_hint_to_other_processes_does_not_wait_for_their_broker(tmp_path):
    house = House(tmp_path, broker_url="redis://127.0.0.1:1/0")
    slow = Slow()
    broker = make_broker("memory://")
    broker.add_middleware(slow)
    hints = BrokerHints(house.app, broker)
    hints.observe()
    assert slow.asked.wait(10)
    for _ in range(3):
        hints.observe()
        hints.deliver()
    assert slow.sent == 0  # its server has not answered yet
    slow.go.set()
    hints.close()
    assert slow.sent == 3  # the first; of those that were to leave yet, one of each kind
    house.close()


class Away(MemoryBroker):
    """A broker whose server says after a while that it takes nothing for the intake."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.asked, self.go, self.refused, self.sent = Event(), Event(), 0, 0

    def enqueue(self, message, *, delay=None):
        if message.queue_name != "intake":
            self.sent += 1
            return message
        self.asked.set()
        assert self.go.wait(10)
        self.refused += 1
        raise ConnectionError


def test_a_broker_that_is_away_is_not_asked_again_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(hints, "GATHERED", 0.0)
    house = House(tmp_path, broker_url="redis://127.0.0.1:1/0")
    away = Away()
    given = BrokerHints(house.app, away)
    given.observe()
    assert away.asked.wait(10)
    given.observe()  # while the first is under way
    away.go.set()
    for number in (1, 2):  # the second is due after what would be asked again at once
        given.deliver()
        until(lambda n=number: away.sent == n)
    assert away.refused == 1
    given.close()
    house.close()


def test_a_process_ends_though_its_broker_hangs(house):
    slow = Slow()
    crew = Crew(house.app)
    crew.start()
    crew._broker.add_middleware(slow)
    sending = Thread(target=house.app.hints.observe, daemon=True)
    sending.start()
    assert slow.asked.wait(10)
    crew.stop()
    assert slow.sent == 0
    slow.go.set()
    sending.join(10)
