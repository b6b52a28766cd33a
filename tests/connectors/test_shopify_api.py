"""The conversations with a Shopify shop: polling by GraphQL, the token of a day, webhooks, the check; and that an
order reads alike whichever way it came."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.shopify import SOURCE
from connectors.sources.shopify.subscribe import TOPICS
from engine.contracts import Api, Delivery, Finding, Unanswered
from tests.connectors.playing import NOW, Player, player

TARGET = "https://todoke.example.jp/in/c1"
assert isinstance(SOURCE.api, Api)
API = SOURCE.api


def read(body: Any, topic: str = "orders/updated") -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic))


# One order, two ways


def money(amount: str) -> dict[str, Any]:
    return {"presentmentMoney": {"amount": amount, "currencyCode": "JPY"}}


def posted_money(amount: str) -> dict[str, Any]:
    return {"presentment_money": {"amount": amount, "currency_code": "JPY"}}


def whole(*nodes: Any) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(nodes)}


PLACE = {
    "company": None,
    "address1": "三条2-2",
    "address2": None,
    "city": "京都市",
    "province": "Kyōto",
    "zip": "604-8001",
}
POLLED = {
    "id": "gid://shopify/Order/11", "name": "#1001", "createdAt": "2026-11-20T01:00:00Z", "sourceName": "web",
    "updatedAt": "2026-11-21T02:00:00Z", "processedAt": "2026-11-20T01:00:00Z", "confirmed": True, "test": False,
    "cancelledAt": None, "cancelReason": None, "currencyCode": "JPY", "displayFinancialStatus": "PAID",
    "displayFulfillmentStatus": "PARTIALLY_FULFILLED", "returnStatus": "NO_RETURN", "paymentGatewayNames": ["代金引換"],
    "email": "a@example.jp", "phone": None, "customerLocale": "ja", "customerAcceptsMarketing": False,
    "totalPriceSet": money("3600"), "currentTotalPriceSet": money("3600"),
    "customer": {"id": "gid://shopify/Customer/5", "firstName": "直子", "lastName": "髙橋",
                 "defaultEmailAddress": {"emailAddress": "a@example.jp", "marketingState": "PENDING"}},
    "shippingAddress": {**PLACE, "firstName": "直子", "lastName": "髙橋", "provinceCode": "JP-26",
                        "countryCodeV2": "JP", "phone": "+81751234567"},
    "billingAddress": None, "shippingLine": {"title": "宅急便"},
    "lineItems": whole({"id": "gid://shopify/LineItem/7", "sku": "T-1", "title": "茶", "variantTitle": "100g",
                        "quantity": 2, "currentQuantity": 2, "requiresShipping": True, "isGiftCard": False,
                        "originalUnitPriceSet": money("1800"), "image": None}),
    "fulfillments": [{
        "id": "gid://shopify/Fulfillment/9", "status": "SUCCESS", "createdAt": "2026-11-21T01:00:00Z",
        "updatedAt": "2026-11-21T01:30:00Z", "estimatedDeliveryAt": "2026-11-22T03:00:00Z", "deliveredAt": None,
        "inTransitAt": None,
        "trackingInfo": [{"company": "ヤマト運輸", "number": "4021", "url": "https://t.example.jp/4021"}],
        "fulfillmentLineItems": whole(
            {"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/7", "sku": "T-1", "title": "茶"}}),
        "events": whole({"id": "gid://shopify/FulfillmentEvent/3", "status": "ATTEMPTED_DELIVERY", "city": "京都市",
                         "happenedAt": "2026-11-21T01:30:00Z", "message": "ご不在", "country": "JP", "province": None}),
    }],
    "refunds": [{
        "id": "gid://shopify/Refund/8", "createdAt": "2026-11-21T02:00:00Z", "note": "割れ",
        "refundLineItems": whole({"quantity": 1, "restockType": "RETURN",
                                  "lineItem": {"id": "gid://shopify/LineItem/7", "sku": "T-1", "title": "茶"}}),
        "transactions": whole({"kind": "REFUND", "status": "SUCCESS", "amountSet": money("1800")}),
    }],
}  # fmt: skip
POSTED = {
    "id": 11, "name": "#1001", "created_at": "2026-11-20T10:00:00+09:00", "source_name": "web",
    "updated_at": "2026-11-21T11:00:00+09:00", "processed_at": "2026-11-20T10:00:00+09:00", "confirmed": True,
    "test": False, "cancelled_at": None, "cancel_reason": None, "currency": "JPY", "financial_status": "paid",
    "fulfillment_status": "partial", "payment_gateway_names": ["代金引換"], "email": "a@example.jp", "phone": None,
    "customer_locale": "ja", "buyer_accepts_marketing": False, "total_price_set": posted_money("3600"),
    "current_total_price_set": posted_money("3600"),
    "customer": {"id": 5, "first_name": "直子", "last_name": "髙橋", "email": "a@example.jp",
                 "email_marketing_consent": {"state": "pending"}},
    "shipping_address": {**PLACE, "first_name": "直子", "last_name": "髙橋", "province_code": "JP-26",
                         "country_code": "JP", "phone": "+81751234567"},
    "billing_address": None, "shipping_lines": [{"title": "宅急便"}],
    "line_items": [{"id": 7, "sku": "T-1", "title": "茶", "variant_title": "100g", "quantity": 2, "current_quantity": 2,
                    "requires_shipping": True, "gift_card": False, "price_set": posted_money("1800")}],
    "fulfillments": [{
        "id": 9, "status": "success", "created_at": "2026-11-21T10:00:00+09:00",
        "updated_at": "2026-11-21T10:30:00+09:00", "estimated_delivery_at": "2026-11-22T12:00:00+09:00",
        "tracking_company": "ヤマト運輸", "tracking_numbers": ["4021"], "tracking_urls": ["https://t.example.jp/4021"],
        "line_items": [{"id": 7, "quantity": 1, "sku": "T-1", "title": "茶"}],
    }],
    "refunds": [{
        "id": 8, "created_at": "2026-11-21T11:00:00+09:00", "note": "割れ",
        "refund_line_items": [
            {"line_item_id": 7, "quantity": 1, "restock_type": "return", "line_item": {"sku": "T-1", "title": "茶"}}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "1800", "currency": "JPY"}],
    }],
}  # fmt: skip
EVENT = {"fulfillment_id": 9, "order_id": 11, "status": "attempted_delivery", "city": "京都市", "country": "JP",
         "happened_at": "2026-11-21T10:30:00+09:00", "message": "ご不在"}  # fmt: skip


def test_an_order_reads_alike_whether_it_was_polled_or_posted() -> None:
    by_webhooks = (*read(POSTED).observations, *read(EVENT, "fulfillment_events/create").observations)
    assert read({"order": POLLED}).observations == by_webhooks


@pytest.mark.parametrize("body", [POLLED, {"data": {"order": POLLED}}, {"order": POLLED}])
def test_a_recorded_answer_shows_what_it_is(body: Any) -> None:
    assert len(SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW)).observations) == 4


def test_a_fulfilment_marked_by_hand_counts_as_scanned_once() -> None:
    def scans(**changes: Any) -> list[str]:
        parcel = {**POLLED["fulfillments"][0], **changes}  # type: ignore[index]
        found = read({"order": {**POLLED, "fulfillments": [parcel]}}).observations
        return [one.status for one in found if hasattr(one, "raw_code")]

    at = "2026-11-22T03:00:00Z"
    assert scans(events=whole(), deliveredAt=at) == ["delivered"]
    assert scans(events=whole({"status": "DELIVERED", "happenedAt": at}), deliveredAt=at) == ["delivered"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("requested", (True, False, False)), ("OPEN", (False, True, False)), ("declined", (False, False, True)),
        ("closed", None), ("canceled", None),
    ],
)  # fmt: skip
def test_returns_tell_what_was_asked_and_answered(status: str, told: tuple[bool, ...] | None) -> None:
    found = read({"id": 4, "order": {"id": 11}, "status": status, "return_line_items": []}, "returns/update")
    stages = [(one.requested_at, one.approved_at, one.declined_at) for one in found.observations]
    assert [tuple(bool(at) for at in one) for one in stages] == ([told] if told else [])
    assert all(one.received_at is None and one.refunded_at is None for one in found.observations)


# The shop


class Shop:
    """A Shopify that answers GraphQL by the name of the operation, and gives out tokens of a day."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.tokens = ["t-1"]
        self.logins = 0
        self.cost: dict[str, Any] = {}
        self.url = server.url_for("").rstrip("/")
        server.expect_request("/admin/api/2026-10/graphql.json", method="POST").respond_with_handler(self._graphql)
        server.expect_request("/admin/oauth/access_token", method="POST").respond_with_handler(self._login)

    def _graphql(self, request: Request) -> Response:
        if request.headers["x-shopify-access-token"] != self.tokens[-1]:
            return Response('{"errors":"[API] Invalid API key or access token"}', status=401)
        told = request.get_json()
        name = told["query"].replace("(", " ").split()[1]
        self.asked.append((name, told["variables"]))
        answer = self.answers[name](told["variables"])
        if isinstance(answer, Response):
            return answer
        return Response(json.dumps({"data": answer, "extensions": {"cost": self.cost}}))

    def _login(self, request: Request) -> Response:
        if request.form.to_dict() != {"grant_type": "client_credentials", "client_id": "id", "client_secret": "cs"}:
            return Response('{"error":"invalid_client"}', status=400)
        self.logins += 1
        self.tokens.append(f"day-{self.logins}")
        return Response(json.dumps({"access_token": self.tokens[-1], "scope": "read_orders", "expires_in": 86399}))

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


