"""ShipStation: tokens and signatures, where a thin webhook may lead, and its conversations."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.shipstation import SOURCE
from connectors.sources.shipstation.words import local
from engine.contracts import Delivery, Refused, Unanswered, Verified
from tests.connectors.playing import LONG_AGO, NOW, player

API = SOURCE.api
assert API is not None
ADDRESS = "https://todoke.example.com/in/c1"
TOKEN = "a token, long and random"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(kid: str = "k1") -> str:
    numbers = PRIVATE.public_key().public_numbers()

    def told(number: int) -> str:
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": told(numbers.n), "e": told(numbers.e)}
    return json.dumps({"keys": [key]})


def posted(body: bytes, *, url: str = f"{ADDRESS}?token=a%20token%2C+long+and+random") -> Delivery:
    return Delivery(body=body, headers={}, received_at=NOW, url=url)


def signed(body: bytes, stamp: str = "2026-11-24T11:58:00Z", kid: str = "k1") -> Delivery:
    signature = PRIVATE.sign(f"{stamp}.".encode() + body, padding.PKCS1v15(), SHA256())
    headers = {
        "x-shipengine-rsa-sha256-key-id": kid,
        "x-shipengine-rsa-sha256-signature": base64.b64encode(signature).decode(),
        "x-shipengine-timestamp": stamp,
    }
    return Delivery(body=body, headers=headers, received_at=NOW, url=posted(body).url)


def verdict(delivery: Delivery, *published: str) -> Verified | Refused:
    return SOURCE.verify(delivery, [TOKEN, *published], NOW)


def test_the_token_of_the_address_is_asked_for_signed_or_not() -> None:
    assert isinstance(verdict(posted(b"{}")), Verified)
    assert isinstance(verdict(posted(b"{}", url=ADDRESS)), Refused)
    assert isinstance(verdict(posted(b"{}", url=f"{ADDRESS}?token=another")), Refused)
    nobodys = Delivery(body=b"{}", headers=signed(b"{}").headers, received_at=NOW, url=ADDRESS)
    assert isinstance(verdict(nobodys, key_set()), Refused), "ShipStation signs for all of its customers"
    by_the_keys = posted(b"{}", url=f"{ADDRESS}?token={quote(key_set(), safe='')}")
    assert isinstance(verdict(by_the_keys, key_set()), Refused), "what is published is no secret"


def test_a_signature_counts_once_the_keys_are_known() -> None:
    assert verdict(signed(b"{}"), key_set()) == Verified()
    assert verdict(signed(b"{}"), key_set("k2"), key_set()) == Verified()
    assert verdict(signed(b"{}")) == Verified(by="token")
    assert verdict(posted(b"{}"), key_set()) == Verified(by="token"), "V1 does not sign"
    for wrong in (
        signed(b"{}", stamp="2026-11-24T11:50:00Z"),
        signed(b"{}", stamp="yesterday"),
        Delivery(body=b"{ }", headers=signed(b"{}").headers, received_at=NOW, url=posted(b"").url),
        Delivery(
            body=b"{}", headers={**signed(b"{}").headers, "x-shipengine-rsa-sha256-signature": "?"}, received_at=NOW,
            url=posted(b"").url,
        ),
    ):  # fmt: skip
        refused = verdict(wrong, key_set())
        assert isinstance(refused, Refused)
        assert not refused.stale


def test_an_unknown_key_may_be_a_new_one() -> None:
    refused = verdict(signed(b"{}"), key_set("k2"))
    assert isinstance(refused, Refused)
    assert refused.stale


def read(body: Any, **config: str) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, config=config))


def notified(address: str, **config: str) -> tuple[str, ...]:
    return read({"resource_url": address, "resource_type": "SHIP_NOTIFY"}, **config).fetch


LOCAL = "http://127.0.0.1:9999"


@pytest.mark.parametrize(
    ("address", "base", "expected"),
    [
        ("https://ssapi.shipstation.com/shipments?batchId=1", None, "shipments?batchId=1"),
        ("https://ssapi6.shipstation.com/shipments?batchId=1", None, "ssapi6.shipstation.com/shipments?batchId=1"),
        ("https://ssapi6.shipstation.com/shipments?batchId=1", LOCAL, "shipments?batchId=1"),
        (f"{LOCAL}/shipments?batchId=1&page=3", LOCAL, "shipments?batchId=1"),
        ("http://ssapi.shipstation.com/shipments?batchId=1", None, None),
        ("https://ssapi.shipstation.com:8443/shipments?batchId=1", None, None),
        ("https://SSAPI.shipstation.com/shipments?batchId=1", None, "shipments?batchId=1"),
        ("https://ssapi.shipstation.com/shipments/../users?batchId=1", None, None),
        ("https://ssapi.shipstation.com/shipments", None, None),
        ("https://example.net/shipments?batchId=1", None, None),
        ("https://example.net\\@ssapi.shipstation.com/shipments?batchId=1", None, None),
        ("http://127.0.0.1:9998/shipments?batchId=1", LOCAL, None),
        ("http://[::1", LOCAL, None),
        ("file:///etc/passwd", None, None),
        ("https://ssapi.shipstation.com/shipments?batchId=1%0d%0aX: y", None, None),
    ],
)
def test_a_thin_webhook_leads_to_lists_of_the_api_only(address: str, base: str | None, expected: str | None) -> None:
    config = {"url": base} if base else {}
    assert notified(address, **config) == ((expected,) if expected else ())


def test_the_hour_that_comes_twice_is_asked_for_from_its_first_time() -> None:
    assert local(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "2026-07-01 05:00:00"
    assert local(datetime(2026, 11, 1, 8, 30, tzinfo=UTC)) == "2026-11-01 00:30:00"  # 1:30 in summer time
    assert local(datetime(2026, 11, 1, 9, 30, tzinfo=UTC)) == "2026-11-01 00:30:00"  # 1:30 in winter time
    assert local(datetime(2026, 11, 1, 10, 30, tzinfo=UTC)) == "2026-11-01 02:30:00"


def order(number: int, changed: str) -> dict[str, Any]:
    return {"orderId": number, "orderNumber": str(number), "orderStatus": "shipped", "items": [], "modifyDate": changed}


def label(number: int, made: str = "2026-11-20T10:00:00.0000000", **more: Any) -> dict[str, Any]:
    return {
        "shipmentId": number, "orderId": 1, "trackingNumber": f"1Z{number}", "createDate": made,
        "shipDate": made[:10], "shipmentItems": [], **more,
    }  # fmt: skip


class ShipStation:
    """V1: sorted lists in pages of `size`, whatever page size is asked for, and webhooks."""

    def __init__(self, server: HTTPServer, size: int = 2) -> None:
        self.orders: list[dict[str, Any]] = []
        self.shipments: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.keys = key_set()
        self.size = size
        self.asked: list[dict[str, str]] = []
        self.between: Any = None
        for name, key in (("orders", "modifyDate"), ("shipments", "createDate"), ("fulfillments", "createDate")):
            server.expect_request(f"/{name}").respond_with_handler(self._list(name, key))
        server.expect_request("/webhooks", method="GET").respond_with_handler(
            lambda _: answer({"webhooks": self.hooks})
        )
        server.expect_request("/webhooks/subscribe", method="POST").respond_with_handler(self._subscribe)
        server.expect_request("/jwks").respond_with_handler(lambda _: Response(self.keys))
        server.expect_request("/webhooks/1", method="DELETE").respond_with_handler(self._delete)

    def _list(self, name: str, key: str) -> Any:
        def respond(request: Request) -> Response:
            asked = {"list": name, **request.args, "authorization": request.headers.get("Authorization", "")}
            self.asked.append(asked)
            start = request.args.get(f"{key}Start", "").replace(" ", "T")
            every = getattr(self, name, []) if {"modifyDateStart", "createDateStart", "batchId"} & asked.keys() else []
            chosen = [one for one in sorted(every, key=lambda one: one[key]) if one[key] >= start]
            page = int(request.args["page"])
            shown = chosen[(page - 1) * self.size : page * self.size]
            pages = -(-len(chosen) // self.size)
            told = answer({name: shown, "total": len(chosen), "page": page, "pages": pages if pages > 1 else 0})
            if self.between:
                self.between(name, page)
            return told

        return respond

    def _subscribe(self, request: Request) -> Response:
        told = request.get_json()
        self.hooks.append({"WebHookID": 2, "HookType": told["event"], "Url": told["target_url"], "Active": True})
        return answer({"id": 2})

    def _delete(self, request: Request) -> Response:
        self.hooks = [hook for hook in self.hooks if hook["WebHookID"] != 1]
        return Response(status=200)


def answer(body: Any) -> Response:
    return Response(json.dumps(body), content_type="application/json")


@pytest.fixture
def shipstation(httpserver: HTTPServer) -> ShipStation:
    return ShipStation(httpserver)


@pytest.fixture
def playing(httpserver: HTTPServer):
    settings = {"key": "user", "api_secret": "password", "secret": TOKEN, "url": httpserver.url_for("").rstrip("/")}
    with player(settings) as one:
        yield one


def test_polling_reads_every_list_and_the_next_begins_where_it_began(shipstation, playing) -> None:
    shipstation.orders = [order(n, f"2026-11-20T10:00:0{n}.0000000") for n in range(1, 6)]
    shipstation.shipments = [label(n) for n in range(1, 4)]
    told = playing.play(API.poll(playing.asking()))
    keys = {found.key for found in told.found}
    assert {key.partition("@")[0] for key in keys} == {*(f"order/{n}" for n in range(1, 6)), "shipment/1",
                                                       "shipment/2", "shipment/3"}  # fmt: skip
    assert shipstation.asked[0]["authorization"] == "Basic " + base64.b64encode(b"user:password").decode()
    assert shipstation.asked[0]["modifyDateStart"] == local(LONG_AGO)
    assert {asked["includeShipmentItems"] for asked in shipstation.asked if asked["list"] == "shipments"} == {"true"}
    shipstation.asked.clear()
    playing.play(API.poll(playing.asking(told.cursor)))
    assert shipstation.asked[0]["modifyDateStart"] == local(NOW - timedelta(minutes=15))


def test_an_order_that_changes_while_the_list_is_read_hides_none(shipstation, playing) -> None:
    shipstation.orders = [order(n, f"2026-11-20T10:00:0{n}.0000000") for n in range(1, 7)]

    def change_the_first(name: str, page: int) -> None:
        shipstation.orders[0]["modifyDate"] = "2026-11-24T03:00:00.0000000"

    shipstation.between = change_the_first
    told = playing.play(API.poll(playing.asking()))
    assert {json.loads(found.body)["orderId"] for found in told.found} == {1, 2, 3, 4, 5, 6}


def test_many_orders_of_one_moment_are_read_page_by_page(shipstation, playing) -> None:
    shipstation.orders = [order(n, "2026-11-20T10:00:00.0000000") for n in range(1, 8)]
    told = playing.play(API.poll(playing.asking()))
    assert {json.loads(found.body)["orderId"] for found in told.found} == set(range(1, 8))


def test_a_label_for_a_later_day_is_found_again_when_the_day_has_come(httpserver, playing) -> None:
    later = label(9, shipDate="2026-11-23")

    def respond(request: Request) -> Response:
        due = "shipDateStart" in request.args and request.args["shipDateEnd"] >= "2026-11-23"
        return answer({"shipments": [later, label(8)] if due else [], "pages": 1})

    httpserver.expect_request("/shipments").respond_with_handler(respond)
    httpserver.expect_request("/orders").respond_with_json({"orders": [], "pages": 0})
    httpserver.expect_request("/fulfillments").respond_with_json({"fulfillments": [], "pages": 0})
    (found,) = playing.play(API.poll(playing.asking())).found
    assert found.key.startswith("shipment/9/left@")
    (parcel,) = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic)).observations
    assert parcel.dispatched_at is not None


def test_fetching_gets_every_page_with_its_items(shipstation, playing) -> None:
    shipstation.shipments = [label(n) for n in range(1, 6)]
    told = playing.play(API.fetch(playing.asking(), "shipments?batchId=7"))
    assert [json.loads(found.body)["shipmentId"] for found in told.found] == [1, 2, 3, 4, 5]
    assert all(asked["batchId"] == "7" for asked in shipstation.asked)
    polled = playing.play(API.poll(playing.asking())).found
    assert {found.key for found in told.found} == {found.key for found in polled}


@pytest.mark.parametrize("ref", ["users?a=1", "example.net/shipments?batchId=1", "../shipments?a=1", ""])
def test_nothing_else_is_fetched(playing, ref: str) -> None:
    with pytest.raises(Unanswered):
        playing.play(API.fetch(playing.asking(), ref))


def test_a_list_that_does_not_end_is_ended(httpserver, playing) -> None:
    httpserver.expect_request("/orders").respond_with_json(
        {"orders": [order(1, "2026-11-20T10:00:00")], "page": 1, "pages": 99999}
    )
    with pytest.raises(Unanswered, match="does not end"):
        playing.play(API.poll(playing.asking()))


@pytest.mark.parametrize(
    ("status", "headers", "why", "after"),
    [(401, {}, "login", None), (429, {"X-Rate-Limit-Reset": "23"}, "rate", 23), (502, {}, "provider", None)],
)
def test_refusals_say_why(httpserver, playing, status, headers, why, after) -> None:
    httpserver.expect_request("/orders").respond_with_data("{}", status=status, headers=headers)
    with pytest.raises(Unanswered) as refused:
        playing.play(API.poll(playing.asking()))
    assert refused.value.why == why
    assert (refused.value.after and refused.value.after.total_seconds()) == after


def test_webhooks_are_registered_once_with_the_token_and_made_anew_when_off(shipstation, playing) -> None:
    target = f"{ADDRESS}?token=a%20token%2C%20long%20and%20random"
    shipstation.hooks = [{"WebHookID": 1, "HookType": "SHIP_NOTIFY", "Url": target, "Active": False}]
    playing.play(API.subscribe(playing.asking(), ADDRESS))
    assert sorted(hook["HookType"] for hook in shipstation.hooks) == [
        "FULFILLMENT_SHIPPED", "ORDER_NOTIFY", "SHIP_NOTIFY",
    ]  # fmt: skip
    assert {hook["Url"] for hook in shipstation.hooks} == {target}
    assert all(hook["Active"] for hook in shipstation.hooks)
    playing.play(API.subscribe(playing.asking(), target))
    assert len(shipstation.hooks) == 3


def test_the_published_keys_are_fetched_and_renewed(shipstation, playing) -> None:
    told = playing.play(API.subscribe(playing.asking(), ADDRESS))
    assert told.secrets == {"jwks": key_set()}
    assert [one.level for one in told.result] == ["ok", "ok"]
    assert playing.play(API.subscribe(playing.asking(), ADDRESS)).secrets == {}
    shipstation.keys = key_set("k2")
    assert playing.play(API.subscribe(playing.asking(), ADDRESS)).secrets == {"jwks": key_set("k2")}
    shipstation.keys = "<html>"
    told = playing.play(API.subscribe(playing.asking(), ADDRESS))
    assert [one.level for one in told.result] == ["ok", "warning"]
    assert told.secrets == {}


def test_without_a_secret_nothing_is_registered(httpserver) -> None:
    with player({"key": "k", "api_secret": "s", "url": httpserver.url_for("/")}) as one:
        (found,) = one.play(API.subscribe(one.asking(), ADDRESS)).result
    assert found.level == "error"
    assert "--set secret" in (found.do or "")


def test_checking_tells_refused_keys_and_webhooks_that_are_off(shipstation, playing, httpserver) -> None:
    shipstation.hooks = [{"WebHookID": 1, "HookType": "SHIP_NOTIFY", "Url": "x", "Active": False}]
    assert [one.level for one in playing.play(API.check(playing.asking())).result] == ["ok", "warning"]
    httpserver.clear()
    httpserver.expect_request("/webhooks").respond_with_data("", status=401)
    assert [one.level for one in playing.play(API.check(playing.asking())).result] == ["error"]
