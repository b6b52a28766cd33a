"""Statements for many values and many rows say the same as those for one, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from sqlalchemy import bindparam, column, insert, select, table
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from engine.store import driver, ledger, messages, people
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.engines import RESTED
from engine.store.ledger import Entry
from engine.store.messages import Planned
from engine.store.sealed import Vault
from engine.store.session import Store
from engine.store.tables import ALIAS, LEDGER, MERCHANT, MESSAGE, PAUSE, TOKEN
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


def test_many_rows_arrive_as_they_were_given(house):
    """Light rows of PostgreSQL travel together, rows with many bytes one by one."""
    moment = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=ZoneInfo("Asia/Tokyo"))
    with house.app.store.read(house.merchant.id) as tx:
        (message,) = tx.conn.execute(select(MESSAGE)).all()
    always = {
        "kind": "track", "merchant_id": message.merchant_id, "subject_id": message.subject_id, "message_id": message.id,
        "created_at": moment, "expires_at": moment + timedelta(days=7),
    }  # fmt: skip
    tokens = [
        {**always, "hash": f"hash {n}", "sealed_target": target}
        for n, target in enumerate([None, b"", bytes(range(100)), b"\\x00'\"", bytes(range(256)) * 40])
    ]
    read = Query(select(TOKEN).where(among(TOKEN.c.hash, "hashes")).order_by(TOKEN.c.hash))
    with house.app.store.begin(house.merchant.id) as tx:
        people.ADD_LINKS(tx, tokens[:4])
        people.ADD_LINKS(tx, tokens[4:])
        found = read(tx, hashes=[token["hash"] for token in tokens])
        assert [{name: row._asdict()[name] for name in tokens[0]} for row in found] == tokens
        with pytest.raises(ValueError, match="time zone"):
            people.ADD_LINKS(tx, [{**tokens[0], "hash": "naive", "created_at": datetime(2026, 11, 22)}])  # noqa: DTZ001


def test_json_arrives_as_it_was_given(house):
    told = [{"text": NAMES, "none": None, "large": 2**70, "nested": {"a": [1.5, True]}}, {}]
    with house.app.store.begin(house.merchant.id) as tx:
        (subject,) = tx.conn.execute(select(ALIAS.c.subject_id).distinct()).scalars()
        ledger.note(tx, [Entry(subject=subject, at=house.clock.now(), decision="noted", values=one) for one in told])
        kept = select(LEDGER.c["values"]).where(LEDGER.c.decision == "noted").order_by(LEDGER.c.id)
        assert tx.conn.execute(kept).scalars().all() == told


def test_a_message_that_is_planned_twice_at_once_is_one_message_at_the_later_plan(house):
    with house.app.store.begin(house.merchant.id) as tx:
        (row,) = tx.conn.execute(select(MESSAGE))
        given = {name: getattr(row, name) for name in Planned.__struct_fields__ if hasattr(row, name)}
        one = Planned(**given, subject=row.subject_id, run=row.run_id, return_=row.return_key)
        later = replace(one, due_at=one.due_at + timedelta(hours=3))
        messages.plan(tx, [one, later], house.clock.now())
        assert [row.due_at for row in tx.conn.execute(select(MESSAGE))] == [later.due_at]
