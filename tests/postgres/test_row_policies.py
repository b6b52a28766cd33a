"""Row-level security: what a connection sees is what its transaction says it is about, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from engine.flow.unsubscribe import unsubscribe
from engine.model.merchant import MerchantSettings
from engine.model.preference import Preference
from engine.rules.alarm import Alarm
from engine.rules.errand import Errand
from engine.store import access, accounts, alarms, backlog, consents, endpoints, errands, hooks, people, runs, unmapped
from engine.store.engines import server_url
from engine.store.migrate import unguarded
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan

MINE = "SELECT table_name FROM information_schema.columns WHERE column_name = 'merchant_id' AND table_schema = 'public'"
HIDDEN = {"alias", "consent", "endpoint", "event", "journeyswitch", "ledger", "observation", "subject", "suppression"}


@pytest.fixture
def house(tmp_path, postgres_url):
    """Two merchants, each with a row in every table."""
    made = House(tmp_path, database_url=postgres_url)
    sora = made.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
    made.connect("sora", "standard", merchant=sora)
    made.connect("box", "mailbox", role="channel", merchant=sora)
    source_of = {"hana": "shop", "sora": "sora"}
    with made.app.store.begin() as tx:
        for owner in (made.merchant, sora):
            given = {"url": "https://hooks.example.jp/", "events": (), "secret": hooks.new_secret()}
            hooks.add(tx, merchant=owner.id, real=made.app.clock.real(), **given)
    for owner, source in ((made.merchant, "shop"), (sora, "sora")):
        told = [order(), parcel(), scan(-1, "delivered")]
        made.tell(*told, connection=source, merchant=owner)
        made.work()
        with made.app.store.begin() as tx:
            people.pause(tx, merchant=owner.id, journey="reorder", reason="not yet", now=made.clock.now())
            access.add_key(tx, f"key of {owner.slug}", name=owner.slug, merchant=owner.id, now=made.clock.now())
        with made.app.store.begin(owner.id) as tx:
            accounts.lock(tx, {f"mail of {owner.slug}": owner.id})
            runs.switch(tx, "shipped", True, made.clock.now())
            real = made.app.clock.real()
            errands.plan(tx, [Errand(connection=source_of[owner.slug], kind="poll", merchant=owner.id, latest_at=real,
                                     since=real)])  # fmt: skip
            endpoints.link(tx, "line", f"U{owner.id}", [f"person {owner.id}"], made.clock.now())
            consents.choose(tx, [f"person {owner.id}"], Preference(locale="en"), made.clock.now())
            unmapped.count(tx, source_of[owner.slug], owner.id, [("somewhere", True)], made.clock.now())
    made.later(days=8)
    for owner in (made.merchant, sora):
        with made.app.store.read(owner.id) as tx:
            (asked,) = tx.conn.execute(text("SELECT * FROM message WHERE journey = 'review_request'"))
        link = people.Link(kind="unsubscribe", merchant=owner.id, subject=asked.subject_id, message=asked.id)
        unsubscribe(made.app, link)
    with made.app.store.begin() as tx:
        people.pause(tx, merchant=None, journey="reorder", reason="nobody yet", now=made.clock.now())
        told = [Alarm("dead", f"{owner.slug}/shipped", owner.id, {"count": 1}) for owner in (made.merchant, sora)]
        alarms.keep(tx, told, made.app.clock.real(), told_elsewhere=False)
    yield made
    made.close()


@pytest.fixture
def tables(postgres_database):
    """The tables that hold merchants' rows, as the database itself tells."""
    engine = create_engine(server_url(postgres_database.owner))
    with engine.connect() as conn:
        found = set(conn.execute(text(MINE)).scalars())
    engine.dispose()
    assert len(found) >= 16
    return found


