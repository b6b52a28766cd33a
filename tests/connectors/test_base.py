"""BASE: which parcels have left, and its polling played against a server that answers as the API does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.base import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, ShipmentSeen, Unanswered
from tests.connectors.playing import NOW, Player, Told, player, poller

assert SOURCE.api is not None
POLL, CHECK = SOURCE.api.poll, SOURCE.api.check
polled = poller(SOURCE)
DAY = 86400
T = int(NOW.timestamp()) - 2 * DAY


def order(key: str = "A1", **changes: Any) -> dict[str, Any]:
    made = {
        "unique_key": key,
        "ordered": T,
        "modified": T,
        "dispatch_status": "ordered",
        "total": 1000,
        "order_items": [],
    }
    return made | changes


def observed(**changes: Any) -> Any:
    body = json.dumps({"order": order(**changes)}).encode()
    return SOURCE.read(Delivery(body=body, headers={}, received_at=NOW)).observations


def item(number: int, status: str, modified: int) -> dict[str, Any]:
    return {"order_item_id": number, "title": "茶", "amount": 1, "price": 500, "status": status, "modified": modified}


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize(
    ("status", "transaction", "payment"),
    [
        ("unpaid", {"cvs_payment_transaction": {"status": "unpaid"}}, "pending"),
        ("unpaid", {}, "pending"),
        ("ordered", {}, "paid"),
        ("ordered", {"c_c_payment_transaction": {"status": "creditable"}}, "paid"),
        ("ordered", {"bt_payment_transaction": {"status": "shortage"}}, "pending"),
        ("cancelled", {"c_c_payment_transaction": {"status": "cancelled"}}, "voided"),
        ("cancelled", {}, None),
        ("unshippable", {"carrier_payment_transaction": {"status": "captured"}}, "paid"),
        ("a_status_of_next_year", {}, None),
    ],
)
def test_a_payment_has_a_status_of_its_own(status: str, transaction: Any, payment: str | None) -> None:
    seen = observed(dispatch_status=status, **{"coin_payment_transaction": {"status": None}, **transaction})[0]
    assert isinstance(seen, OrderSeen)
    assert seen.payment == payment


def parcels(*items: dict[str, Any], **changes: Any) -> list[ShipmentSeen]:
    return [one for one in observed(order_items=list(items), **changes) if isinstance(one, ShipmentSeen)]


def test_articles_sent_within_an_hour_are_one_parcel_and_later_ones_another() -> None:
    first, second = item(1, "dispatched", T), item(2, "dispatched", T + 600)
    assert [one.ref.shipment_id for one in parcels(first, second)] == ["A1"]
    later = item(3, "dispatched", T + DAY)
    both = parcels(
        first, second, later, dispatch_status="dispatched", dispatched=T + DAY, tracking_number="441200001113"
    )
    assert [(one.ref.shipment_id, one.dispatched_at, one.ref.tracking_number) for one in both] == [
        ("A1", at(T), None),
        ("A1-3", at(T + DAY), "441200001113"),
    ]
    assert [one.siblings for one in both] == [2, 2]


def test_a_parcel_keeps_its_name_when_the_rest_is_sent() -> None:
    before = parcels(item(1, "dispatched", T), item(2, "ordered", T), tracking_number="441200001113")
    after = parcels(item(1, "dispatched", T), item(2, "dispatched", T + DAY), dispatch_status="dispatched")
    assert before[0].ref.shipment_id == after[0].ref.shipment_id == "A1"
    assert before[0].contents == after[0].contents
    assert before[0].siblings is None, "how many there will be is not known yet"


def test_nothing_has_left_of_an_order_that_waits_or_is_cancelled() -> None:
    assert parcels(item(1, "ordered", T)) == []
    assert parcels(item(1, "cancelled", T), dispatch_status="cancelled", cancelled=T) == []


def test_basess_own_mails_count_unless_the_shop_says_otherwise() -> None:
    body = json.dumps({"order": order(dispatch_status="dispatched", dispatched=T)}).encode()

    def told(**config: str) -> Any:
        seen = SOURCE.read(Delivery(body=body, headers={}, received_at=NOW, config=config)).observations
        return seen[0].source_notified, seen[1].source_notified

    assert told() == told(own_mails="yes") == (("order.confirmed", "order.created"), True)
    assert told(own_mails="no") == ((), None)


def test_nothing_that_is_posted_is_taken() -> None:
    assert isinstance(SOURCE.verify(Delivery(body=b"{}", headers={}, received_at=NOW), ["x"], NOW), Refused)


class Api:
    """BASE's API: a list by day of order, newest first, and a detail for each."""

    def __init__(self, server: HTTPServer) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.token, self.refresh = "access-1", "refresh-1"
        self.errors: list[Response] = []
        self.stuck = False  # ignores the offset
        server.expect_request("/1/oauth/token", method="POST").respond_with_handler(self._renew)
        server.expect_request("/1/delivery_companies").respond_with_handler(self._guarded(self._companies))
        server.expect_request("/1/orders").respond_with_handler(self._guarded(self._list))
        for number in range(250):
            server.expect_request(f"/1/orders/detail/K{number}").respond_with_handler(self._guarded(self._detail))
        self.url = server.url_for("")

    def add(self, number: int, ordered: int, **changes: Any) -> None:
        self.orders[f"K{number}"] = order(f"K{number}", ordered=ordered, modified=ordered, **changes)

    def _renew(self, request: Request) -> Response:
        assert request.form["redirect_uri"] == "https://shop.example.jp/"
        if request.form["refresh_token"] != self.refresh:
            return _json({"error": "invalid_request", "error_description": "不正なリフレッシュトークンです。"}, 400)
        self.token, self.refresh = "access-2", "refresh-2"
        return _json(
            {"access_token": "access-2", "token_type": "bearer", "expires_in": 3600, "refresh_token": "refresh-2"}
        )

    def _guarded(self, answer: Any) -> Any:
        def handle(request: Request) -> Response:
            self.asked.append(request.full_path.removeprefix("/1/"))
            if self.errors:
                return self.errors.pop(0)
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return _json({"error": "invalid_request", "error_description": "アクセストークンが無効です。"}, 400)
            return answer(request)

        return handle

    def _companies(self, request: Request) -> Response:
        return _json({"delivery_companies": [{"delivery_company_id": 7, "name": "佐川急便"}]})

    def _list(self, request: Request) -> Response:
        start = datetime.fromisoformat(request.args.get("start_ordered", "2000-01-01") + "+09:00").timestamp()
        found = sorted(self.orders.values(), key=lambda one: one["ordered"], reverse=True)
        found = [{**one, "order_items": None} for one in found if one["ordered"] >= start]
        offset = 0 if self.stuck else int(request.args.get("offset", 0))
        return _json({"orders": found[offset:][: int(request.args["limit"])]})

    def _detail(self, request: Request) -> Response:
        found = self.orders.get(request.path.rpartition("/")[2])
        if found is None:
            return _json({"error": "no_order", "error_description": "注文情報が見つかりませんでした。"}, 400)
        return _json({"order": found})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def played(api: Api) -> Iterator[Player]:
    settings = {
        "url": api.url,
        "client_id": "client",
        "client_secret": "hush",
        "redirect_uri": "https://shop.example.jp/",
        "refresh_token": "refresh-1",
        "access_token": "access-1",
    }
    with player(settings) as one:
        yield one


