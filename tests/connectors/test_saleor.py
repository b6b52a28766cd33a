"""Saleor beyond the golden cases: its two signatures, what its words mean, and the conversations with its API."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.saleor import SOURCE
from connectors.sources.saleor.queries import EVENTS, SUBSCRIPTION
from engine.contracts import Api, Delivery, OrderSeen, Refused, ReturnSeen, ShipmentSeen, Unanswered, Verified
from tests.connectors.playing import LONG_AGO, NOW, Player, player

BODY = b'{"__typename":"OrderUpdated","order":{"id":"T3JkZXI6MQ==","number":"1"}}'
TARGET = "https://todoke.example.jp/in/c1"
assert isinstance(SOURCE.api, Api)
API = SOURCE.api


# Signatures


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(key: rsa.RSAPrivateKey, kid: str = "k1", **changes: Any) -> str:
    numbers = key.public_key().public_numbers()
    n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
    return json.dumps({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e, **changes}]})


def signed(key: rsa.RSAPrivateKey, body: bytes = BODY, *, detached: bool = True, **header: Any) -> str:
    told = {"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": False, **header}
    protected = b64(json.dumps({name: value for name, value in told.items() if value is not None}).encode())
    payload = body if told["b64"] is False else b64(body).encode()
    signature = key.sign(protected.encode() + b"." + payload, padding.PKCS1v15(), SHA256())
    return f"{protected}.{'' if detached else b64(body)}.{b64(signature)}"


def verdict(signature: str, *secrets: str, body: bytes = BODY, **config: str) -> Verified | Refused:
    headers = {"saleor-signature": signature, "saleor-event": "order_updated"}
    return SOURCE.verify(Delivery(body=body, headers=headers, received_at=NOW, config=config), secrets, NOW)


def test_a_signature_by_a_published_key_is_genuine(key: rsa.RSAPrivateKey) -> None:
    assert verdict(signed(key), published(key)) == Verified(topic="order_updated")
    assert verdict(signed(key), "a secretKey", published(key)) == Verified(topic="order_updated")
    assert verdict(signed(key, b64=None, crit=None), published(key)) == Verified(topic="order_updated")  # RFC 7515


def test_what_is_not_signed_so_is_refused_for_good(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for signature in (
        signed(key, detached=False),
        signed(key, alg="none"),
        signed(key, alg="HS256"),
        signed(key, crit=["b64", "exp"]),
        signed(other),
        signed(key).rpartition(".")[0] + ".",
        "..",
        "a..b",
        "é..é",
    ):
        found = verdict(signature, published(key), url="https://shop.example.jp")
        assert isinstance(found, Refused), signature
        assert not found.stale, signature
    changed = verdict(signed(key), published(key), body=BODY + b" ")
    assert isinstance(changed, Refused)


def test_a_key_not_seen_yet_asks_to_come_again(key: rsa.RSAPrivateKey) -> None:
    for known in ([], [published(key, kid="k0")], [published(key, kty="EC")], ['{"keys": "x"}']):
        found = verdict(signed(key), *known, url="https://shop.example.jp")
        assert isinstance(found, Refused)
        assert found.stale


def test_without_an_address_there_is_nowhere_to_get_keys_from(key: rsa.RSAPrivateKey) -> None:
    found = verdict(signed(key))
    assert isinstance(found, Refused)
    assert not found.stale
    assert "--set url=" in found.reason


def test_a_published_key_set_is_never_a_secret(key: rsa.RSAPrivateKey) -> None:
    text = published(key)
    forged = hmac.new(text.encode(), BODY, hashlib.sha256).hexdigest()  # everybody can read the key set
    assert isinstance(verdict(forged, text), Refused)


def test_a_key_that_is_too_small_is_not_used() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert isinstance(verdict(signed(small), published(small), url="https://shop.example.jp"), Refused)


# What is said


def reading(body: Any, topic: str | None = None, **config: str) -> Any:
    return SOURCE.read(
        Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic, config=config)
    )


def order(topic: str = "order_updated", **changes: Any) -> OrderSeen:
    total = {"gross": {"amount": 100.0, "currency": "JPY"}}
    return reading({"order": {"id": "T1", "number": "7", "total": total, **changes}}, topic).observations[0]


@pytest.mark.parametrize(
    ("told", "payment"),
    [
        ({}, None),
        ({"chargeStatus": "FULL"}, "paid"),
        ({"chargeStatus": "OVERCHARGED"}, "paid"),
        ({"chargeStatus": "PARTIAL"}, "pending"),
        ({"chargeStatus": "NONE", "authorizeStatus": "FULL"}, "authorized"),
        ({"chargeStatus": "NONE", "authorizeStatus": "PARTIAL"}, "pending"),
        ({"chargeStatus": "NONE", "paymentStatus": "REFUSED"}, "failed"),
        ({"chargeStatus": "NONE", "paymentStatus": "FULLY_REFUNDED"}, "refunded"),
        ({"paymentStatus": "NOT_CHARGED"}, "pending"),
        ({"isPaid": True}, "paid"),
        ({"totalRefunded": {"amount": 30}, "totalCharged": {"amount": 70}}, "partially_refunded"),
        ({"chargeStatus": "NONE", "totalRefunded": {"amount": 100}, "totalCharged": {"amount": 0}}, "refunded"),
        ({"chargeStatus": "FULL", "totalRefunded": {"amount": 100}}, "refunded"),
        ({"payments": []}, None),
        ({"payments": [{"charge_status": "fully-charged", "is_active": True}]}, "paid"),
        ({"payments": [{"charge_status": "fully-charged", "is_active": False}]}, None),
    ],
)  # fmt: skip
def test_payment_follows_what_is_charged_and_what_went_back(told: dict[str, Any], payment: str | None) -> None:
    assert order(**told).payment == payment


def test_an_event_of_payment_counts_where_the_body_is_silent() -> None:
    assert order("order_fully_paid").payment == "paid"
    assert order("order_fully_paid", chargeStatus="PARTIAL").payment == "pending"  # the topic is not signed
    assert order("order_fully_refunded").payment == "refunded"
    assert order("order_paid").payment is None  # any part of it


@pytest.mark.parametrize(
    ("status", "allocated", "cancelled"),
    [
        ("UNCONFIRMED", False, False), ("UNFULFILLED", True, False), ("partially fulfilled", True, False),
        ("FULFILLED", True, False), ("CANCELED", None, True), ("EXPIRED", None, True), ("NEW", None, False),
    ],
)  # fmt: skip
def test_the_state_of_an_order(status: str, allocated: bool | None, cancelled: bool) -> None:
    seen = order(status=status)
    assert (seen.allocated, seen.cancelled_at is not None) == (allocated, cancelled)


@pytest.mark.parametrize(
    ("told", "locale"), [("JA", "ja"), ("EN_US", "en-US"), ("ZH_HANS_CN", "zh-Hans-CN"), ("pt-br", "pt-BR")]
)
def test_languages_are_written_as_everybody_does(told: str, locale: str) -> None:
    orderer = order(languageCodeEnum=told).orderer
    assert orderer is not None
    assert orderer.locale == locale


def parcels(number: str, **changes: Any) -> list[ShipmentSeen]:
    group = {"id": "F1", "status": "FULFILLED", "created": "2026-11-20T10:00:00Z", "trackingNumber": number, **changes}
    found = reading({"order": {"id": "T1", "fulfillments": [group]}}, "order_updated").observations
    return [one for one in found if isinstance(one, ShipmentSeen)]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("", [("F1", None, None)]),
        ("A-1", [("F1", "A-1", None)]),
        ("A1, B2、A1", [("F1", "A1", None), ("F1-2", "B2", None)]),
        ("https://t.example.jp/1", [("F1", None, "https://t.example.jp/1")]),
        ("A1, https://t.example.jp/1", [("F1", "A1", "https://t.example.jp/1")]),
        ("javascript:alert(1)", [("F1", "javascript:alert(1)", None)]),
    ],
)
def test_what_is_written_as_a_tracking_number(written: str, names: list[Any]) -> None:
    assert [(one.ref.shipment_id, one.ref.tracking_number, one.url) for one in parcels(written)] == names


@pytest.mark.parametrize(
    ("status", "left", "gone"),
    [("FULFILLED", True, False), ("WAITING_FOR_APPROVAL", False, False), ("CANCELED", False, True),
     ("LOST_AND_FOUND", False, False)],
)  # fmt: skip
def test_only_fulfilled_units_have_left(status: str, left: bool, gone: bool) -> None:
    (one,) = parcels("A1", status=status)
    assert (one.dispatched_at is not None, one.cancelled_at is not None) == (left, gone)


@pytest.mark.parametrize("status", ["RETURNED", "REFUNDED", "REPLACED", "REFUNDED_AND_RETURNED"])
def test_units_that_came_back_are_no_parcel(status: str) -> None:
    assert parcels("A1", status=status) == []


def test_a_new_tracking_number_makes_the_order_newer_though_its_own_date_stands_still() -> None:
    log = [{"id": "E", "type": "TRACKING_UPDATED", "date": "2026-11-21T10:00:00Z"}]
    assert order(updatedAt="2026-11-20T10:00:00Z").as_of == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert order(updatedAt="2026-11-20T10:00:00Z", events=log).as_of == datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_one_refund_told_in_two_places_is_one() -> None:
    money = {"amount": 50.0, "currency": "JPY"}
    group = {"id": "F9", "status": "REFUNDED", "created": "2026-11-21T10:00:00Z", "totalRefundedAmount": money}
    paid = {
        "id": "E1",
        "type": "REFUND_SUCCESS",
        "createdAt": "2026-11-21T10:00:01Z",
        "amount": {**money, "amount": 50},
    }
    more = {**paid, "id": "E2", "amount": {"amount": "20.00", "currency": "JPY"}}
    told = {"id": "T1", "fulfillments": [group], "transactions": [{"events": [paid, more]}]}
    back = [one for one in reading({"order": told}, "order_refunded").observations if isinstance(one, ReturnSeen)]
    assert [(one.ref.return_id, one.amount and one.amount.amount) for one in back] == [("F9", "50"), ("E2", "20.00")]


def test_who_asked_to_notify_is_respected_unless_nobody_else_writes() -> None:
    group = {"id": "F1", "status": "FULFILLED", "created": "2026-11-20T10:00:00Z"}
    body = {"notifyCustomer": True, "fulfillment": group, "order": {"id": "T1"}}

    def notified(**config: str) -> bool | None:
        return reading(body, "fulfillment_created", **config).observations[1].source_notified

    assert notified() is True
    assert notified(source_mails="no") is None


# Conversations


class Shop:
    """A Saleor that answers GraphQL by the name of the operation, and publishes keys."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.keys = '{"keys": []}'
        self.url = server.url_for("").rstrip("/")
        server.expect_request("/graphql/", method="POST").respond_with_handler(self._graphql)
        server.expect_request("/.well-known/jwks.json").respond_with_handler(lambda _: Response(self.keys))

    def _graphql(self, request: Request) -> Response:
        told = request.get_json()
        name = told["query"].replace("(", " ").split()[1]
        self.asked.append((name, told["variables"]))
        if request.headers["authorization"] != "Bearer t-1":
            return refusing("PermissionDenied")
        answer = self.answers[name](told["variables"])
        return answer if isinstance(answer, Response) else Response(json.dumps({"data": answer}))


