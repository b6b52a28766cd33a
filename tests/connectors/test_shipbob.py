"""ShipBob: what its words mean, and its conversations with a server that plays it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.shipbob import SOURCE
from engine.contracts import Delivery, OrderSeen, Refused, ScanSeen, ShipmentSeen, Unanswered
from tests.connectors.playing import LONG_AGO, NOW, player

API = SOURCE.api
assert API is not None


def reading(body: Any, topic: str | None = None) -> Any:
    return SOURCE.read(Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, topic=topic))


def seen(body: Any, kind: type, topic: str | None = None) -> list[Any]:
    return [one for one in reading(body, topic).observations if isinstance(one, kind)]


def shipment(**changes: Any) -> dict[str, Any]:
    return {"id": 9, "order_id": 7, "status_details": [], "last_update_at": "2026-11-21T10:00:00Z", **changes}


@pytest.mark.parametrize(
    ("topic", "status", "more", "left"),
    [
        (None, "Completed", {}, True),
        (None, "LabeledCreated", {}, False),
        (None, "LabeledCreated", {"actual_fulfillment_date": "2026-11-21T09:00:00Z"}, True),
        (None, "Processing", {"tracking": {"tracking_number": "1Z"}}, False),
        ("order.shipped", "Processing", {"tracking": {"tracking_number": "1Z"}}, True),
        ("order_shipped", "LabeledCreated", {"tracking": {"tracking_number": "1Z"}}, True),
        ("order.shipped", "Processing", {}, False),  # the other half of a split order
        ("order.shipped", "On Hold", {"tracking": {"tracking_number": "1Z"}}, False),
        (None, "Cancelled", {"actual_fulfillment_date": "2026-11-21T09:00:00Z"}, False),
    ],
)
def test_when_a_shipment_has_left(topic: str | None, status: str, more: dict[str, Any], left: bool) -> None:
    (parcel,) = seen({"id": 7, "shipments": [shipment(status=status, **more)]}, ShipmentSeen, topic)
    assert (parcel.dispatched_at is not None) is left


def test_a_status_is_known_with_and_without_spaces() -> None:
    for written in ("OnHold", "On Hold", "on_hold"):
        (order,) = seen({"id": 7, "shipments": [shipment(status=written)]}, OrderSeen)
        assert order.on_hold


def test_a_hold_told_of_a_shipment_does_not_give_the_order_the_number_of_another_system() -> None:
    (order,) = seen(shipment(status="OnHold", reference_id="5012345678901"), OrderSeen)
    assert order.ref.order_number is None
    assert order.on_hold


def test_an_attempt_counts_once_with_the_time_of_the_carriers_word() -> None:
    told = shipment(status="Completed", status_details=[{"name": "DeliveryAttemptFailed"}])
    assert seen(told, ScanSeen) == []
    told["last_tracking_update_at"] = "2026-11-22T08:00:00Z"
    (first,) = seen(told, ScanSeen)
    (again,) = seen({**told, "last_update_at": "2026-11-23T10:00:00Z"}, ScanSeen)
    assert first == again


def test_old_webhooks_without_a_signature_are_refused() -> None:
    old = Delivery(body=b"{}", headers={"shipbob-topic": "order_shipped"}, received_at=NOW)
    verdict = SOURCE.verify(old, ["c2VjcmV0IG9mIHR3ZW50eS1mb3VyIGJ5dGVz"], NOW)
    assert isinstance(verdict, Refused)
    assert "not signed" in verdict.reason


def an_order(number: int, changed: str = "2026-11-20T10:00:00Z") -> dict[str, Any]:
    return {"id": number, "order_number": str(number), "shipments": [shipment(last_update_at=changed)]}


class ShipBob:
    """Lists of orders and returns in pages, and webhook subscriptions."""

    def __init__(self, server: HTTPServer) -> None:
        self.orders: list[dict[str, Any]] = []
        self.returns: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.known_topics: set[str] | None = None
        server.expect_request("/2026-01/order").respond_with_handler(self._orders)
        server.expect_request("/2026-01/return").respond_with_handler(self._returns)
        server.expect_request("/2026-01/webhook", method="GET").respond_with_handler(self._list)
        server.expect_request("/2026-01/webhook", method="POST").respond_with_handler(self._create)
        server.expect_request("/2026-01/webhook/1", method="DELETE").respond_with_handler(self._delete)

    def _note(self, request: Request) -> dict[str, str]:
        self.headers.append(dict(request.headers))
        asked = dict(request.args)
        self.asked.append(asked)
        return asked

    def _orders(self, request: Request) -> Response:
        page = int(self._note(request)["Page"])
        if "LastTrackingUpdateStartDate" in request.args:
            return answer([])
        shown = self.orders[(page - 1) * 2 : page * 2]
        return answer(shown, {"Total-Pages": str(-(-len(self.orders) // 2)), "Page-Number": str(page)})

    def _returns(self, request: Request) -> Response:
        page = int(self._note(request)["Cursor"])
        if "CompletedStartDate" not in request.args:
            return Response(status=403)
        items = self.returns[page - 1 : page]
        following = f"/2026-01/return?Cursor={page + 1}&Limit=1" if page < len(self.returns) else None
        return answer({"items": items, "next": following, "total": len(self.returns)})

    def _list(self, request: Request) -> Response:
        return answer({"items": self.hooks, "next": None})

    def _create(self, request: Request) -> Response:
        topics = request.get_json()["topics"]
        if self.known_topics is not None and not set(topics) <= self.known_topics:
            return Response(status=422)
        made = {"id": "2", "enabled": True, **request.get_json()}
        self.hooks.append(made)
        return answer({**made, "secret": "c2VjcmV0IG1hZGUgYnkgU2hpcEJvYiBpdHNlbGY="})

    def _delete(self, request: Request) -> Response:
        self.hooks = [hook for hook in self.hooks if hook["id"] != "1"]
        return Response(status=204)


def answer(body: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, headers=headers, content_type="application/json")


@pytest.fixture
def shipbob(httpserver: HTTPServer) -> ShipBob:
    return ShipBob(httpserver)


@pytest.fixture
def playing(httpserver: HTTPServer):
    with player({"token": "a-token", "channel": "128000", "url": httpserver.url_for("/")}) as one:
        yield one


def test_polling_reads_every_list_to_its_end_and_goes_on_from_where_it_began(shipbob, playing) -> None:
    shipbob.orders = [an_order(number) for number in range(1, 6)]
    shipbob.returns = [{"id": 1, "insert_date": "2026-11-22T00:00:00Z"}, {"id": 2, "completed_date": "2026-11-23"}]
    told = playing.play(API.poll(playing.asking()))
    assert [found.topic for found in told.found] == ["order"] * 5 + ["return"] * 2
    assert len({found.key for found in told.found}) == 7
    assert told.found[0].changed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert shipbob.asked[0]["LastUpdateStartDate"] == f"{LONG_AGO:%Y-%m-%dT%H:%M:%SZ}"
    assert shipbob.headers[0]["Authorization"] == "Bearer a-token"
    assert told.asked[0].headers == {"shipbob_channel_id": "128000"}  # the server that plays drops underscores
    shipbob.asked.clear()
    playing.play(API.poll(playing.asking(told.cursor)))
    assert shipbob.asked[0]["LastUpdateStartDate"] == "2026-11-24T11:30:00Z"  # half an hour before NOW


def test_what_polling_finds_reads_like_the_webhook(shipbob, playing) -> None:
    shipbob.orders = [an_order(1)]
    (found,) = playing.play(API.poll(playing.asking())).found
    polled = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic))
    assert polled == reading(an_order(1), "order.shipment.tracking.updated")


def test_a_poll_that_was_broken_off_goes_on_at_its_page(shipbob, playing) -> None:
    shipbob.orders = [an_order(number) for number in range(1, 6)]
    conversation = API.poll(playing.asking())
    pages = []
    step = next(conversation)
    while len(pages) < 2:
        if hasattr(step, "found"):
            pages.append(step)
            step = conversation.send(None)
        else:
            step = conversation.send(playing._http.send("test", step, playing.settings))
    conversation.close()
    rest = playing.play(API.poll(playing.asking(pages[-1].cursor)))
    ids = [json.loads(found.body)["id"] for page in (*pages, rest) for found in page.found]
    assert ids == [1, 2, 3, 4, 5]


def test_a_list_that_shows_the_same_page_for_ever_ends(httpserver, playing) -> None:
    same = answer([an_order(1)], {"Total-Pages": "999999"})
    httpserver.expect_request("/2026-01/order").respond_with_handler(lambda _: same)
    with pytest.raises(Unanswered, match="does not end"):
        playing.play(API.poll(playing.asking()))


def test_an_empty_page_ends_a_list_whatever_the_header_says(httpserver, playing) -> None:
    httpserver.expect_request("/2026-01/order").respond_with_json([], headers={"Total-Pages": "999999"})
    httpserver.expect_request("/2026-01/return").respond_with_json({"items": [], "next": "/2026-01/return?Cursor=2"})
    assert playing.play(API.poll(playing.asking())).found == []


@pytest.mark.parametrize(
    ("status", "headers", "why", "after"),
    [
        (401, {}, "login", None),
        (403, {}, "login", None),
        (429, {"x-retry-after": "17"}, "rate", 17),
        (503, {}, "provider", None),
        (400, {}, "request", None),
    ],
)
def test_refusals_say_why(httpserver, playing, status, headers, why, after) -> None:
    httpserver.expect_request("/2026-01/order").respond_with_data("{}", status=status, headers=headers)
    with pytest.raises(Unanswered) as refused:
        playing.play(API.poll(playing.asking()))
    assert refused.value.why == why
    assert (refused.value.after and refused.value.after.total_seconds()) == after


def test_a_page_of_an_intermediary_is_nobodys_answer(httpserver, playing) -> None:
    httpserver.expect_request("/2026-01/order").respond_with_data("<html>busy</html>")
    with pytest.raises(Unanswered) as refused:
        playing.play(API.poll(playing.asking()))
    assert refused.value.why == "provider"


def test_a_cursor_of_another_time_begins_anew(shipbob, playing) -> None:
    playing.play(API.poll(playing.asking("2026-11-23T00:00:00Z")))
    assert shipbob.asked[0]["LastUpdateStartDate"] == f"{LONG_AGO:%Y-%m-%dT%H:%M:%SZ}"


def test_subscribing_keeps_the_secret_that_shipbob_makes_and_takes_the_old_away(shipbob, playing) -> None:
    target = "https://todoke.example.com/in/c1"
    shipbob.hooks = [{"id": "1", "url": target, "enabled": False, "topics": ["order.shipped"]}]
    told = playing.play(API.subscribe(playing.asking(), target))
    assert told.secrets == {"secret": "c2VjcmV0IG1hZGUgYnkgU2hpcEJvYiBpdHNlbGY="}
    assert [hook["id"] for hook in shipbob.hooks] == ["2"]
    again = playing.play(API.subscribe(playing.asking(), target))
    assert again.secrets == {}
    assert [hook["id"] for hook in shipbob.hooks] == ["2"]
    assert [finding.level for finding in again.result] == ["ok"]


def test_subscribing_does_without_topics_that_the_version_does_not_know(shipbob, playing) -> None:
    shipbob.known_topics = {
        "order.shipped", "order.shipment.delivered", "order.shipment.exception", "order.shipment.on_hold",
        "order.shipment.cancelled", "return.created", "return.updated", "return.completed",
    }  # fmt: skip
    playing.play(API.subscribe(playing.asking(), "https://todoke.example.com/in/c1"))
    assert set(shipbob.hooks[0]["topics"]) == shipbob.known_topics


def test_checking_names_missing_scopes_and_webhooks_that_are_off(shipbob, httpserver, playing) -> None:
    channels = {"items": [{"id": 1, "scopes": ["orders_read", "fulfillments_read", "webhooks_read"]}]}
    httpserver.expect_request("/2026-01/channel").respond_with_json(channels)
    shipbob.hooks = [{"id": "1", "enabled": False}]
    found = playing.play(API.check(playing.asking())).result
    assert [(one.level, one.do is None) for one in found] == [
        ("ok", True), ("warning", False), ("warning", False), ("warning", False),
    ]  # fmt: skip


def test_checking_a_refused_token_says_what_to_do(httpserver, playing) -> None:
    httpserver.expect_request("/2026-01/channel").respond_with_data("", status=401)
    (found,) = playing.play(API.check(playing.asking())).result
    assert found.level == "error"
    assert "API Tokens" in (found.do or "")


def test_a_receiving_order_is_no_parcel_of_a_customer():
    body = {"id": 7, "expected_arrival_date": "2026-11-30T00:00:00", "box_packaging_type": "EverythingInOneBox",
            "inventory_quantities": [], "tracking_number": "441200001113"}  # fmt: skip
    told = reading(body)
    assert not told.observations
    assert "into a warehouse" in (told.ignored or "")