def keys(told: Told) -> set[str]:
    return {one.key.partition("@")[0].removeprefix("orders/") for one in told.found}


def test_a_first_poll_reads_every_order_since_and_names_its_carrier(api: Api, played: Player) -> None:
    for number in range(130):
        api.add(number, T + number, dispatch_status="dispatched", dispatched=T + number, delivery_company_id=7)
    api.add(200, int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()))
    told = polled(played)
    assert keys(told) == {f"K{number}" for number in range(130)}
    read = SOURCE.read(Delivery(body=told.found[0].body, headers={}, received_at=NOW, topic=told.found[0].topic))
    assert [one.carrier for one in read.observations if isinstance(one, ShipmentSeen)] == ["sagawa"]


def test_a_later_poll_reads_only_what_has_changed(api: Api, played: Player) -> None:
    for number in range(5):
        api.add(number, T + number, dispatch_status="dispatched", dispatched=T + number)
    api.add(9, T - 3600)  # open, of an hour before
    cursor = polled(played).cursor
    api.asked.clear()
    api.orders["K9"] |= {"dispatch_status": "dispatched", "dispatched": T + 3600, "modified": T + 3600}
    told = polled(played, cursor)
    assert "K9" in keys(told)
    assert json.loads(told.found[0].body)["dispatch_status"] == "dispatched"
    again = polled(played, told.cursor)
    assert keys(again) == {"K9"}, "within the overlap, under the same key"
    assert again.found[0].key in {one.key for one in told.found}
    assert json.loads(again.cursor or "{}").get("open", {}) == {}


