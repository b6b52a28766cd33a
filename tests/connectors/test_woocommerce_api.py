"""The conversations with a WooCommerce shop: polling, tracking numbers, webhooks, the check."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.woocommerce import SOURCE
from engine.contracts import Api, Delivery, Unanswered
from tests.connectors.playing import NOW, Player, player

TARGET = "https://todoke.example.jp/in/c1"
assert isinstance(SOURCE.api, Api)
API = SOURCE.api


class Shop:
    """A WooCommerce that holds orders, trackings and webhooks, and pages and filters as the real one does."""

    def __init__(self, server: HTTPServer) -> None:
        self.orders: list[dict[str, Any]] = []
        self.trackings: dict[str, list[dict[str, Any]]] | None = {}
        self.hooks: list[dict[str, Any]] = []
        self.asked: list[Request] = []
        self.refuse: Response | None = None
        self.many: int | None = None  # rows a page, whatever is asked for
        self.may_write = True
        self.url = server.url_for("/shop").rstrip("/")
        server.expect_request(re.compile(r"/shop/wp-json/wc/v3/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        expected = base64.b64encode(b"ck-1:cs-1").decode()
        if request.headers["authorization"] != f"Basic {expected}":
            return _json({"code": "woocommerce_rest_authentication_error"}, 401)
        if self.refuse is not None:
            return self.refuse
        path = request.path.removeprefix("/shop/wp-json/wc/v3/").split("/")
        return self._get(request, *path) if request.method == "GET" else self._change(request, *path)

    def _get(self, request: Request, *path: str) -> Response:
        if path[0] == "webhooks":
            return _json(self.hooks)
        if path[-1] == "shipment-trackings":
            if self.trackings is None:
                return _json({"code": "rest_no_route"}, 404)
            return _json(self.trackings.get(path[1], []))
        after = request.args.get("modified_after", "")
        rows = sorted((one for one in self.orders if one["date_modified_gmt"] > after), key=lambda one: one["id"])
        many, page = self.many or int(request.args["per_page"]), int(request.args.get("page", 1))
        pages = -(-len(rows) // many)
        return _json(rows[(page - 1) * many : page * many], headers={"X-WP-TotalPages": str(pages)})

    def _change(self, request: Request, *path: str) -> Response:
        told = request.get_json()
        if not self.may_write:
            return _json({"code": "woocommerce_rest_cannot_create"}, 401)
        if request.method == "PUT":
            hook = next(one for one in self.hooks if str(one["id"]) == path[1])
            hook.update(told)
            return _json(hook)
        self.hooks.append({"id": 90 + len(self.hooks), **told})
        return _json(self.hooks[-1], 201)

    def paths(self) -> list[str]:
        return [one.path.removeprefix("/shop/wp-json/wc/v3/") for one in self.asked]


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status=status, headers=headers, content_type="application/json")


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def asked(shop: Shop) -> Iterator[Player]:
    settings = {"url": f"{shop.url}/", "consumer_key": "ck-1", "consumer_secret": "cs-1", "secret": "s-1"}
    with player(settings) as one:
        yield one


def order(number: int, modified: str, status: str = "processing", **changes: Any) -> dict[str, Any]:
    return {"id": number, "number": str(number), "status": status, "date_modified_gmt": modified,
            "line_items": [], "total": "100", "currency": "JPY", **changes}  # fmt: skip


def test_polling_walks_all_pages_and_goes_on_with_an_overlap(shop: Shop, asked: Player) -> None:
    shop.many = 2
    shop.orders = [order(number, f"2026-11-20T10:0{number}:00") for number in range(1, 6)]
    told = asked.play(API.poll(asked.asking()))
    assert [one.key.partition("@")[0] for one in told.found] == [f"orders/{number}" for number in range(1, 6)]
    assert told.found[0].changed_at == datetime(2026, 11, 20, 10, 1, tzinfo=UTC)
    query = shop.asked[0].args
    assert (query["modified_after"], query["dates_are_gmt"]) == ("2026-11-01T00:00:00", "true")
    shop.asked.clear()
    shop.orders.append(order(6, "2026-11-20T10:30:00"))
    again = asked.play(API.poll(asked.asking(told.cursor)))
    assert shop.asked[0].args["modified_after"] == "2026-11-20T09:55:00"
    assert {one.key for one in told.found} <= {one.key for one in again.found}  # the same names: stored once
    assert len(again.found) == 6


def test_a_poll_that_was_cut_off_goes_on_at_its_next_page(shop: Shop, asked: Player) -> None:
    shop.many = 2
    shop.orders = [order(number, f"2026-11-20T10:0{number}:00") for number in range(1, 6)]
    conversation = API.poll(asked.asking())
    page = conversation.send(asked._http.send("test", next(conversation), asked.settings))
    conversation.close()  # the worker dies here; the page is stored
    told = asked.play(API.poll(asked.asking(page.cursor)))
    assert [one.key.partition("@")[0] for one in told.found] == ["orders/3", "orders/4", "orders/5"]


def test_a_posted_and_a_polled_state_have_one_key(shop: Shop, asked: Player) -> None:
    one = order(1, "2026-11-20T10:01:00", billing={"email": "a@example.jp"})
    shop.orders = [one]
    (polled,) = asked.play(API.poll(asked.asking())).found

    def posted(**changes: Any) -> str | None:
        body = json.dumps({**one, **changes}).encode()
        headers = {"x-wc-webhook-topic": "order.updated"}
        assert SOURCE.identify is not None
        return SOURCE.identify(Delivery(body=body, headers=headers, received_at=NOW)).key

    assert posted(_links={"self": []}, currency_symbol="¥") == polled.key
    assert posted(status="completed") != polled.key  # saved twice within a second
    assert posted(date_modified_gmt="2026-11-20T10:02:00") != polled.key
    meta = [{"key": "_wc_shipment_tracking_items", "value": [{"tracking_number": "A1"}]}]
    assert posted(meta_data=meta) != polled.key


def test_numbers_that_stand_beside_an_order_are_asked_for_once(shop: Shop, asked: Player) -> None:
    shop.orders = [
        order(1, "2026-11-20T10:01:00", "completed"),
        order(2, "2026-11-20T10:02:00", "completed", shipment_trackings=[{"tracking_number": "B2"}]),
        order(3, "2026-11-20T10:03:00"),
    ]
    shop.trackings = {"1": [{"tracking_number": "A1", "tracking_provider": "ヤマト運輸", "date_shipped": "2026-11-20"}]}
    told = asked.play(API.poll(asked.asking()))
    assert shop.paths() == ["orders", "orders/1/shipment-trackings"]
    (parcels,) = [one for one in told.found if one.topic == "shipment_trackings"]
    read = SOURCE.read(Delivery(body=parcels.body, headers={}, received_at=NOW, topic=parcels.topic))
    assert [(one.ref.order_id, one.ref.tracking_number) for one in read.observations] == [("1", "A1")]
    shop.asked.clear()
    asked.play(API.poll(asked.asking(told.cursor)))
    assert shop.paths() == ["orders"]


def test_a_shop_without_the_extension_is_not_asked_for_every_order(shop: Shop, asked: Player) -> None:
    shop.orders = [order(number, f"2026-11-20T10:0{number}:00", "completed") for number in range(1, 6)]
    shop.trackings = None
    told = asked.play(API.poll(asked.asking()))
    assert shop.paths() == ["orders", "orders/1/shipment-trackings"]
    assert len(told.found) == 5
    shop.asked.clear()
    asked.play(API.poll(asked.asking(told.cursor)))
    assert shop.paths() == ["orders"]


def test_an_endless_page_ends(shop: Shop, asked: Player) -> None:
    shop.refuse = _json([order(1, "2026-11-20T10:01:00")], headers={"X-WP-TotalPages": "999999"})
    told = asked.play(API.poll(asked.asking()))
    assert len(told.found) == 1
    assert len(shop.asked) == 2
    shop.refuse = _json([], headers={"X-WP-TotalPages": "9"})
    assert asked.play(API.poll(asked.asking())).cursor is not None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_json({"code": "woocommerce_rest_cannot_view"}, 403), "login"),
        (_json({"code": "rest_no_route"}, 404), "request"),
        (Response("slow down", status=429, headers={"retry-after": "30"}), "rate"),
        (Response("<html>maintenance</html>", status=503), "provider"),
        (Response("<br />\n<b>Warning</b>: mysqli", status=200), "provider"),
        (_json({"orders": []}), "provider"),
    ],
)
def test_refusals_say_what_is_to_be_done(shop: Shop, asked: Player, answer: Response, why: str) -> None:
    shop.refuse = answer
    with pytest.raises(Unanswered) as met:
        asked.play(API.poll(asked.asking()))
    assert met.value.why == why


def hook(number: int, topic: str, **changes: Any) -> dict[str, Any]:
    return {"id": number, "topic": topic, "delivery_url": TARGET, "status": "active", **changes}


def test_missing_webhooks_are_created_with_our_secret(shop: Shop, asked: Player) -> None:
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    assert {one.level for one in found} == {"ok"}
    assert sorted(one["topic"] for one in shop.hooks) == ["order.created", "order.restored", "order.updated"]
    assert {(one["delivery_url"], one["secret"], one["status"]) for one in shop.hooks} == {(TARGET, "s-1", "active")}
    shop.asked.clear()
    asked.play(API.subscribe(asked.asking(), TARGET))
    assert shop.paths() == ["webhooks"]  # nothing left to do


def test_what_was_disabled_is_switched_on_and_what_was_paused_is_left(shop: Shop, asked: Player) -> None:
    shop.hooks = [
        hook(1, "order.created", status="disabled"),
        hook(2, "order.updated", status="paused"),
        hook(3, "order.restored", delivery_url="https://old.example.jp/in/c1"),
        hook(4, "order.updated", delivery_url="https://another.example.jp/hook", status="disabled"),
    ]
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    assert [one.level for one in found] == ["ok", "warning", "ok"]
    assert [one["status"] for one in shop.hooks] == ["active", "paused", "active", "disabled"]
    assert shop.hooks[0]["secret"] == "s-1"
    assert shop.hooks[2]["delivery_url"] == TARGET
    assert len(shop.hooks) == 4


def test_a_key_that_may_only_read_is_told(shop: Shop, asked: Player) -> None:
    shop.may_write = False
    found = asked.play(API.subscribe(asked.asking(), TARGET)).result
    assert {one.level for one in found} == {"error"}
    assert all("Read/Write" in (one.do or "") for one in found)


def test_a_check_tells_of_disabled_webhooks_and_the_missing_extension(shop: Shop, asked: Player) -> None:
    shop.orders = [order(1, "2026-11-20T10:01:00")]
    shop.hooks = [hook(1, "order.updated", status="disabled")]
    shop.trackings = None
    told = asked.play(API.check(asked.asking())).result
    assert [one.level for one in told] == ["warning", "ok", "warning", "warning"]  # the first: not https
    assert all(one.do for one in told if one.level != "ok")
    shop.hooks, shop.trackings = [hook(1, "order.updated")], {}
    assert [one.level for one in asked.play(API.check(asked.asking())).result][1:] == ["ok", "ok", "ok"]