def refusing(code: str, status: int = 200) -> Response:
    error = {"message": "no", "path": ["orders"], "extensions": {"exception": {"code": code}}}
    return Response(json.dumps({"errors": [error], "data": {"orders": None}}), status=status)


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def asked(shop: Shop) -> Iterator[Player]:
    with player({"url": f"{shop.url}/graphql/", "token": "t-1"}) as one:
        yield one


def listed(*orders: dict[str, Any], more: str | None = None) -> dict[str, Any]:
    edges = [{"node": one} for one in orders]
    return {"orders": {"edges": edges, "pageInfo": {"hasNextPage": more is not None, "endCursor": more}}}


def record(number: int, minute: int) -> dict[str, Any]:
    return {"id": f"T{number}", "number": str(number), "updatedAt": f"2026-11-20T10:{minute:02}:00+00:00"}


NONE = refusing("GraphQLError", 400)


def test_polling_walks_all_pages_and_goes_on_with_an_overlap(shop: Shop, asked: Player) -> None:
    pages = {None: listed(record(1, 0), record(2, 5), more="c1"), "c1": listed(record(3, 20))}
    shop.answers = {"TodokeChanged": lambda told: pages[told["after"]], "TodokeRenumbered": lambda _: NONE}
    told = asked.play(API.poll(asked.asking()))
    assert [one.key for one in told.found] == [
        "orders/T1@2026-11-20T10:00:00+00:00",
        "orders/T2@2026-11-20T10:05:00+00:00",
        "orders/T3@2026-11-20T10:20:00+00:00",
    ]
    assert shop.asked[0][1]["since"] == LONG_AGO.isoformat()
    assert told.found[2].changed_at == datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    (seen,) = SOURCE.read(
        Delivery(body=told.found[2].body, headers={}, received_at=NOW, topic=told.found[2].topic)
    ).observations
    assert (seen.ref.order_id, seen.ref.order_number) == ("T3", "3")
    shop.asked.clear()
    pages[None] = listed()
    again = asked.play(API.poll(asked.asking(told.cursor)))
    assert shop.asked[0][1]["since"] == "2026-11-20T10:10:00+00:00"
    assert again.cursor is not None
    shop.asked.clear()
    asked.play(API.poll(asked.asking(again.cursor)))
    assert shop.asked[0][1]["since"] == "2026-11-20T10:10:00+00:00"  # nothing new: no step back


