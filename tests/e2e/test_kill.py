"""500 orders go through an installation that is killed again and again: nothing lost, nothing twice."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.e2e.installation import Installation, standard
from tests.e2e.sink import Sink

ORDERS = 500
KILLS = 5
LINES = [{"id": "a", "name": "湯呑", "quantity": 1}]


def paid(number: int, at: datetime) -> bytes:
    return json.dumps({
        "kind": "order", "ref": {"order_id": f"o{number}", "order_number": f"#{number}"}, "as_of": at.isoformat(),
        "placed_at": at.isoformat(), "payment": "paid", "lines": LINES,
        "orderer": {"name": "髙橋 直子", "email": f"naoko{number}@example.com"},
    }).encode()  # fmt: skip


def shipped(number: int, at: datetime) -> bytes:
    at += timedelta(minutes=1)
    return json.dumps({
        "kind": "shipment", "ref": {"order_id": f"o{number}", "shipment_id": f"s{number}"}, "as_of": at.isoformat(),
        "dispatched_at": at.isoformat(), "carrier": "yamato",
    }).encode()  # fmt: skip


class Sender:
    """A shop that sends its webhooks again until they are taken, as shops do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_connections=16))
        self.stop = threading.Event()

    def send(self, number: str, body: bytes) -> None:
        while not self.stop.is_set():
            try:
                answer = self.http.post(self.url, content=body, headers=standard(number, body))
                if answer.is_success:
                    return
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                time.sleep(0.05)


@pytest.mark.timeout(170)
def test_nothing_is_lost_and_nothing_leaves_twice(tmp_path, record_property):
    chance = random.Random(20260408)
    with Sink() as sink:
        here = Installation(tmp_path / "home", lease_seconds=3, send_seconds=1, sweep_seconds=0.2, log_level="ERROR")
        here.todoke("merchant", "add", "hana", "--name", "花と器", "--from-email", "shop@hana.example")
        here.todoke("connect", "smtp", "--merchant", "hana", "--set", f"url=smtp://{sink.place}", "--json")
        sender = Sender(here.url + here.connect("standard"))
        start = datetime.now(UTC) - timedelta(minutes=10)
        kills = 0
        try:
            with ThreadPoolExecutor(12) as pool:
                here.start()
                sent = [pool.submit(sender.send, f"p{n}", paid(n, start)) for n in range(ORDERS)]
                sent += [pool.submit(sender.send, f"s{n}", shipped(n, start)) for n in range(ORDERS)]
                while kills < KILLS:
                    time.sleep(chance.uniform(0.1, 1.5))
                    here.kill()
                    kills += 1
                    here.start()
                for one in sent:
                    one.result()
            here.quiet()
        finally:
            sender.stop.set()
            here.stop()
        check(here, sink, kills, record_property)


def check(here: Installation, sink: Sink, kills: int, record_property) -> None:
    messages = here.rows("SELECT public_id || '@hana.example', status, reason, journey FROM message")
    by_status = {status: {m[0] for m in messages if m[1] == status} for status in {m[1] for m in messages}}
    left = set(sink.accepted)
    double = {number: times for number, times in sink.accepted.items() if times > 1}
    numbers = {
        "kills": kills, "messages": len(messages), "accepted": len(left), "double": len(double),
        **{status: len(found) for status, found in by_status.items()},
    }  # fmt: skip
    print(numbers)
    record_property("numbers", numbers)
    assert here.rows("SELECT state, count(*) FROM inbox GROUP BY state") == [("processed", 2 * ORDERS)]
    assert here.rows("SELECT count(*) FROM subject WHERE joined_into IS NULL") == [(ORDERS,)]
    assert here.rows("SELECT count(*) FROM event WHERE type = 'order.confirmed'") == [(ORDERS,)]
    assert here.rows("SELECT count(*) FROM event WHERE type = 'shipment.dispatched'") == [(ORDERS,)]
    assert double == {}
    assert by_status.get("sent", set()) <= left, "a message is called sent that nobody has had"
    assert left <= by_status["sent"] | by_status.get("unknown", set()), "a message has left and nobody knows"
    # An order whose parcel was heard of before its confirmation had left needs no confirmation any more.
    assert {m[1] for m in messages} <= {"sent", "unknown", "cancelled"}
    assert all(reason for _, status, reason, _ in messages if status != "sent")
    assert len([m for m in messages if m[3] == "shipped" and m[1] in {"sent", "unknown"}]) == ORDERS
    listed = {one["id"] for one in here.messages(state="unknown")}
    assert {f"{number}@hana.example" for number in listed} == by_status.get("unknown", set())
