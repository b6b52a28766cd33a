"""STORES: what dates say, and its polling played against a server that answers as the API does."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.stores import SOURCE
from engine.contracts import Delivery, OrderSeen, ReturnSeen, ShipmentSeen, Unanswered
from tests.connectors.playing import NOW, Player, Told, player, poller

assert SOURCE.api is not None
POLL, CHECK = SOURCE.api.poll, SOURCE.api.check
polled = poller(SOURCE)


def order(number: int = 1, ordered: str = "2026-11-20T10:00:00+09:00", **changes: Any) -> dict[str, Any]:
    made = {"id": f"id{number}", "number": str(number), "email": "a@example.jp", "ordered_at": ordered}
    return made | {"payment_amount": 1000, "cancel_amount": 0, "transactions": [], "deliveries": [], **changes}


def sent(**changes: Any) -> dict[str, Any]:
    return {"id": "d1", "type": "shipping", "items": [{"id": "i1", "name": "器", "quantity": 1}], **changes}


def observed(kind: Any, headers: Any = None, **changes: Any) -> list[Any]:
    body = json.dumps(order(**changes)).encode()
    read = SOURCE.read(Delivery(body=body, headers=headers or {}, received_at=NOW, topic="order"))
    return [one for one in read.observations if isinstance(one, kind)]


PAID = {"id": "t1", "type": "credit_card", "amount": 1000, "paid_at": "2026-11-20T10:00:05+09:00"}
BACK = {"id": "t2", "type": "credit_card", "amount": -1000, "paid_at": "2026-11-21T10:00:00+09:00"}
UNPAID = {"id": "t1", "type": "convenience_store_payment", "amount": 1000, "paid_at": None}
OFF = {"canceled_at": "2026-11-21T09:00:00+09:00"}
GONE = {"shipped_at": "2026-11-20T18:00:00+09:00"}


@pytest.mark.parametrize(
    ("transactions", "delivery", "payment", "cancelled"),
    [
        ([PAID], {}, "paid", False),
        ([UNPAID], {}, "pending", False),
        ([PAID, UNPAID | {"id": "t9"}], {}, "pending", False),
        ([{"id": "t1", "type": "cash_on_delivery", "amount": 1000}], {}, "paid", False),
        ([{"id": "t1", "type": "cash_on_delivery", "amount": 1000}], OFF, "voided", True),
        ([UNPAID], OFF, "voided", True),
        ([PAID], OFF, "paid", True),  # what was paid at a shop is paid back by hand
        ([PAID, BACK], OFF, "refunded", True),
        ([PAID, BACK], {**GONE, **OFF}, "refunded", False),
        ([PAID, BACK | {"amount": -400}], GONE, "partially_refunded", False),
        ([], {}, None, False),
    ],
)
def test_dates_and_sums_say_how_an_order_stands(
    transactions: list[Any], delivery: Any, payment: str | None, cancelled: bool
) -> None:
    (seen,) = observed(OrderSeen, transactions=transactions, deliveries=[sent(**delivery)])
    assert (seen.payment, seen.cancelled_at is not None) == (payment, cancelled)


def test_goods_that_never_left_are_cancelled_and_others_kept() -> None:
    for delivery, goods in ((OFF, "cancelled"), ({**GONE, **OFF}, "kept")):
        (back,) = observed(ReturnSeen, transactions=[PAID, BACK], deliveries=[sent(**delivery)])
        assert (back.goods, back.amount.amount, back.ref.return_id) == (goods, "1000", "t2")


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("11月23日 午前中", "2026-11-23T08:00:00+09:00", "2026-11-23T12:00:00+09:00"),
        ("2026/11/23 14:00-16:00", "2026-11-23T14:00:00+09:00", "2026-11-23T16:00:00+09:00"),
        ("１１月２３日", "2026-11-23T00:00:00+09:00", "2026-11-23T23:59:59+09:00"),
        ("1月5日頃", "2027-01-05T00:00:00+09:00", "2027-01-05T23:59:59+09:00"),
        ("午前中", None, None),
        ("2月30日", None, None),
        ("", None, None),
    ],
)
def test_a_day_that_people_have_written_is_understood(written: str, first: str | None, last: str | None) -> None:
    (parcel,) = observed(ShipmentSeen, deliveries=[sent(**GONE, estimated_arrival_date=written)])
    bounds = tuple(text and datetime.fromisoformat(text) for text in (first, last))
    assert (parcel.eta_from, parcel.eta_until) == bounds


@pytest.mark.parametrize(("period", "day"), [("early", 10), ("middle", 20), ("late", 28), (None, 28)])
def test_what_is_sold_ahead_leaves_by_the_end_of_its_time(period: str | None, day: int) -> None:
    plan = {"type": "preorder", "end_month": "202702", "end_period": period}
    (seen,) = observed(OrderSeen, deliveries=[sent(delivery_date=plan)])
    assert seen.ships_on == date(2027, 2, day)


def test_only_what_is_sent_is_a_parcel() -> None:
    kinds = ("shipping", "counter", "download", "ticket", "unknown")
    deliveries = [sent(id=kind, type=kind, items=[{"id": kind, "name": kind, "quantity": 1}]) for kind in kinds]
    assert [one.ref.shipment_id for one in observed(ShipmentSeen, deliveries=deliveries)] == ["shipping"]
    (seen,) = observed(OrderSeen, deliveries=deliveries)
    assert [line.ships for line in seen.lines or ()] == [True, False, False, False, False]


def test_an_order_stands_as_it_did_when_it_was_asked_for() -> None:
    (seen,) = observed(OrderSeen, headers={"x-asked-at": "2026-11-24T03:00:00+00:00"}, deliveries=[sent(**GONE)])
    assert seen.as_of == datetime(2026, 11, 24, 3, tzinfo=UTC)
    (seen,) = observed(OrderSeen, deliveries=[sent(**GONE)])
    assert seen.as_of == datetime.fromisoformat(GONE["shipped_at"])


class Api:
    """STORES' API: orders by the time they were ordered, filtered as asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.orders: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.answers: list[Response] = []
        self.stuck = False
        server.expect_request("/retail/202211/orders").respond_with_handler(self._orders)
        server.expect_request("/retail/202211/store").respond_with_json({"id": "s", "name": "木と土"})
        self.url = server.url_for("")

    def _orders(self, request: Request) -> Response:
        asked = request.args.to_dict()
        self.asked.append(asked)
        if self.answers:
            return self.answers.pop(0)
        assert request.headers["authorization"] == "Bearer credential"
        found = sorted(self.orders, key=lambda one: one["ordered_at"])
        if since := asked.get("ordered_at_from"):
            found = [one for one in found if one["ordered_at"] >= f"{since}+09:00"]
        if since := asked.get("canceled_at_from"):
            found = [one for one in found if any((d.get("canceled_at") or "") >= since for d in one["deliveries"])]
        if ids := asked.get("ids"):
            found = [one for one in found if one["id"] in ids.split(",")]
        offset = 0 if self.stuck else int(asked.get("offset", 0))
        return Response(json.dumps({"orders": found[offset:][: int(asked["limit"])]}), content_type="application/json")


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def played(api: Api) -> Iterator[Player]:
    with player({"url": api.url, "token": "credential"}) as one:
        yield one