def test_a_poll_that_was_cut_off_goes_on_behind_its_last_page(shop: Shop, asked: Player) -> None:
    pages = {None: listed(record(1, 0), more="c1"), "c1": listed(record(2, 30))}
    shop.answers = {"TodokeChanged": lambda told: pages[told["after"]], "TodokeRenumbered": lambda _: NONE}
    conversation = API.poll(asked.asking())
    request = next(conversation)
    page = conversation.send(asked._http.send("test", request, asked.settings))
    conversation.close()  # the worker dies here; the page is stored
    told = asked.play(API.poll(asked.asking(page.cursor)))
    assert [one.key for one in told.found] == ["orders/T2@2026-11-20T10:30:00+00:00"]


def test_an_endless_page_ends(shop: Shop, asked: Player) -> None:
    count = iter(range(1000))
    shop.answers = {
        "TodokeChanged": lambda _: listed(record(1, 0), more=f"c{next(count)}"),
        "TodokeRenumbered": lambda _: listed(record(2, 0), more=f"c{next(count)}"),
    }
    told = asked.play(API.poll(asked.asking()))
    assert sorted({one.key.partition("@")[0] for one in told.found}) == ["orders/T1", "orders/T2"]
    assert len(shop.asked) <= 5
    shop.answers["TodokeChanged"] = lambda _: listed(more="c1")
    assert asked.play(API.poll(asked.asking())).cursor is not None