def test_an_old_open_order_is_read_again_in_turn(api: Api, played: Player) -> None:
    api.add(1, T - 15 * DAY)
    cursor = polled(played).cursor
    api.add(2, T + DAY, dispatch_status="dispatched", dispatched=T + DAY)
    cursor = polled(played, cursor).cursor
    api.orders["K1"] |= {"dispatch_status": "cancelled", "cancelled": T + DAY, "modified": T + 2 * DAY}
    api.asked.clear()
    told = polled(played, cursor)
    assert "K1" in keys(told)
    listed = [path for path in api.asked if path.startswith("orders?")]
    assert len(listed) <= 2, "the list is not looked through back to an old order"
    assert polled(played, told.cursor, now=NOW).found == [] or "K1" not in keys(polled(played, told.cursor))


def test_a_number_of_open_orders_is_read_again_and_the_next_ones_next_time(api: Api, played: Player) -> None:
    for number in range(100):
        api.add(number, T - 10 * DAY + number)
    api.add(200, T, dispatch_status="dispatched", dispatched=T)
    cursor = polled(played).cursor
    turns = []
    for _ in range(2):
        api.asked.clear()
        cursor = polled(played, cursor).cursor
        turns.append({path.rpartition("/")[2] for path in api.asked if "detail" in path} - {"K200?"})
    assert len(turns[0]) == 60
    assert turns[0] | turns[1] == {f"K{number}?" for number in range(100)}


def test_an_order_that_is_nobodys_any_more_is_given_up(api: Api, played: Player) -> None:
    api.add(1, T)
    cursor = polled(played).cursor
    assert '"open":{"K1"' in (cursor or "")
    late = polled(played, cursor, now=NOW + timedelta(days=100)).cursor
    assert '"open"' not in (late or "")


def test_a_list_that_was_broken_off_goes_on_where_it_was(api: Api, played: Player) -> None:
    for number in range(130):
        api.add(number, T + number, dispatch_status="dispatched", dispatched=T + number)
    assert POLL is not None
    conversation, answer, cursor = POLL(played.asking()), None, None
    while cursor is None:
        step = conversation.send(answer)
        answer = None
        if hasattr(step, "cursor"):
            cursor = step.cursor
        else:
            answer = played._http.send("test", step, played.settings)  # type: ignore[arg-type,assignment]
    told = polled(played, cursor)
    assert keys(told) == {f"K{number}" for number in range(80)}


def test_a_poll_that_is_cut_short_after_every_page_comes_to_its_end(api: Api, played: Player) -> None:
    for number in range(120):
        api.add(number, T + number)
    assert POLL is not None
    told = played.visits(POLL)
    assert keys(told) == set(api.orders)
    assert len(played.visits(POLL, told.cursor).asked) < 200


def test_a_server_that_repeats_its_page_ends_the_poll(api: Api, played: Player) -> None:
    api.stuck = True
    for number in range(100):
        api.add(number, T + number, dispatch_status="dispatched", dispatched=T + number)
    polled(played)
    assert len([path for path in api.asked if path.startswith("orders?")]) == 2


def test_a_dead_token_is_renewed_with_the_callback_and_the_new_pair_kept(api: Api, played: Player) -> None:
    api.token = "another"
    assert polled(played).secrets == {"access_token": "access-2", "refresh_token": "refresh-2"}
    api.token, api.refresh = "again another", "gone"
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert raised.value.why == "login"


@pytest.mark.parametrize(
    ("error", "why", "after"),
    [
        ("hour_api_limit", "quota", timedelta(minutes=16)),  # 12:45 UTC
        ("day_api_limit", "quota", timedelta(hours=2, minutes=16)),  # 21:45 in Japan
        ("invalid_scope", "login", None),
        ("unauthorized_client", "login", None),
        ("db_error", "request", None),
    ],
)
def test_an_error_is_known_by_its_name(api: Api, played: Player, error: str, why: str, after: timedelta | None) -> None:
    api.errors = [_json({"error": error, "error_description": "…"}, 400)]
    with pytest.raises(Unanswered) as raised:
        polled(played, now=NOW + timedelta(minutes=45))
    assert (raised.value.why, raised.value.after) == (why, after)


@pytest.mark.parametrize(
    ("answer", "why"), [(Response("", 429), "rate"), (Response("", 502), "provider"), (Response("<html>"), "provider")]
)
def test_an_answer_that_is_none_says_why(api: Api, played: Player, answer: Response, why: str) -> None:
    api.errors = [answer]
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert raised.value.why == why


def test_a_check_reads_one_order_or_says_what_to_do(api: Api, played: Player) -> None:
    assert CHECK is not None
    (found,) = played.play(CHECK(played.asking())).result
    assert found.level == "ok"
    api.errors = [_json({"error": "invalid_scope"}, 400)]
    (found,) = played.play(CHECK(played.asking())).result
    assert found.level == "error"
    assert "read_orders" in found.do