def ids(told: Told) -> list[str]:
    return [json.loads(one.body)["id"] for one in told.found]


def test_a_first_poll_reads_every_page_once(api: Api, played: Player) -> None:
    api.orders = [
        order(n, f"2026-11-{1 + n // 24:02}T{n % 24:02}:30:00+09:00", deliveries=[sent()]) for n in range(250)
    ]
    told = polled(played)
    assert sorted(ids(told)) == sorted(f"id{n}" for n in range(9, 250)), "each once, and none from before"
    assert told.found[0].changed_at is not None
    assert told.found[0].changed_at.tzinfo is not None


def test_an_open_order_is_asked_for_by_its_id_until_it_is_finished(api: Api, played: Player) -> None:
    api.orders = [order(1, "2026-11-05T10:00:00+09:00", deliveries=[sent()]), order(2, "2026-11-20T10:00:00+09:00")]
    first = polled(played)
    again = polled(played, first.cursor)
    assert ids(again) == ["id2"], "the open one has not changed; the last day is read again"
    assert {"ids": "id1", "limit": "100"} in api.asked
    api.orders[0]["deliveries"] = [sent(**GONE, tracking_number="441200001113")]
    told = polled(played, again.cursor)
    assert ids(told) == ["id2", "id1"]
    assert told.found[1].headers == {"x-asked-at": NOW.isoformat()}
    assert json.loads(told.cursor or "{}").get("open", {}) == {}


