"""What is asked for figures and alarms reads a partial index, however many rows there are that nobody asks about."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine, text

from engine.store import alarms, backlog, symptoms
from engine.store.engines import server_url
from tests.flow.house import House
from tests.flow.orders import order
from tests.postgres.test_plans import MANY, ROWS
from tests.services.statements import statements

TRIED = """INSERT INTO attempt (message_id, n, merchant_id, connection_id, fence, armed_at, outcome)
  SELECT id, n, merchant_id, 'mail', 1, due_at - n * interval '1 minute', 'accepted'
  FROM (SELECT * FROM message ORDER BY id LIMIT 1) one, generate_series(1, :rows) n"""


@pytest.fixture(scope="module")
def databases(tmp_path_factory, postgres):
    """One house on each database; the one on PostgreSQL is full, also of attempts from before anybody asks about."""
    made = postgres.database()
    houses = {}
    for name, url in (("postgres", made.url), ("sqlite", "")):
        houses[name] = House(tmp_path_factory.mktemp(name), database_url=url)
        houses[name].tell(order())
    admin = create_engine(server_url(made.admin))
    with admin.begin() as conn:
        for statement in (*MANY, TRIED):
            conn.execute(text(statement), {"rows": ROWS})
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")
    admin.dispose()
    yield houses
    for house in houses.values():
        house.close()


ASKED = {
    "waiting": (lambda tx, now: backlog.waiting(tx, now), {"message_turn", "inbox_waiting"}),
    "troubled": (lambda tx, now: backlog.troubled(tx), {"message_trouble"}),
    "runs_due": (lambda tx, now: backlog.runs_due(tx, now), {"run_wakeup"}),
    "open_alarms": (lambda tx, now: backlog.open_alarms(tx), set()),
    "symptoms.troubled": (lambda tx, now: symptoms.troubled(tx, now), {"message_trouble"}),
    "symptoms.unread": (lambda tx, now: symptoms.unread(tx, now), {"inbox_trouble"}),
    "symptoms.sent": (lambda tx, now: symptoms.sent(tx, now), {"attempt_recent"}),
    "untold": (lambda tx, now: alarms.any_untold(tx, now), set()),
}
WHOLE = re.compile(r"Seq Scan on (message|inbox|run|attempt)\b|SCAN (message|inbox|run|attempt)\b(?! USING)")


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("database", ["postgres", "sqlite"])
def test_a_partial_index_is_read(databases, database, asked):
    house, (ask, indexes) = databases[database], ASKED[asked]
    with statements(house.app.store.engine) as said, house.app.store.read() as tx:
        ask(tx, house.clock.now())
    explain = "EXPLAIN QUERY PLAN" if database == "sqlite" else "EXPLAIN (COSTS OFF)"
    with house.app.store.read() as tx:
        plan = "\n".join(
            str(tuple(row))
            for sql, given in said
            if sql.lstrip().startswith("SELECT") and "set_config" not in sql
            for row in tx.conn.exec_driver_sql(f"{explain} {sql}", given)
        )
    print(plan)
    assert {index for index in indexes if index not in plan} == set(), plan
    assert not WHOLE.search(plan), plan