def wrong(code: str, data: Any = None, path: tuple[str, ...] = ("orders",)) -> Response:
    error = {"message": "no", "path": list(path), "extensions": {"code": code}}
    return Response(json.dumps({"errors": [error], "data": data}))


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def asked(shop: Shop) -> Iterator[Player]:
    with player({"url": shop.url, "shop": "mine.myshopify.com", "token": "t-1", "secret": "cs"}) as one:
        yield one


def node(number: int, minute: int, **changes: Any) -> dict[str, Any]:
    at = f"2026-11-20T10:{minute:02}:00Z"
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "updatedAt": at,
        "lineItems": whole(),
        **changes,
    }


def listed(*nodes: Any, more: str | None = None) -> dict[str, Any]:
    return {"orders": {"pageInfo": {"hasNextPage": more is not None, "endCursor": more}, "nodes": list(nodes)}}


def ids(found: Any) -> list[str]:
    return [one.key.partition("@")[0] for one in found]


def test_polling_walks_all_pages_and_goes_on_with_an_overlap(shop: Shop, asked: Player) -> None:
    pages = {None: listed(node(1, 0), node(2, 5), more="c1"), "c1": listed(node(3, 20))}
    shop.answers = {"TodokeChanged": lambda told: pages[told["after"]]}
    told = asked.play(API.poll(asked.asking()))
    assert ids(told.found) == ["orders/1", "orders/2", "orders/3"]
    assert told.found[2].changed_at == datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    assert shop.asked[0][1]["query"] == "updated_at:>='2026-11-01T00:00:00Z'"
    (seen,) = SOURCE.read(
        Delivery(body=told.found[0].body, headers={}, received_at=NOW, topic=told.found[0].topic)
    ).observations
    assert (seen.ref.order_id, seen.ref.order_number) == ("1", "#1")
    shop.asked.clear()
    pages[None] = listed(node(3, 20))
    again = asked.play(API.poll(asked.asking(told.cursor)))
    assert shop.asked[0][1]["query"] == "updated_at:>='2026-11-20T10:10:00Z'"
    assert again.found == told.found[2:]  # the same name: stored once


