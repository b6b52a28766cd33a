"""What is asked every second reads a partial index, however many rows there are that wait for nothing."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from engine.store import calls, errands, facts, inbox, outbox, people, receipts, runs, stranded, turns, under_way
from engine.store.engines import server_url
from tests.flow.house import House
from tests.flow.orders import order
from tests.services.statements import statements

ROWS = 20_000
LEASE = timedelta(seconds=60)

# Of each kind many that are done or due much later. Their owner fills them in, past the row policies.
MANY = (
    """INSERT INTO message (public_id, merchant_id, subject_id, journey, digest, step, run_key, recipient, occurrence,
         event_key, anchor, template, purpose, status, planned_at, due_at, expires_at, fence, tries)
       SELECT 'm_' || n, merchant_id, subject_id, journey, digest, step, run_key, recipient, 'many:' || n, event_key,
         anchor, template, purpose, CASE WHEN n % 4 = 0 THEN 'planned' ELSE 'sent' END, planned_at,
         due_at + n * interval '1 minute', expires_at + interval '1 year', 0, 0
       FROM message, generate_series(1, :rows) n""",
    """INSERT INTO run (merchant_id, subject_id, journey, digest, key, event_type, event_key, anchor, position, state,
         sent, started_at, wake_at)
       SELECT merchant_id, subject_id, journey, digest, key || n, event_type, event_key, anchor, 0, 'active', 0,
         started_at, CASE WHEN n % 4 = 0 THEN started_at + n * interval '1 minute' END
       FROM (SELECT * FROM run LIMIT 1) one, generate_series(1, :rows) n""",
    """INSERT INTO inbox (connection_id, merchant_id, dedupe_key, verified_by, backfill, received_at, state, tries)
       SELECT connection_id, merchant_id, 'many:' || n, 'test', false, received_at,
         CASE WHEN n % 4 = 0 THEN 'new' ELSE 'processed' END, 0
       FROM inbox, generate_series(1, :rows) n""",
    """INSERT INTO subject (merchant_id, version, stage, updated_at)
       SELECT merchant_id, 1, CASE WHEN n % 4 = 0 THEN 'shipped' ELSE 'delivered' END,
         updated_at - n * interval '1 hour'
       FROM subject, generate_series(1, :rows) n""",
    """INSERT INTO errand (connection_id, kind, ref, merchant_id, due_at, tries, asked, latest_at, since, backfill,
         found)
       SELECT id, 'fetch', 'many:' || n, merchant_id, now() + n * interval '1 minute', 0, 1, now(), now(), false, 0
       FROM connection, generate_series(1, :rows) n WHERE id = 'shop'""",
    """INSERT INTO alarm (key, kind, about, values, opened_at, seen_at, closed_at, tell_at, tries)
       SELECT 'al_' || n, 'dead', 'many:' || n, '{}', now(), now(), now(),
         CASE WHEN n % 100 = 0 THEN now() + n * interval '1 minute' END, 0
       FROM generate_series(1, :rows) n""",
    """INSERT INTO hook (id, merchant_id, url, events, created_at, failures)
       SELECT 'hook_' || n, (SELECT min(id) FROM merchant), 'https://hooks.example.jp/', '[]', now(), 0
       FROM generate_series(1, 200) n""",
    """INSERT INTO hook_call (public_id, hook_id, merchant_id, subject_id, type, at, body, due_at, fence, tries, status)
       SELECT 'evt_' || n, 'hook_' || 1 + n % 200, (SELECT min(id) FROM merchant), n, 'order.paid', now(), '{}',
         CASE WHEN n % 4 = 0 THEN now() + n * interval '1 minute' END, 0, 0, 'waiting'
       FROM generate_series(1, :rows) n""",
    """INSERT INTO subject (merchant_id, version, email_index, phone_index, stage, updated_at)
       SELECT (SELECT min(id) FROM merchant), 0, md5('m' || n), CASE WHEN n % 2 = 0 THEN md5('p' || n) END, 'new',
         now()
       FROM generate_series(1, :rows) n""",
    """INSERT INTO ledger (merchant_id, subject_id, message_id, at, decision, "values")
       SELECT (SELECT min(id) FROM merchant), n, (SELECT min(id) FROM message), now(), 'delivered', '{}'
       FROM generate_series(1, :rows) n""",
)

ASKED = {
    "inbox.claim": (lambda tx, now, real: inbox.claim(tx, limit=100, lease=LEASE, now=real), {"inbox_waiting"}),
    "outbox.claim": (
        lambda tx, now, real: outbox.claim(tx, limit=100, lease=LEASE, now=now, real=real),
        {"message_due", "message_held"},
    ),
    "outbox.claim of a lane": (
        lambda tx, now, real: outbox.claim(tx, limit=100, lease=LEASE, now=now, real=real, lane=0),
        {"message_due", "message_held"},
    ),
    "outbox.claim of a merchant": (
        lambda tx, now, real: outbox.claim(tx, limit=100, lease=LEASE, now=now, real=real, lane=0, merchant=1),
        {"message_turn", "message_held"},
    ),
    "inbox.claim of a connection": (
        lambda tx, now, real: inbox.claim(tx, limit=100, lease=LEASE, now=real, connection="another"),
        {"inbox_turn"},
    ),
    "messages_few": (lambda tx, now, real: turns.messages_few(tx, now, real, 101), {"message_due", "message_held"}),
    "merchants_due": (lambda tx, now, real: turns.merchants_due(tx, 0, now, real), {"message_turn", "message_held"}),
    "deliveries_few": (lambda tx, now, real: turns.deliveries_few(tx, real, 101), {"inbox_waiting"}),
    "connections_waiting": (lambda tx, now, real: turns.connections_waiting(tx), {"inbox_turn"}),
    "wakeups_few": (lambda tx, now, real: turns.wakeups_few(tx, now, 101), {"run_wakeup"}),
    "merchants_waking": (lambda tx, now, real: turns.merchants_waking(tx, now), {"run_turn"}),
    "look": (
        lambda tx, now, real: turns.look(tx, now, real),
        {"inbox_waiting", "message_due", "message_held", "run_wakeup", "errand_due", "alarm_untold", "hook_call_due"},
    ),
    "errands_few": (lambda tx, now, real: turns.errands_few(tx, real, 2), {"errand_due"}),
    "connections_asked": (lambda tx, now, real: turns.connections_asked(tx, real), {"errand_turn"}),
    "errands.claim": (lambda tx, now, real: errands.claim(tx, real, real + LEASE), {"errand_due"}),
    "calls.claim": (
        lambda tx, now, real: calls.claim(tx, "hook_1", real=real, until=real + LEASE, limit=20),
        {"hook_call_due", "hook_call_order"},
    ),
    "stranded": (lambda tx, now, real: stranded.stranded(tx, real, 100), {"message_held"}),
    "under_way.silent_longest": (
        lambda tx, now, real: under_way.silent_longest(tx.of(1), now - timedelta(days=30), 0, now, 200),
        {"subject_recent"},
    ),
    "runs.due": (lambda tx, now, real: runs.due(tx, now, 100), {"run_wakeup"}),
    "facts.numbered": (lambda tx, now, real: facts.numbered(tx.of(1), ["1001", "1002"]), {"subject_number"}),
    "facts.names_of": (lambda tx, now, real: facts.names_of(tx.of(1), [7, 9]), {"alias_subject_id"}),
    "people.orders": (lambda tx, now, real: people.orders(tx.of(1), ["a", "b"]), {"subject_phone"}),
    "people.orders by mail": (
        lambda tx, now, real: tx.of(1).conn.execute(people.BY_EMAIL.limit(50), {"merchant": 1, "persons": ["a", "b"]}),
        {"subject_person"},
    ),
    "receipts.told": (lambda tx, now, real: receipts.told(tx.of(1), [7, 9]), {"ledger_subject"}),
    "runs.awake": (lambda tx, now, real: runs.awake(tx.of(1), [7, 9]), {"run_subject"}),
    "runs.next_wakeup": (lambda tx, now, real: runs.next_wakeup(tx), {"run_wakeup"}),
}


@pytest.fixture(scope="module")
def databases(tmp_path_factory, postgres):
    """One house on each database; one of those on PostgreSQL is full, the young one knows nothing of its tables yet."""
    made = postgres.database()
    houses = {}
    for name, url in (("postgres", made.url), ("young", postgres.database().url), ("sqlite", "")):
        houses[name] = House(tmp_path_factory.mktemp(name), database_url=url)
        houses[name].tell(order())
    admin = create_engine(server_url(made.admin))
    with admin.begin() as conn:
        for statement in MANY:
            conn.execute(text(statement), {"rows": ROWS})
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")
    admin.dispose()
    yield houses
    for house in houses.values():
        house.close()


@pytest.mark.parametrize(("index", "table"), [("message_turn", "message"), ("run_turn", "run")])
def test_a_merchant_costs_two_steps_however_much_is_planned_for_later(databases, index, table):
    house = databases["postgres"]
    ask = {"message": lambda tx, now: turns.merchants_due(tx, 0, now, now), "run": turns.merchants_waking}[table]
    with house.app.store.begin() as tx:
        with statements(house.app.store.engine) as said:
            assert len(ask(tx, house.clock.now())) <= 1
        sql, given = said[-1]
        explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)"
        plan = [row[0] for row in tx.conn.exec_driver_sql(f"{explain} {sql}", given)]
    read = [re.search(rf"using {index} .*actual rows=([\d.]+) loops=(\d+)", line) for line in plan]
    steps = [float(found[1]) * int(found[2]) for found in read if found]
    assert steps, plan
    assert sum(steps) <= 3, plan


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("database", ["postgres", "young", "sqlite"])
def test_a_partial_index_is_read(databases, database, asked):
    """The young one: its driver keeps the plan until PostgreSQL has counted the rows, a minute or so after a burst."""
    house, (ask, indexes) = databases[database], ASKED[asked]
    with statements(house.app.store.engine) as said, contextlib.suppress(Undo), house.app.store.begin() as tx:
        ask(tx, house.clock.now(), house.app.clock.real())
        raise Undo
    (sql, given), explain = said[-1], "EXPLAIN QUERY PLAN" if database == "sqlite" else "EXPLAIN (COSTS OFF)"
    with house.app.store.begin() as tx:
        plan = "\n".join(str(tuple(row)) for row in tx.conn.exec_driver_sql(f"{explain} {sql}", given))
    print(plan)
    assert {index for index in indexes if index not in plan} == set(), plan
    assert "Seq Scan on" not in plan
    assert "SCAN message\n" not in f"{plan}\n"


@pytest.mark.parametrize("database", ["postgres", "young"])
def test_an_order_is_found_by_its_id_however_few_its_merchant_has(databases, database):
    for ask in (facts.load, facts.versions):
        with databases[database].app.store.begin(1) as tx:
            with statements(databases[database].app.store.engine) as said:
                ask(tx, [7, 9])
            sql, given = said[-1]
            plan = "\n".join(row[0] for row in tx.conn.exec_driver_sql(f"EXPLAIN (COSTS OFF) {sql}", given))
        assert "subject_pkey" in plan, plan


class Undo(Exception):
    """Nothing of this is to stay."""
