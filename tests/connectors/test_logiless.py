"""LOGILESS: what its words mean beyond the golden cases, and its conversations against a server that plays it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.logiless import SOURCE
from engine.contracts import Delivery, OrderSeen, Reading, Refused, ShipmentSeen, Unanswered
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import NOW, Player, Told, player

API = SOURCE.api
assert API is not None
assert API.poll is not None
assert API.check is not None
POLL, CHECK = API.poll, API.check


def order(order_id: int, code: str, **more: Any) -> Any:
    return {
        "id": order_id, "code": code, "document_status": "WaitingForShipment", "delivery_status": "WaitingForShipment",
        "incoming_payment_status": "Paid", "buyer_name1": "髙橋 直子", "buyer_email": "naoko@example.jp",
        "updated_at": "2026-11-20 11:00:00", "lines": [{"id": 1, "article_code": "TEA", "quantity": 2}], **more,
    }  # fmt: skip


def delivery(delivery_id: int, code: str | None, **more: Any) -> Any:
    sales = {"sales_order": {"code": code}} if code else {}
    return {
        "id": delivery_id, "document_status": "Shipped", "delivery_method": "yamato", **sales,
        "delivery_tracking_numbers": ["441200001113"], "updated_at": "2026-11-21 15:00:00", **more,
    }  # fmt: skip


def reading(body: Any, topic: str | None = None) -> Reading:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic))


def seen(**changes: Any) -> OrderSeen:
    (one,) = (one for one in reading(order(1, "A", **changes)).observations if isinstance(one, OrderSeen))
    return one


def test_nothing_that_is_posted_is_taken() -> None:
    assert isinstance(SOURCE.verify(Delivery(body=b"{}", headers={}, received_at=NOW), ["x"], NOW), Refused)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "paid"),
        ({"incoming_payment_status": "NotPaid"}, "paid"),  # it waits for nothing but its shipment
        ({"incoming_payment_status": "NotPaid", "document_status": "WaitingForPayment"}, "pending"),
        ({"incoming_payment_status": "PartlyPaid", "document_status": "WaitingForPayment"}, "pending"),
        ({"incoming_payment_status": "NotPaid", "document_status": "Processing", "payment_method": "cod"}, "paid"),
        (
            {
                "incoming_payment_status": "NotPaid",
                "document_status": "Processing",
                "authorization_status": "Authorized",
            },
            "authorized",
        ),
        (
            {
                "incoming_payment_status": "NotPaid",
                "document_status": "Processing",
                "authorization_status": "Captured",
            },
            "paid",
        ),
        (
            {
                "incoming_payment_status": "NotPaid",
                "document_status": "Processing",
                "authorization_status": "AuthorizationFailure",
            },
            "failed",
        ),
        ({"incoming_payment_status": "NotPaid", "document_status": "Cancel", "payment_method": "cod"}, "pending"),
    ],
)
def test_payment(changes: Any, expected: str) -> None:
    assert seen(**changes).payment == expected


@pytest.mark.parametrize(
    ("method", "carrier"),
    [
        ("yamato_nekoposu", "yamato"), ("Yamato", "yamato"), ("sagawa_mail", "sagawa"), ("you_pack", "japanpost"),
        ("yu_packet_3cm", "japanpost"), ("click_post", "japanpost"), ("seino_mini", "seino"), ("fed_ex", "fedex"),
        ("ups", "ups"), ("ecohai", None), ("yamato_box_charter", None), ("in_store_pickup", None), ("drone", None),
        (None, None),
    ],
)  # fmt: skip
def test_carriers(method: str | None, carrier: str | None) -> None:
    (parcel,) = reading(delivery(5, "A", delivery_method=method)).observations
    assert isinstance(parcel, ShipmentSeen)
    assert parcel.carrier == carrier


def test_order_and_delivery_are_joined_by_the_code_in_any_order() -> None:
    sent = order(1, "#1001", document_status="Shipped")
    told = [sent, delivery(9, None, object_code="#1001"), delivery(9, "1001")]
    ends = []
    for bodies in permutations(told):
        observations = [one for body in bodies for one in reading(body).observations]
        heard = [Heard(connection="c", seen=one) for one in observations]
        facts = observe(State(), heard, lambda heard=heard: heard)[0].facts
        (parcel,) = facts.shipments.values()
        ends.append((facts.order.number, parcel.number, parcel.dispatched_at))
    assert len(set(ends)) == 1
    assert ends[0][1] == "441200001113"


class Logiless:
    """Orders and deliveries in pages; tokens that run out; at most so many requests."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {"sales_orders": [], "outbound_deliveries": []}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.access, self.refresh = "a1", "r1"
        self.most = 100
        self.counts = True
        self.left = 10_000

    def listed(self, request: Request) -> Response:
        name = request.path.rsplit("/", 1)[-1]
        self.asked.append((name, dict(request.args)))
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return _json({"error": "access_denied", "error_description": "OAuth2 authentication required"}, 401)
        self.left -= 1
        if self.left < 0:
            reset = str(int((NOW + timedelta(seconds=40)).timestamp()))
            return _json({"error": "too_many"}, 429, {"X-RateLimit-Reset": reset})
        since = request.args.get("updated_at_from", "")
        found = sorted((one for one in self.lists[name] if one["updated_at"] >= since), key=lambda one: -one["id"])
        limit, page = min(int(request.args["limit"]), self.most), int(request.args["page"])
        part = found[(page - 1) * limit : page * limit]
        counted = {"total_count": len(found)} if self.counts else {}
        return _json({"data": part, "current_page": page, "limit": limit, **counted})

    def token(self, request: Request) -> Response:
        given = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        right = {"client_id": "c", "client_secret": "s", "refresh_token": self.refresh, "grant_type": "refresh_token"}
        if given != right:
            return _json({"error": "invalid_grant"}, 400)
        self.access, self.refresh = "a2", "r2"
        return _json({"access_token": "a2", "refresh_token": "r2", "expires_in": 2592000, "token_type": "bearer"})