def test_a_parcel_that_changes_makes_another_state_of_the_same_date(shop: Shop, asked: Player) -> None:
    parcel = {"id": "gid://shopify/Fulfillment/9", "status": "SUCCESS"}
    states = iter([listed(node(1, 0)), listed(node(1, 0, fulfillments=[parcel]))])
    shop.answers = {"TodokeChanged": lambda _: next(states)}
    first, second = (asked.play(API.poll(asked.asking())).found for _ in range(2))
    assert first[0].key != second[0].key


def test_a_poll_that_was_cut_off_goes_on_behind_its_last_page(shop: Shop, asked: Player) -> None:
    pages = {None: listed(node(1, 0), more="c1"), "c1": listed(node(2, 30))}
    shop.answers = {"TodokeChanged": lambda told: pages[told["after"]]}
    conversation = API.poll(asked.asking())
    page = conversation.send(asked._http.send("test", next(conversation), asked.settings))
    conversation.close()  # the worker dies here; the page is stored
    assert ids(asked.play(API.poll(asked.asking(page.cursor))).found) == ["orders/2"]


def test_an_endless_page_ends(shop: Shop, asked: Player) -> None:
    count = iter(range(1000))
    shop.answers = {"TodokeChanged": lambda _: listed(node(1, 0), more=f"c{next(count)}")}
    assert ids(asked.play(API.poll(asked.asking())).found) == ["orders/1"]
    assert len(shop.asked) == 2
    shop.answers = {"TodokeChanged": lambda _: listed(more=f"c{next(count)}")}
    assert asked.play(API.poll(asked.asking())).cursor is not None


