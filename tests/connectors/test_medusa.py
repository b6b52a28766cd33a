"""Medusa: what events lead to, and the conversations with its admin API, played against a server that is one."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import connectors.sources.medusa as medusa
from connectors.sources.medusa import SOURCE
from connectors.sources.medusa.read import EVENTS
from engine.contracts import Delivery, OrderSeen, ScanSeen, ShipmentSeen, Unanswered
from tests.connectors.playing import LONG_AGO, NOW, Player, player

KEY = "Basic a2V5Og=="  # "key:"


def reading(body: Any, topic: str | None = None) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic))


def at(minute: int) -> str:
    return (datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def order(number: int, minute: int, **changes: Any) -> Any:
    return {
        "id": f"order_{number}", "display_id": number, "status": "pending", "currency_code": "jpy", "items": [],
        "created_at": at(0), "updated_at": at(minute), "payment_status": "authorized", "total": 1000, **changes,
    }  # fmt: skip


class Shop:
    """A Medusa that holds orders and payments, and answers as the admin API does."""

    def __init__(self, server: HTTPServer, *orders: Any, payments: Any = ()) -> None:
        self.orders, self.payments = list(orders), list(payments)
        self.asked: list[str] = []
        server.expect_request(re.compile("/admin/.*"), headers={"Authorization": KEY}).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        _, _, kind, *named = request.path.split("/")
        records = {"orders": self.orders, "payments": self.payments}.get(kind, [])
        if named:
            found = [one for one in records if one["id"] == named[0]]
            return _json({kind[:-1]: found[0]}) if found else _json({"type": "not_found"}, 404)
        return _json({kind: self.page(records, request.args), "count": len(records)})

    def page(self, records: list[Any], asked: Any) -> list[Any]:
        name = asked.get("order", "updated_at")
        records = sorted(records, key=lambda one: one["updated_at"], reverse=name.startswith("-"))
        since = asked.get("updated_at[$gte]", "")
        records = [one for one in records if one["updated_at"] >= since]
        offset = int(asked.get("offset", 0))
        return records[offset : offset + int(asked["limit"])]


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@pytest.fixture
def asking(httpserver: HTTPServer) -> Any:
    with player({"url": httpserver.url_for("").rstrip("/"), "token": "key", "secret": "c2VjcmV0"}) as one:
        yield one


def keys(told: Any) -> list[str]:
    return [one.key for one in told.found]


def test_the_subscriber_tells_what_we_read() -> None:
    text = (Path(medusa.__file__).parent / "subscriber" / "todoke.ts").read_text("utf-8")
    listed = set(re.findall(r'^    "([a-z_.-]+)",$', text, re.MULTILINE))
    assert len(listed) > 10
    assert listed <= EVENTS.keys()


def test_a_fulfilment_says_nothing_about_whether_to_write() -> None:
    event = {"name": "order.fulfillment_created", "data": {"order_id": "order_1", "fulfillment_id": "ful_1"}}
    assert reading(event).fetch == ("orders/order_1",)
    event["data"]["no_notification"] = True
    assert reading(event).fetch == ("orders/order_1",)


def test_that_nobody_is_to_be_told_is_heard_before_anything_is_fetched() -> None:
    event = {"name": "shipment.created", "data": {"id": "ful_1", "order_id": "order_1", "no_notification": True},
             "metadata": {"published_at": at(3)}}  # fmt: skip
    read = reading(event)
    (seen,) = read.observations
    assert (seen.ref.order_id, seen.ref.shipment_id, seen.silent) == ("order_1", "ful_1", True)
    assert seen.as_of == datetime.fromisoformat(at(3))
    assert len(read.fetch) == 1
    del event["data"]["no_notification"]  # type: ignore[attr-defined]
    assert reading(event).observations == ()


def test_an_event_of_nothing_is_told_apart_from_one_we_do_not_use() -> None:
    assert reading({"id": "cus_1"}, "customer.created").ignored == "event customer.created is not used"
    assert reading({"type": "order.placed", "data": {"id": "order_1"}}).fetch == ("orders/order_1",)


def test_the_version_of_an_order_follows_its_payments() -> None:
    paid = [{"amount": 1000, "captured_amount": 1000, "updated_at": at(3), "payments": [{"captured_at": at(3)}]}]
    (seen,) = reading({"order": order(1, 0, payment_status="captured", payment_collections=paid)}).observations
    assert isinstance(seen, OrderSeen)
    assert (seen.as_of, seen.paid_at, seen.payment) == (datetime.fromisoformat(at(3)),) * 2 + ("paid",)


@pytest.mark.parametrize(
    ("amounts", "payment"),
    [((1000, 0, 0, 0), "pending"), ((1000, 1000, 0, 0), "authorized"), ((1000, 1000, 400, 0), "authorized"),
     ((1000, 1000, 1000, 0), "paid"), ((1000, 1000, 1000, 1), "partially_refunded"),
     ((1000, 1000, 1000, 1000), "refunded")],
)  # fmt: skip
def test_without_a_payment_status_the_sums_tell(amounts: tuple[int, ...], payment: str) -> None:
    names = ("amount", "authorized_amount", "captured_amount", "refunded_amount")
    body = order(1, 0, payment_status=None, payment_collections=[dict(zip(names, amounts, strict=True))])
    assert reading({"order": body}).observations[0].payment == payment


def test_the_total_is_what_was_paid_once_something_is_given_back() -> None:
    back = {"id": "ref_1", "amount": 300, "created_at": at(9)}
    group = {"amount": 1000, "captured_amount": 1000, "payments": [{"refunds": [back]}]}
    body = order(1, 9, total=700, payment_status="partially_refunded", payment_collections=[group])
    seen = reading({"order": body}).observations[0]
    assert (seen.total.amount, seen.payment) == ("1000", "partially_refunded")


def test_goods_of_a_part_of_an_order_are_never_taken_for_all_of_it() -> None:
    labels = [{"tracking_number": "A1"}, {"tracking_number": "A2"}]
    sent = {"id": "ful_1", "shipped_at": at(1), "labels": labels, "items": [{"line_item_id": "l1", "quantity": 2}]}

    def contents(status: str) -> list[Any]:
        read = reading({"order": order(1, 1, fulfillment_status=status, fulfillments=[sent])})
        return [one.contents for one in read.observations if isinstance(one, ShipmentSeen)]

    for status in ("partially_shipped", "shipped"):  # the same facts whichever of the two snapshots was heard
        ((packed,), none) = contents(status)
        assert (packed.quantity, none) == (2, ())


def test_every_number_of_a_delivered_fulfilment_has_arrived() -> None:
    labels = [{"tracking_number": "A1"}, {"tracking_number": "A1"}, {"tracking_number": "A2", "tracking_url": ""}]
    sent = {"id": "ful_1", "shipped_at": at(1), "delivered_at": at(2), "labels": labels}
    read = reading({"order": order(1, 2, fulfillment_status="delivered", fulfillments=[sent])})
    scans = [one for one in read.observations if isinstance(one, ScanSeen)]
    assert [(one.ref.shipment_id, one.status) for one in scans] == [("ful_1", "delivered"), ("ful_1-2", "delivered")]


def test_an_order_is_fetched_with_what_its_event_has_told(httpserver: HTTPServer, asking: Player) -> None:
    sent = {"id": "ful_1", "shipped_at": at(5), "labels": []}
    Shop(httpserver, order(1, 5, fulfillments=[sent]))
    told = asking.play(SOURCE.api.fetch(asking.asking(), "orders/order_1?no_notification=ful_1:yes"))
    (found,) = told.found
    assert found.changed_at == datetime.fromisoformat(at(5))
    parcel = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic)).observations[1]
    assert (parcel.ref.shipment_id, parcel.silent) == ("ful_1", True)
    without = asking.play(SOURCE.api.fetch(asking.asking(), "orders/order_1"))
    assert keys(without) != keys(told)  # one does not stand for the other


def test_a_parcel_and_a_payment_lead_to_their_order(httpserver: HTTPServer, asking: Player) -> None:
    sent = {"id": "ful_1", "shipped_at": at(5), "labels": []}
    paid = {"id": "pay_1", "updated_at": at(1), "payment_collection": {"order": {"id": "order_2"}}}
    Shop(httpserver, order(1, 9), order(2, 5, fulfillments=[sent]), payments=[paid])
    for ref in ("fulfillments/ful_1", "payments/pay_1"):
        (key,) = keys(asking.play(SOURCE.api.fetch(asking.asking(), ref)))
        assert key.startswith("orders/order_2@")
    for ref in ("fulfillments/ful_gone", "payments/pay_gone", "orders/order_gone", "returns/return_gone"):
        assert asking.play(SOURCE.api.fetch(asking.asking(), ref)).found == []


def test_a_poll_finds_all_pages_and_goes_on_where_it_was(httpserver: HTTPServer, asking: Player) -> None:
    shop = Shop(httpserver, *(order(n, n // 3) for n in range(1, 131)))
    first = asking.play(SOURCE.api.poll(asking.asking()))
    assert len(set(keys(first))) == len(keys(first)) == 130
    shop.orders.append(order(200, 99))
    again = asking.play(SOURCE.api.poll(asking.asking(first.cursor)))
    assert any(key.startswith("orders/order_200@") for key in keys(again))
    assert len(keys(again)) < 50  # the overlap, not everything


def test_more_orders_of_one_moment_than_a_page_holds(httpserver: HTTPServer, asking: Player) -> None:
    Shop(httpserver, *(order(n, 7) for n in range(1, 121)))
    assert len(set(keys(asking.play(SOURCE.api.poll(asking.asking()))))) == 120


def test_an_order_that_changes_while_it_is_polled_hides_no_other(httpserver: HTTPServer, asking: Player) -> None:
    shop = Shop(httpserver, *(order(n, n) for n in range(1, 71)))
    page = shop.page

    def moving(records: list[Any], asked: Any) -> list[Any]:
        found = page(records, asked)
        shop.orders[0] = order(1, 500)  # moves to the end: everything behind it moves up
        return found

    shop.page = moving  # type: ignore[method-assign]
    found = {key.partition("@")[0] for key in keys(asking.play(SOURCE.api.poll(asking.asking())))}
    assert found == {f"orders/order_{n}" for n in range(1, 71)}


def test_a_captured_payment_is_found_though_its_order_has_not_changed(httpserver: HTTPServer, asking: Player) -> None:
    shop = Shop(httpserver, order(1, 1))
    first = asking.play(SOURCE.api.poll(asking.asking()))
    group = {"amount": 1000, "captured_amount": 1000, "updated_at": at(60), "payments": [{"captured_at": at(60)}]}
    shop.orders[0] = order(1, 1, payment_status="captured", payment_collections=[group])
    shop.payments = [{"id": "pay_1", "updated_at": at(60), "payment_collection": {"order": {"id": "order_1"}}}]
    shop.orders.append(order(2, 70))  # the order's own page begins after the captured one
    shop.orders.append(order(3, 90))
    cursor = json.dumps({"orders": at(90), "payments": at(30)})
    told = asking.play(SOURCE.api.poll(asking.asking(cursor)))
    assert any(key.startswith("orders/order_1@2026-11-20T11:00") for key in keys(told))
    assert first.cursor != told.cursor


def test_a_server_that_repeats_itself_ends_the_poll(httpserver: HTTPServer, asking: Player) -> None:
    page = {"orders": [order(n, 1) for n in range(50)], "payments": []}
    httpserver.expect_request(re.compile("/admin/.*")).respond_with_json(page)
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert len(told.asked) < 5
    assert len(keys(told)) == 50


def test_nothing_older_than_wanted_is_asked_for(httpserver: HTTPServer, asking: Player) -> None:
    Shop(httpserver)
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert LONG_AGO.strftime("%Y-%m-%dT%H%%3A%M") in told.asked[0].url
    assert told.found == []


@pytest.mark.parametrize(("status", "why"), [(401, "login"), (429, "rate"), (502, "provider"), (400, "request")])
def test_what_is_not_answered(httpserver: HTTPServer, asking: Player, status: int, why: str) -> None:
    httpserver.expect_request(re.compile("/admin/.*")).respond_with_data("<html>", status=status)
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == why


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (401, "error"), (403, "error"), (404, "error")])
def test_a_check_says_what_to_do(httpserver: HTTPServer, asking: Player, status: int, level: str) -> None:
    httpserver.expect_request(re.compile("/admin/.*")).respond_with_json({"orders": [], "payments": []}, status=status)
    findings = asking.play(SOURCE.api.check(asking.asking())).result
    assert {one.level for one in findings} == {level}
    assert all(one.do for one in findings if one.level == "error")
