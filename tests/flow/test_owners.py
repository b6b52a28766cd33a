"""One connection, many goods owners: an unknown one waits visibly; nothing is lost or doubled when it is assigned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.flow.accept import keep
from engine.flow.assign import assign
from engine.flow.observe import observe
from engine.model.merchant import Merchant, MerchantSettings
from engine.store import inbox, merchants, strays
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from tests.flow.house import House
from tests.flow.orders import order

pytestmark = pytest.mark.usefixtures("database")
HEADER = "荷主ID,受注番号,受注日,出荷日,送り状番号,配送業者,注文者メールアドレス\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    one = House(tmp_path)
    sora = one.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
    one.connect("mail-sora", "mailbox", role="channel", merchant=sora)
    shared = Connection(
        id="wms",
        merchant=None,
        connector="csv",
        role="source",
        name="wms",
        config={"route": "yes", "route.0120": "hana"},
    )
    with one.app.store.begin() as tx:
        merchants.connect(tx, shared, one.clock.now())
    yield one
    one.close()


def row(owner: str, number: str) -> str:
    digits = "".join(char for char in number if char.isdigit()).rjust(4, "0")
    return f"{owner},{number},2026/04/07 10:00,2026/04/08 09:00,40123456{digits},ヤマト,n{digits}@customer.example\n"


def deliver(house: House, *rows: str, connection: str = "wms", body: bytes | None = None) -> None:
    raw = Raw(
        connection=connection, merchant=None, dedupe_key=f"{connection}-{rows}", topic=None, headers={},
        body=body if body is not None else (HEADER + "".join(rows)).encode(), received_at=house.clock.now(),
        verified_by="test",
    )  # fmt: skip
    keep(house.app, [raw])
    while observe(house.app):
        pass


def deliveries(house: House, connection: str = "wms") -> list[tuple[str, str | None]]:
    with house.app.store.read() as tx:
        return [(raw.state, raw.reason) for raw in reversed(inbox.recent(tx, connection=connection))]


def waiting(house: House) -> dict[str, int]:
    with house.app.store.read() as tx:
        return strays.counts(tx).get("wms", {})


def merchant(house: House, slug: str) -> Merchant:
    with house.app.store.read() as tx:
        found = merchants.by_slug(tx, slug)
    assert found is not None
    return found


def orders(house: House, slug: str) -> int:
    with house.app.store.read(merchant(house, slug).id) as tx:
        return len(list(tx.conn.exec_driver_sql(f"SELECT 1 FROM subject WHERE merchant_id = {tx.merchant}")))


def test_an_unknown_owner_parks_the_delivery_and_is_named(house):
    deliver(house, row("0007", "B-1"))
    ((state, reason),) = deliveries(house)
    assert state == "parked"
    assert reason == "unknown goods owner 0007; type: todoke connections assign wms 0007 MERCHANT"
    deliver(house, row("0007", "B-2"), row("0008", "C-1"))
    assert "unknown goods owners 0007, 0008; type: todoke connections assign wms 0007" in (
        deliveries(house)[1][1] or ""
    )
    assert waiting(house) == {"0007": 2, "0008": 1}


def test_assigning_an_owner_takes_in_what_waited_for_it_once_and_for_all(house):
    deliver(house, row("0120", "A-1"), row("0007", "B-1"))
    assert (orders(house, "hana"), orders(house, "sora")) == (1, 0), "what is known of is not held up"
    house.work()
    told = [one.subject for one in house.reports(status="sent")]
    assert len(told) == 1
    deliver(house, row("0007", "B-2"))
    assert assign(house.app, "wms", "0007", "sora") == 2
    while observe(house.app):
        pass
    house.work()
    assert [state for state, _ in deliveries(house)] == ["processed", "processed"]
    assert (orders(house, "hana"), orders(house, "sora")) == (1, 2)
    assert waiting(house) == {}
    assert [one.subject for one in house.reports(status="sent")] == told, "A-1 was told once"
    assert len(house.mails()) == 3
    deliver(house, row("0007", "B-3"))
    assert deliveries(house)[-1][0] == "processed"


def test_what_waits_for_several_goes_on_waiting_for_the_others(house):
    deliver(house, row("0007", "B-1"), row("0008", "C-1"))
    assert assign(house.app, "wms", "0007", "sora") == 1
    while observe(house.app):
        pass
    assert orders(house, "sora") == 1
    assert waiting(house) == {"0008": 1}
    assert assign(house.app, "wms", "0008", "hana") == 1
    while observe(house.app):
        pass
    assert (orders(house, "sora"), orders(house, "hana"), waiting(house)) == (1, 1, {})


def test_bad_rows_are_told_beside_the_owner(house):
    deliver(house, row("0007", "B-1"), "0120,A-9\n")
    assert "(1 lines left out: line 3" in (deliveries(house)[0][1] or "")


def test_what_cannot_be_assigned_changes_nothing(house):
    deliver(house, row("0007", "B-1"))
    for connection, owner, slug in (("none", "0007", "sora"), ("wms", "0007", "nobody"), ("wms", " ", "sora")):
        assert assign(house.app, connection, owner, slug) is None
    assert assign(house.app, "wms", "0099", "sora") == 0
    assert waiting(house) == {"0007": 1}
    assert deliveries(house)[0][0] == "parked"


def test_a_replay_of_everything_notes_owners_anew(house):
    deliver(house, row("0007", "B-1"))
    with house.app.store.begin() as tx:
        assert inbox.reopen(tx, connection="wms") == 1
    assert waiting(house) == {}
    while observe(house.app):
        pass
    assert waiting(house) == {"0007": 1}


def test_a_delivery_that_does_not_say_whose_it_is_waits_rather_than_vanishing(house):
    with house.app.store.begin() as tx:
        shared = Connection(id="all", merchant=None, connector="standard", role="source", name="all")
        merchants.connect(tx, shared, house.clock.now())
    deliver(house, connection="all", body=msgspec.json.encode([order()]))
    ((state, reason),) = deliveries(house, "all")
    assert (state, "does not say whose it is" in (reason or "")) == ("parked", True)