def test_a_list_that_is_longer_is_read_to_its_end(shop: Shop, asked: Player) -> None:
    def line(number: int) -> dict[str, Any]:
        return {"id": f"gid://shopify/LineItem/{number}", "title": f"茶{number}", "quantity": 1}

    begun = {"pageInfo": {"hasNextPage": True, "endCursor": "l1"}, "nodes": [line(1)]}
    rest = {"node": {"lineItems": {"pageInfo": {"hasNextPage": True, "endCursor": "l2"}, "nodes": [line(1), line(2)]}}}
    shop.answers = {"TodokeChanged": lambda _: listed(node(1, 0, lineItems=begun)), "TodokeRest": lambda _: rest}
    (one,) = asked.play(API.poll(asked.asking())).found
    lines = read(json.loads(one.body)).observations[0].lines
    assert [each.name for each in lines] == ["茶1", "茶2"]
    assert [told["after"] for name, told in shop.asked if name == "TodokeRest"] == ["l1", "l2"]  # nothing new: the end


def test_returns_are_asked_for_where_there_are_any(shop: Shop, asked: Player) -> None:
    returns = {
        "order": {
            "returns": whole({"id": "gid://shopify/Return/4", "status": "OPEN", "createdAt": "2026-11-20T10:00:00Z"})
        }
    }
    shop.answers = {
        "TodokeChanged": lambda _: listed(node(1, 0, returnStatus="IN_PROGRESS"), node(2, 1, returnStatus="NO_RETURN")),
        "TodokeReturns": lambda _: returns,
    }  # fmt: skip
    told = asked.play(API.poll(asked.asking()))
    assert shop.names() == ["TodokeChanged", "TodokeReturns"]
    assert read(json.loads(told.found[0].body)).observations[1].ref.return_id == "4"
    shop.answers["TodokeReturns"] = lambda _: wrong("ACCESS_DENIED", {"order": None}, ("order", "returns"))
    denied = asked.play(API.poll(asked.asking()))
    assert len(denied.found) == 2
    shop.asked.clear()
    asked.play(API.poll(asked.asking(denied.cursor)))
    assert shop.names() == ["TodokeChanged"]  # not asked again for a day


def test_it_pauses_when_the_points_do_not_pay_for_another_page(shop: Shop, asked: Player) -> None:
    pages = {None: listed(node(1, 0), more="c1"), "c1": listed(node(2, 1))}
    shop.answers = {"TodokeChanged": lambda told: pages[told["after"]]}
    shop.cost = {"requestedQueryCost": 600, "throttleStatus": {"currentlyAvailable": 350, "restoreRate": 100}}
    conversation = API.poll(asked.asking())
    page = conversation.send(asked._http.send("test", next(conversation), asked.settings))
    with pytest.raises(Unanswered) as met:
        next(conversation)
    assert (met.value.why, met.value.after) == ("rate", timedelta(seconds=3))
    shop.cost = {}
    assert ids(asked.play(API.poll(asked.asking(page.cursor))).found) == ["orders/2"]


