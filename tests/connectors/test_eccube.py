"""EC-CUBE: verification, and its conversations played against a server that answers as the Web API does."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.eccube import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, Unanswered, Verified
from tests.connectors.playing import NOW, Player, Told, player, poller

BODY = b'[{"entity":"order","id":2,"action":"updated"}]'
assert SOURCE.api is not None
POLL, FETCH, CHECK = SOURCE.api.poll, SOURCE.api.fetch, SOURCE.api.check
polled = poller(SOURCE)


def delivery(body: bytes = BODY, **headers: str) -> Delivery:
    return Delivery(body=body, headers=headers, received_at=NOW)


def test_a_webhook_is_signed_in_hex() -> None:
    signature = hmac.new(b"first", BODY, hashlib.sha256).hexdigest()
    assert isinstance(SOURCE.verify(delivery(**{"x-eccube-signature": signature}), ["other", "first"], NOW), Verified)
    assert isinstance(SOURCE.verify(delivery(**{"x-eccube-signature": signature.upper()}), ["first"], NOW), Verified)
    assert isinstance(SOURCE.verify(delivery(**{"x-eccube-signature": signature}), ["other"], NOW), Refused)


def test_a_webhook_without_a_secret_says_where_to_give_it_one() -> None:
    refused = SOURCE.verify(delivery(), ["first"], NOW)
    assert isinstance(refused, Refused)
    assert "API管理" in refused.reason


def test_two_changes_of_an_order_are_two_deliveries() -> None:
    """The body is the same for each: known by its digest, the second would be taken for a repeat."""
    assert SOURCE.identify is not None
    first = SOURCE.identify(delivery())
    second = SOURCE.identify(replace(delivery(), received_at=NOW + timedelta(seconds=9)))
    assert first.key != second.key
    assert first.key == SOURCE.identify(delivery()).key


class Shop:
    """A Web API: orders by last change, newest first, behind a token that can run out."""

    def __init__(self, server: HTTPServer) -> None:
        self.orders: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.unknown: set[str] = set()
        self.token, self.refresh, self.size = "access-1", "refresh-1", 50
        self.answers: list[Response] = []  # given before anything else
        self.more = False  # always says that another page follows
        server.expect_request("/token", method="POST").respond_with_handler(self._renew)
        server.expect_request("/api", method="POST").respond_with_handler(self._answer)
        self.url = server.url_for("")

    def _renew(self, request: Request) -> Response:
        assert request.form["grant_type"] == "refresh_token"
        assert (request.form["client_id"], request.form["client_secret"]) == ("client", "hush")
        if request.form["refresh_token"] != self.refresh:
            return _json({"error": "invalid_grant"}, 401)
        number = int(self.refresh.rpartition("-")[2]) + 1
        self.token, self.refresh = f"access-{number}", f"refresh-{number}"
        told = {"token_type": "Bearer", "expires_in": 3600, "access_token": self.token, "refresh_token": self.refresh}
        return _json(told)

    def _answer(self, request: Request) -> Response:
        if self.answers:
            return self.answers.pop(0)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Response("", 401)
        query = request.json["query"]  # type: ignore[index]
        self.asked.append(query)
        unknown = [name for name in self.unknown if f" {name}" in query]
        if unknown:
            told = [{"message": f'Cannot query field "{name}" on type "Order".'} for name in unknown]
            return _json({"errors": told})
        if "order(id:" in query:
            number = query.split('"')[1]
            found = next((order for order in self.orders if order["id"] == number), None)
            return _json({"data": {"order": found}})
        page = int(query.split("page: ")[1].split(",")[0])
        listed = sorted(self.orders, key=lambda order: order["update_date"], reverse=True)
        shown = listed[(page - 1) * self.size :][: self.size]
        more = self.more or len(listed) > page * self.size
        answer = {"nodes": shown, "totalCount": len(listed), "pageInfo": {"hasNextPage": more}}
        return _json({"data": {"orders": answer}})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def order(number: int, changed: str, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "order_no": str(number), "update_date": changed, "OrderStatus": {"id": "1"}, **more}


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def played(shop: Shop) -> Iterator[Player]:
    settings = {"url": shop.url, "client_id": "client", "client_secret": "hush", "refresh_token": "refresh-1"}
    with player({**settings, "access_token": "access-1"}) as one:
        yield one


def ids(told: Told) -> list[str]:
    return [json.loads(one.body)["id"] for one in told.found]


def test_a_fetched_order_is_read_as_the_webhook_named_it(shop: Shop, played: Player) -> None:
    shop.orders = [order(7, "2026-11-24T01:00:00+00:00", payment_total=1200)]
    assert FETCH is not None
    told = played.play(FETCH(played.asking(), "orders/7"))
    (found,) = told.found
    read = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic))
    (seen,) = read.observations
    assert isinstance(seen, OrderSeen)
    assert (seen.ref.order_id, seen.ref.order_number) == ("7", "7")
    assert found.changed_at == datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert polled(played).found[0].key == found.key, "poll and webhook find the same state"


def test_an_order_that_is_gone_brings_nothing(played: Player) -> None:
    assert FETCH is not None
    assert played.play(FETCH(played.asking(), "orders/8")).found == []


def test_a_poll_reads_every_page_and_the_next_one_only_what_is_new(shop: Shop, played: Player) -> None:
    shop.orders = [order(n, f"2026-11-{2 + n // 10:02}T{n % 10:02}:00:00+00:00") for n in range(120)]
    told = polled(played)
    assert sorted(ids(told), key=int) == [str(n) for n in range(120)]
    assert len(shop.asked) == 3
    shop.orders.append(order(500, "2026-11-24T11:00:00+00:00"))
    again = polled(played, told.cursor)
    assert ids(again) == ["500", "119"], "the overlap asks for the last one again"
    assert again.cursor is not None
    assert "2026-11-24T11:00:00" in again.cursor


def test_orders_that_have_not_changed_since_are_not_told(shop: Shop, played: Player) -> None:
    shop.orders = [order(1, "2026-10-01T00:00:00+00:00"), order(2, "2026-11-20T00:00:00+00:00")]
    assert ids(polled(played)) == ["2"]


def test_a_poll_that_was_broken_off_goes_on_where_it_was(shop: Shop, played: Player) -> None:
    shop.orders = [order(n, f"2026-11-{2 + n // 10:02}T{n % 10:02}:00:00+00:00") for n in range(120)]
    assert POLL is not None
    conversation, cursor, answer = POLL(played.asking()), None, None
    first = Player(played.settings)
    while cursor is None:  # until the first page is stored
        step = conversation.send(answer)
        answer = None
        if hasattr(step, "cursor"):
            cursor = step.cursor
        else:
            answer = first._http.send("test", step, played.settings)  # type: ignore[arg-type,assignment]
    first.close()
    shop.asked.clear()
    told = polled(played, cursor)
    assert sorted(ids(told), key=int) == [str(n) for n in range(70)]
    assert "page: 2," in shop.asked[0]


def test_a_poll_that_is_cut_short_after_every_page_comes_to_its_end(shop: Shop, played: Player) -> None:
    shop.orders = [order(n, f"2026-11-{2 + n // 10:02}T{n % 10:02}:00:00+00:00") for n in range(180)]
    assert POLL is not None
    assert set(ids(played.visits(POLL))) == {str(n) for n in range(180)}


def test_a_number_that_moved_no_date_is_found_by_looking_further_back(shop: Shop, played: Player) -> None:
    shop.orders = [order(1, "2026-11-22T00:00:00+00:00"), order(2, "2026-11-24T00:00:00+00:00")]
    cursor = polled(played).cursor
    shop.orders[0]["Shippings"] = [{"id": "5", "tracking_number": "441200001113"}]
    assert ids(polled(played, cursor)) == ["2"]
    assert ids(polled(played, cursor, now=NOW + timedelta(hours=13))) == ["2", "1"]


def test_a_server_that_repeats_its_page_ends_the_poll(shop: Shop, played: Player) -> None:
    shop.orders, shop.more = [order(1, "2026-11-24T00:00:00+00:00")], True
    shop.size = 1000
    assert set(ids(polled(played))) == {"1"}
    assert len(shop.asked) <= 2


def test_a_token_that_has_run_out_is_renewed_and_the_new_pair_kept(shop: Shop, played: Player) -> None:
    shop.token = "another"
    told = polled(played)
    assert told.secrets == {"access_token": "access-2", "refresh_token": "refresh-2"}
    assert told.until["access_token"] == NOW + timedelta(hours=1)
    assert told.until["refresh_token"] == NOW + timedelta(days=30)


def test_a_token_whose_end_is_known_is_renewed_before_it_is_used(shop: Shop, played: Player) -> None:
    played.until["access_token"] = NOW
    told = polled(played)
    assert [request.url.rpartition("/")[2] for request in told.asked] == ["token", "api"]
    assert "hush" not in repr([request.auth for request in told.asked])


def test_a_dead_refresh_token_asks_for_somebody(shop: Shop, played: Player) -> None:
    shop.token = shop.refresh = "another-9"
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert raised.value.why == "login"


def test_a_field_that_the_shop_does_not_show_is_left_out(shop: Shop, played: Player) -> None:
    shop.orders, shop.unknown = [order(1, "2026-11-24T00:00:00+00:00")], {"MailHistories", "order_date"}
    assert ids(polled(played)) == ["1"]
    assert not any(name in shop.asked[-1] for name in ("MailHistories", "order_date"))
    assert "order_no" in shop.asked[-1]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Response("busy", 429, headers={"retry-after": "30"}), "rate"),
        (Response("down", 503), "provider"),
        (Response("<html>", 200), "provider"),
        (_json([]), "provider"),
        (_json({"errors": [{"message": "Insufficient permission. (read)"}]}), "login"),
        (_json({"errors": [{"message": "Internal server error"}], "data": {"orders": None}}), "provider"),
        (_json({"errors": [{"message": "update_date_start: この値は正しくありません;"}]}), "request"),
        (Response("", 404), "request"),
    ],
)
def test_an_answer_that_is_none_says_why(shop: Shop, played: Player, answer: Response, why: str) -> None:
    shop.answers = [answer]
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert raised.value.why == why


def test_a_check_counts_the_orders_or_says_what_to_do(shop: Shop, played: Player) -> None:
    shop.orders = [order(1, "2026-11-24T00:00:00+00:00")]
    assert CHECK is not None
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, "shop: 1" in found.what) == ("ok", True)
    shop.answers = [Response("", 503)]
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, found.do) == ("error", "see whether the shop is up and whether url is its address")
    (found,) = played.play(CHECK(replace(played.asking(), settings={}))).result
    assert found.level == "error"
