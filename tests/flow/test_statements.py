"""Statements for many values and many rows say the same as those for one, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import UTC

import pytest
from sqlalchemy import bindparam, column, insert, select, table
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from engine.store import driver, people
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.engines import RESTED
from engine.store.sealed import Vault
from engine.store.session import Store
from engine.store.tables import ALIAS, MERCHANT, PAUSE
from tests.flow.house import KEY, House
from tests.flow.orders import order

NAMES = ["plain", 'it\'s "quoted"', "髙橋①", "back\\slash", "{brace, in}", "100%", ""]
ADD = Bulk(insert(ALIAS))
FOUND = select(ALIAS.c.name).where(among(ALIAS.c.name, "names"))
ASKED = Query(FOUND)
MERCHANTS = select(MERCHANT).where(MERCHANT.c.id == bindparam("number"))


@pytest.fixture
def house(tmp_path, database):
    made = House(tmp_path)
    made.tell(order())
    yield made
    made.close()


def named(house: House, names: list[str]) -> set[str]:
    with house.app.store.read(house.merchant.id) as tx:
        found = set(tx.conn.execute(FOUND, {"names": names}).scalars())
        assert set(ASKED.firsts(tx, names=names)) == found
        return found


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


def test_rows_are_those_that_sqlalchemy_gives(house):
    with house.app.store.read(house.merchant.id) as tx:
        given = {"number": house.merchant.id}
        row, theirs = Query(MERCHANTS).one(tx, **given), tx.conn.execute(MERCHANTS, given).one()
        assert row == tuple(theirs)
        assert row._asdict() == dict(theirs._mapping)
        assert row.created_at.tzinfo is UTC
        with pytest.raises(ValueError, match="unpack"):
            Query(MERCHANTS).one(tx, number=0)
        with pytest.raises(TypeError, match="number"):
            Query(MERCHANTS)(tx)


def test_errors_are_those_that_sqlalchemy_tells(house):
    row = {"merchant_id": house.merchant.id, "name": "twice", "subject_id": 1}
    for rows in ([row, row], [{**row, "subject_id": None}]):
        with house.app.store.begin(house.merchant.id) as tx, pytest.raises(IntegrityError):
            ADD(tx, rows)
    with house.app.store.read(house.merchant.id) as tx, pytest.raises(DBAPIError, match="nothing_here"):
        Query(select(column("name")).select_from(table("nothing_here")))(tx)


@pytest.mark.parametrize("rests", [0.0, RESTED * 1.5], ids=["just used", "rested"])
def test_a_connection_that_the_server_has_closed_is_never_used_again(postgres, rests):
    store = Store(postgres.database().url, Vault([KEY]))
    mine = "SELECT pg_backend_pid()"
    with store.read() as tx:
        (gone,) = driver.fetched(tx.conn, mine)[0]
    postgres.execute(f"SELECT pg_terminate_backend({gone})")
    time.sleep(rests)
    if not rests:  # the first to meet it is told; whoever may be tried again is
        with pytest.raises(OperationalError) as told, store.read() as tx:
            driver.fetched(tx.conn, mine)
        assert told.value.connection_invalidated
    with store.read() as tx:
        assert driver.fetched(tx.conn, mine) != [(gone,)]
    store.close()


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
