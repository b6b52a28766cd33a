"""Next Engine: what its codes mean beyond the golden cases, and its conversations against a server that plays it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.next_engine import SOURCE
from engine.contracts import Delivery, OrderSeen, Reading, Refused, ReturnSeen, ScanSeen, ShipmentSeen, Unanswered
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import NOW, Player, Told, player

B, R = "receive_order_", "receive_order_row_"
API = SOURCE.api
assert API is not None
assert API.poll is not None
assert API.check is not None
POLL, CHECK = API.poll, API.check


def slip(
    slip_id: str, number: str = "S-1", status: str = "20", changed: str = "2026-11-20 18:00:00", **more: Any
) -> Any:
    fields = {
        "id": slip_id, "shop_id": "1", "shop_cut_form_id": number, "date": "2026-11-20 10:15:00",
        "order_status_id": status, "cancel_type_id": "0", "deposit_type_id": "0", "payment_method_id": "2",
        "total_amount": "3000.00", "deleted_flag": "0", "multi_delivery_parent_flag": "0",
        "last_modified_null_safe_date": changed,
    }  # fmt: skip
    rows = more.pop("rows", None)
    found = {B + name: value for name, value in {**fields, **more}.items()}
    return found if rows is None else {**found, "rows": rows}


def row(no: str, code: str, quantity: str = "1", **more: Any) -> Any:
    fields = {"no": no, "goods_id": code, "goods_name": code, "quantity": quantity, "unit_price": "1000.00"}
    return {R + name: value for name, value in {**fields, "cancel_flag": "0", **more}.items()}


def reading(*slips: Any, **more: Any) -> Reading:
    body = json.dumps({"result": "success", "data": slips}).encode()
    return SOURCE.read(Delivery(body=body, headers={}, received_at=NOW, **more))


def only(read: Reading, kind: type) -> Any:
    (one,) = (one for one in read.observations if isinstance(one, kind))
    return one


def test_nothing_that_is_posted_is_taken() -> None:
    posted = Delivery(body=b"{}", headers={"authorization": "Bearer x"}, received_at=NOW, url="https://x/in/1?token=x")
    assert isinstance(SOURCE.verify(posted, ["x"], NOW), Refused)


@pytest.mark.parametrize(
    ("status", "deposit", "method", "expected"),
    [
        ("1", "0", "0", "pending"),
        ("2", "0", "0", "pending"),  # waits for a bank transfer
        ("2", "1", "0", "pending"),  # part of it came
        ("2", "2", "0", "paid"),
        ("2", "0", "1", "paid"),  # cash on delivery
        ("2", "0", "16", "paid"),  # bank transfer afterwards
        ("20", "0", "2", "paid"),  # a card: nothing is awaited any more
        ("50", "0", "2", "paid"),
    ],
)
def test_payment(status: str, deposit: str, method: str, expected: str) -> None:
    read = reading(slip("1", status=status, deposit_type_id=deposit, payment_method_id=method))
    assert only(read, OrderSeen).payment == expected


@pytest.mark.parametrize(
    ("cancel", "status", "cancelled"),
    [(c, s, c not in {"0", "3", "7", "12"} and (s != "50" or c not in {"6", "8", "14", "15", "16", "17", "19"}))
     for c in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "11", "12", "14", "15", "16", "17", "18", "19", "20")
     for s in ("2", "20", "50")],
)  # fmt: skip
def test_an_order_is_cancelled_by_what_gives_it_up_before_it_leaves(cancel: str, status: str, cancelled: bool) -> None:
    read = reading(slip("1", status=status, cancel_type_id=cancel, send_date="2026-11-20 00:00:00"))
    assert (only(read, OrderSeen).cancelled_at is not None) is cancelled
    assert read.unmapped == ()


def test_what_the_customer_sends_back_is_a_return_and_what_the_carrier_brings_back_a_scan() -> None:
    sent = {"status": "50", "send_date": "2026-11-20 00:00:00", "delivery_cut_form_id": "441200001113"}
    back = reading(slip("1", cancel_type_id="8", rows=[row("1", "A", "2")], **sent))
    assert [one.quantity for one in only(back, ReturnSeen).contents] == [2]
    home = reading(slip("1", cancel_type_id="14", rows=[row("1", "A", "2")], **sent))
    assert (only(home, ScanSeen).status, only(home, ScanSeen).reason) == ("returned", "consignee_not_home")


@pytest.mark.parametrize("flag", ["cancelled", "split"])
def test_slips_of_one_order_are_one_order(flag: str) -> None:
    first = slip("10", rows=[row("1", "A")], status="50", send_date="2026-11-20 00:00:00")
    rest = slip("11", "S-1-bk-1", divide_from_order_id="10", rows=[row("1", "A", "2", divide_from_row_no="1")])
    if flag == "cancelled":
        rest |= {B + "cancel_type_id": "1"}
    seen = only(reading(first, rest), OrderSeen)
    assert seen.ref.order_number == "S-1"
    assert [(line.id, line.quantity, line.cancelled) for line in seen.lines] == [
        ("10-1", 3, 2 if flag == "cancelled" else 0)
    ]
    assert seen.cancelled_at is None
    assert seen.total.amount == "6000"


def test_a_slip_whose_number_alone_shows_the_split_joins_the_slip_of_that_number() -> None:
    read = reading(slip("10", rows=[row("1", "A")]), slip("11", "S-1-bk-2", rows=[row("1", "B")]))
    assert only(read, OrderSeen).ref.order_id == "10"
    alone = reading(slip("11", "S-1-bk-2", "50", delivery_cut_form_id="441200001113"))
    ref = only(alone, ShipmentSeen).ref
    assert (ref.order_id, ref.order_number) == (None, "S-1")


def test_merging_and_shuffling_end_in_the_same_facts() -> None:
    """A merged order is sent with the other's parcel and never cancelled, in whatever order it is told."""
    before = [slip("20", "A", rows=[row("1", "A")]), slip("21", "B", rows=[row("1", "B")])]
    later = "2026-11-21 15:00:00"
    into = slip(
        "20", "A", "50", later, send_date="2026-11-21 00:00:00", delivery_cut_form_id="441200001113",
        rows=[row("1", "A"), row("2", "B") | {B + "include_from_order_id": "21", B + "include_from_row_no": "1"}],
    )  # fmt: skip
    away = slip("21", "B", "2", "2026-11-20 19:00:00", cancel_type_id="3", rows=[row("1", "B", cancel_flag="1")])
    for bodies in (
        [before, [into, away]],
        [[into, away], before],
        [[one] for one in reversed(before)] + [[into, away]],
    ):
        told = [one for body in bodies for one in reading(*body).observations]
        for order, sku in (("20", "A"), ("21", "B")):
            facts = _facts([one for one in told if one.ref.order_id == order])
            assert facts.order.cancelled_at is None
            assert [line.sku for line in facts.order.lines] == [sku]
            (parcel,) = facts.shipments.values()
            assert (parcel.number, parcel.dispatched_at is not None) == ("441200001113", True)


