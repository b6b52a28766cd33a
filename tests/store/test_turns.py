"""Who waits is found by steps in an index, however much each of them has: also on SQLite, whose plans do not say at
which of two lower bounds a step begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from engine.store import turns
from engine.store.session import Tx
from tests.flow.house import House
from tests.flow.orders import order

MORE = 2_000
NEW = {"id": "1000 + n", "public_id": "'c' || n"}
COPIED = {
    "inbox": NEW | {"dedupe_key": "'c' || n", "state": "'new'"},
    "message": NEW | {"occurrence": "'c' || n"},
    "run": NEW | {"key": "'c' || n", "wake_at": "started_at"},
}
ASKED: dict[str, tuple[str, Callable[[Tx, datetime], Any]]] = {
    "connections_waiting": ("inbox", lambda tx, now: turns.connections_waiting(tx)),
    "deliveries_few": ("inbox", lambda tx, now: turns.deliveries_few(tx, now, 2)),
    "merchants_due": ("message", lambda tx, now: turns.merchants_due(tx, 0, now, now)),
    "messages_few": ("message", lambda tx, now: turns.messages_few(tx, now, now, 2)),
    "merchants_waking": ("run", turns.merchants_waking),
    "wakeups_few": ("run", lambda tx, now: turns.wakeups_few(tx, now, 2)),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("turns"))
    made.tell(order())
    for table in COPIED:
        copies(made, table, first=1, until=3)
    yield made
    made.close()


def copies(house: House, table: str, first: int, until: int) -> None:
    """Make that many of the table's first row, and all of them wait."""
    told = COPIED[table]
    columns = [row.name for row in house.rows(f"SELECT name FROM pragma_table_info('{table}')")]
    values = ", ".join(told.get(column, column) for column in columns)
    counted = f"WITH RECURSIVE c(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM c WHERE n + 1 < {until})"
    with house.app.store.begin() as tx:
        into = f"INSERT INTO {table} ({', '.join(columns)})"
        tx.conn.execute(text(f"{into} {counted} SELECT {values} FROM c, (SELECT * FROM {table} ORDER BY id LIMIT 1)"))


def steps(house: House, ask: Callable[[Tx, datetime], Any]) -> int:
    """How many instructions SQLite needs to find those who wait."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with house.app.store.begin() as tx:
        driver: Any = tx.conn.connection.driver_connection
        driver.set_progress_handler(count, 1)
        try:
            assert ask(tx, house.clock.now())
        finally:
            driver.set_progress_handler(None, 1)
    return taken


@pytest.mark.parametrize("asked", ASKED)
def test_who_waits_is_found_by_as_many_steps_however_much_waits(house, asked):
    table, ask = ASKED[asked]
    few = steps(house, ask)
    (count,) = (row.n for row in house.rows(f"SELECT count(*) AS n FROM {table}"))
    copies(house, table, first=count + 10, until=count + 10 + MORE)
    assert steps(house, ask) <= few + 20
