"""T1: what goes into the inbox as the name of a delivery, and the commit that many deliveries share."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest

from engine.contracts import Verified
from engine.flow.accept import LONGEST_KEY, keep, raw_delivery
from engine.flow.intake import GROUP, NOTED, Intake
from engine.store import inbox, merchants
from engine.store.chute import Chute
from engine.store.inbox import Raw
from tests.flow.house import House
from tests.loops import run
from tests.services.cut import MOMENTS, Wire

TELL = "SELECT dedupe_key, state FROM inbox ORDER BY id"


@pytest.fixture
def house(database, tmp_path):
    made = House(tmp_path)
    yield made
    made.close()


def given(house: House, *raws: Raw) -> list[str]:
    """Hand deliveries to an intake at once; for each "stored" or the name of what went wrong."""

    async def put() -> Sequence[BaseException | None]:
        return await asyncio.gather(*(intake.put(raw) for raw in raws), return_exceptions=True)

    intake = Intake(house.app)
    told = run(put())
    intake.close()
    return ["stored" if one is None else type(one).__name__ for one in told]


def change(house: House, request: pytest.FixtureRequest, statement: str) -> None:
    """Do as the owner of the tables what the application may not."""
    url = house.app.store.engine.url
    if url.get_backend_name() == "postgresql":
        with psycopg.connect(request.getfixturevalue("postgres").url(url.database), autocommit=True) as conn:
            conn.execute(statement)
        return
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql(statement)


def test_a_name_of_any_length_fits_into_an_index(house):
    with house.app.store.read() as tx:
        shop = merchants.connection(tx, "shop")

    def key(told: str | None) -> str:
        return raw_delivery(house.app, shop, b"{}", {}, Verified(key=told)).dedupe_key

    assert key("evt_1") == "evt_1"
    long = "k" * LONGEST_KEY
    assert key(long) == long
    assert key(long + "a") == key(long + "a") != key(long + "b")
    assert len(key(long + "a")) == len(key(None)) == 64
    for told in (long, os.urandom(25_000).hex()):  # PostgreSQL packs what repeats itself
        assert len(keep(house.app, [raw_delivery(house.app, shop, b"{}", {}, Verified(key=told))])) == 1


def test_a_delivery_comes_back_as_it_went_in(house):
    raw = house.raw(b'{"\xe9": "\x00"}', topic="orders/create", headers={"x-one": "\xff"}, verified_by="bearer")
    raw = replace(raw, backfill=True)
    assert given(house, raw) == ["stored"]
    with house.app.store.read() as tx:
        (found,) = inbox.recent(tx)
    assert found == replace(raw, id=found.id)


def test_many_deliveries_at_once_share_commits_and_none_is_lost(house):
    raws = [house.raw(b"%d" % number) for number in range(GROUP + 137)]
    assert set(given(house, *raws, *reversed(raws))) == {"stored"}
    assert len(house.rows("SELECT id FROM inbox")) == len(raws)
    assert keep(house.app, raws[:3]) == set()


def test_the_same_delivery_twice_in_one_group_is_one_and_both_are_told(house):
    raw = house.raw(b"one")
    other = replace(raw, body=b"another body under the same name")
    assert given(house, raw, other, house.raw(b"two"), raw) == ["stored"] * 4
    with house.app.store.read() as tx:
        assert sorted(one.body for one in inbox.recent(tx)) == [b"one", b"two"]


def test_a_row_that_the_database_refuses_is_refused_alone(house):
    good = [house.raw(b"%d" % number) for number in range(5)]
    stranger = replace(house.raw(b"6"), connection="gone")
    broken = replace(house.raw(b"7"), topic="\ud800")
    nameless = replace(house.raw(b"8"), dedupe_key="\ud800")
    told = given(house, *good[:2], stranger, *good[2:4], broken, nameless, good[4])
    assert [one == "stored" for one in told] == [True, True, False, True, True, False, False, True]
    assert told[2] in {"IntegrityError", "ForeignKeyViolation"}
    assert [row.dedupe_key for row in house.rows(TELL)] == [raw.dedupe_key for raw in good]


def test_a_commit_that_fails_acknowledges_nobody_and_the_next_one_stands(house, request):
    change(house, request, "ALTER TABLE inbox RENAME TO hidden")
    raws = [house.raw(b"%d" % number) for number in range(50)]
    assert "stored" not in given(house, *raws)
    change(house, request, "ALTER TABLE hidden RENAME TO inbox")
    assert not house.rows("SELECT id FROM inbox")
    assert set(given(house, *raws)) == {"stored"}


def test_a_caller_who_has_gone_keeps_nobody_from_an_answer(house):
    async def leave() -> None:
        gone, stays = intake.put(house.raw(b"1")), intake.put(house.raw(b"2"))
        gone.cancel()
        await stays

    intake = Intake(house.app)
    run(leave())
    intake.close()
    assert len(house.rows("SELECT id FROM inbox")) == 2


def test_what_gathered_is_committed_when_the_intake_closes(house):
    async def put() -> None:
        done = [intake.put(house.raw(b"%d" % number)) for number in range(9)]
        intake.close()
        await asyncio.gather(*done)

    intake = Intake(house.app)
    run(put())
    assert len(house.rows("SELECT id FROM inbox")) == 9


def test_it_is_noted_now_and_then_that_a_connection_delivers(house):
    async def put(*raws: Raw) -> None:
        for raw in raws:
            await intake.put(raw)

    def heard() -> object:
        with house.app.store.read() as tx:
            return merchants.connection(tx, "shop").last_delivery_at

    intake = Intake(house.app)
    assert heard() is None
    run(put(house.raw(b"1"), house.raw(b"2")))
    first = house.clock.now()
    house.clock.advance(2 * NOTED)
    run(put(house.raw(b"3"), house.raw(b"4")))
    intake.close()
    assert heard() == house.clock.now() > first


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_line_that_is_cut_in_a_commit_costs_nobody_his_delivery(postgres, tmp_path, moment):
    wire = Wire(postgres.database().url)
    house = House(tmp_path, database_url=wire.url)
    chute = Chute(house.app.store)
    packed = [chute.pack(house.raw(b"%d" % number)) for number in range(8)]
    chute.put(packed[:4])
    wire.arm("INSERT INTO inbox", moment)
    chute.put(packed)  # the second time over a new connection
    chute.close()
    assert wire.cuts == 1
    assert len(house.rows("SELECT id FROM inbox")) == 8
    house.close()
    wire.close()
    postgres.drop()