def _facts(observations: list[Any]) -> Any:
    heard = [Heard(connection="c", seen=one) for one in observations]
    return observe(State(), heard, lambda: heard)[0].facts


class NextEngine:
    """Slips and rows behind the two searches; tokens that run out and come anew, once."""

    def __init__(self) -> None:
        self.slips: list[Any] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens = ("a1", "r1")
        self.runs_out = False
        self.most = 10_000
        self.left = 10_000
        self.refresh_ends = "2026-11-27 21:00:00"

    def answer(self, request: Request) -> Response:
        given = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        self.asked.append((request.path, given))
        if (given.get("access_token"), given.get("refresh_token")) != self.tokens:
            return _json({"result": "error", "code": "002004", "message": "refresh_tokenが不正です。"})
        self.left -= 1
        if self.left < 0:
            return _json({"result": "error", "code": "003002", "message": "過負荷"})
        if self.runs_out:
            self.runs_out = False
            self.tokens = ("a2", "r2")
        rows = request.path.endswith("receiveorder_row/search")
        table = [r for s in self.slips for r in s["rows"]] if rows else self.slips
        names = given["fields"].split(",")
        found = [{name: one.get(name) for name in names} for one in table if _fits(one, given)]
        if order := given.get("sort"):
            found.sort(key=lambda one: int(one[order.removesuffix("-asc")]))
        offset, limit = int(given["offset"]), min(int(given["limit"]), self.most)
        part = found[offset : offset + limit]
        ends = {"access_token_end_date": "2026-11-25 21:00:00", "refresh_token_end_date": self.refresh_ends}
        pair = dict(zip(("access_token", "refresh_token"), self.tokens, strict=True))
        return _json({"result": "success", "count": str(len(found)), "data": part, **pair, **ends})

    def add(self, one: Any, *rows: Any) -> None:
        number = one[B + "id"]
        self.slips.append({**one, "rows": [{**r, R + "receive_order_id": number} for r in rows]})


