"""What WooCommerce's statuses mean to us, beyond the golden cases."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.sources.woocommerce import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, Verified

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PAID = {"date_paid_gmt": "2026-11-20T10:00:00"}


def reading(body: Any, topic: str | None = "order.updated", **config: str) -> Any:
    sent = json.dumps(body).encode()
    return SOURCE.read(Delivery(body=sent, headers={}, received_at=NOW, topic=topic, config=config))


def order(**changes: Any) -> Any:
    return {"id": 9, "number": "9", "date_modified_gmt": "2026-11-20T11:00:00", "line_items": [], **changes}


def seen(**changes: Any) -> OrderSeen:
    return reading(order(**changes)).observations[0]


def parcels(**changes: Any) -> Any:
    return {one.ref.shipment_id: one for one in reading(order(**changes)).observations[1:]}


@pytest.mark.parametrize(
    ("status", "paid", "expected"),
    [
        ("pending", {}, ("pending", False, False)),
        ("on-hold", {}, ("pending", True, False)),  # waits for a bank transfer
        ("on-hold", PAID, ("paid", True, True)),  # somebody has stopped a paid order
        ("processing", PAID, ("paid", True, False)),
        ("wc-processing", PAID, ("paid", True, False)),
        ("processing", {}, ("paid", True, False)),  # cash on delivery
        ("failed", {}, ("failed", None, False)),
        ("refunded", PAID, ("refunded", None, False)),
        ("wait-call", {}, (None, None, None)),
        ("wait-call", PAID, ("paid", None, None)),
    ],
)
def test_a_status_speaks_of_money_stock_and_hold(status: str, paid: dict[str, str], expected: object) -> None:
    found = seen(status=status, **paid)
    assert (found.payment, found.allocated, found.on_hold) == expected


def test_times_without_zone_are_utc_under_gmt_and_the_shops_own_otherwise() -> None:
    assert seen(date_created_gmt="2026-11-20T10:00:00").placed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert seen(date_created="2026-11-20T19:00:00").placed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    berlin = reading(order(date_created="2026-11-20T11:00:00"), timezone="Europe/Berlin").observations[0]
    assert berlin.placed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_a_number_added_after_completion_belongs_to_the_same_parcel() -> None:
    done = {"status": "completed", "date_completed_gmt": "2026-11-20T10:30:00"}
    before = parcels(**done)
    after = parcels(**done, shipment_trackings=[{"tracking_number": "A1", "tracking_provider": "UPS"}])
    assert before.keys() == after.keys() == {"9"}
    assert before["9"].dispatched_at == after["9"].dispatched_at == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert after["9"].ref.tracking_number == "A1"


def test_a_second_number_is_a_second_parcel_and_completion_adds_none() -> None:
    items = [{"tracking_number": "A1", "tracking_id": "a"}, {"tracking_number": "B2", "tracking_id": "b"}]
    meta = [{"key": "_wc_shipment_tracking_items", "value": items}]
    assert [one.siblings for one in parcels(status="processing", meta_data=meta).values()] == [None, None]
    done = parcels(status="completed", meta_data=meta)
    assert list(done) == ["9", "9-b"]
    assert [one.siblings for one in done.values()] == [2, 2]


def test_a_processing_order_without_numbers_has_no_parcel() -> None:
    assert parcels(status="processing") == {}


def test_a_refund_keeps_the_goods_unless_nothing_was_sent() -> None:
    refunds = [{"id": 3, "total": "-1200.00", "reason": "缶のへこみ"}]
    done = reading(order(status="completed", currency="JPY", refunds=refunds)).observations[-1]
    assert (done.goods, done.amount.amount) == ("kept", "1200.00")
    never = reading(order(status="refunded", currency="JPY", refunds=refunds)).observations[-1]
    assert never.goods == "cancelled"
    sent = order(status="refunded", date_completed_gmt="2026-11-20T10:30:00", currency="JPY", refunds=refunds)
    assert [getattr(one, "goods", None) for one in reading(sent).observations] == [None, None, "kept"]


def test_prices_are_shown_with_tax_where_the_shop_shows_them_so() -> None:
    item = {"id": 1, "name": "茶", "quantity": 3, "total": "1000", "total_tax": "80", "price": 333.3333}
    (with_tax,) = seen(line_items=[item], prices_include_tax=True, currency="JPY").lines or ()
    (without,) = seen(line_items=[item], prices_include_tax=False, currency="JPY").lines or ()
    assert with_tax.price is not None
    assert with_tax.price.amount == "360"
    assert without.price is not None
    assert without.price.amount == "333.3333"


def test_an_order_of_downloads_has_nothing_that_travels() -> None:
    item = {"id": 1, "name": "編み図（PDF）", "quantity": 1}
    told = [{"needs_processing": False}, {"needs_processing": True}, {}]  # older versions do not say
    assert [one.ships for says in told for one in seen(line_items=[item], **says).lines or ()] == [False, True, True]


def test_what_the_customer_fetches_does_not_travel() -> None:
    def ships(*methods: str) -> bool:
        lines = [{"id": number, "method_id": method} for number, method in enumerate(methods)]
        (found,) = seen(line_items=[{"id": 1, "name": "茶", "quantity": 1}], shipping_lines=lines).lines or ()
        return found.ships

    assert not ships("local_pickup")
    assert not ships("pickup_location")
    assert ships("flat_rate")
    assert ships("local_pickup", "flat_rate")
    assert ships()


@pytest.mark.parametrize(
    ("day", "left"),
    [
        ("1795219200", "2026-11-21T00:00:00+00:00"),  # the day of the snapshot, as its first moment in UTC
        ("1795305600", "2026-11-21T23:30:00+00:00"),  # the day in Japan, 22 November: still ahead in UTC
        ("1795392000", None),  # the day after: a plan
        ("2026-11-22", "2026-11-21T15:00:00+00:00"),
        ("2026-11-23", None),
    ],
)
def test_a_day_of_dispatch_that_is_still_to_come_is_a_plan(day: str, left: str | None) -> None:
    items = [{"tracking_number": "A1", "date_shipped": day}]
    told = parcels(status="processing", date_modified_gmt="2026-11-21T23:30:00", shipment_trackings=items)
    assert told["9"].dispatched_at == (left and datetime.fromisoformat(left))


def test_a_ping_is_acknowledged_and_nothing_like_it_is() -> None:
    def verdict(body: bytes, **headers: str) -> Verified | Refused:
        return SOURCE.verify(Delivery(body=body, headers=headers, received_at=NOW), ["a secret"], NOW)

    assert verdict(b"webhook_id=3") == Verified(by="nothing", ignore="ping")
    assert isinstance(verdict(b"webhook_id=3&id=4"), Refused)
    assert isinstance(verdict(b'{"id":4}'), Refused)
    assert isinstance(verdict(b"webhook_id=3", **{"x-wc-webhook-topic": "order.updated"}), Refused)


def test_recorded_payloads_of_the_vendor_are_read(shared_payloads: Path) -> None:
    files = sorted((shared_payloads / "woocommerce").glob("*.json"))
    assert files
    for file in files:
        if "not_active" not in file.stem:
            read = SOURCE.read(Delivery(body=file.read_bytes(), headers={}, received_at=NOW))
            assert read.observations
            assert read.unmapped == ()


LINES = [{"id": 7, "quantity": 2}, {"id": 8, "quantity": 1}]
NUMBERS = [{"tracking_number": "A1", "tracking_id": "a"}, {"tracking_number": "B2", "tracking_id": "b"}]


def held(**changes: Any) -> Any:
    found = parcels(line_items=LINES, **changes).values()
    return [one.contents and {packed.line_id: packed.quantity for packed in one.contents} for one in found]


def test_parcels_of_an_order_sent_in_part_count_as_holding_nothing_until_it_has_left_as_a_whole() -> None:
    assert held(status="partial-shipped", shipment_trackings=NUMBERS) == [(), ()]
    assert held(status="completed", shipment_trackings=NUMBERS) == [{"7": 2, "8": 1}, ()]
    assert held(status="completed", shipment_trackings=NUMBERS[:1]) == [{"7": 2, "8": 1}]
    assert held(status="processing", shipment_trackings=NUMBERS) == [None, None]  # nobody says whether that is all


def test_what_an_extension_lists_is_in_the_parcel() -> None:
    listed = [{"product": "31", "item_id": "7", "qty": "1"}]
    first, second = {**NUMBERS[0], "products_list": listed}, {**NUMBERS[1], "products_list": json.dumps(listed)}
    assert held(status="partial-shipped", shipment_trackings=[first]) == [{"7": 1}]
    assert held(status="completed", shipment_trackings=[first, NUMBERS[1]]) == [{"7": 1}, {"7": 1, "8": 1}]
    assert held(status="processing", shipment_trackings=[first, second]) == [{"7": 1}, {"7": 1}]
    odd = {**NUMBERS[0], "products_list": "{"}
    assert held(status="processing", shipment_trackings=[odd]) == [None]


def test_a_page_of_orders_is_read() -> None:
    page = reading([order(status="processing"), order(id=10, status="failed"), {"status": "processing"}], None)
    assert [one.ref.order_id for one in page.observations] == ["9", "10"]
    assert [row.number for row in page.bad_rows] == [3]
    assert reading([], "order.updated").ignored
