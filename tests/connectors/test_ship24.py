"""Ship24: who may post, what three levels of status mean, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.ship24 import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unanswered, Verified
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import NOW, Player, player


def delivery(body: Any, config: Any = None, **headers: str) -> Delivery:
    return Delivery(body=json.dumps(body).encode(), headers=headers, received_at=NOW, config=config or {})


def event(at: str, milestone: str, code: str | None = None, **changes: Any) -> Any:
    return {"occurrenceDatetime": at, "statusMilestone": milestone, "statusCode": code, "status": "x", **changes}


def tracking(*events: Any, **changes: Any) -> Any:
    tracker = {"trackerId": "t1", "trackingNumber": "A1000000", "shipmentReference": "1005"}
    return {
        "tracker": tracker,
        "shipment": {"trackingNumbers": [{"tn": "A1000000"}]},
        "events": list(events),
        **changes,
    }


def scans(*events: Any, config: Any = None, **changes: Any) -> list[ScanSeen]:
    read = SOURCE.read(delivery({"trackings": [tracking(*events, **changes)]}, config))
    return [one for one in read.observations if isinstance(one, ScanSeen)]


# --- who may post ---------------------------------------------------------------------------------


def test_the_secret_comes_as_a_bearer() -> None:
    told = {"messageId": "m1", "generatedAt": "2026-11-21T07:00:35.000Z", "topic": "tracking/events"}
    posted = delivery({"trackings": [tracking(metadata=told)]}, authorization="bearer new")
    verdict = SOURCE.verify(posted, ["old", "new"], NOW)
    assert verdict == Verified(key="m1@2026-11-21T07:00:35.000Z", topic="tracking/events", by="bearer")
    for headers in ({}, {"authorization": "new"}, {"authorization": "Bearer neu"}, {"authorization": "Bearer "}):
        assert isinstance(SOURCE.verify(delivery({}, **headers), ["new"], NOW), Refused)
    assert isinstance(SOURCE.verify(posted, [""], NOW), Refused)


def test_messages_that_are_grouped_have_no_key_in_common() -> None:
    told = {"messageId": "m1", "generatedAt": "x"}
    both = delivery({"trackings": [tracking(metadata=told), tracking(metadata=told)]})
    assert SOURCE.identify(both).key is None


# --- what the levels mean -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("milestone", "code", "status", "reason"),
    [
        ("in_transit", "transit_handover", "picked_up", None),
        ("exception", "exception_return", "return_to_sender", None),
        ("exception", "exception_lost", "lost", "carrier_parcel_lost"),
        ("exception", "delivery_refused", "delivery_failed", "consignee_refused"),
        ("out_for_delivery", "data_delivery_decided", "out_for_delivery", None),
        ("in_transit", None, "in_transit", None),
        ("delivered", "", "delivered", None),
        ("failed_attempt", None, "unknown", None),
        ("available_for_pickup", None, "unknown", None),
        ("failed_attempt", "delivery_of_next_year", "delivery_failed", None),
    ],
)
def test_the_code_says_what_happened_and_a_milestone_alone_is_no_second_attempt(
    milestone: str, code: str | None, status: str, reason: str | None
) -> None:
    (scan,) = scans(event("2026-11-21T09:00:00", milestone, code))
    assert (scan.status, scan.reason) == (status, reason)


@pytest.mark.parametrize(
    ("told", "zone", "moment"),
    [
        ({"occurrenceDatetime": "2026-11-21T09:00:00"}, None, "2026-11-21T09:00:00+09:00"),
        ({"occurrenceDatetime": "2026-11-21T09:00:00"}, "Europe/Berlin", "2026-11-21T09:00:00+01:00"),
        ({"occurrenceDatetime": "2026-11-21T09:00:00", "utcOffset": "-08:00"}, None, "2026-11-21T09:00:00-08:00"),
        ({"occurrenceDatetime": "2026-11-21T09:00:00", "utcOffset": "null,"}, None, "2026-11-21T09:00:00+09:00"),
        ({"occurrenceDatetime": "2026-11-21T09:00:00+02:00", "utcOffset": "-08:00"}, None, "2026-11-21T09:00:00+02:00"),
        ({"occurrenceDatetime": "2026-11-21", "order": 3}, None, "2026-11-21T00:00:03+09:00"),
        ({"occurrenceDatetime": "2026-11-21", "order": None}, None, "2026-11-21T00:00:00+09:00"),
        ({"occurrenceDatetime": None, "datetime": "2026-11-21T09:00:00.000Z"}, None, "2026-11-21T09:00:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_the_connections(told: Any, zone: str | None, moment: str) -> None:
    (scan,) = scans({**event("", "in_transit"), **told}, config={"timezone": zone} if zone else {})
    assert scan.as_of.isoformat() == moment


def test_the_reference_is_an_order_number_only_where_the_connection_says_so() -> None:
    body = {"trackings": [tracking(event("2026-11-21T09:00:00", "in_transit"))]}
    assert SOURCE.read(delivery(body)).observations[0].ref.order_number is None
    chosen = SOURCE.read(delivery(body, {"order_number": "shipmentReference"}))
    assert chosen.observations[0].ref.order_number == "1005"


def parcel_of(*bodies: Any) -> Any:
    heard = [Heard(connection="c", seen=one) for body in bodies for one in SOURCE.read(delivery(body)).observations]
    (parcel,) = observe(State(), heard, lambda: heard)[0].facts.shipments.values()
    return parcel


def test_webhooks_of_one_event_each_and_the_whole_history_give_the_same_facts() -> None:
    events = [
        event("2026-11-22T15:00:00", "delivered", "delivery_delivered", order=4),
        event("2026-11-21T16:40:00", "exception", "exception_return", order=3),
        event("2026-11-21T11:40:00", "failed_attempt", "delivery_attempted", order=2),
        event("2026-11-19T18:10:00", "in_transit", "transit_handover", order=1),
    ]
    posted = [{"trackings": [tracking(one)]} for one in events]
    asked = {"data": {"trackings": [tracking(*events)]}}
    whole, single = parcel_of(asked), parcel_of(*posted)
    assert (whole.status, whole.delivered_at) == ("returned", None)
    assert (single.status, single.status_at) == (whole.status, whole.status_at)
    assert parcel_of(asked, *posted).status == "returned"


def test_every_number_names_the_one_parcel() -> None:
    events = [event("2026-11-21T09:00:00", "in_transit", eventTrackingNumber="B2000000", trackingNumber="C3000000")]
    shipment = {"trackingNumbers": [{"tn": "A1000000"}, {"tn": "D4000000"}, {"tn": None}, "x"]}
    read = SOURCE.read(delivery({"trackings": [tracking(*events, shipment=shipment)]}))
    assert {one.ref.tracking_number for one in read.observations} == {"A1000000", "B2000000", "C3000000", "D4000000"}
    assert parcel_of({"trackings": [tracking(*events, shipment=shipment)]}).number == "A1000000"


def test_the_receiver_is_not_taken() -> None:
    told = {"recipient": {"name": "高橋", "address": "北1"}, "delivery": {"signedBy": "タカハシ"}}
    read = SOURCE.read(delivery({"trackings": [tracking(event("2026-11-21", "delivered"), shipment=told)]}))
    assert not any(word in repr(read) for word in ("高橋", "北1", "タカハシ"))


def test_an_arrival_is_the_carriers_word_before_ship24s() -> None:
    told = {"estimatedDeliveryDate": "2026-11-24T09:00:00", "courierEstimatedDeliveryDate": {"from": None, "to": None}}
    read = SOURCE.read(delivery({"trackings": [tracking(shipment={"delivery": told})]}))
    (parcel,) = [one for one in read.observations if isinstance(one, ShipmentSeen)]
    assert parcel.eta_until
    assert parcel.eta_until.isoformat() == "2026-11-24T09:00:00+00:00"


# --- conversations --------------------------------------------------------------------------------


@pytest.fixture
def played(httpserver: HTTPServer) -> Iterator[Player]:
    with player({"secret": "s", "token": "k", "url": httpserver.url_for("/public/v1")}) as one:
        yield one


def serve(httpserver: HTTPServer, made: dict[str, str]) -> list[str]:
    """Trackers by id, newest first, with the day they were made."""
    asked: list[str] = []

    def page(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer k"
        size, place = int(request.args["limit"]), int(request.args["page"])
        names = list(made)[size * (place - 1) : size * place]
        asked.append(f"page {place}")
        return Response(json.dumps({"data": {"trackers": [{"trackerId": n, "createdAt": made[n]} for n in names]}}))

    def results(request: Request) -> Response:
        name = request.path.split("/")[-2]
        asked.append(name)
        found = tracking(event("2026-11-23T09:00:00", "in_transit"), tracker={"trackerId": name})
        return Response(json.dumps({"data": {"trackings": [found]}}), 404 if name == "gone" else 200)

    httpserver.expect_request("/public/v1/trackers").respond_with_handler(page)
    for name in made:
        httpserver.expect_request(f"/public/v1/trackers/{name}/results").respond_with_handler(results)
    return asked


def test_a_poll_asks_for_every_tracker_of_the_last_days(httpserver: HTTPServer, played: Player) -> None:
    young = {f"n{place}": "2026-11-20T00:00:00.000Z" for place in range(60)}
    asked = serve(httpserver, {**young, "gone": "2026-11-19T00:00:00Z", "old": "2026-10-01T00:00:00Z"})
    told = played.play(SOURCE.api.poll(played.asking(since=NOW - timedelta(days=1))))
    assert len(told.found) == 60
    assert "old" not in asked
    assert [one for one in asked if one.startswith("page")] == ["page 1", "page 2"]
    again = played.play(SOURCE.api.poll(played.asking(told.cursor)))
    assert {one.key for one in again.found} == {one.key for one in told.found}
    assert SOURCE.read(Delivery(body=told.found[0].body, headers={}, received_at=NOW)).observations


def test_a_cut_poll_goes_on_at_its_page(httpserver: HTTPServer, played: Player) -> None:
    asked = serve(httpserver, {f"n{place}": "2026-11-20T00:00:00.000Z" for place in range(60)})
    played.play(SOURCE.api.poll(played.asking(json.dumps({"since": str(NOW), "began": str(NOW), "after": "2"}))))
    assert asked == ["page 2", *(f"n{place}" for place in range(50, 60))]


def test_a_list_that_repeats_itself_ends(httpserver: HTTPServer, played: Player) -> None:
    trackers = [{"trackerId": f"n{place}", "createdAt": "2026-11-20T00:00:00Z"} for place in range(50)]
    httpserver.expect_request("/public/v1/trackers").respond_with_json({"data": {"trackers": trackers}})
    for one in trackers:
        path = f"/public/v1/trackers/{one['trackerId']}/results"
        httpserver.expect_request(path).respond_with_json({"data": {"trackings": []}})
    told = played.play(SOURCE.api.poll(played.asking()))
    assert len([one for one in told.asked if "results" not in one.url]) == 2


def test_what_is_no_json_is_the_systems_fault(httpserver: HTTPServer, played: Player) -> None:
    httpserver.expect_request("/public/v1/trackers/t1/results").respond_with_data("<html>")
    with pytest.raises(Unanswered) as met:
        played.play(SOURCE.api.fetch(played.asking(), "trackers/t1"))
    assert met.value.why == "provider"


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (401, "error")])
def test_a_check_tries_the_key(httpserver: HTTPServer, played: Player, status: int, level: str) -> None:
    httpserver.expect_request("/public/v1/trackers").respond_with_json({}, status=status)
    (finding,) = played.play(SOURCE.api.check(played.asking())).result
    assert finding.level == level
