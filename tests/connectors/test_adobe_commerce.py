"""Adobe Commerce: signatures, sums and rows, and the conversations with its REST API."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.adobe_commerce import SOURCE
from engine.contracts import Delivery, Refused, ReturnSeen, ShipmentSeen, Unanswered, Verified
from tests.connectors.playing import NOW, Player, player

BODY = b'{"order": {"entity_id": 1, "increment_id": "1", "state": "new"}}'


def reading(body: Any, **config: str) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, config=config))


def order(number: int = 1, **changes: Any) -> Any:
    return {
        "entity_id": number, "increment_id": f"{number:09}", "state": "processing", "grand_total": 1000,
        "order_currency_code": "JPY", "customer_email": "a@example.jp", "total_paid": 1000, "items": [],
        "created_at": "2026-11-20 10:00:00", "updated_at": "2026-11-20 10:00:00", **changes,
    }  # fmt: skip


def shipment(number: int, of: int, *tracks: str, **changes: Any) -> Any:
    made = {"created_at": "2026-11-21 10:00:00", "updated_at": "2026-11-21 10:00:00"}
    told = [{"entity_id": n, "track_number": one} for n, one in enumerate(tracks)]
    return {"entity_id": number, "order_id": of, "tracks": told, "items": [], **made, **changes}


def whole(one: Any, *shipments: Any, memos: Any = ()) -> Any:
    return reading({"order": one, "shipments": list(shipments), "creditmemos": list(memos)})


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(key: RSAPrivateKey, text: bytes) -> str:
    return b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()


def verdict(signature: str, body: bytes = BODY, **config: str) -> Verified | Refused:
    headers = {"x-adobe-commerce-webhook-signature": signature}
    return SOURCE.verify(Delivery(body=body, headers=headers, received_at=NOW, config=config), ["token"], NOW)


def test_webhooks_are_signed_over_the_base64_of_the_body(key: RSAPrivateKey) -> None:
    good = signed(key, b64encode(BODY))
    other = pem(generate_private_key(public_exponent=65537, key_size=2048))
    on_one_line = pem(key).strip().replace("\n", " ")
    for keys in (pem(key), other + pem(key), on_one_line, pem(key).replace("\n", "\\n")):
        assert isinstance(verdict(good, public_key=keys), Verified)
    for keys in (other, "", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"):
        assert isinstance(verdict(good, public_key=keys), Refused)
    assert isinstance(verdict(good, BODY + b" ", public_key=pem(key)), Refused)
    assert isinstance(verdict("not base64!", public_key=pem(key)), Refused)
    assert isinstance(verdict(signed(key, BODY), public_key=pem(key)), Verified)


def test_a_token_in_the_address_does_not_stand_in_for_a_wrong_signature(key: RSAPrivateKey) -> None:
    headers = {"x-adobe-commerce-webhook-signature": signed(key, b"another body")}
    delivery = Delivery(
        body=BODY, headers=headers, received_at=NOW, config={"public_key": pem(key)}, url="https://a/in/c?token=token"
    )
    assert isinstance(SOURCE.verify(delivery, ["token"], NOW), Refused)


@pytest.mark.parametrize(
    ("sums", "payment"),
    [
        ({"total_paid": None}, "pending"), ({"total_paid": "1000.0000"}, "paid"), ({"total_paid": 400}, "pending"),
        ({"total_paid": 600, "total_canceled": 400}, "paid"), ({"total_refunded": 1}, "partially_refunded"),
        ({"total_refunded": "1000.0000"}, "refunded"), ({"total_paid": 0, "state": "canceled"}, "voided"),
        ({"total_paid": 0, "grand_total": 0, "payment": {"method": "free"}}, "paid"),
        ({"total_paid": None, "payment": {"method": "cashondelivery"}}, "paid"),
        ({"total_paid": None, "payment": {"method": "braintree", "amount_authorized": "1000.0000"}}, "authorized"),
        ({"total_paid": None, "payment": {"method": "braintree", "amount_authorized": 1}}, "pending"),
        ({"total_paid": None, "state": "payment_review", "payment": {"amount_authorized": 1000}}, "pending"),
    ],
)  # fmt: skip
def test_payment_follows_from_the_sums(sums: Any, payment: str) -> None:
    assert whole(order(**sums)).observations[0].payment == payment


def item(number: int, units: int, **changes: Any) -> Any:
    return {
        "item_id": number,
        "name": "茶",
        "sku": f"S{number}",
        "product_type": "simple",
        "qty_ordered": units,
        **changes,
    }


@pytest.mark.parametrize(
    ("counts", "cancelled"),
    [({}, 0), ({"qty_canceled": "1.0000"}, 1), ({"qty_refunded": 2}, 2), ({"qty_refunded": 2, "qty_shipped": 3}, 0),
     ({"qty_refunded": 2, "qty_shipped": 1}, 1), ({"qty_canceled": 3, "qty_refunded": 3}, 3)],
)  # fmt: skip
def test_units_that_never_leave(counts: Any, cancelled: int) -> None:
    (line,) = whole(order(items=[item(1, 3, **counts)])).observations[0].lines
    assert line.cancelled == cancelled


def test_rows_below_an_article_are_not_articles() -> None:
    rows = [item(1, 1, product_type="configurable"), item(2, 1, parent_item_id=1), item(3, 1, product_type="virtual")]
    lines = whole(order(items=rows)).observations[0].lines
    assert [(one.id, one.ships) for one in lines] == [("1", True), ("3", False)]


def test_a_late_number_is_of_the_parcel_that_was_there() -> None:
    def names(*tracks: str) -> list[Any]:
        seen = [
            one.ref for one in whole(order(), shipment(5, 1, *tracks)).observations if isinstance(one, ShipmentSeen)
        ]
        return [(ref.shipment_id, ref.tracking_number) for ref in seen]

    assert names() == [("5", None)]
    assert names("A1") == [("5", "A1")]
    assert names("A1", "B2", "A1") == [("5", "A1"), ("5-2", "B2")]


def test_how_many_parcels_there_are_is_said_once_all_has_left() -> None:
    def siblings(shipped: int) -> list[Any]:
        body = order(items=[item(1, 2, qty_shipped=shipped), item(2, 1, product_type="downloadable")])
        seen = whole(body, shipment(5, 1, "A1", "A2"), shipment(6, 1)).observations
        return [one.siblings for one in seen if isinstance(one, ShipmentSeen)]

    assert siblings(1) == [None, None, None]
    assert siblings(2) == [3, 3, 3]


def test_a_refund_before_anything_left_is_of_goods_that_never_left() -> None:
    memo = {"entity_id": 9, "order_id": 1, "state": 2, "grand_total": 100, "items": [{"order_item_id": 1, "qty": 1}]}

    def goods(shipped: int) -> list[Any]:
        seen = whole(order(items=[item(1, 3, qty_shipped=shipped)]), memos=[memo]).observations
        return [(one.goods, len(one.contents)) for one in seen if isinstance(one, ReturnSeen)]

    assert goods(0) == [("cancelled", 1)]
    assert goods(1) == [("kept", 0)]


def test_what_magento_has_mailed_is_told() -> None:
    seen = whole(order(email_sent="1"), shipment(5, 1, email_sent=1), shipment(6, 1, email_sent=None)).observations
    assert seen[0].source_notified == ("order.created", "order.confirmed")
    assert [one.source_notified for one in seen[1:]] == [True, None]
    assert whole(order(email_sent=0)).observations[0].source_notified == ()


class Shop:
    """A Magento that answers searches, with its habit of answering a page behind the last with the last."""

    def __init__(self, server: HTTPServer, **records: Any) -> None:
        self.records = {"orders": [], "shipments": [], "creditmemos": [], **records}
        self.asked: list[str] = []
        headers = {"Authorization": "Bearer key"}
        server.expect_request(re.compile("/rest/V1/.*"), headers=headers).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        kind, _, named = request.path.removeprefix("/rest/V1/").partition("/")
        self.asked.append(kind)
        if named:
            found = [one for one in self.records[kind] if str(one["entity_id"]) == named]
            return _json(found[0] if found else {"message": "no such entity"}, 200 if found else 404)
        asked = {key.removeprefix("searchCriteria"): value for key, value in request.args.items()}
        found = [one for one in self.records[kind] if _fits(one, asked)]
        found.sort(key=lambda one: (one[asked["[sortOrders][0][field]"]], one["entity_id"]))
        size, page = int(asked["[pageSize]"]), int(asked["[currentPage]"])
        last = max(1, -(-len(found) // size))
        page = min(page, last)
        return _json({"items": found[(page - 1) * size : page * size] or None, "total_count": len(found)})


def _fits(one: Any, asked: dict[str, str]) -> bool:
    where = "[filter_groups][0][filters][0]"
    if f"{where}[field]" not in asked:
        return True
    value, wanted = one[asked[f"{where}[field]"]], asked[f"{where}[value]"]
    return value >= wanted if asked[f"{where}[condition_type]"] == "gteq" else str(value) in wanted.split(",")


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def at(minute: int) -> str:
    return (datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def asking(httpserver: HTTPServer) -> Iterator[Player]:
    with player({"url": httpserver.url_for("/rest/default"), "token": "key"}) as one:
        yield one


def found(told: Any) -> list[str]:
    return [one.key.partition("@")[0] for one in told.found]


def bodies(told: Any) -> dict[str, Any]:
    return {one.key.partition("@")[0]: json.loads(one.body) for one in told.found}


def test_a_poll_finds_every_order_with_what_belongs_to_it(httpserver: HTTPServer, asking: Player) -> None:
    orders = [order(n, updated_at=at(n)) for n in range(1, 121)]
    Shop(httpserver, orders=orders, shipments=[shipment(n, n, f"T{n}") for n in range(1, 121)])
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert sorted(found(told)) == sorted(f"orders/{n}" for n in range(1, 121))
    assert [one["track_number"] for one in bodies(told)["orders/7"]["shipments"][0]["tracks"]] == ["T7"]


def test_more_orders_of_one_second_than_a_page_holds(httpserver: HTTPServer, asking: Player) -> None:
    Shop(httpserver, orders=[order(n, updated_at=at(5)) for n in range(1, 101)])  # two pages, to the full
    assert len(set(found(asking.play(SOURCE.api.poll(asking.asking()))))) == 100


def test_a_shipment_brings_its_order_though_that_has_not_changed(httpserver: HTTPServer, asking: Player) -> None:
    shop = Shop(httpserver, orders=[order(1, updated_at=at(0)), order(2, updated_at=at(600))])
    first = asking.play(SOURCE.api.poll(asking.asking()))
    shop.records["shipments"] = [shipment(5, 1, "A1", updated_at=at(700))]
    again = asking.play(SOURCE.api.poll(asking.asking(first.cursor)))
    assert found(again) == ["orders/2", "orders/1"]  # the overlap, and the one that was sent
    shop.records["creditmemos"] = [{"entity_id": 3, "order_id": 1, "updated_at": at(900), "created_at": at(900)}]
    last = asking.play(SOURCE.api.poll(asking.asking(again.cursor)))
    assert len(bodies(last)["orders/1"]["creditmemos"]) == 1


def test_a_number_that_comes_late_is_found(httpserver: HTTPServer, asking: Player) -> None:
    made = (NOW - timedelta(hours=5)).strftime("%Y-%m-%d %H:%M:%S")
    shop = Shop(httpserver, orders=[order(1)], shipments=[shipment(5, 1, created_at=made, updated_at=made)])
    first = asking.play(SOURCE.api.poll(asking.asking()))
    shop.records["shipments"] = [
        shipment(5, 1, "A1", created_at=made, updated_at=made),  # not touched by its number
        shipment(6, 9, "Z", updated_at=NOW.strftime("%Y-%m-%d %H:%M:%S")),
    ]
    shop.records["orders"].append(order(9, updated_at=NOW.strftime("%Y-%m-%d %H:%M:%S")))
    later = asking.play(SOURCE.api.poll(asking.asking(_moved_on(first.cursor), now=NOW + timedelta(hours=1))))
    assert bodies(later)["orders/1"]["shipments"][0]["tracks"][0]["track_number"] == "A1"
    assert json.loads(later.cursor or "")["unnumbered"] == {}


def _moved_on(cursor: str | None) -> str:
    told = json.loads(cursor or "")
    assert list(told["unnumbered"]) == ["5"]
    told["newest"] = dict.fromkeys(("orders", "shipments", "creditmemos"), "2026-11-24T11:30:00Z")
    return json.dumps(told)


def test_what_gets_no_number_is_forgotten_in_the_end(httpserver: HTTPServer, asking: Player) -> None:
    Shop(httpserver, orders=[order(1)], shipments=[shipment(5, 1, created_at="2026-11-20 10:00:00")])
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert json.loads(told.cursor or "")["unnumbered"] == {}


def test_an_order_that_an_event_names_is_fetched(httpserver: HTTPServer, asking: Player) -> None:
    Shop(httpserver, orders=[order(1)], shipments=[shipment(5, 1, "A1"), shipment(6, 2, "B")])
    told = asking.play(SOURCE.api.fetch(asking.asking(), "orders/1"))
    assert [one["entity_id"] for one in bodies(told)["orders/1"]["shipments"]] == [5]
    assert found(told) == found(asking.play(SOURCE.api.poll(asking.asking())))
    assert asking.play(SOURCE.api.fetch(asking.asking(), "orders/99")).found == []


def test_a_server_that_repeats_itself_ends_the_poll(httpserver: HTTPServer, asking: Player) -> None:
    page = {"items": [order(n, order_id=n) for n in range(1, 51)]}
    httpserver.expect_request(re.compile("/rest/.*")).respond_with_json(page)
    assert len(asking.play(SOURCE.api.poll(asking.asking())).asked) < 40


@pytest.mark.parametrize(("status", "why"), [(401, "login"), (429, "rate"), (503, "provider"), (400, "request")])
def test_what_is_not_answered(httpserver: HTTPServer, asking: Player, status: int, why: str) -> None:
    httpserver.expect_request(re.compile("/rest/.*")).respond_with_json({"message": "no"}, status=status)
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == why


@pytest.mark.parametrize(
    ("status", "message", "says"),
    [(200, "", "can be read"), (401, "The consumer isn't authorized to access %resources.", "may not read"),
     (401, "Invalid token", "refuses the token"), (404, "", "no REST API")],
)  # fmt: skip
def test_a_check_says_what_to_click(
    httpserver: HTTPServer, asking: Player, status: int, message: str, says: str
) -> None:
    answer = {"items": [], "message": message}
    httpserver.expect_request(re.compile("/rest/.*")).respond_with_json(answer, status=status)
    findings = asking.play(SOURCE.api.check(asking.asking())).result
    assert all(says in one.what for one in findings)
    assert all(one.do for one in findings if one.level == "error")


def test_an_invoice_is_no_refund() -> None:
    invoice = {"entity_id": 3, "order_id": 3, "increment_id": "000000003", "state": 2, "base_grand_total": 165,
               "grand_total": 165, "order_currency_code": "USD", "can_void_flag": 0, "total_qty": 9,
               "created_at": "2026-11-20 22:36:02", "items": []}  # fmt: skip
    read = reading(invoice)
    assert (read.observations, "invoice" in read.ignored) == ((), True)
    del invoice["can_void_flag"], invoice["total_qty"]
    (back,) = reading({**invoice, "adjustment": 0}).observations
    assert back.amount.amount == "165.00"
