"""Openlogi: what a warehouse tells of an order, and its polling played against a server like its API."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.openlogi import SOURCE
from engine.contracts import Delivery, OrderSeen, ShipmentSeen, Unanswered
from tests.connectors.playing import NOW, Player, Told, player, poller

assert SOURCE.api is not None
POLL, CHECK = SOURCE.api.poll, SOURCE.api.check
polled = poller(SOURCE)
TODAY = "2026/11/24"


def shipment(number: int = 1, status: str = "waiting", **changes: Any) -> dict[str, Any]:
    return {"id": f"HK001-S{number}", "order_no": f"#{number}", "status": status, **changes}


def observed(kind: Any, topic: str = "shipment", **changes: Any) -> list[Any]:
    body = json.dumps(shipment(**changes)).encode()
    read = SOURCE.read(Delivery(body=body, headers={}, received_at=NOW, topic=topic))
    return [one for one in read.observations if isinstance(one, kind)]


@pytest.mark.parametrize(
    ("status", "allocated", "left"),
    [
        ("backordered", False, False),
        ("allocating", False, False),
        ("waiting", True, False),
        ("working", True, False),
        ("picking", True, False),
        ("picked", True, False),
        ("packed", True, False),
        ("shipped", True, True),
        ("suspended", None, False),
        ("modify_request", None, False),
        ("cancel_request", None, False),
        ("a_status_of_next_year", None, False),
    ],
)
def test_a_status_speaks_of_stock_and_dispatch(status: str, allocated: bool | None, left: bool) -> None:
    orders = observed(OrderSeen, status=status)
    assert [one.allocated for one in orders] == ([] if allocated is None else [allocated])
    (parcel,) = observed(ShipmentSeen, status=status, shipped_at="2026-11-24T16:10:00+09:00")
    assert (parcel.dispatched_at is not None) == left
    assert parcel.cancelled_at is None


@pytest.mark.parametrize(
    ("slot", "first", "last"),
    [("AM", 8, 12), ("12", 12, 14), ("14", 14, 16), ("16", 16, 18), ("18", 18, 20), ("19", 19, 21), (None, 0, 23)],
)
def test_a_parcel_arrives_in_the_time_that_was_wished(slot: str | None, first: int, last: int) -> None:
    (parcel,) = observed(ShipmentSeen, delivery_day="2026-11-26", delivery_date="2026-11-27", delivery_time_slot=slot)
    assert parcel.eta_from
    assert parcel.eta_until
    assert (parcel.eta_from.day, parcel.eta_from.hour, parcel.eta_until.hour) == (26, first, last)


@pytest.mark.parametrize(
    ("service", "carrier"),
    [
        ("YAMATO-NEKOPOSU", "yamato"),
        ("SAGAWA-HIKYAKU-YU-PACKET", "sagawa"),
        ("JAPANPOST-YU-PACKET", "japanpost"),
        ("JAPANPOST-EPACKET", "japanpost"),
        ("FEDEX-CONNECT-PLUS", "fedex"),
        ("DHL-EXPRESS", "dhl"),
        ("SOMEBODY-ELSE", None),
    ],
)
def test_the_carrier_is_the_one_of_the_service(service: str, carrier: str | None) -> None:
    (parcel,) = observed(ShipmentSeen, delivery_service=service)
    assert (parcel.carrier, parcel.carrier_name) == (carrier, service)


def test_openlogi_has_written_where_it_has_an_address() -> None:
    told = {"shipped_at": "2026-11-24T16:10:00+09:00", "status": "shipped"}
    assert [observed(ShipmentSeen, **told, shipping_email=to)[0].source_notified for to in ("a@example.jp", None)] == [
        True,
        False,
    ]
    assert observed(ShipmentSeen, **told)[0].source_notified is None


class Api:
    """Openlogi's API: what is under way, what left on a day, and each by its id."""

    def __init__(self, server: HTTPServer) -> None:
        self.under_way: list[dict[str, Any]] = []
        self.left: dict[str, list[dict[str, Any]]] = {}
        self.known: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.answers: list[Response] = []
        server.expect_request("/api/shipments").respond_with_handler(self._guarded(lambda _: self.under_way))
        for back in range(40):
            day = (date(2026, 11, 26) - timedelta(days=back)).isoformat().replace("-", "/")
            server.expect_request(f"/api/shipments/shipped/{day}").respond_with_handler(self._guarded(self._of_day))
        for number in range(9):
            server.expect_request(f"/api/shipments/HK001-S{number}").respond_with_handler(self._guarded(self._one))
        self.url = server.url_for("/api")

    def _guarded(self, answer: Any) -> Any:
        def handle(request: Request) -> Response:
            self.asked.append(request.path.removeprefix("/api/shipments"))
            assert request.headers["x-api-version"] == "1.5"
            if self.answers:
                return self.answers.pop(0)
            if request.headers.get("authorization") != "Bearer token":
                return Response('{"error":"unauthorized"}', 401)
            told = answer(request)
            body = {"shipments": told} if isinstance(told, list) else told
            return Response(json.dumps(body), 404 if body is None else 200, content_type="application/json")

        return handle

    def _of_day(self, request: Request) -> list[dict[str, Any]]:
        return self.left.get(request.path.partition("shipped/")[2], [])

    def _one(self, request: Request) -> dict[str, Any] | None:
        return self.known.get(request.path.rpartition("/")[2])


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def played(api: Api) -> Iterator[Player]:
    with player({"url": api.url, "token": "token"}) as one:
        yield one


def told_of(told: Told) -> list[tuple[str, str]]:
    return [(one.topic, json.loads(one.body)["id"]) for one in told.found]


def open_in(told: Told) -> set[str]:
    return set(json.loads(told.cursor or "{}").get("open", {}))