def test_throttled_and_too_dear_questions(shop: Shop, asked: Player) -> None:
    shop.answers = {"TodokeChanged": lambda _: wrong("THROTTLED")}
    with pytest.raises(Unanswered) as met:
        asked.play(API.poll(asked.asking()))
    assert met.value.why == "rate"
    assert met.value.after
    shop.asked.clear()
    shop.answers = {
        "TodokeChanged": lambda told: wrong("MAX_COST_EXCEEDED") if told["first"] > 3 else listed(node(1, 0))
    }
    assert ids(asked.play(API.poll(asked.asking())).found) == ["orders/1"]
    assert [told["first"] for _, told in shop.asked] == [10, 5, 2]


def test_what_was_refused_in_part_is_read_for_the_rest(shop: Shop, asked: Player) -> None:
    part = wrong("ACCESS_DENIED", listed(node(1, 0, customer=None)), ("orders", "nodes", "0", "customer"))
    shop.answers = {"TodokeChanged": lambda _: part}
    assert ids(asked.play(API.poll(asked.asking())).found) == ["orders/1"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (wrong("ACCESS_DENIED"), "login"),
        (wrong("undefinedField"), "request"),
        (Response('{"errors":"Not Found"}', status=404), "request"),
        (Response("", status=429, headers={"retry-after": "2.0"}), "rate"),
        (Response("", status=503), "provider"),
        (Response("<html>", status=200), "provider"),
    ],
)
def test_refusals_say_what_is_to_be_done(shop: Shop, asked: Player, answer: Response, why: str) -> None:
    shop.answers = {"TodokeChanged": lambda _: answer}
    with pytest.raises(Unanswered) as met:
        asked.play(API.poll(asked.asking()))
    assert met.value.why == why


# The token of a day


@pytest.fixture
def app(shop: Shop) -> Iterator[Player]:
    shop.answers = {"TodokeChanged": lambda _: listed()}
    with player({"url": shop.url, "shop": "mine.myshopify.com", "client_id": "id", "client_secret": "cs"}) as one:
        yield one


def test_a_token_is_fetched_kept_and_used_until_it_runs_out(shop: Shop, app: Player) -> None:
    told = app.play(API.poll(app.asking()))
    assert told.secrets == {"access_token": "day-1"}
    assert told.until == {"access_token": NOW + timedelta(seconds=86399)}
    app.play(API.poll(app.asking()))
    assert shop.logins == 1
    app.play(API.poll(app.asking(now=NOW + timedelta(hours=23, minutes=58))))
    assert shop.logins == 2


def test_a_token_that_was_taken_back_is_renewed_once(shop: Shop, app: Player) -> None:
    app.settings["access_token"] = "gone"
    app.until["access_token"] = NOW + timedelta(hours=5)
    assert app.play(API.poll(app.asking())).secrets == {"access_token": "day-1"}
    shop.answers = {"TodokeChanged": lambda _: Response("", status=403)}
    with pytest.raises(Unanswered) as met:
        app.play(API.poll(app.asking()))
    assert met.value.why == "login"
    assert shop.logins == 2


def test_an_app_that_is_not_installed_is_told(app: Player) -> None:
    app.settings["client_secret"] = "another"
    with pytest.raises(Unanswered) as met:
        app.play(API.poll(app.asking()))
    assert met.value.why == "login"
    assert "another" not in str(met.value)


def test_without_an_app_nothing_is_asked(shop: Shop) -> None:
    with player({"url": shop.url, "shop": "mine.myshopify.com"}) as one:
        for conversation in (API.poll(one.asking()), API.subscribe(one.asking(), TARGET), API.check(one.asking())):
            assert one.play(conversation).asked == []


# Webhooks and the check


def hook(topic: str, **changes: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/WebhookSubscription/{topic}", "topic": topic, "uri": TARGET, "format": "JSON",
            "includeFields": [], "filter": "", **changes}  # fmt: skip


def mended(shop: Shop, asked: Player, *hooks: dict[str, Any]) -> tuple[list[tuple[str, dict[str, Any]]], list[Finding]]:
    done = {"webhookSubscription": {"id": "w"}, "userErrors": []}
    shop.asked.clear()
    shop.answers = {
        "TodokeHooks": lambda _: {"webhookSubscriptions": whole(*hooks)},
        "TodokeCreate": lambda _: {"webhookSubscriptionCreate": done},
        "TodokeUpdate": lambda _: {"webhookSubscriptionUpdate": done},
    }
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    return [one for one in shop.asked if one[0] != "TodokeHooks"], list(found)


