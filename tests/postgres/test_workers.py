"""Four worker processes on one PostgreSQL, killed at random: nothing lost, nothing twice, doubts listed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.flow.accept import keep
from tests.e2e.installation import TODOKE, until
from tests.e2e.sink import Sink
from tests.e2e.test_kill import paid, shipped
from tests.flow.house import KEY, House

ORDERS = 300
WORKERS = 4
KILLS = 8


class Shift:
    """Worker processes on the database of a house; a killed one is replaced at once."""

    def __init__(self, home: Path, url: str) -> None:
        limits = {"lease_seconds": 3, "send_seconds": 1, "sweep_seconds": 0.2, "batch": 20, "log_level": "WARNING"}
        mine = {f"TODOKE_{name.upper()}": str(value) for name, value in limits.items()}
        mine |= {"TODOKE_HOME": str(home), "TODOKE_DATABASE_URL": url, "TODOKE_SECRET_KEYS": b64encode(KEY).decode()}
        self.env = {**os.environ, **mine}
        self.log = home / "workers.log"
        self.working: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.working.append(subprocess.Popen([TODOKE, "worker"], env=self.env, stdout=log, stderr=log))

    def kill(self, one: subprocess.Popen[bytes]) -> None:
        self.working.remove(one)
        one.send_signal(signal.SIGKILL)
        one.wait()

    def stop(self) -> list[int]:
        """Ask all to stop, and what they answered."""
        for one in self.working:
            one.terminate()
        return [one.wait(30) for one in self.working]


def busy(house: House) -> int:
    with house.app.store.read() as tx:
        waiting = "SELECT (SELECT count(*) FROM inbox WHERE state = 'new') + (SELECT count(*) FROM message)"
        return tx.conn.exec_driver_sql(waiting).scalar_one()  # the installation sees messages that are open only


@pytest.mark.timeout(110)
def test_workers_that_are_killed_lose_nothing_and_send_nothing_twice(tmp_path, postgres_url, record_property):
    chance = random.Random(20260408)
    start = datetime.now(UTC) - timedelta(minutes=10)
    house = House(tmp_path, database_url=postgres_url, start=start + timedelta(minutes=10))
    with Sink() as sink:
        house.connect("post", "smtp", role="channel", secrets={"url": (f"smtp://{sink.place}",)})
        told = [make(number, start) for number in range(ORDERS) for make in (paid, shipped)]
        chance.shuffle(told)
        keep(house.app, [house.raw(body) for body in told])
        shift = Shift(tmp_path, postgres_url)
        try:
            for _ in range(WORKERS):
                shift.start()
            until(lambda: sink.accepted, "the first mail")
            for _ in range(KILLS):
                shift.kill(chance.choice(shift.working))
                shift.start()
                time.sleep(chance.uniform(0.05, 0.5))
            until(lambda: not busy(house), "everything to end", seconds=60)
        finally:
            ended = shift.stop()
        check(house, sink, record_property)
    assert set(ended) == {0}, shift.log.read_text()
    assert "Traceback" not in shift.log.read_text()
    house.close()


def check(house: House, sink: Sink, record_property) -> None:
    rows = house.rows("SELECT public_id || '@hana.example' AS id, status, reason, journey FROM message")
    by_status: dict[str, set[str]] = {}
    for row in rows:
        by_status.setdefault(row.status, set()).add(row.id)
    left = set(sink.accepted)
    numbers = {"messages": len(rows), "accepted": len(left), **{name: len(ids) for name, ids in by_status.items()}}
    print(numbers)
    record_property("numbers", numbers)
    assert {number: times for number, times in sink.accepted.items() if times > 1} == {}
    assert set(by_status) <= {"sent", "unknown", "cancelled"}
    sent, unknown = by_status["sent"], by_status.get("unknown", set())
    assert sent <= left, "a message is called sent that nobody has had"
    assert left <= sent | unknown, "a message has left and nobody knows"
    assert all(row.reason for row in rows if row.status != "sent")
    assert len([row for row in rows if row.journey == "shipped" and row.status in {"sent", "unknown"}]) == ORDERS
    counts = "SELECT count(*) FILTER (WHERE joined_into IS NULL) AS one, count(*) AS every FROM subject"
    assert [tuple(row) for row in house.rows(counts)] == [(ORDERS, ORDERS)]
    events = "SELECT type, count(*) FROM event WHERE type IN ('order.confirmed', 'shipment.dispatched') GROUP BY type"
    assert {row[0]: row[1] for row in house.rows(events)} == {"order.confirmed": ORDERS, "shipment.dispatched": ORDERS}
    assert [tuple(row) for row in house.rows("SELECT DISTINCT state FROM inbox")] == [("processed",)]