def test_a_tracking_number_is_found_though_its_order_did_not_change(shop: Shop, asked: Player) -> None:
    log = [{"id": "E", "type": "TRACKING_UPDATED", "date": "2026-11-21T10:00:00+00:00"}]
    shop.answers = {
        "TodokeChanged": lambda _: listed(),
        "TodokeRenumbered": lambda _: listed({**record(1, 0), "events": log}),
    }
    told = asked.play(API.poll(asked.asking()))
    assert [one.key for one in told.found] == ["orders/T1@2026-11-21T10:00:00+00:00"]


def test_without_a_token_nothing_is_asked(shop: Shop) -> None:
    with player({"url": shop.url}) as one:
        assert one.play(API.poll(one.asking())).asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refusing("PermissionDenied"), "login"),
        (refusing("ExpiredSignatureError"), "login"),
        (refusing("GraphQLError", 400), "request"),
        (Response("busy", status=429, headers={"retry-after": "7"}), "rate"),
        (Response("oops", status=502), "provider"),
        (Response("<html>", status=200), "provider"),
        (Response("[]", status=200), "provider"),
    ],
)
def test_refusals_say_what_is_to_be_done(shop: Shop, asked: Player, answer: Response, why: str) -> None:
    shop.answers = {"TodokeChanged": lambda _: answer}
    with pytest.raises(Unanswered) as met:
        asked.play(API.poll(asked.asking()))
    assert met.value.why == why
    assert "t-1" not in str(met.value)


def app(*hooks: dict[str, Any], permissions: tuple[str, ...] = ("MANAGE_ORDERS",)) -> dict[str, Any]:
    codes = [{"code": one} for one in permissions]
    return {"app": {"id": "A1", "name": "Todoke", "isActive": True, "permissions": codes, "webhooks": list(hooks)}}