def seen(tx, table: str) -> int:
    return tx.conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def test_every_merchants_table_is_guarded_even_from_its_owner(house, tables, postgres_database):
    with house.app.store.read() as tx:
        guarded = tx.conn.exec_driver_sql("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        assert set(guarded.scalars()) == tables | {"merchant"}
        owners = tx.conn.exec_driver_sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert list(owners.scalars()) == ["todoke_owner"]
        assert tx.conn.exec_driver_sql("SELECT current_user").scalar_one() == "todoke_app"
    assert not unguarded(house.app.store.engine)
    for url in (postgres_database.owner, postgres_database.url):
        engine = create_engine(server_url(url))
        with engine.connect() as conn:
            counts = {table: conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in tables}
        engine.dispose()
        assert set(counts.values()) == {0}, "rows are seen by a connection that has said nothing"


def test_a_merchant_sees_rows_of_its_own_and_of_nobody_else(house, tables):
    first = house.merchant.id
    for merchant in (first, first + 1):
        for table in sorted(tables):
            with house.app.store.read(merchant) as tx:
                query = f"SELECT DISTINCT merchant_id FROM {table} ORDER BY 1 NULLS LAST"
                owners = list(tx.conn.exec_driver_sql(query).scalars())
            shared = [None] if table == "pause" else []
            assert owners == [merchant, *shared], table
        with house.app.store.read(merchant) as tx:
            assert list(tx.conn.exec_driver_sql("SELECT id FROM merchant").scalars()) == [merchant]


def test_one_transaction_that_goes_from_merchant_to_merchant_sees_each_ones_rows(house):
    first = house.merchant.id
    with house.app.store.read() as tx:
        assert seen(tx, "subject") == 0
        one, other = tx.of(first), tx.of(first + 1)
        for bound, merchant in ((one, first), (other, first + 1), (one, first)):
            assert list(bound.conn.exec_driver_sql("SELECT merchant_id FROM subject").scalars()) == [merchant]
        assert seen(tx, "subject") == 0


def test_a_merchant_cannot_write_rows_of_another(house):
    stolen, other = text("INSERT INTO alias SELECT :other, 'stolen', max(id) FROM subject"), house.merchant.id + 1
    with pytest.raises(DBAPIError, match="row-level security"), house.app.store.begin(house.merchant.id) as tx:
        tx.conn.execute(stolen, {"other": other})
    with house.app.store.begin(house.merchant.id) as tx:
        theirs = text("UPDATE message SET reason = 'x' WHERE merchant_id <> :mine")
        assert tx.conn.execute(theirs, {"mine": house.merchant.id}).rowcount == 0
        assert tx.conn.exec_driver_sql("DELETE FROM pause WHERE merchant_id IS NULL").rowcount == 0


def test_the_installation_sees_only_what_it_hands_out(house, tables):
    house.tell(order(number="#1002"))
    with house.app.store.read() as tx:
        empty = {table for table in tables if not seen(tx, table)}
        assert empty >= HIDDEN
        statuses = set(tx.conn.exec_driver_sql("SELECT status FROM message").scalars())
        assert statuses == {"planned"}
    with pytest.raises(DBAPIError, match="row-level security"), house.app.store.begin() as tx:
        tx.conn.exec_driver_sql(
            "INSERT INTO subject (merchant_id, version, stage, updated_at) VALUES (1, 0, 'x', now())"
        )


def test_settings_end_with_their_transaction(house):
    engine = house.app.store.engine
    with house.app.store.read(house.merchant.id) as tx:
        assert seen(tx, "subject") == 1
    with engine.connect() as conn:  # the same connection out of the pool
        assert conn.exec_driver_sql("SELECT count(*) FROM subject").scalar_one() == 0


@pytest.mark.parametrize("statement", ["UPDATE ledger SET decision = 'x'", "DELETE FROM ledger", "DELETE FROM consent",
                                       "UPDATE alembic_version SET version_num = '0'", "DROP TABLE pause"])  # fmt: skip
def test_the_application_cannot_rewrite_history_or_the_schema(house, statement):
    refused = pytest.raises(DBAPIError, match=r"permission denied|must be owner")
    with refused, house.app.store.begin(house.merchant.id) as tx:
        tx.conn.exec_driver_sql(statement)


def test_the_schema_of_both_databases_is_the_same(house, tmp_path):
    other = House(tmp_path / "sqlite")
    here, there = (inspect(one.app.store.engine) for one in (house, other))
    assert set(here.get_table_names()) == set(there.get_table_names())
    for table in here.get_table_names():
        assert {c["name"] for c in here.get_columns(table)} == {c["name"] for c in there.get_columns(table)}, table
        assert {i["name"] for i in here.get_indexes(table)} >= {i["name"] for i in there.get_indexes(table)}, table
    other.close()


def test_a_merchant_reads_its_own_alarms_and_the_installation_counts_what_is_in_trouble(house):
    with house.app.store.begin(house.merchant.id) as tx:
        dead = tx.conn.exec_driver_sql("UPDATE message SET status = 'dead'").rowcount
        assert [one.about for one in alarms.listed(tx)] == ["hana/shipped"]
    with house.app.store.read() as tx:
        assert {one.about for one in alarms.listed(tx)} == {"hana/shipped", "sora/shipped"}
        assert backlog.troubled(tx) == {"unknown": 0, "dead": dead}
        assert dead > 0
    with house.app.store.begin() as tx:  # it may count them, and nothing else
        assert tx.conn.exec_driver_sql("UPDATE message SET status = 'sent' WHERE status = 'dead'").rowcount == 0


def test_the_operators_account_is_everybodys_and_a_merchants_is_its_own(house):
    for number in (house.merchant.id, house.merchant.id + 1):
        with house.app.store.begin(number) as tx:
            known = accounts.lock(tx, {"of the operator": None})["of the operator"]
            tried = replace(known.account, tries=known.account.tries + 1)
            accounts.save(tx, "of the operator", replace(known, account=tried))
            accounts.save(tx, "mail of sora", replace(known, account=replace(tried, held_reason=f"by {number}")))
    with house.app.store.read() as tx:
        found = accounts.read(tx, ["of the operator", "mail of sora", "mail of hana"])
    assert found["of the operator"].account.tries == 2
    assert found["mail of sora"].account.held_reason == f"by {house.merchant.id + 1}"
    assert found["mail of hana"].account.held_reason is None
    with pytest.raises(DBAPIError, match="row-level security"), house.app.store.begin(house.merchant.id) as tx:
        accounts.lock(tx, {"stolen": house.merchant.id + 1})
