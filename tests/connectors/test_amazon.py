"""Amazon: who may post, what reaches whom, and the conversations with the Selling Partner API."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.amazon import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, ReturnSeen, ScanSeen, ShipmentSeen, Unanswered, Verified
from tests.connectors.playing import NOW, Player, player

SECRET = base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
APP = {"client_id": "app", "client_secret": "cs", "refresh_token": "refresh"}


def reading(body: Any, **config: str) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, config=config))


def order(number: int = 1, status: str = "UNSHIPPED", **changes: Any) -> Any:
    return {
        "orderId": f"250-0000000-{number:07}", "createdTime": "2026-11-20T10:00:00Z",
        "lastUpdatedTime": at(number), "salesChannel": {"channelName": "AMAZON"},
        "fulfillment": {"fulfillmentStatus": status}, "orderItems": [], **changes,
    }  # fmt: skip


def at(minute: int) -> str:
    return (datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def notification(**changes: Any) -> bytes:
    body = {"NotificationType": "ORDER_CHANGE", "Payload": {}, "NotificationMetadata": {"NotificationId": "n-1"}}
    return json.dumps({**body, **changes}).encode()


def verdict(body: bytes, signature: str) -> Verified | Refused:
    delivery = Delivery(body=body, headers={"x-signature": signature}, received_at=NOW)
    return SOURCE.verify(delivery, ["", "another", SECRET], NOW)


def test_a_forwarder_may_sign_with_a_plain_hmac() -> None:
    body = notification()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256)
    for signature in (digest.hexdigest(), digest.hexdigest().upper(), f"sha256={digest.hexdigest()}",
                      base64.b64encode(digest.digest()).decode()):  # fmt: skip
        assert verdict(body, signature) == Verified(key="n-1")
    for signature in ("", "sha256=", digest.hexdigest()[:-1], "nothing"):
        assert isinstance(verdict(body, signature), Refused)
    assert isinstance(verdict(body + b" ", digest.hexdigest()), Refused)


def test_a_repeated_notification_is_known_by_amazons_id_whatever_wraps_it() -> None:
    inner = notification().decode()
    bodies = [notification(), json.dumps({"Body": inner}).encode(),
              json.dumps({"Records": [{"body": json.dumps({"Message": inner})}]}).encode()]  # fmt: skip
    told = [SOURCE.identify(Delivery(body=one, headers={"webhook-id": "sqs-9"}, received_at=NOW)) for one in bodies]  # type: ignore[misc]
    assert [one.key for one in told] == ["n-1"] * 3
    several = json.dumps({"Messages": [{"Body": inner}, {"Body": inner}]}).encode()
    for other in (several, b"not json", notification(NotificationMetadata=None)):
        told_other = SOURCE.identify(Delivery(body=other, headers={"webhook-id": "sqs-9"}, received_at=NOW))  # type: ignore[misc]
        assert told_other.key == "sqs-9"


def test_its_buyers_are_not_written_to_unless_somebody_says_so() -> None:
    assert (SOURCE.manifest.notify, SOURCE.manifest.notifies_customer) == ("no", "yes")


@pytest.mark.parametrize(
    ("status", "payment", "cancelled"),
    [("PENDING", "pending", False), ("PENDING_AVAILABILITY", "pending", False), ("UNSHIPPED", "paid", False),
     ("SHIPPED", "paid", False), ("Shipped", "paid", False), ("PartiallyShipped", "paid", False),
     ("CANCELLED", None, True), ("Canceled", None, True), ("BEAMED", None, False)],
)  # fmt: skip
def test_what_a_status_means(status: str, payment: str | None, cancelled: bool) -> None:
    seen = reading({"order": order(1, status)}).observations[0]
    assert (seen.payment, seen.cancelled_at is not None) == (payment, cancelled)


def test_both_versions_of_the_api_say_the_same() -> None:
    new = order(1, "UNSHIPPED", buyer={"buyerName": "n", "buyerEmail": "e"},
                proceeds={"grandTotal": {"amount": "300", "currencyCode": "JPY"}},
                orderItems=[{"orderItemId": "7", "quantityOrdered": 3, "product": {"title": "茶", "sellerSku": "S",
                             "price": {"unitPrice": {"amount": "100", "currencyCode": "JPY"}}}}])  # fmt: skip
    old = {
        "AmazonOrderId": new["orderId"],
        "PurchaseDate": new["createdTime"],
        "OrderStatus": "Unshipped",
        "LastUpdateDate": new["lastUpdatedTime"],
        "SalesChannel": "Amazon.co.jp",
        "OrderTotal": {"Amount": "300", "CurrencyCode": "JPY"},
        "BuyerInfo": {"BuyerName": "n", "BuyerEmail": "e"},
    }
    items = [{"OrderItemId": "7", "QuantityOrdered": 3, "Title": "茶", "SellerSKU": "S",
              "ItemPrice": {"Amount": "300", "CurrencyCode": "JPY"}}]  # fmt: skip
    assert reading({"order": new}) == reading({"order": old, "orderItems": items})


def test_a_shop_elsewhere_tells_of_its_order_itself() -> None:
    parcel = {"packageReferenceId": "1", "packageStatus": {"status": "SHIPPED"}, "trackingNumber": "T"}
    sold = {"salesChannel": {"channelName": "NON_AMAZON"}, "packages": [parcel]}
    alias = [{"aliasId": "#1001", "aliasType": "SELLER_ORDER_ID"}]
    read = reading({"order": order(1, "SHIPPED", orderAliases=alias, **sold)})
    assert not [one for one in read.observations if isinstance(one, OrderSeen)]
    assert {one.ref.order_number for one in read.observations} == {"#1001"}
    assert {one.source_notified for one in read.observations if isinstance(one, ShipmentSeen)} == {None}
    assert reading({"order": order(1, "SHIPPED", **sold)}).ignored


def test_an_attempt_is_never_read_off_an_order() -> None:
    def scans(detail: str) -> list[str]:
        parcel = {"packageReferenceId": "1", "packageStatus": {"status": "IN_TRANSIT", "detailedStatus": detail}}
        seen = reading({"order": order(1, "SHIPPED", packages=[parcel])}).observations
        return [one.status for one in seen if isinstance(one, ScanSeen)]

    assert scans("DELIVERED") == ["delivered"]
    assert scans("REJECTED_BY_BUYER") == ["return_to_sender"]
    assert scans("OUT_FOR_DELIVERY") == scans("UNDELIVERABLE") == scans("DAMAGED") == scans("PENDING_PICK_UP") == []


def test_units_that_came_back_from_another_shops_order() -> None:
    back = {"SellerFulfillmentOrderId": "1001", "FulfillmentReturnItem": {"ReturnedQuantity": "2", "SellerSKU": "S"}}
    body = {"NotificationType": "FULFILLMENT_ORDER_STATUS", "EventTime": at(0),
            "Payload": {"FulfillmentOrderStatusNotification": back}}  # fmt: skip
    (seen,) = reading(body).observations
    assert isinstance(seen, ReturnSeen)
    assert (seen.ref.order_number, seen.contents[0].quantity, seen.contents[0].sku) == ("1001", 2, "S")


class Amazon:
    """An endpoint with its login: tokens are numbered and run out when they are told to."""

    def __init__(self, server: HTTPServer, *orders: Any, size: int = 2) -> None:
        self.orders, self.size = list(orders), size
        self.given, self.dead, self.asked = 0, set[str](), list[tuple[str, dict[str, str]]]()
        server.expect_request("/login", method="POST").respond_with_handler(self.login)
        server.expect_request(re.compile("/(orders|sellers)/.*")).respond_with_handler(self.answer)

    def login(self, request: Request) -> Response:
        wanted = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "cs", "refresh_token": "refresh"}
        if request.form.to_dict() != wanted:
            return _json({"error": "invalid_grant"}, 400)
        self.given += 1
        return _json({"access_token": f"access{self.given}", "token_type": "bearer", "expires_in": 3600})

    def answer(self, request: Request) -> Response:
        token = request.headers.get("x-amz-access-token", "")
        if not token or token in self.dead:
            told = {"code": "Unauthorized", "message": "Access denied", "details": "The access token has expired."}
            return _json({"errors": [told]}, 403)
        self.asked.append((request.path, request.args.to_dict()))
        kind = request.path.split("/")
        if kind[1] == "sellers":
            return _json({"payload": [{"marketplace": {"id": "A1VC38T7YXB528"}}]})
        if kind[-1] == "orderItems":
            return _json({"payload": {"OrderItems": [{"OrderItemId": "7", "QuantityOrdered": 1, "Title": "茶"}]}})
        if kind[-1] != "orders":
            found = [one for one in self.orders if one.get("orderId", one.get("AmazonOrderId")) == kind[-1]]
            wrapped = {"payload": found[0]} if kind[2] == "v0" and found else {"order": found[0]} if found else {}
            return _json(wrapped, 200 if found else 404)
        first = int(request.args.get("paginationToken") or request.args.get("NextToken") or 0)
        page, more = self.orders[first : first + self.size], str(first + self.size)
        more = more if int(more) < len(self.orders) else ""
        if kind[2] == "v0":
            return _json({"payload": {"Orders": page, **({"NextToken": more} if more else {})}})
        return _json({"orders": page, "pagination": {"nextToken": more} if more else None})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@pytest.fixture
def asking(httpserver: HTTPServer) -> Iterator[Player]:
    with player({**APP, "url": httpserver.url_for(""), "login": httpserver.url_for("/login")}) as one:
        yield one


def found(told: Any) -> list[str]:
    return [one.key.partition("@")[0].removeprefix("orders/250-0000000-").lstrip("0") for one in told.found]


def test_a_search_goes_through_all_pages_and_on_from_the_last_change(httpserver: HTTPServer, asking: Player) -> None:
    there = Amazon(httpserver, *(order(n) for n in range(1, 6)))
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert found(told) == ["1", "2", "3", "4", "5"]
    assert told.found[0].changed_at == datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    assert {asked["marketplaceIds"] for _, asked in there.asked} == {"A1VC38T7YXB528"}
    there.asked.clear()
    asking.play(SOURCE.api.poll(asking.asking(told.cursor)))
    assert there.asked[0][1]["lastUpdatedAfter"] == "2026-11-21T09:55:00Z"  # ten minutes before the last


def test_a_search_that_was_cut_off_goes_on_with_its_next_page(httpserver: HTTPServer, asking: Player) -> None:
    Amazon(httpserver, *(order(n) for n in range(1, 6)))
    day = "2026-11-01T00:00:00Z"
    cursor = json.dumps({"since": day, "began": day, "after": "2", "top": at(2)})
    assert found(asking.play(SOURCE.api.poll(asking.asking(cursor)))) == ["3", "4", "5"]


def test_the_older_api_is_asked_for_the_items_of_every_order(httpserver: HTTPServer, asking: Player) -> None:
    old = [
        {"AmazonOrderId": f"250-0000000-{n:07}", "OrderStatus": "Unshipped", "LastUpdateDate": at(n)} for n in (1, 2, 3)
    ]
    Amazon(httpserver, *old)
    asking.settings["orders_api"] = "v0"
    told = asking.play(SOURCE.api.poll(asking.asking()))
    assert found(told) == ["1", "2", "3"]
    seen = SOURCE.read(Delivery(body=told.found[0].body, headers={}, received_at=NOW)).observations[0]
    assert isinstance(seen, OrderSeen)
    assert [one.name for one in seen.lines or ()] == ["茶"]
    fetched = asking.play(SOURCE.api.fetch(asking.asking(), "orders/250-0000000-0000001")).found[0]
    assert (fetched.key, fetched.body) == (told.found[0].key, told.found[0].body)


def test_the_access_token_is_fetched_before_it_is_used_and_again_when_it_is_dead(
    httpserver: HTTPServer, asking: Player
) -> None:
    there = Amazon(httpserver, order(1))
    told = asking.play(SOURCE.api.fetch(asking.asking(), "orders/250-0000000-0000001"))
    assert told.secrets == {"access_token": "access1"}
    assert told.until == {"access_token": NOW + timedelta(hours=1)}
    assert asking.play(SOURCE.api.fetch(asking.asking(), "orders/250-0000000-0000001")).secrets == {}
    there.dead.add("access1")
    again = asking.play(SOURCE.api.fetch(asking.asking(), "orders/250-0000000-0000001"))
    assert (again.secrets, len(again.found)) == ({"access_token": "access2"}, 1)
    later = asking.play(SOURCE.api.fetch(asking.asking(now=NOW + timedelta(minutes=59)), "orders/250-0000000-0000001"))
    assert later.secrets == {"access_token": "access3"}
    assert {"{access_token}"} == {one.auth["x-amz-access-token"] for one in later.asked if one.method == "GET"}


def test_a_refresh_token_that_is_not_taken_needs_somebody(httpserver: HTTPServer, asking: Player) -> None:
    Amazon(httpserver)
    asking.settings["refresh_token"] = "another"
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == "login"


def test_a_token_that_never_works_is_renewed_once(httpserver: HTTPServer, asking: Player) -> None:
    there = Amazon(httpserver, order(1))
    there.dead |= {f"access{n}" for n in range(9)}
    asking.settings["access_token"] = "access0"
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert (met.value.why, there.given) == ("login", 1)


def test_too_many_requests_wait_as_long_as_one_is_granted(httpserver: HTTPServer, asking: Player) -> None:
    asking.settings["access_token"] = "access"
    headers = {"x-amzn-RateLimit-Limit": "0.0056"}
    httpserver.expect_request(re.compile("/orders/.*")).respond_with_json({"errors": []}, status=429, headers=headers)
    with pytest.raises(Unanswered) as met:
        asking.play(SOURCE.api.poll(asking.asking()))
    assert met.value.why == "rate"
    assert met.value.after is not None
    assert timedelta(minutes=2) < met.value.after < timedelta(minutes=4)


def test_a_search_without_end_ends(httpserver: HTTPServer, asking: Player) -> None:
    asking.settings["access_token"] = "access"
    page = {"orders": [], "pagination": {"nextToken": "again"}}
    httpserver.expect_request(re.compile("/orders/.*")).respond_with_json(page)
    assert len(asking.play(SOURCE.api.poll(asking.asking())).asked) == 1


def test_an_order_that_is_gone_is_not_found(httpserver: HTTPServer, asking: Player) -> None:
    Amazon(httpserver)
    assert asking.play(SOURCE.api.fetch(asking.asking(), "orders/250-0000000-0000009")).found == []


def test_a_check_looks_at_the_marketplaces(httpserver: HTTPServer, asking: Player) -> None:
    there = Amazon(httpserver)
    assert [one.level for one in asking.play(SOURCE.api.check(asking.asking())).result] == ["ok"]
    asking.settings["marketplaces"] = "A1VC38T7YXB528, ATVPDKIKX0DER"
    (missing,) = asking.play(SOURCE.api.check(asking.asking())).result
    assert (missing.level, "ATVPDKIKX0DER" in missing.what) == ("error", True)
    there.dead |= {f"access{n}" for n in range(9)}
    (refused,) = asking.play(SOURCE.api.check(asking.asking())).result
    assert (refused.level, bool(refused.do)) == ("error", True)


def test_what_the_buyer_wrote_about_items_is_no_list_of_lines() -> None:
    items = [{"OrderItemId": "68828574383266", "GiftMessageText": "Et toi!", "GiftWrapLevel": "Classic"}]
    (seen,) = reading({"payload": {"AmazonOrderId": "902-1845936-5435065", "OrderItems": items}}).observations
    assert seen.lines is None