def test_a_number_that_is_written_after_dispatch_is_waited_for(api: Api, played: Player) -> None:
    api.orders = [order(1, "2026-11-20T10:00:00+09:00", deliveries=[sent(shipped_at="2026-11-24T10:00:00+09:00")])]
    cursor = polled(played).cursor
    assert "id1" in json.loads(cursor or "{}")["open"]
    late = polled(played, cursor, now=NOW + timedelta(days=4))
    assert "open" not in json.loads(late.cursor or "{}")


def test_a_refund_of_a_finished_order_is_found(api: Api, played: Player) -> None:
    api.orders = [
        order(1, "2026-11-02T10:00:00+09:00", deliveries=[sent(**GONE, tracking_number="1")], transactions=[PAID])
    ]
    api.orders.append(order(2, "2026-11-20T10:00:00+09:00"))
    cursor = polled(played).cursor
    api.orders[0] |= {"transactions": [PAID, BACK], "deliveries": [sent(**GONE, **OFF, tracking_number="1")]}
    assert "id1" in ids(polled(played, cursor))


def test_a_poll_that_is_cut_short_after_every_page_comes_to_its_end(api: Api, played: Player) -> None:
    api.orders = [order(n, "2026-11-05T10:00:00+09:00", deliveries=[sent()]) for n in range(230)]
    api.orders += [order(900, "2026-11-06T10:00:00+09:00", deliveries=[sent(**OFF)])]
    assert POLL is not None
    told = played.visits(POLL)
    assert set(ids(told)) == {one["id"] for one in api.orders}
    api.orders[3]["deliveries"] = [sent(**GONE, tracking_number="441200001113")]
    assert set(ids(played.visits(POLL, told.cursor))) == {"id3", "id900"}


def test_a_server_that_repeats_its_page_ends_the_poll(api: Api, played: Player) -> None:
    api.stuck, api.orders = True, [order(1)]
    polled(played)
    assert len(api.asked) <= 4


def test_open_orders_are_asked_for_fifty_at_a_time(api: Api, played: Player) -> None:
    api.orders = [order(n, "2026-11-05T10:00:00+09:00", deliveries=[sent()]) for n in range(120)]
    cursor = polled(played).cursor
    api.asked.clear()
    polled(played, cursor)
    assert [len(one["ids"].split(",")) for one in api.asked if "ids" in one] == [50, 50, 20]


@pytest.mark.parametrize(
    ("answer", "why", "after"),
    [
        (Response('{"errors":[]}', 429, headers={"retry-after": "60"}), "rate", timedelta(minutes=1)),
        (Response('{"errors":[]}', 429), "rate", None),
        (Response('{"errors":[]}', 403), "login", None),
        (Response("", 503), "provider", None),
        (Response("<html>", 200), "provider", None),
        (Response('{"errors":[]}', 400), "request", None),
    ],
)
def test_an_answer_that_is_none_says_why(
    api: Api, played: Player, answer: Response, why: str, after: timedelta | None
) -> None:
    api.answers = [answer]
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert (raised.value.why, raised.value.after) == (why, after)


def test_a_check_names_the_shop_or_says_what_to_do(api: Api, played: Player) -> None:
    assert CHECK is not None
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, "木と土" in found.what) == ("ok", True)
    api.answers = [Response("", 403)]
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, "token" in (found.do or "")) == ("error", True)
