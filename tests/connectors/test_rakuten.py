"""Rakuten RMS: what its codes mean beyond the golden cases, and its conversations against a server that plays it."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.rakuten import SOURCE
from engine.contracts import Delivery, OrderSeen, Reading, Refused, ReturnSeen, ScanSeen, ShipmentSeen, Unanswered
from tests.connectors.playing import NOW, Player, Told, player

API = SOURCE.api
assert API is not None
assert API.poll is not None
assert API.check is not None
POLL, CHECK = API.poll, API.check


def order(number: int, progress: int = 300, **more: Any) -> Any:
    return {
        "orderNumber": f"401234-20261120-{number:010d}", "orderProgress": progress,
        "orderDatetime": "2026-11-20T10:15:00+0900", "requestPrice": 3000,
        "PackageModelList": [{
            "basketId": 7, "SenderModel": {"familyName": "髙橋", "firstName": "直子"},
            "ItemModelList": [{"itemDetailId": 1, "itemName": "茶", "itemNumber": "TEA", "units": 2, "price": 1500}],
            "ShippingModelList": [{
                "shippingNumber": "4412-0000-1113", "deliveryCompany": "1002", "shippingDate": "2026-11-21",
            }],
        }],
        **more,
    }  # fmt: skip


def reading(*found: Any) -> Reading:
    return SOURCE.read(Delivery(body=json.dumps({"OrderModelList": found}).encode(), headers={}, received_at=NOW))


def kinds(read: Reading, kind: type) -> list[Any]:
    return [one for one in read.observations if isinstance(one, kind)]


def test_nothing_that_is_posted_is_taken_and_journeys_are_off() -> None:
    assert isinstance(SOURCE.verify(Delivery(body=b"{}", headers={}, received_at=NOW), ["x"], NOW), Refused)
    assert SOURCE.manifest.notify == "no"


@pytest.mark.parametrize(
    ("progress", "payment", "sent", "cancelled"),
    [
        (100, "pending", False, False),
        (200, "pending", False, False),
        (300, "paid", False, False),
        (400, "paid", False, False),
        (500, "paid", True, False),
        (600, "paid", True, False),
        (700, "paid", True, False),
        (800, None, False, False),
        (900, None, False, True),
        (950, None, False, False),
    ],
)
def test_progress(progress: int, payment: str | None, sent: bool, cancelled: bool) -> None:
    read = reading(order(1, progress))
    (seen,), (parcel,) = kinds(read, OrderSeen), kinds(read, ShipmentSeen)
    assert (seen.payment, seen.cancelled_at is not None) == (payment, cancelled)
    assert (parcel.dispatched_at is not None) is sent
    assert parcel.ref.tracking_number == "441200001113"
    assert read.unmapped == (("950",) if progress == 950 else ())


@pytest.mark.parametrize(("detail", "kind"), [(2, ReturnSeen), (15, ReturnSeen), (3, ScanSeen), (5, ScanSeen)])
def test_an_order_that_is_cancelled_after_it_was_sent_has_come_back(detail: int, kind: type) -> None:
    change = {"changeType": 2, "changeReasonDetail": detail, "changeCmplDatetime": "2026-11-28T09:00:00+0900"}
    sent = {"shippingCmplRptDatetime": "2026-11-21T15:40:00+0900", "ChangeReasonModelList": [change]}
    (back,) = kinds(reading(order(1, 900, **sent)), kind)
    assert back.as_of.isoformat() == "2026-11-28T09:00:00+09:00"
    assert kinds(reading(order(1, 900, ChangeReasonModelList=[change])), kind) == []


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({}, "3000"),
        ({"requestPrice": 0}, "0"),  # all of it by points
        ({"requestPrice": -9999, "totalPrice": -9999}, None),
        ({"requestPrice": None, "totalPrice": 3500}, "3500"),
        ({"requestPrice": None, "totalPrice": 3500, "PointModel": {"usedPoint": 100}}, None),
        ({"requestPrice": None, "totalPrice": 3500, "couponAllTotalPrice": 100}, None),
    ],
)
def test_the_total_is_what_is_charged(amounts: Any, expected: str | None) -> None:
    (seen,) = kinds(reading(order(1, **amounts)), OrderSeen)
    assert (seen.total.amount if seen.total else None) == expected


class Rms:
    """Orders behind searchOrder and getOrder."""

    def __init__(self) -> None:
        self.orders: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        self.key = "l"
        self.most = 1000
        self.left = 10_000

    def add(self, *found: Any) -> None:
        self.orders |= {one["orderNumber"]: one for one in found}

    def answer(self, request: Request) -> Response:
        question = json.loads(request.get_data() or b"{}")
        function = request.path.strip("/").rsplit("/", 1)[-1]
        self.asked.append((function, question))
        self.left -= 1
        if request.headers.get("authorization") != f"ESA {b64encode(f's:{self.key}'.encode()).decode()}":
            return _json({"Results": {"errorCode": "ES01-01", "message": "Un-Authorised"}}, 401)
        if self.left < 0:
            return _json({"Results": {"errorCode": "XX", "message": "later"}}, 429)
        if function == "expiry-date":
            assert request.args["licenseKey"] == self.key
            return _json({"expiryDate": "2026-12-01T23:59:59"})
        return self.numbers(question) if function == "searchOrder" else self.models(question)

    def numbers(self, question: Any) -> Response:
        start, end = (datetime.fromisoformat(question[f"{one}Datetime"]) for one in ("start", "end"))
        if not timedelta(0) <= end - start <= timedelta(days=63):
            return _json({"MessageModelList": [{"messageType": "ERROR", "messageCode": "ERROR_014"}]}, 400)
        field = {1: "orderDatetime", 3: "orderFixDatetime", 5: "shippingCmplRptDatetime"}[question["dateType"]]
        progress = question.get("orderProgressList")
        found = [
            name for name, one in self.orders.items()
            if one.get(field) and start <= datetime.fromisoformat(one[field]) <= end
            and (progress is None or one["orderProgress"] in progress)
        ]  # fmt: skip
        asked = question["PaginationRequestModel"]
        size, page = min(asked["requestRecordsAmount"], self.most), asked["requestPage"]
        listed = {"totalRecordsAmount": len(found) or None, "totalPages": -(-len(found) // size) or None}
        return _json(
            {
                "orderNumberList": found[(page - 1) * size : page * size],
                "MessageModelList": [{"messageType": "INFO", "messageCode": "INFO_101"}],
                "PaginationResponseModel": {**listed, "requestPage": page},
            }
        )

    def models(self, question: Any) -> Response:
        assert question["version"] >= 7
        assert len(question["orderNumberList"]) <= 100
        return _json(
            {
                "MessageModelList": [{"messageType": "INFO", "messageCode": "INFO_101"}],
                "OrderModelList": [self.orders[name] for name in question["orderNumberList"]],
                "version": 7,
            }
        )


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json;charset=utf-8")


@pytest.fixture
def vendor(httpserver: HTTPServer) -> Rms:
    played = Rms()
    for function in ("searchOrder", "getOrder"):
        httpserver.expect_request(f"/es/2.0/order/{function}/", method="POST").respond_with_handler(played.answer)
    path = "/es/1.0/license-management/license-key/expiry-date"
    httpserver.expect_request(path, method="GET").respond_with_handler(played.answer)
    return played


@pytest.fixture
def one(httpserver: HTTPServer, vendor: Rms) -> Iterator[Player]:
    with player({"url": httpserver.url_for("/"), "service_secret": "s", "license_key": "l"}) as played:
        yield played


def numbers(told: Told) -> list[int]:
    return sorted(int(json.loads(found.body)["orderNumber"][-10:]) for found in told.found)


def test_a_poll_finds_new_orders_and_then_what_becomes_of_them(vendor: Rms, one: Player) -> None:
    vendor.add(*(order(number, 100) for number in range(1, 6)))
    first = one.play(POLL(one.asking()))
    assert numbers(first) == [1, 2, 3, 4, 5]
    vendor.orders["401234-20261120-0000000002"] |= {"orderProgress": 900}
    sent = {"orderProgress": 500, "shippingCmplRptDatetime": "2026-11-24T20:50:00+0900"}
    vendor.orders["401234-20261120-0000000003"] |= sent
    vendor.add(order(6, 100, orderDatetime="2026-11-24T21:01:00+0900"))
    later = one.play(POLL(one.asking(first.cursor, now=NOW + timedelta(minutes=10))))
    known = {record.key for record in first.found}
    fresh = [record for record in later.found if record.key not in known]
    assert numbers(Told(found=fresh)) == [2, 3, 6]


def test_an_old_order_that_is_still_open_is_found_and_one_of_long_ago_is_not(vendor: Rms, one: Player) -> None:
    vendor.add(order(1, 300, orderDatetime="2026-09-25T10:00:00+0900"))
    vendor.add(order(2, 300, orderDatetime="2026-09-01T10:00:00+0900"))
    assert numbers(one.play(POLL(one.asking(since=NOW - timedelta(days=1))))) == [1]


def test_a_long_time_is_asked_in_parts_and_in_pages(vendor: Rms, one: Player) -> None:
    for number in range(250):
        vendor.add(order(number, 700, orderDatetime=f"2026-{7 + number % 4:02d}-{1 + number % 28:02d}T10:15:00+0900"))
    told = one.play(POLL(one.asking(since=datetime.fromisoformat("2026-06-01T00:00:00+09:00"))))
    assert numbers(told) == list(range(250))
    assert {question["dateType"] for function, question in vendor.asked if function == "searchOrder"} == {1, 3, 5}


def test_many_open_orders_are_gone_through_once_an_hour(vendor: Rms, one: Player) -> None:
    vendor.add(*(order(number, 300, orderDatetime="2026-11-03T10:00:00+0900") for number in range(301)))
    first = one.play(POLL(one.asking(since=NOW - timedelta(hours=1))))
    assert len(first.found) == 301
    soon = one.play(POLL(one.asking(first.cursor, now=NOW + timedelta(minutes=10))))
    assert soon.found == []
    later = one.play(POLL(one.asking(soon.cursor, now=NOW + timedelta(minutes=70))))
    assert len(later.found) == 301


def test_a_poll_that_was_cut_off_goes_on_where_its_pages_end(vendor: Rms, one: Player) -> None:
    vendor.most = 2
    vendor.add(*(order(number, 700, orderDatetime="2026-11-24T20:00:00+0900") for number in range(5)))
    vendor.left = 3
    told, since = Told(), NOW - timedelta(hours=2)
    with pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking(since=since)), told)
    assert ended.value.why == "rate"
    vendor.left = 1000
    rest = one.play(POLL(one.asking(told.cursor, since=since, now=NOW + timedelta(minutes=1))))
    assert (numbers(told), numbers(rest)) == ([0, 1], [2, 3, 4])


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (401, {"Results": {"errorCode": "ES01-01", "message": "Un-Authorised"}}, "login"),
        (400, {"Results": {"errorCode": "ES04-01", "message": "Bad Request"}}, "login"),
        (200, {"Results": {"errorCode": "ES04-01", "message": "Bad Request"}}, "login"),
        (401, {"message": "?"}, "login"),
        (400, {"MessageModelList": [{"messageType": "ERROR", "messageCode": "ERROR_011"}]}, "request"),
        (403, {"message": "?"}, "rate"),
        (503, {}, "provider"),
        (200, {"Results": {"errorCode": "N99"}}, "provider"),
        (200, [], "provider"),
    ],
)
def test_what_ends_a_poll(httpserver: HTTPServer, status: int, body: Any, why: str) -> None:
    httpserver.expect_request("/es/2.0/order/searchOrder/").respond_with_json(body, status=status)
    settings = {"url": httpserver.url_for("/"), "service_secret": "s3", "license_key": "k3"}
    with player(settings) as one, pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()))
    assert ended.value.why == why
    assert "k3" not in str(ended.value)


def test_a_server_that_repeats_its_page_ends_the_poll(httpserver: HTTPServer, one: Player) -> None:
    httpserver.clear_all_handlers()
    listed = {"orderNumberList": ["401234-20261120-0000000001"], "PaginationResponseModel": {"totalRecordsAmount": 9}}
    httpserver.expect_request("/es/2.0/order/searchOrder/").respond_with_json(listed)
    httpserver.expect_request("/es/2.0/order/getOrder/").respond_with_json({"OrderModelList": [order(1)]})
    told = one.play(POLL(one.asking(since=NOW - timedelta(hours=1))))
    assert len(told.found) == 1
    assert len(told.asked) == 9  # four questions, each asked once more, and the order


def test_a_check_tells_how_long_the_licence_key_lives(vendor: Rms, one: Player, httpserver: HTTPServer) -> None:
    told = one.play(CHECK(one.asking()))
    assert [found.level for found in told.result] == ["warning"]
    assert told.until["license_key"].isoformat() == "2026-12-01T23:59:59+09:00"
    vendor.key = "new"
    (refused,) = one.play(CHECK(one.asking())).result
    assert refused.level == "error"
    assert "license_key" in (refused.do or "")
    assert "ES01-01" in refused.what


def test_a_shop_without_the_api_of_licences_is_well_too(httpserver: HTTPServer, one: Player) -> None:
    httpserver.clear_all_handlers()
    httpserver.expect_request("/es/2.0/order/searchOrder/").respond_with_json({"orderNumberList": []})
    assert [found.level for found in one.play(CHECK(one.asking())).result] == ["ok"]