def _fits(one: Any, given: dict[str, str]) -> bool:
    for name, value in given.items():
        field, _, how = name.rpartition("-")
        if how == "gte" and not str(one.get(field) or "") >= value:
            return False
        if how == "in" and str(one.get(field)) not in value.split(","):
            return False
    return True


def _json(value: Any) -> Response:
    return Response(json.dumps(value), content_type="application/json")


@pytest.fixture
def vendor(httpserver: HTTPServer) -> NextEngine:
    played = NextEngine()
    httpserver.expect_request("/api_v1_receiveorder_base/search", method="POST").respond_with_handler(played.answer)
    httpserver.expect_request("/api_v1_receiveorder_row/search", method="POST").respond_with_handler(played.answer)
    return played


@pytest.fixture
def one(httpserver: HTTPServer, vendor: NextEngine) -> Iterator[Player]:
    settings = {"url": httpserver.url_for("/"), "access_token": "a1", "refresh_token": "r1"}
    with player(settings) as played:
        yield played


def orders(told: Told) -> dict[str, OrderSeen]:
    seen: dict[str, OrderSeen] = {}
    for found in told.found:
        read = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic))
        seen |= {one.ref.order_number or "": one for one in read.observations if isinstance(one, OrderSeen)}
    return seen


def test_a_poll_finds_every_order_with_its_lines(vendor: NextEngine, one: Player) -> None:
    vendor.most = 2  # of a server that gives less than it is asked for
    for number in range(1, 6):
        vendor.add(slip(str(number), f"S-{number}"), row("1", "A"), row("2", "B"), row("3", "C"))
    told = one.play(POLL(one.asking()))
    found = orders(told)
    assert sorted(found) == ["S-1", "S-2", "S-3", "S-4", "S-5"]
    assert {len(order.lines or ()) for order in found.values()} == {3}
    assert len({record.key for record in told.found}) == 5
    again = one.play(POLL(one.asking()))
    assert {record.key for record in again.found} == {record.key for record in told.found}


def test_the_next_poll_overlaps_with_the_one_before(vendor: NextEngine, one: Player) -> None:
    vendor.add(slip("1", changed="2026-11-24 20:55:00"), row("1", "A"))
    first = one.play(POLL(one.asking()))
    vendor.add(slip("2", "S-2", changed="2026-11-24 20:53:00"), row("1", "A"))  # it was written late
    vendor.add(slip("3", "S-3", changed="2026-11-23 10:00:00"), row("1", "A"))
    later = one.play(POLL(one.asking(first.cursor, now=NOW + timedelta(minutes=10))))
    assert sorted(orders(later)) == ["S-1", "S-2"]
    assert vendor.asked[-1][1][f"{B}last_modified_null_safe_date-gte"] == "2026-11-24 20:45:00"