def hook(**changes: Any) -> dict[str, Any]:
    events = [{"eventType": one} for one in EVENTS]
    told = {"id": "W1", "targetUrl": TARGET, "isActive": True, "asyncEvents": events, "subscriptionQuery": SUBSCRIPTION}
    return {**told, **changes}


def mended(shop: Shop, asked: Player, *hooks: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What was changed at the shop; every finding is good."""
    shop.asked.clear()
    shop.answers = {
        "TodokeApp": lambda _: app(*hooks),
        "TodokeWebhook": lambda told: {
            "webhookUpdate" if "id" in told else "webhookCreate": {"webhook": {"id": "W1"}, "errors": []}
        },
    }
    told = asked.play(API.subscribe(asked.asking(), TARGET))
    assert [one.level for one in told.result] == ["ok", "ok"]
    return [one for one in shop.asked if one[0] == "TodokeWebhook"]


def test_a_missing_webhook_is_created_and_a_broken_one_repaired(
    shop: Shop, asked: Player, key: rsa.RSAPrivateKey
) -> None:
    shop.keys = published(key)
    ((_, created),) = mended(shop, asked)
    assert created["input"]["targetUrl"] == TARGET
    assert created["input"]["query"] == SUBSCRIPTION
    assert set(created["input"]["asyncEvents"]) == set(EVENTS)
    assert mended(shop, asked, hook()) == []
    assert mended(shop, asked, hook(subscriptionQuery=" ".join(SUBSCRIPTION.split()))) == []
    for broken in (
        hook(isActive=False),
        hook(subscriptionQuery=None),
        hook(asyncEvents=[{"eventType": "ORDER_CREATED"}]),
        hook(targetUrl="https://old.example.jp/in/c1"),
    ):
        ((_, repaired),) = mended(shop, asked, broken)
        assert repaired["id"] == "W1"
        assert repaired["input"]["targetUrl"] == TARGET
        assert repaired["input"]["isActive"] is True
    ((_, beside),) = mended(shop, asked, hook(targetUrl="https://another.example.jp/hook"))
    assert "id" not in beside  # somebody else's is left alone


def test_a_webhook_that_is_refused_is_told(shop: Shop, asked: Player, key: rsa.RSAPrivateKey) -> None:
    shop.keys = published(key)
    wrong = {"webhookCreate": {"webhook": None, "errors": [{"field": "targetUrl", "code": "INVALID"}]}}
    shop.answers = {"TodokeApp": lambda _: app(), "TodokeWebhook": lambda _: wrong}
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    assert [one.level for one in found] == ["ok", "error"]
    assert "INVALID" in found[1].what


def test_keys_are_kept_when_they_change(shop: Shop, asked: Player, key: rsa.RSAPrivateKey) -> None:
    del asked.settings["token"]
    shop.keys = published(key)
    first = asked.play(API.subscribe(asked.asking(), TARGET))
    assert first.secrets == {"jwks": shop.keys}
    assert [one.level for one in first.result] == ["ok", "warning"]
    assert asked.play(API.subscribe(asked.asking(), TARGET)).secrets == {}
    assert isinstance(verdict(signed(key), asked.settings["jwks"]), Verified)
    shop.keys = '{"keys": []}'
    empty = asked.play(API.subscribe(asked.asking(), TARGET))
    assert empty.secrets == {}  # what we know is better than nothing
    assert empty.result[0].level == "error"


def test_a_check_names_what_is_missing(shop: Shop, asked: Player, key: rsa.RSAPrivateKey) -> None:
    shop.keys = published(key)
    asked.settings["jwks"] = shop.keys
    shop.answers = {"TodokeApp": lambda _: app(), "TodokeCanRead": lambda _: listed(record(1, 0))}
    assert {one.level for one in asked.play(API.check(asked.asking())).result} == {"ok"}
    shop.answers = {"TodokeApp": lambda _: app(permissions=()), "TodokeCanRead": lambda _: refusing("PermissionDenied")}
    told = asked.play(API.check(asked.asking())).result
    assert [one.level for one in told] == ["ok", "error", "error"]
    assert "MANAGE_ORDERS" in told[1].what
    assert all(one.do for one in told[1:])