def test_a_first_poll_reads_what_is_under_way_and_every_day_since(api: Api, played: Player) -> None:
    api.under_way = [shipment(1)]
    gone_out = shipment(2, "shipped", shipped_at="2026-11-05T16:00:00+09:00")
    api.left["2026/11/05"] = [gone_out]
    told = polled(played)
    assert told_of(told) == [("shipment", "HK001-S1"), ("shipment", "HK001-S2")]
    assert told.found[1].changed_at == datetime.fromisoformat(gone_out["shipped_at"])
    assert len(api.asked) == 1 + 25, "from the day before 1 November to today"
    assert open_in(told) == {"HK001-S1"}


def test_a_later_poll_tells_only_what_has_changed(api: Api, played: Player) -> None:
    api.under_way = [shipment(1), shipment(2)]
    first = polled(played)
    api.asked.clear()
    api.under_way = [shipment(1), shipment(2, "packed")]
    again = polled(played, first.cursor)
    assert told_of(again) == [("shipment", "HK001-S2")]
    assert api.asked == ["", "/shipped/2026/11/23", "/shipped/2026/11/24"]
    api.under_way, api.left[TODAY] = [shipment(1)], [shipment(2, "shipped", shipped_at="2026-11-24T16:00:00+09:00")]
    sent = polled(played, again.cursor)
    assert told_of(sent) == [("shipment", "HK001-S2")]
    assert open_in(sent) == {"HK001-S1"}


def test_days_that_were_missed_are_caught_up(api: Api, played: Player) -> None:
    cursor = polled(played, now=NOW - timedelta(days=5)).cursor
    api.asked.clear()
    polled(played, cursor)
    assert api.asked[1] == "/shipped/2026/11/18"
    assert api.asked[-1] == f"/shipped/{TODAY}"
    assert len(api.asked) == 1 + 7


def test_a_request_that_is_not_there_any_more_was_cancelled(api: Api, played: Player) -> None:
    api.under_way = [shipment(1), shipment(2)]
    cursor = polled(played).cursor
    api.under_way, api.known["HK001-S2"] = [], shipment(2, "suspended")
    told = polled(played, cursor)
    assert told_of(told) == [("shipment_gone", "HK001-S1"), ("shipment", "HK001-S2")]
    assert open_in(told) == {"HK001-S2"}
    found = told.found[0]
    read = SOURCE.read(Delivery(body=found.body, headers=found.headers, received_at=NOW, topic=found.topic))
    (parcel,) = read.observations
    assert isinstance(parcel, ShipmentSeen)
    assert (parcel.ref.shipment_id, parcel.ref.order_number, parcel.cancelled_at) == ("HK001-S1", "#1", NOW)


def test_a_poll_that_is_cut_short_after_every_page_comes_to_its_end(api: Api, played: Player) -> None:
    api.under_way = [shipment(number) for number in range(9)]
    api.left["2026/11/05"] = [shipment(20, "shipped", shipped_at="2026-11-05T16:00:00+09:00")]
    assert POLL is not None
    told = played.visits(POLL)
    assert {name for _, name in told_of(told)} == {one["id"] for one in (*api.under_way, *api.left["2026/11/05"])}
    api.under_way = []
    gone = played.visits(POLL, told.cursor)
    assert [topic for topic, _ in told_of(gone)].count("shipment_gone") == 9
    assert open_in(gone) == set()


def test_a_list_that_is_empty_by_mistake_cancels_nothing(api: Api, played: Player) -> None:
    api.under_way = [shipment(1)]
    cursor = polled(played).cursor
    api.under_way, api.known["HK001-S1"] = [], shipment(1)
    told = polled(played, cursor)
    assert told_of(told) == [("shipment", "HK001-S1")]
    assert open_in(told) == {"HK001-S1"}


@pytest.mark.parametrize(
    ("answer", "why", "after"),
    [
        (Response('{"error":"unauthorized"}', 401), "login", None),
        (Response('{"error":"forbidden"}', 403), "login", None),
        (Response('{"error":"payment_required"}', 402), "quota", timedelta(hours=6)),
        (Response('{"error":"Too Many Attempts."}', 429), "rate", timedelta(minutes=1)),
        (Response("", 429, headers={"retry-after": "7"}), "rate", timedelta(seconds=7)),
        (Response("<html>", 503), "provider", None),
        (Response("<html>", 200), "provider", None),
        (Response('{"error":"validation_failed"}', 422), "request", None),
    ],
)
def test_an_answer_that_is_none_says_why(
    api: Api, played: Player, answer: Response, why: str, after: timedelta | None
) -> None:
    api.answers = [answer]
    with pytest.raises(Unanswered) as raised:
        polled(played)
    assert (raised.value.why, raised.value.after) == (why, after)


def test_a_check_counts_what_is_under_way_or_says_what_to_do(api: Api, played: Player) -> None:
    api.under_way = [shipment(1)]
    assert CHECK is not None
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, "under way: 1" in found.what) == ("ok", True)
    api.answers = [Response("", 401)]
    (found,) = played.play(CHECK(played.asking())).result
    assert (found.level, "token" in (found.do or "")) == ("error", True)


@pytest.mark.parametrize("record", [{"id": "EX001-W0001"}, {"id": "7", "arrival_date": "2026-11-24"}])
def test_goods_on_their_way_into_the_warehouse_are_no_parcels(record: dict[str, str]) -> None:
    body = json.dumps({**record, "status": "waiting", "tracking_codes": ["440000000000"]}).encode()
    read = SOURCE.read(Delivery(body=body, headers={}, received_at=NOW))
    assert (read.observations, bool(read.ignored)) == ((), True)