def test_deleted_webhooks_are_created_again(shop: Shop, asked: Player) -> None:
    changes, found = mended(shop, asked)
    assert [told["topic"] for _, told in changes] == list(TOPICS)
    assert all(told["hook"] == {"uri": TARGET, "format": "JSON"} for _, told in changes)
    assert {one.level for one in found} == {"ok"}
    changes, found = mended(shop, asked, *(hook(topic) for topic in TOPICS[1:]))
    assert [told["topic"] for _, told in changes] == [TOPICS[0]]
    changes, found = mended(shop, asked, *(hook(topic) for topic in TOPICS))
    assert changes == []
    assert [one.level for one in found] == ["ok"]


@pytest.mark.parametrize(
    "broken",
    [{"format": "XML"}, {"includeFields": ["id"]}, {"filter": "total_price:>100"},
     {"uri": "https://old.example.jp/in/c1"}],
)  # fmt: skip
def test_changed_webhooks_are_repaired(shop: Shop, asked: Player, broken: dict[str, Any]) -> None:
    others = [hook(topic) for topic in TOPICS[1:]]
    ((name, told),), found = mended(shop, asked, hook(TOPICS[0], **broken), *others)
    assert name == "TodokeUpdate"
    assert told["id"].endswith(TOPICS[0])
    assert (told["hook"]["uri"], told["hook"]["format"]) == (TARGET, "JSON")
    assert {one.level for one in found} == {"ok"}


def test_somebody_elses_webhook_is_left_alone_and_older_names_are_read(shop: Shop, asked: Player) -> None:
    others = [{**hook(topic), "uri": None, "callbackUrl": TARGET} for topic in TOPICS[1:]]
    ((name, _),), _ = mended(shop, asked, hook(TOPICS[0], uri="https://other.example.jp/hook"), *others)
    assert name == "TodokeCreate"


def test_a_topic_that_is_refused_is_told_and_the_others_go_on(shop: Shop, asked: Player) -> None:
    mended(shop, asked)
    refused = {"webhookSubscription": None, "userErrors": [{"field": ["topic"], "message": "no permission"}]}
    done = {"webhookSubscription": {"id": "w"}, "userErrors": []}
    shop.answers["TodokeCreate"] = lambda told: {
        "webhookSubscriptionCreate": refused if told["topic"] == "REFUNDS_CREATE" else done
    }
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    assert [one.level for one in found].count("error") == 1
    assert len(found) == len(TOPICS)


def test_an_address_without_https_and_another_secret_are_told(shop: Shop, asked: Player) -> None:
    (plain,) = asked.play(API.subscribe(asked.asking(), "http://127.0.0.1/in/c1")).result
    assert plain.level == "error"
    asked.settings["client_secret"] = "another"
    _, found = mended(shop, asked, *(hook(topic) for topic in TOPICS))
    assert [one.level for one in found] == ["ok", "warning"]


def test_a_check_names_missing_scopes_and_protected_data(shop: Shop, asked: Player) -> None:
    def access(*scopes: str, domain: str = "mine.myshopify.com") -> Any:
        handles = [{"handle": one} for one in scopes]
        return {
            "shop": {"name": "みどり", "myshopifyDomain": domain},
            "currentAppInstallation": {"accessScopes": handles},
        }

    every = ("read_orders", "read_fulfillments", "read_customers", "write_returns", "read_all_orders")
    shop.answers = {"TodokeAccess": lambda _: access(*every), "TodokeCanRead": lambda _: listed(node(1, 0))}
    assert {one.level for one in asked.play(API.check(asked.asking())).result} == {"ok"}
    shop.answers = {
        "TodokeAccess": lambda _: access("read_fulfillments", domain="other.myshopify.com"),
        "TodokeCanRead": lambda _: wrong("ACCESS_DENIED", listed(node(1, 0)), ("orders", "nodes", "0", "customer")),
    }
    told = asked.play(API.check(asked.asking())).result
    assert [one.level for one in told] == ["error", "error", "warning", "warning", "ok", "warning"]
    assert all(one.do for one in told if one.level != "ok")
    assert "60 days" in told[4].what
