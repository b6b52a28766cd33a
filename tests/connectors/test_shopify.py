"""What Shopify's words mean to us, beyond the golden cases."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.sources.shopify import SOURCE
from engine.contracts import (
    Delivery,
    OrderSeen,
    Refused,
    ReturnSeen,
    ScanSeen,
    ShipmentSeen,
    Unreadable,
    Verified,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def reading(topic: str | None, body: Any) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic))


def order(**changes: Any) -> OrderSeen:
    body = {"id": 1, "name": "#1001", "updated_at": "2026-11-20T10:00:00+09:00", "line_items": [], **changes}
    return reading("orders/updated", body).observations[0]


def line(**changes: Any) -> Any:
    return {"id": 7, "title": "茶", "quantity": 4, "current_quantity": 4, "price": "100", **changes}


def refunded(units: int, restock: str) -> Any:
    return {"id": 9, "refund_line_items": [{"line_item_id": 7, "quantity": units, "restock_type": restock}]}


def cancelled_units(**changes: Any) -> Any:
    (found,) = order(**changes).lines or ()
    return found.cancelled


def fulfillment(**changes: Any) -> list[Any]:
    times = {"created_at": "2026-11-20T10:00:00+09:00", "updated_at": "2026-11-20T11:00:00+09:00"}
    body = {"id": 5, "order_id": 1, "status": "success", "tracking_numbers": ["A1"], **times, **changes}
    return list(reading("fulfillments/update", body).observations)


@pytest.mark.parametrize(
    ("financial", "ours"),
    [
        ("paid", "paid"),
        ("PAID", "paid"),
        ("partially_paid", "pending"),
        ("expired", "voided"),
        (None, None),
        ("new", None),
    ],
)
def test_payment_follows_the_financial_status(financial: str | None, ours: str | None) -> None:
    assert order(financial_status=financial).payment == ours


def test_the_moment_of_payment_is_told_only_by_the_topic_of_payment() -> None:
    body = {"id": 1, "financial_status": "paid", "line_items": [], "updated_at": "2026-11-20T10:00:00+09:00"}
    assert reading("orders/updated", body).observations[0].paid_at is None
    assert reading("orders/paid", body).observations[0].paid_at == datetime(2026, 11, 20, 1, tzinfo=UTC)
    unpaid = {**body, "financial_status": "pending"}  # the topic is not signed: the body has to agree
    assert reading("orders/paid", unpaid).observations[0].paid_at is None


@pytest.mark.parametrize(
    ("gateways", "payment"),
    [(["代金引換"], "paid"), (["Cash on Delivery (COD)"], "paid"), (["銀行振込"], "pending"),
     (["gift_card", "代金引換"], "pending"), ([], "pending")],
)  # fmt: skip
def test_cash_on_delivery_counts_as_paid(gateways: list[str], payment: str) -> None:
    assert order(financial_status="pending", payment_gateway_names=gateways).payment == payment


@pytest.mark.parametrize(
    ("confirmed", "status", "allocated"),
    [
        (True, None, True),
        (False, None, False),
        (None, None, None),
        (False, "partial", True),
        (False, "fulfilled", True),
    ],
)
def test_stock_is_reserved_when_confirmed_or_sent(confirmed: object, status: object, allocated: object) -> None:
    assert order(confirmed=confirmed, fulfillment_status=status).allocated is allocated


def test_units_removed_before_dispatch_are_cancelled() -> None:
    assert cancelled_units(line_items=[line(current_quantity=3)]) == 1
    assert cancelled_units(line_items=[line(current_quantity=2)], refunds=[refunded(2, "cancel")]) == 2
    assert (
        cancelled_units(line_items=[line(current_quantity=4)], refunds=[refunded(2, "cancel")]) == 2
    )  # not counted down


def test_returned_units_are_not_cancelled() -> None:
    assert cancelled_units(line_items=[line(current_quantity=3)], refunds=[refunded(1, "return")]) == 0


def test_units_refunded_without_restocking_are_kept_once_sent_and_cancelled_before() -> None:
    sent = [{"id": 5, "status": "success", "line_items": [{"id": 7, "quantity": 4}]}]
    changes = {"line_items": [line(current_quantity=3)], "refunds": [refunded(1, "no_restock")]}
    assert cancelled_units(**changes, fulfillments=sent) == 0
    assert cancelled_units(**changes) == 1


def test_a_later_second_number_does_not_rename_the_first_parcel() -> None:
    before = [one.ref.shipment_id for one in fulfillment()]
    after = [(one.ref.shipment_id, one.ref.tracking_number) for one in fulfillment(tracking_numbers=["A1", "B2"])]
    assert before == ["5"]
    assert after == [("5", "A1"), ("5-2", "B2")]


def test_the_first_of_several_parcels_counts_as_holding_all_of_the_fulfilment() -> None:
    items = [{"id": 7, "quantity": 2}]
    assert [one.contents[0].quantity for one in fulfillment(line_items=items)] == [2]
    (packed,), nothing = [one.contents for one in fulfillment(line_items=items, tracking_numbers=["A1", "B2"])]
    assert (packed.quantity, nothing) == (2, ())  # and not what is still to be sent


def test_pages_and_notices_of_the_rest_api_are_read() -> None:
    one = {"id": 1, "name": "#1001", "financial_status": "paid", "line_items": []}
    page = reading("", {"orders": [one, {**one, "id": 2}, {"name": "#0"}]})
    assert [seen.ref.order_id for seen in page.observations] == ["1", "2"]
    assert [row.number for row in page.bad_rows] == [3]
    (told,) = reading("", {"notice": "Order has been canceled", "order": one}).observations
    assert told.ref.order_number == "#1001"
    sent = {"id": 5, "order_id": 1, "status": "success", "tracking_numbers": []}
    (parcel,) = reading("", {"fulfillments": [sent]}).observations
    assert parcel.ref.shipment_id == "5"
    assert reading("", {"orders": []}).ignored


def test_pages_of_graphql_are_read() -> None:
    one = {"id": "gid://shopify/Order/1", "name": "#1001", "displayFinancialStatus": "PAID"}
    for orders in ({"nodes": [one]}, {"edges": [{"cursor": "a", "node": one}], "pageInfo": {"hasNextPage": False}}):
        (seen,) = reading("", {"data": {"orders": orders}, "extensions": {"cost": {}}}).observations
        assert (seen.ref.order_id, seen.payment) == ("1", "paid")


def test_the_total_is_not_raised_by_refunds_that_the_current_total_does_not_follow() -> None:
    def total(current: str, items: list[dict[str, Any]]) -> str:
        paid = {"kind": "refund", "status": "success", "amount": "20.00", "currency": "USD"}
        back = {"id": 9, "refund_line_items": items, "transactions": [paid]}
        body = {"id": 1, "financial_status": "paid", "line_items": [], "currency": "USD", "total_price": "100.00",
                "current_total_price": current, "refunds": [back]}  # fmt: skip
        return str(reading("orders/updated", body).observations[0].total.amount)

    half = [{"line_item_id": 7, "quantity": 1, "subtotal": 45.5, "total_tax": "4.50"}]
    assert total("100.00", []) == "100.00"
    assert total("50.00", half) == "100.00"  # less was paid back than the articles were worth
    assert total("60.00", []) == "80.00"  # an edit took 20.00 off


@pytest.mark.parametrize(
    ("status", "left", "gone"),
    [("success", True, False), ("pending", False, False), ("open", False, False), ("error", False, False),
     ("failure", False, False), ("cancelled", False, True), (None, False, False)],
)  # fmt: skip
def test_only_success_is_a_dispatch(status: str | None, left: bool, gone: bool) -> None:
    (one,) = fulfillment(status=status)
    assert (one.dispatched_at is not None, one.cancelled_at is not None) == (left, gone)


def test_a_snapshot_never_invents_a_second_attempt() -> None:
    event = {"fulfillment_id": 5, "status": "attempted_delivery", "happened_at": "2026-11-20T10:00:00+09:00"}
    (scan,) = reading("fulfillment_events/create", event).observations
    assert scan.status == "delivery_failed"
    snapshot = fulfillment(shipment_status="attempted_delivery")
    assert [type(one) for one in snapshot] == [ShipmentSeen]
    assert [type(one) for one in fulfillment(shipment_status="delivered")] == [ShipmentSeen, ScanSeen]


def test_the_total_follows_edits_and_ignores_refunds() -> None:
    def total(**changes: Any) -> str | None:
        prices = {"currency": "JPY", "total_price": "1000", "current_total_price": "1000", **changes}
        found = order(**prices).total
        return found and found.amount

    back = [{"id": 3, "transactions": [{"kind": "refund", "status": "success", "amount": "400", "currency": "JPY"}]}]
    assert total() == "1000"
    assert total(current_total_price="1300") == "1300"  # an article was added
    assert total(current_total_price="600", refunds=back) == "1000"
    assert total(current_total_price="0", cancelled_at="2026-11-20T10:00:00+09:00") == "1000"


def test_money_is_back_only_when_a_transaction_says_so() -> None:
    def refund(*statuses: str) -> ReturnSeen:
        done = [{"kind": "refund", "status": one, "amount": "50", "currency": "JPY"} for one in statuses]
        body = {
            "id": 3,
            "order_id": 1,
            "created_at": "2026-11-20T10:00:00+09:00",
            "refund_line_items": [],
            "transactions": done,
        }
        return reading("refunds/create", body).observations[0]

    assert refund().refunded_at is None
    assert refund("pending").refunded_at is None
    assert refund("failure", "error").amount is None
    both = refund("success", "success")
    assert both.refunded_at is not None
    assert both.amount is not None
    assert both.amount.amount == "100"


def test_either_spelling_of_the_headers_is_read_and_the_shop_has_to_fit() -> None:
    body, secret = b'{"id":1}', "a secret"
    sign = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()

    def verdict(prefix: str, shop: str) -> Verified | Refused:
        headers = {f"{prefix}hmac-sha256": sign, f"{prefix}webhook-id": "w1", f"{prefix}topic": "orders/paid",
                   f"{prefix}shop-domain": shop}  # fmt: skip
        config = {"shop": "mine.myshopify.com"}
        return SOURCE.verify(Delivery(body=body, headers=headers, received_at=NOW, config=config), [secret], NOW)

    for prefix in ("x-shopify-", "shopify-"):
        assert verdict(prefix, "mine.myshopify.com") == Verified(key="w1", topic="orders/paid")
        assert isinstance(verdict(prefix, "other.myshopify.com"), Refused)


def test_what_is_carried_out_of_the_shop_does_not_travel() -> None:
    till = {"source_name": "pos", "line_items": [line()], "shipping_lines": [], "shipping_address": None}
    sent_on = [{"shipping_address": {"city": "京都市"}}, {"shipping_lines": [{"id": 1}]}, {"source_name": "web"}]
    assert [one.ships for one in order(**till).lines or ()] == [False]
    assert [one.ships for also in sent_on for one in order(**{**till, **also}).lines or ()] == [True, True, True]


def test_an_unclear_body_asks_for_its_topic() -> None:
    with pytest.raises(Unreadable, match="--topic"):
        reading(None, {"id": 1})


def test_recorded_payloads_of_the_vendor_are_read(shared_payloads: Path) -> None:
    files = sorted((shared_payloads / "shopify").glob("*.json"))
    assert files
    for file in files:
        if file.stem != "customer":
            read = SOURCE.read(Delivery(body=file.read_bytes(), headers={}, received_at=NOW))
            assert read.observations
            assert read.unmapped == ()
