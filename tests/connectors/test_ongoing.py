"""Ongoing WMS: who may post, whose an order is, and the conversations with its REST API."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.ongoing import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, ScanSeen, ShipmentSeen, Unanswered, Unreadable, Verified
from tests.connectors.playing import LONG_AGO, NOW, Player, player

BASIC = "Basic dXNlcjpwYXNz"  # user:pass


def reading(body: Any, **config: str) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, config=config))


def hook(status: int, **changes: Any) -> Any:
    return {"orderId": 7, "orderNumber": "1001", "goodsOwnerId": 12, "orderStatus": {"number": status}, **changes}


def order(number: int, status: int = 450, owner: int = 12, **info: Any) -> Any:
    told = {"orderId": number, "orderNumber": f"N{number}", "orderStatus": {"number": status}, **info}
    return {"goodsOwner": {"id": owner}, "orderInfo": told, "orderLines": []}


def verdict(url: str = "", secrets: tuple[str, ...] = ("old", "new"), **headers: str) -> Verified | Refused:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b'{"webhookOrdersId": 1, "webhookEventId": 5, "system": "x"}'
    return SOURCE.verify(Delivery(body=body, headers=named, received_at=NOW, url=url), secrets, NOW)


def test_the_secret_comes_in_a_header_or_in_the_address() -> None:
    for told in (verdict(x_auth_token="new"), verdict(authorization="Bearer old"), verdict("https://a/in/x?token=new")):
        assert told == Verified(key="order/x/5", by="token")
    for told in (
        verdict(),
        verdict(x_auth_token="other"),
        verdict("https://a/in/x?token=other"),
        verdict("https://a/in/x?token=new", x_auth_token="other"),
        verdict(secrets=(), x_auth_token=""),
    ):
        assert isinstance(told, Refused)  # fmt: skip
    assert isinstance(verdict(secrets=("",), x_auth_token="new"), Refused)


def test_an_event_without_an_id_has_no_key() -> None:
    told = SOURCE.identify(Delivery(body=b'{"webhookEventId": 0}', headers={}, received_at=NOW))  # type: ignore[misc]
    assert told.key is None


@pytest.mark.parametrize(
    ("status", "left", "cancelled"),
    [(200, False, False), (400, False, False), (425, True, False), (450, True, False), (475, True, False),
     (500, True, False), (1000, False, True), (777, False, False)],
)  # fmt: skip
def test_what_has_left_goes_by_the_number_of_the_status(status: int, left: bool, cancelled: bool) -> None:
    read = reading(hook(status, parcels=[{"id": 1, "parcelNumber": "P1"}]))
    (parcel,) = [one for one in read.observations if isinstance(one, ShipmentSeen)]
    (seen,) = [one for one in read.observations if isinstance(one, OrderSeen)]
    assert (parcel.dispatched_at is not None, seen.cancelled_at is not None) == (left, cancelled)
    assert read.unmapped == (("777",) if status == 777 else ())


def test_waiting_at_the_pickup_point_is_told_once() -> None:
    def scans(body: Any) -> list[str]:
        return [one.status for one in reading(body).observations if isinstance(one, ScanSeen)]

    assert scans(hook(451)) == ["ready_for_pickup"]
    assert scans({"order": order(7, 451)}) == []
    assert scans({"order": order(7, 500)}) == ["delivered"]


def test_an_order_that_got_its_number_late_is_the_same_parcel() -> None:
    def names(body: Any) -> list[Any]:
        seen = [one.ref for one in reading(body).observations if isinstance(one, ShipmentSeen)]
        return [(ref.shipment_id, ref.tracking_number) for ref in seen]

    assert names(hook(450)) == [("7", None)]
    assert names(hook(450, tracking=[{"waybill": "W1"}, {"waybill": "W1"}])) == [("7", "W1")]
    late = [
        {"id": 9, "parcelNumber": "P2"},
        {"id": 3, "tracking": {"waybill": "W1"}},
        {"id": 4, "isReturnParcel": True},
    ]
    assert names(hook(450, parcels=late)) == [("7", "W1"), ("7-P2", "P2")]


def test_times_are_those_of_the_instance() -> None:
    body = hook(450, timestamp="2026-07-01T12:00:00.0000000")
    assert reading(body).observations[0].as_of.astimezone(UTC).hour == 10
    assert reading(body, timezone="Asia/Tokyo").observations[0].as_of.astimezone(UTC).hour == 3


def test_orders_of_several_goods_owners_go_each_to_its_own() -> None:
    read = reading([order(1, owner=12), order(2, owner=13)], route="yes")
    assert [one.route for one in read.routed] == ["12", "13"]
    assert read.observations == ()
    with pytest.raises(Unreadable, match="goods owner"):
        reading({"order": {**order(1), "goodsOwner": None}}, route="yes")


def test_a_hook_is_fetched_only_where_there_is_somebody_to_ask() -> None:
    assert reading(hook(450)).fetch == ()
    assert reading(hook(450), url="https://api.example.com/x").fetch == ("orders/7",)


class Warehouse:
    """An Ongoing that holds orders with the moment of their last change of status."""

    def __init__(self, server: HTTPServer, *orders: tuple[str, Any]) -> None:
        self.orders = list(orders)
        self.asked: list[dict[str, str]] = []
        server.expect_request("/x/api/v1/orders", headers={"Authorization": BASIC}).respond_with_handler(self.list)

    def list(self, request: Request) -> Response:
        asked = request.args.to_dict()
        self.asked.append(asked)
        found = [
            one for changed, one in self.orders
            if str(one["goodsOwner"]["id"]) == asked["goodsOwnerId"]
            and changed >= asked.get("orderStatusChangedTimeFrom", "")
            and one["orderInfo"]["orderId"] >= int(asked.get("orderIdFrom", 0))
        ]  # fmt: skip
        found.sort(key=lambda one: one["orderInfo"]["orderId"])
        return Response(json.dumps(found[: int(asked.get("maxOrdersToGet", 1000))]), content_type="application/json")


@pytest.fixture
def asking(httpserver: HTTPServer) -> Iterator[Player]:
    settings = {"url": httpserver.url_for("/x/api/v1"), "user": "user", "password": "pass", "route.12": "tsukumo"}
    with player({**settings, "goods_owners": "13"}) as one:
        yield one


def keys(told: Any) -> list[str]:
    return [one.key.partition("@")[0] for one in told.found]


def test_a_poll_walks_through_every_goods_owner(httpserver: HTTPServer, asking: Player) -> None:
    changed = "2026-11-20T12:00:00"
    orders = [(changed, order(n, owner=12 if n % 2 else 13)) for n in range(1, 241)]
    shop = Warehouse(httpserver, *orders)
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert set(keys(told)) == {f"orders/{n}" for n in range(1, 241)}
    assert {one["goodsOwnerId"] for one in shop.asked} == {"12", "13"}
    shop.asked.clear()
    shop.orders.append(("2026-11-24T20:00:00", order(500, 1000)))
    again = asking.play(SOURCE.api.poll(asking.asking(told.cursor, now=NOW + timedelta(minutes=10))))
    assert keys(again) == ["orders/500"]
    # three hours before the last poll began, as the clocks of the instance show it
    assert {one["orderStatusChangedTimeFrom"] for one in shop.asked} == {"2026-11-24T10:00:00"}


def test_a_poll_that_was_cut_off_goes_on_behind_its_last_page(httpserver: HTTPServer, asking: Player) -> None:
    Warehouse(httpserver, *(("2026-11-20T12:00:00", order(n, owner=13)) for n in range(1, 151)))
    whole = asking.play(SOURCE.api.poll(asking.asking()))
    begun = NOW.isoformat()
    rest = asking.play(SOURCE.api.poll(asking.asking(json.dumps({"13": {"begun": begun, "from": "101"}}))))
    assert keys(rest) == [f"orders/{n}" for n in range(101, 151)]
    assert json.loads(rest.cursor or "") == json.loads(whole.cursor or "")


def test_what_is_found_first_is_history_and_later_it_is_news(httpserver: HTTPServer, asking: Player) -> None:
    shop = Warehouse(httpserver, ("2026-11-20T12:00:00", order(1, createdDate="2026-10-01T08:00:00")))
    first = asking.play(SOURCE.api.poll(asking.asking()))
    assert [one.changed_at for one in first.found] == [datetime(2026, 10, 1, 6, tzinfo=UTC)]
    shop.orders = [("2026-11-24T13:00:00", order(1, 1000, createdDate="2026-10-01T08:00:00"))]
    again = asking.play(SOURCE.api.poll(asking.asking(first.cursor)))
    assert [one.changed_at for one in again.found] == [None]


def test_the_same_state_has_the_same_key_whenever_it_is_asked_for(httpserver: HTTPServer, asking: Player) -> None:
    Warehouse(httpserver, ("2026-11-20T12:00:00", order(1)))
    httpserver.expect_request("/x/api/v1/orders/1").respond_with_json(order(1))
    polled = asking.play(SOURCE.api.poll(asking.asking())).found[0]
    fetched = asking.play(SOURCE.api.fetch(asking.asking(now=NOW + timedelta(hours=1)), "orders/1")).found[0]
    assert polled.key == fetched.key
    assert polled.body != fetched.body


def test_a_shipment_leads_to_all_of_its_orders(httpserver: HTTPServer, asking: Player) -> None:
    Warehouse(httpserver, ("2026-11-20T12:00:00", order(1)), ("2026-11-20T12:00:00", order(2)))
    assert keys(asking.play(SOURCE.api.fetch(asking.asking(), "shipments/12/3001"))) == ["orders/1", "orders/2"]
    httpserver.expect_request("/x/api/v1/orders/9").respond_with_data("", status=404)
    assert asking.play(SOURCE.api.fetch(asking.asking(), "orders/9")).found == []


def test_a_server_that_repeats_itself_ends_the_poll(httpserver: HTTPServer, asking: Player) -> None:
    httpserver.expect_request("/x/api/v1/orders").respond_with_json([order(n) for n in range(1, 101)])
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert len(told.asked) <= 4
    assert LONG_AGO.strftime("%Y-%m-%d") in told.asked[0].url


@pytest.mark.parametrize(("status", "why"), [(401, "login"), (429, "rate"), (500, "provider"), (400, "request")])
def test_what_is_not_answered(httpserver: HTTPServer, asking: Player, status: int, why: str) -> None:
    httpserver.expect_request("/x/api/v1/orders").respond_with_data("nothing", status=status)
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == why


def test_an_answer_that_is_no_list_is_the_system_being_down(httpserver: HTTPServer, asking: Player) -> None:
    httpserver.expect_request("/x/api/v1/orders").respond_with_json({"message": "maintenance"})
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == "provider"


def test_a_check_looks_at_every_goods_owner(httpserver: HTTPServer, asking: Player) -> None:
    def answer(request: Request) -> Response:
        return Response("[]", 200 if request.args["goodsOwnerId"] == "12" else 403, content_type="application/json")

    httpserver.expect_request("/x/api/v1/orders").respond_with_handler(answer)
    findings = asking.play(SOURCE.api.check(asking.asking())).result
    assert sorted(one.level for one in findings) == ["error", "ok"]


def test_a_check_without_goods_owners_warns() -> None:
    with player({"url": "http://127.0.0.1:1", "user": "u", "password": "p"}) as one:
        (found,) = one.play(SOURCE.api.check(one.asking())).result
        assert (found.level, one.play(SOURCE.api.poll(one.asking())).asked) == ("warning", [])