def _json(value: Any, status: int = 200, headers: Any = None) -> Response:
    return Response(json.dumps(value), status=status, headers=headers, content_type="application/json")


@pytest.fixture
def vendor(httpserver: HTTPServer) -> Logiless:
    played = Logiless()
    for name in played.lists:
        httpserver.expect_request(f"/api/v1/merchant/1022/{name}", method="GET").respond_with_handler(played.listed)
    httpserver.expect_request("/oauth2/token", method="POST").respond_with_handler(played.token)
    return played


@pytest.fixture
def one(httpserver: HTTPServer, vendor: Logiless) -> Iterator[Player]:
    settings = {
        "url": httpserver.url_for("/"), "merchant_id": "1022", "access_token": "a1", "refresh_token": "r1",
        "client_id": "c", "client_secret": "s",
    }  # fmt: skip
    with player(settings) as played:
        yield played


@pytest.mark.parametrize("counts", [True, False])
def test_a_poll_finds_everything_in_both_lists(vendor: Logiless, one: Player, counts: bool) -> None:
    vendor.most, vendor.counts = 2, counts
    vendor.lists["sales_orders"] = [order(number, f"A-{number}") for number in range(1, 6)]
    vendor.lists["outbound_deliveries"] = [delivery(number, f"A-{number}") for number in range(1, 4)]
    told = one.play(POLL(one.asking()))
    assert [found.topic for found in told.found] == ["sales_order"] * 5 + ["outbound_delivery"] * 3
    assert len({found.key for found in told.found}) == 8
    assert told.found[0].changed_at == datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    again = one.play(POLL(one.asking(told.cursor)))
    assert {found.key for found in again.found} == {found.key for found in told.found}


