"""Statements for many values and many rows say the same as those for one, on both databases."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import insert, select

from engine.store import people
from engine.store.among import among
from engine.store.compiled import Bulk
from engine.store.tables import ALIAS, PAUSE
from tests.flow.house import House
from tests.flow.orders import order

NAMES = ["plain", 'it\'s "quoted"', "髙橋①", "back\\slash", "{brace, in}", "100%", ""]
ADD = Bulk(insert(ALIAS))
FOUND = select(ALIAS.c.name).where(among(ALIAS.c.name, "names"))


@pytest.fixture
def house(tmp_path, database):
    made = House(tmp_path)
    made.tell(order())
    yield made
    made.close()


def named(house: House, names: list[str]) -> set[str]:
    with house.app.store.read(house.merchant.id) as tx:
        return set(tx.conn.execute(FOUND, {"names": names}).scalars())


def test_every_value_is_found_and_no_other(house):
    with house.app.store.begin(house.merchant.id) as tx:
        (subject,) = tx.conn.execute(select(ALIAS.c.subject_id).distinct()).scalars()
        ADD(tx, [{"merchant_id": tx.merchant, "name": name, "subject_id": subject} for name in NAMES])
        ADD(tx, [])
    assert named(house, NAMES) == set(NAMES)
    assert named(house, [*NAMES[:3], "nobody"]) == set(NAMES[:3])
    assert named(house, []) == set()


def test_the_text_does_not_depend_on_how_many_are_asked_for(house):
    with house.app.store.read(house.merchant.id) as tx:
        texts = {
            str(tx.conn.execute(FOUND, {"names": NAMES[:count]}).context.compiled)  # type: ignore[union-attr]
            for count in (0, 1, 5)
        }
    assert len(texts) == 1


def test_a_pause_waits_for_an_arming_and_an_arming_for_a_pause(house):
    """On SQLite there is one writer. On PostgreSQL nothing but the gate makes them wait for each other."""
    store, merchant = house.app.store, house.merchant.id
    done: list[str] = []

    def pause() -> None:
        with store.begin() as tx:
            people.pause(tx, merchant=merchant, journey=None, reason="stop", now=house.clock.now())
        done.append("paused")

    with store.begin(merchant) as arming:
        arming.pass_gate()
        other = threading.Thread(target=pause)
        other.start()
        other.join(0.5)
        done.append("armed")
        assert not arming.conn.execute(select(PAUSE.c.id)).all()
    other.join(10)
    assert done == ["armed", "paused"]
