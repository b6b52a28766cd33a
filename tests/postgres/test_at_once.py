"""Several workers at the same moment, on rows that PostgreSQL locks one by one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from starlette.testclient import TestClient

from engine.contracts import Ref, ShipmentSeen
from engine.flow.accept import keep
from engine.flow.observe import observe
from engine.store import inbox, outbox
from engine.store.session import Contended
from engine.web.app import make_app
from tests.flow.house import House
from tests.flow.orders import at, order, parcel

LEASE = timedelta(seconds=60)


@pytest.fixture
def house(tmp_path, postgres_url):
    made = House(tmp_path, database_url=postgres_url, batch=1)
    yield made
    made.close()


def stored(house: House, seen: object, connection: str = "shop") -> None:
    keep(house.app, [house.raw(msgspec.json.encode([seen]), connection)])


def all_at_once(work, times: int) -> list:
    gate = threading.Barrier(times)

    def run():
        gate.wait()
        return work()

    with ThreadPoolExecutor(times) as pool:
        return [one.result() for one in [pool.submit(run) for _ in range(times)]]


def test_two_feeds_that_tell_a_new_order_at_the_same_moment_make_one_order(house):
    house.connect("wms", "standard")
    for n in range(1, 25):
        number = f"#{1000 + n}"
        stored(house, order(number=number))
        ref = Ref(order_id=f"W{n}", order_number=number, shipment_id=f"w{n}")
        stored(house, ShipmentSeen(ref=ref, as_of=at(-1), dispatched_at=at(-1), carrier="yamato"), "wms")
    while any(all_at_once(lambda: observe(house.app), 6)):
        pass
    assert [row[0] for row in house.rows("SELECT DISTINCT state FROM inbox")] == ["processed"]
    assert house.rows("SELECT count(*) AS n FROM subject")[0].n == 24
    assert house.rows("SELECT count(*) AS n FROM message WHERE journey = 'shipped'")[0].n == 24


def test_one_new_order_told_by_many_deliveries_is_one_order(house):
    for minute in range(12):
        stored(house, order(minutes=-20 + minute))
        stored(house, parcel(minutes=-3, name=f"p{minute}"))
    while any(all_at_once(lambda: observe(house.app), 6)):
        pass
    assert [row[0] for row in house.rows("SELECT DISTINCT state FROM inbox")] == ["processed"]
    assert house.rows("SELECT count(*) AS n FROM subject")[0].n == 1
    assert house.rows("SELECT max(tries) AS n FROM inbox")[0].n == 1, "a delivery waited for its lease to run out"
    keys = [row.run_key for row in house.rows("SELECT run_key FROM message WHERE journey = 'shipped'")]
    assert sorted(keys) == sorted(f"shipment/p{n}" for n in range(12))


def test_claims_share_the_rows_and_none_waits_for_another(house):
    for n in range(40):
        stored(house, order(number=f"#{n + 1}"))
    now = house.app.clock.real()
    with house.app.store.begin() as first, house.app.store.begin() as second:
        one = inbox.claim(first, limit=15, lease=LEASE, now=now)
        other = inbox.claim(second, limit=15, lease=LEASE, now=now)
    assert (len(one), len(other)) == (15, 15)
    assert not {raw.id for raw in one} & {raw.id for raw in other}
    assert [raw.id for raw in one] == sorted(raw.id for raw in one)
    with house.app.store.begin() as tx:
        inbox.finish(tx, [raw.id for raw in (*one, *other)], "new", None, now)
    house.observe()
    clocks = {"now": house.app.clock.now(), "real": now}
    with house.app.store.begin() as first, house.app.store.begin() as second:
        mine = {row.id for row in outbox.claim(first, limit=25, lease=LEASE, **clocks)}
        theirs = {row.id for row in outbox.claim(second, limit=25, lease=LEASE, **clocks)}
    assert (len(mine), len(theirs), mine & theirs) == (25, 15, set())


def test_a_deadlock_is_tried_again(house):
    for n in (1, 2):
        house.tell(order(number=f"#{n}"))
    first, second = (row.id for row in house.rows("SELECT id FROM subject ORDER BY id"))
    met, runs = threading.Barrier(2), []

    def crossing(mine: int, other: int) -> None:
        tries = []

        def work(tx):
            tries.append(mine)
            tx.conn.exec_driver_sql(f"UPDATE subject SET version = version + 1 WHERE id = {mine}")
            if len(tries) == 1:
                met.wait(5)
            tx.conn.exec_driver_sql(f"UPDATE subject SET version = version + 1 WHERE id = {other}")

        house.app.store.commit(work, house.merchant.id)
        runs.append(len(tries))

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(crossing, first, second), pool.submit(crossing, second, first)]:
            one.result()
    assert sorted(runs) == [1, 2]
    assert {row.version for row in house.rows("SELECT version FROM subject")} == {3}


def test_what_is_always_in_the_way_is_given_up(house):
    tries = []

    def work(tx):
        tries.append(tx)
        raise Contended("always")

    with pytest.raises(Contended):
        house.app.store.commit(work)
    assert len(tries) == 6


def test_a_text_that_postgresql_cannot_hold_is_refused_with_a_reason(house):
    bad = msgspec.json.encode([order()]).replace(b'"#1001"', b'"#1001\\u0000"')
    keep(house.app, [house.raw(bad)])
    house.observe()
    (end,) = house.rows("SELECT state, reason FROM inbox")
    assert (end.state, end.reason) == ("dead", "unreadable: the body holds a NUL character")
    with TestClient(make_app(house.app)) as web:
        assert web.post("/in/%00", content=b"{}").status_code == 404