def test_each_list_goes_on_from_its_own_latest_change(vendor: Logiless, one: Player) -> None:
    vendor.lists["sales_orders"] = [order(1, "A", updated_at="2026-11-24 10:00:00")]
    vendor.lists["outbound_deliveries"] = [delivery(1, "A", updated_at="2026-11-24 18:00:00")]
    cursor = one.play(POLL(one.asking())).cursor
    vendor.asked.clear()
    one.play(POLL(one.asking(cursor)))
    begun = {name: args["updated_at_from"] for name, args in vendor.asked}
    assert begun == {"sales_orders": "2026-11-24 09:50:00", "outbound_deliveries": "2026-11-24 17:50:00"}


def test_a_poll_that_was_cut_off_goes_on_where_its_pages_end(vendor: Logiless, one: Player) -> None:
    vendor.most = 2
    vendor.lists["sales_orders"] = [order(number, f"A-{number}") for number in range(1, 6)]
    vendor.left = 2
    told = Told()
    with pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()), told)
    assert (ended.value.why, ended.value.after) == ("rate", timedelta(seconds=40))
    vendor.left = 100
    rest = one.play(POLL(one.asking(told.cursor)))
    assert [json.loads(record.body)["id"] for record in told.found + rest.found] == [5, 4, 3, 2, 1]


def test_a_dead_token_is_renewed_once_and_saved_first(vendor: Logiless, one: Player) -> None:
    vendor.access = "another"
    vendor.lists["sales_orders"] = [order(1, "A")]
    told = one.play(POLL(one.asking()))
    assert told.secrets == {"access_token": "a2", "refresh_token": "r2"}
    assert told.until["access_token"] == NOW + timedelta(days=30)
    assert len(told.found) == 1
    vendor.access, vendor.refresh = "x", "y"
    with pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()))
    assert ended.value.why == "login"
    assert "r2" not in str(ended.value)


def test_a_server_that_repeats_its_page_ends_the_poll(httpserver: HTTPServer, one: Player) -> None:
    httpserver.clear_all_handlers()
    page = {"data": [order(number, str(number)) for number in range(100)]}
    for name in ("sales_orders", "outbound_deliveries"):
        httpserver.expect_request(f"/api/v1/merchant/1022/{name}").respond_with_json(page)
    told = one.play(POLL(one.asking()))
    assert len(told.asked) == 4


@pytest.mark.parametrize(("status", "why"), [(403, "login"), (404, "request"), (500, "provider"), (400, "request")])
def test_what_ends_a_poll(httpserver: HTTPServer, one: Player, status: int, why: str) -> None:
    httpserver.clear_all_handlers()
    httpserver.expect_request("/api/v1/merchant/1022/sales_orders").respond_with_json({"error": "x"}, status=status)
    with pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()))
    assert ended.value.why == why


@pytest.mark.parametrize("cursor", ["?", "[]", '{"sales_orders": 3}', '{"sales_orders": "{}"}'])
def test_a_cursor_that_cannot_be_read_begins_anew(vendor: Logiless, one: Player, cursor: str) -> None:
    vendor.lists["sales_orders"] = [order(1, "A")]
    assert len(one.play(POLL(one.asking(cursor))).found) == 1


def test_a_check_says_what_to_do(vendor: Logiless, one: Player, httpserver: HTTPServer) -> None:
    assert [found.level for found in one.play(CHECK(one.asking())).result] == ["ok"]
    del one.settings["refresh_token"]
    assert [found.level for found in one.play(CHECK(one.asking())).result] == ["warning"]
    vendor.access = "another"
    refused = one.play(CHECK(one.asking())).result
    assert {found.level for found in refused} == {"error"}
    assert "access_token" in refused[0].do


def test_goods_on_their_way_in_and_articles_are_neither_orders_nor_deliveries() -> None:
    inward = {"id": "1", "code": "in-1", "supplier_name": "例の商事", "subtotal": 1000, "delivery_tracking_numbers": []}
    article = {"id": "2", "code": "a-1", "object_code": "2000000000039", "article_type": "Single"}
    for record in (inward, article):
        read = reading({"data": [record]})
        assert (read.observations, bool(read.ignored)) == ((), True)
