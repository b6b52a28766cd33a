"""Nobody hears the same twice from the shop and from us, and old news stays old, whatever is touched today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from engine.contracts import Ref, ScanSeen
from engine.store import merchants
from tests.flow.house import House
from tests.flow.orders import at, order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")
DAY = 24 * 60


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    one = House(tmp_path)
    one.connect("wms", "standard")
    one.connect("tracker", "standard")
    yield one
    one.close()


def declare(house: House, connection: str, **config: str) -> None:
    """The operator sets what the source itself writes about."""
    with house.app.store.begin() as tx:
        found = merchants.connection(tx, connection)
        assert found is not None
        merchants.reconnect(tx, replace(found, config={**found.config, **config}))


def sent(house: House) -> list[str]:
    house.work()
    return sorted(f"{one.journey}/{one.step}" for one in house.reports(status="sent"))


def unsent(house: House) -> set[str | None]:
    return {reason for decision, reason in house.why() if decision in {"suppressed", "not started"}}


def by_number(seen: Any) -> Any:
    """As a warehouse calls it: by the shop's number."""
    return structs.replace(seen, ref=structs.replace(seen.ref, order_id=None, order_number="1001"))


class TestTheSourceWritesItself:
    def test_what_a_shop_declares_is_left_to_it_whoever_tells_of_it(self, house: House) -> None:
        declare(house, "shop", notifies="shipment.dispatched")
        house.tell(order())
        assert sent(house) == ["order_confirmed/tell"]
        house.tell(by_number(parcel(2, dispatched_at=at(2))), connection="wms")
        house.later(minutes=5)
        assert sent(house) == ["order_confirmed/tell"]
        assert "the shop has written about shipment.dispatched itself" in unsent(house)
        house.tell(by_number(scan(3, "delivered")), connection="wms")
        assert sent(house) == ["delivered/tell", "order_confirmed/tell"], "what it does not declare is ours to tell"

    def test_a_parcel_of_a_warehouse_that_writes_is_told_by_it(self, house: House) -> None:
        declare(house, "wms", notifies="shipment.dispatched")
        house.tell(order())
        assert sent(house) == ["order_confirmed/tell"]
        house.tell(by_number(parcel()), connection="wms")
        assert sent(house) == ["order_confirmed/tell"]
        assert "the shop has written about shipment.dispatched itself" in unsent(house)

    def test_a_tracker_that_writes_about_deliveries_knows_no_order(self, house: House) -> None:
        declare(house, "tracker", notifies="shipment.delivered, shipment.delivery_failed")
        house.tell(order(), parcel())
        assert sent(house) == ["shipped/tell"]
        number = Ref(tracking_number="4000-1001-s1")
        for minute, status in ((1, "delivery_failed"), (2, "delivered")):
            house.tell(ScanSeen(ref=number, as_of=at(minute), status=status), connection="tracker")
        house.later(minutes=10)
        assert sent(house) == ["shipped/tell"]
        assert len(house.rows("SELECT 1 FROM observation WHERE connection_id = 'tracker' AND kind = 'order'")) == 1
        assert len(house.rows("SELECT 1 FROM subject WHERE joined_into IS NULL")) == 1

    def test_what_the_source_says_of_one_order_counts_without_any_setting(self, house: House) -> None:
        house.tell(order(source_notified=("order.confirmed",)), parcel(source_notified=True))
        assert sent(house) == []

    def test_nothing_is_left_out_unless_it_is_declared(self, house: House) -> None:
        declare(house, "shop", notifies="order.confirmed")
        house.tell(order(), parcel())
        assert sent(house) == ["shipped/tell"]


class TestOldNews:
    def test_a_bulk_edit_of_old_orders_releases_nothing(self, house: House) -> None:
        """Dated by their last change, as many systems date them: first heard of today."""
        for number in range(12):
            told = {"placed_at": at(-300 * DAY), "paid_at": at(-300 * DAY)}
            ended: dict[str, Any] = ({"cancelled_at": at(-1)}, {"payment": "refunded"}, {"on_hold": True})[number % 3]
            house.tell(order(-1, number=f"#{2000 + number}", **(told | ended)))
        house.later(minutes=30)
        assert house.reports() == []
        muted = {row.muted for row in house.rows("SELECT muted FROM event") if row.muted}
        assert muted == {"history: the order is old, and only its update has a date"}

    def test_the_same_edit_of_orders_that_are_known_changes_nothing(self, house: House) -> None:
        house.tell(order(), parcel())
        assert sent(house) == ["shipped/tell"]
        house.later(days=20)
        for again in range(3):
            house.tell(order(20 * DAY + again), parcel(20 * DAY + again, dispatched_at=at(-3)))
        house.later(minutes=30)
        assert [name for name in sent(house) if not name.startswith(("review", "reorder"))] == ["shipped/tell"]

    def test_a_known_order_that_is_cancelled_late_is_news(self, house: House) -> None:
        house.tell(order())
        assert sent(house) == ["order_confirmed/tell"]
        house.later(days=20)
        late = 20 * DAY
        house.tell(order(late, cancelled_at=at(late)))
        assert "order_cancelled/tell" in sent(house)

    def test_a_recovery_brings_what_happened_meanwhile_and_tells_only_what_is_new(self, house: House) -> None:
        """A tracker that was away for five days sends all of it at once."""
        house.tell(order(), parcel())
        assert sent(house) == ["shipped/tell"]
        house.clock.advance(timedelta(days=5))
        meanwhile = [scan(DAY, "in_transit"), scan(DAY + 60, "delivery_failed"), scan(DAY + 90, "delivered")]
        house.tell(*meanwhile)
        house.later(minutes=30)
        assert [name for name in sent(house) if name.startswith("deliver")] == []
        assert "too old when it was heard of" in unsent(house)

    def test_an_order_that_was_missed_and_is_found_in_time_is_told(self, house: House) -> None:
        house.clock.advance(timedelta(hours=5))
        house.tell(order(), parcel())
        assert sent(house) == ["shipped/tell"]

    def test_an_old_order_of_which_only_the_dispatch_is_new_is_told(self, house: House) -> None:
        """A pre-order: first heard of when it leaves, long after it was placed. Its dispatch has a date."""
        house.tell(order(-1, placed_at=at(-60 * DAY), paid_at=at(-60 * DAY)), parcel(-1))
        assert sent(house) == ["shipped/tell"]


def test_what_is_added_is_the_same_however_often_it_is_added(house: House) -> None:
    declare(house, "wms", notifies="order.confirmed,shipment.dispatched")
    house.tell(order())
    for minute in (1, 2, 3):
        house.tell(by_number(parcel(minute, dispatched_at=at(1))), connection="wms")
    rows = house.rows("SELECT kind FROM observation WHERE connection_id = 'wms'")
    assert [row.kind for row in rows].count("order") == 1