def test_a_quiet_shop_is_asked_once(vendor: NextEngine, one: Player) -> None:
    vendor.add(slip("1", changed="2026-11-24 20:55:00"), row("1", "A"))
    cursor = one.play(POLL(one.asking())).cursor
    for _ in range(3):
        quiet = one.play(POLL(one.asking(cursor)))
        assert (len(quiet.asked), quiet.found) == (1, [])
        cursor = quiet.cursor
    vendor.slips[0][B + "last_modified_null_safe_date"] = "2026-11-24 20:55:01"
    assert len(one.play(POLL(one.asking(cursor))).found) == 1


def test_a_poll_that_was_cut_off_goes_on_where_its_pages_end(vendor: NextEngine, one: Player) -> None:
    vendor.most = 2
    for number in range(1, 6):
        vendor.add(slip(str(number), f"S-{number}"), row("1", "A"))
    vendor.left = 3  # slips, their relatives, their rows, and no more
    told = Told()
    with pytest.raises(Unanswered):
        one.play(POLL(one.asking()), told)
    vendor.left = 100
    rest = one.play(POLL(one.asking(told.cursor)))
    assert (sorted(orders(told)), sorted(orders(rest))) == (["S-1", "S-2"], ["S-3", "S-4", "S-5"])
    assert "after" not in json.loads(rest.cursor or "")


def test_the_other_slips_of_an_order_are_asked_for(vendor: NextEngine, one: Player) -> None:
    vendor.add(slip("10", changed="2026-11-01 12:00:00"), row("1", "A"))
    vendor.add(
        slip("11", "S-1-bk-1", changed="2026-11-24 20:00:00", divide_from_order_id="10"),
        row("1", "A", "2", divide_from_row_no="1"),
    )
    since = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    told = one.play(POLL(one.asking(since=since)))
    (order,) = orders(told).values()
    assert [(line.id, line.quantity) for line in order.lines or ()] == [("10-1", 3)]
    vendor.slips[0] |= {B + "last_modified_null_safe_date": "2026-11-24 20:30:00", B + "order_status_id": "50"}
    vendor.slips[1] |= {B + "last_modified_null_safe_date": "2026-11-02 20:30:00"}
    (order,) = orders(one.play(POLL(one.asking(since=since)))).values()
    assert [(line.id, line.quantity) for line in order.lines or ()] == [("10-1", 3)]


def test_an_order_that_was_merged_in_comes_with_its_number(vendor: NextEngine, one: Player) -> None:
    vendor.add(
        slip("20", "A", changed="2026-11-24 20:00:00"),
        row("1", "A"),
        row("2", "B") | {B + "include_from_order_id": "21", B + "include_from_row_no": "1"},
    )
    vendor.add(slip("21", "B", changed="2026-11-01 20:00:00", cancel_type_id="3"), row("1", "B"))
    told = one.play(POLL(one.asking(since=datetime(2026, 11, 24, tzinfo=UTC))))
    assert [line.sku for line in orders(told)["A"].lines or ()] == ["A"]


def test_a_new_pair_of_tokens_is_told_before_the_records_and_used_at_once(vendor: NextEngine, one: Player) -> None:
    vendor.add(slip("1"), row("1", "A"))
    vendor.runs_out = True
    steps = []
    conversation, answer = POLL(one.asking()), None
    while True:
        try:
            step: Any = conversation.send(answer)
        except StopIteration:
            break
        steps.append(type(step).__name__)
        answer = None
        if steps[-1] == "HttpRequest":
            answer = one._http.send("test", step, one.settings)  # type: ignore[assignment]
        elif steps[-1] == "Renewed":
            one.settings |= step.secrets
    assert steps[:2] == ["HttpRequest", "Renewed"]
    assert {given["access_token"] for _, given in vendor.asked[1:]} == {"a2"}
    assert one.settings["refresh_token"] == "r2"


