"""On SQLite, which keeps no statistics, no statement of an order's way reads all rows of its merchant."""

from __future__ import annotations

import re

from tests.flow.house import House
from tests.flow.orders import order, parcel, scan
from tests.services.statements import statements

GROWS = ("alias", "attempt", "event", "inbox", "ledger", "message", "observation", "run", "subject", "token")
# Without a name behind it the index is one that gives rows in order, and the statement stops at its limit.
WHOLE = re.compile(rf"SCAN ({'|'.join(GROWS)})$|SEARCH ({'|'.join(GROWS)}) .*\(merchant_id=\?\)$")


def test_no_statement_reads_all_that_a_merchant_has(tmp_path):
    house = House(tmp_path)
    with statements(house.app.store.engine) as executed:
        for told in (order(), parcel(), scan(0, "delivered")):
            house.tell(told)
            house.work()
        house.later(days=8)
        house.tell(order(1, cancelled_at=house.clock.now()))
        house.work()
    said, found = dict(reversed(executed)), []
    with house.app.store.begin() as tx:
        for sql, given in said.items():
            if not sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            plan = [row[3] for row in tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)]
            found += [(line, sql) for line in plan if WHOLE.match(line)]
    house.close()
    assert len(said) > 40
    assert found == []