def test_an_end_of_the_tokens_is_told(vendor: NextEngine, one: Player) -> None:
    told = one.play(POLL(one.asking()))
    assert told.until["refresh_token"] == datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert told.secrets == {}


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, {"result": "error", "code": "002004", "message": "x"}, "login"),
        (200, {"result": "redirect", "code": "002001"}, "login"),
        (200, {"result": "error", "code": "003002"}, "rate"),
        (200, {"result": "error", "code": "004002"}, "request"),
        (200, {"result": "error", "code": "999999"}, "provider"),
        (200, {"result": "error"}, "request"),
        (200, ["?"], "provider"),
        (400, {"result": "error", "code": "003001"}, "rate"),
        (503, {"result": "success"}, "provider"),
        (403, {"message": "x"}, "login"),
    ],
)
def test_what_ends_a_poll(httpserver: HTTPServer, status: int, body: Any, why: str) -> None:
    httpserver.expect_request("/api_v1_receiveorder_base/search").respond_with_json(body, status=status)
    settings = {"url": httpserver.url_for("/"), "access_token": "a1", "refresh_token": "r1"}
    with player(settings) as one, pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()))
    assert ended.value.why == why
    assert "a1" not in str(ended.value)


def test_an_error_that_carries_new_tokens_tells_them_too(httpserver: HTTPServer) -> None:
    body = {"result": "error", "code": "003002", "access_token": "a9", "refresh_token": "r9"}
    httpserver.expect_request("/api_v1_receiveorder_base/search").respond_with_json(body)
    settings = {"url": httpserver.url_for("/"), "access_token": "a1", "refresh_token": "r1"}
    with player(settings) as one:
        with pytest.raises(Unanswered):
            one.play(POLL(one.asking()))
        assert one.settings["refresh_token"] == "r9"


def test_a_server_that_repeats_its_page_ends_the_poll(httpserver: HTTPServer) -> None:
    page = [slip(str(number)) for number in range(1, 201)]
    body = {"result": "success", "data": page}
    httpserver.expect_request("/api_v1_receiveorder_base/search").respond_with_json(body)
    httpserver.expect_request("/api_v1_receiveorder_row/search").respond_with_json({"result": "success", "data": []})
    settings = {"url": httpserver.url_for("/"), "access_token": "a1", "refresh_token": "r1"}
    with player(settings) as one:
        told = one.play(POLL(one.asking()))
    assert len(told.found) == 200
    assert len(told.asked) < 12


def test_without_tokens_somebody_must_log_in(vendor: NextEngine, httpserver: HTTPServer) -> None:
    with player({"url": httpserver.url_for("/")}) as one, pytest.raises(Unanswered) as ended:
        one.play(POLL(one.asking()))
    assert ended.value.why == "login"


@pytest.mark.parametrize("cursor", ["", "?", "[]", "{}", '{"since": 3}', '{"since": "2026-11-24T10:00:00+00:00"}'])
def test_a_cursor_that_cannot_be_read_begins_anew(vendor: NextEngine, one: Player, cursor: str) -> None:
    vendor.add(slip("1", changed="2026-11-24 20:00:00"), row("1", "A"))
    assert len(one.play(POLL(one.asking(cursor))).found) == 1


def test_a_check_says_what_to_do(vendor: NextEngine, one: Player) -> None:
    assert [found.level for found in one.play(CHECK(one.asking())).result] == ["ok"]
    vendor.refresh_ends = "2026-11-24 23:00:00"  # in two hours
    assert [found.level for found in one.play(CHECK(one.asking())).result] == ["warning"]
    one.settings["access_token"] = "forgotten"
    (refused,) = one.play(CHECK(one.asking())).result
    assert refused.level == "error"
    assert "access_token" in (refused.do or "")
