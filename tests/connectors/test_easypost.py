"""EasyPost: who may post, what a tracker means, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.easypost import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unanswered, Unreadable, Verified
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import NOW, Player, player

SETTINGS = {"secret": "a secret", "token": "key of the tests", "timezone": "Asia/Tokyo"}


def delivery(body: Any, **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(
        body=raw, headers={name.replace("_", "-"): value for name, value in headers.items()}, received_at=NOW
    )


def tracker(name: str = "trk_1", updated: str = "2026-11-23T10:00:00Z", **changes: Any) -> Any:
    return {
        "id": name, "object": "Tracker", "tracking_code": f"94001{name[4:]}", "carrier": "USPS", "status": "in_transit",
        "status_detail": "in_transit", "created_at": "2026-11-10T00:00:00Z", "updated_at": updated,
        "tracking_details": [], **changes,
    }  # fmt: skip


def detail(at: str, status: str, more: str | None = None, **changes: Any) -> Any:
    return {"datetime": at, "status": status, "status_detail": more, "message": status, **changes}


def seen(kind: type, **changes: Any) -> list[Any]:
    return [one for one in SOURCE.read(delivery(tracker(**changes))).observations if isinstance(one, kind)]


# --- who may post ---------------------------------------------------------------------------------

# openssl dgst -sha256 -hmac of this body under "sécret" with its accent apart (e, U+0301)
BODY = b'{"description":"tracker.updated","id":"evt_1"}'
SIGNATURE = "hmac-sha256-hex=a3ee1114b9d16304f45281390ea5e06c5573503fc9b8950328c720ab6c75cf54"


@pytest.mark.parametrize("secret", ["s\u00e9cret", "se\u0301cret"])
def test_the_secret_is_the_same_however_its_accent_is_written(secret: str) -> None:
    verdict = SOURCE.verify(delivery(BODY, x_hmac_signature=SIGNATURE), ["older", secret], NOW)
    assert verdict == Verified(key="evt_1", topic="tracker.updated")


@pytest.mark.parametrize(
    ("signature", "secrets"),
    [(SIGNATURE, ["secret"]), (SIGNATURE[16:], ["s\u00e9cret"]), ("", ["s\u00e9cret"]), (SIGNATURE, [""])],
)
def test_anything_else_is_refused(signature: str, secrets: list[str]) -> None:
    assert isinstance(SOURCE.verify(delivery(BODY, x_hmac_signature=signature), secrets, NOW), Refused)


# --- what a tracker means -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "more", "ours", "reason"),
    [
        ("in_transit", "held", "on_hold", None),
        ("in_transit", "weather_delay", "delivery_delayed", "weather_delay"),
        ("in_transit", "arrived_at_facility", "in_transit", None),
        ("failure", "refused", "delivery_failed", "consignee_refused"),
        ("failure", "weather_delay", "delivery_failed", "weather_delay"),
        ("failure", "lost", "lost", "carrier_parcel_lost"),
        ("failure", "return", "return_to_sender", None),
        ("delivered", "damaged", "delivered", "carrier_damaged_parcel"),
        ("available_for_pickup", "held", "ready_for_pickup", None),
        ("AVAILABLE_FOR_PICKUP", None, "ready_for_pickup", None),
        ("error", None, "unknown", None),
    ],
)
def test_a_detail_gives_the_reason_and_a_status_only_where_none_was_certain(
    status: str, more: str | None, ours: str, reason: str | None
) -> None:
    (scan, *_) = seen(ScanSeen, tracking_details=[detail("2026-11-22T01:00:00Z", status, more)])
    assert (scan.status, scan.reason) == (ours, reason)


def test_the_present_state_is_told_once_where_no_line_tells_it() -> None:
    lines = [detail("2026-11-22T01:00:00Z", "out_for_delivery")]
    assert [one.status for one in seen(ScanSeen, tracking_details=lines, status="delivered")] == [
        "out_for_delivery", "delivered",
    ]  # fmt: skip
    # A second attempt would be invented with every change of the tracker.
    assert [one.status for one in seen(ScanSeen, tracking_details=lines, status="failure")] == ["out_for_delivery"]
    assert [one.status for one in seen(ScanSeen, tracking_details=lines, status="in_transit")] == ["out_for_delivery"]
    assert [one.as_of for one in seen(ScanSeen, status="failure")] == [datetime(2026, 11, 23, 10, tzinfo=UTC)]


def test_times_without_an_offset_are_utc_and_lines_without_a_time_are_left_out() -> None:
    lines = [detail("2026-11-22 01:00:00", "in_transit"), detail("", "delivered"), {"status": "delivered"}, "x", None]
    assert [one.as_of for one in seen(ScanSeen, tracking_details=lines)] == [datetime(2026, 11, 22, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("changes", "eta_from", "eta_until"),
    [
        ({"est_delivery_date": "2026-11-24T00:00:00Z"}, "2026-11-24T00:00:00+09:00", "2026-11-24T23:59:59+09:00"),
        ({"est_delivery_date": "2026-11-24T09:30:00Z"}, None, "2026-11-24T09:30:00+00:00"),
        (
            {"est_delivery_date": "2026-11-25T00:00:00Z", "carrier_detail": {
                "est_delivery_date_local": "2026-11-24", "est_delivery_time_local": "18:00:00",
                "destination_tracking_location": {"country": "FR"}}},
            None, "2026-11-24T18:00:00+01:00",
        ),
        ({"est_delivery_date": "soon"}, None, None),
    ],
)  # fmt: skip
def test_a_day_is_the_receivers(changes: Any, eta_from: str | None, eta_until: str | None) -> None:
    (parcel,) = seen(ShipmentSeen, **changes)
    assert (parcel.eta_from and parcel.eta_from.isoformat(), parcel.eta_until and parcel.eta_until.isoformat()) == (
        eta_from, eta_until,
    )  # fmt: skip


def facts_of(body: Any) -> Any:
    heard = [Heard(connection="c", seen=one) for one in SOURCE.read(delivery(body)).observations]
    (parcel,) = observe(State(), heard, lambda: heard)[0].facts.shipments.values()
    return parcel


def test_a_parcel_that_comes_home_was_never_delivered_to_the_customer() -> None:
    refused = [
        detail("2026-11-20T01:00:00Z", "out_for_delivery"), detail("2026-11-20T05:00:00Z", "failure", "refused"),
        detail("2026-11-20T09:00:00Z", "return_to_sender", "return"), detail("2026-11-22T01:00:00Z", "delivered"),
    ]  # fmt: skip
    home = facts_of(tracker(tracking_details=refused, status="delivered"))
    assert (home.status, home.leg, home.delivered_at) == ("returned", 2, None)
    label = facts_of(tracker(tracking_details=refused[:1] + refused[3:], status="delivered", is_return=True))
    assert (label.status, label.leg, label.delivered_at) == ("returned", 2, None)


def test_what_is_neither_event_nor_tracker_is_unreadable() -> None:
    for body in ({"id": "evt_1"}, {"object": "Event", "description": "tracker.updated", "result": {"id": None}}):
        with pytest.raises(Unreadable):
            SOURCE.read(delivery(body))


# --- conversations --------------------------------------------------------------------------------


@pytest.fixture
def played(httpserver: HTTPServer) -> Iterator[Player]:
    with player({**SETTINGS, "url": httpserver.url_for("/v2")}) as one:
        yield one


def serve_trackers(httpserver: HTTPServer, trackers: list[Any], size: int = 20) -> list[dict[str, str]]:
    asked: list[dict[str, str]] = []

    def page(request: Request) -> Response:
        assert request.headers["authorization"] == "Basic a2V5IG9mIHRoZSB0ZXN0czo="  # the key, a colon, no password
        asked.append(dict(request.args))
        names = [one["id"] for one in trackers]
        start = names.index(request.args["before_id"]) + 1 if "before_id" in request.args else 0
        rest = trackers[start:]
        return Response(json.dumps({"trackers": rest[:size], "has_more": len(rest) > size}))

    httpserver.expect_request("/v2/trackers").respond_with_handler(page)
    return asked


def test_a_poll_reads_the_list_to_its_end_and_finds_what_has_changed(httpserver: HTTPServer, played: Player) -> None:
    trackers = [tracker(f"trk_{n}", updated=f"2026-11-{n % 20 + 1:02}T10:00:00Z") for n in range(45)]
    asked = serve_trackers(httpserver, trackers)
    told = played.play(SOURCE.api.poll(played.asking()))
    assert len(told.found) == 45
    assert [one.get("before_id") for one in asked] == [None, "trk_19", "trk_39"]
    assert {one["start_datetime"] for one in asked} == {"2026-10-25T12:00:00Z"}
    again = played.play(SOURCE.api.poll(played.asking(told.cursor)))
    assert again.found == []
    later = played.asking(told.cursor, now=NOW + timedelta(days=1))
    trackers[3] = tracker("trk_3", updated="2026-11-24T11:55:00Z", status="delivered")
    assert [one.key for one in played.play(SOURCE.api.poll(later)).found] == ["trackers/trk_3@2026-11-24T11:55:00Z"]


def test_a_poll_that_was_cut_off_goes_on_behind_its_last_page(httpserver: HTTPServer, played: Player) -> None:
    asked = serve_trackers(httpserver, [tracker(f"trk_{n}") for n in range(45)])
    talk = SOURCE.api.poll(played.asking())
    first = played.play(one_page(talk))
    rest = played.play(SOURCE.api.poll(played.asking(first.cursor)))
    assert len(first.found) == 20
    assert len({one.key for one in (*first.found, *rest.found)}) == 45
    assert [one.get("before_id") for one in asked] == [None, "trk_19", "trk_39"]


def one_page(talk: Any) -> Any:
    answer = None
    while True:
        step = talk.send(answer)
        answer = yield step
        if type(step).__name__ == "Page":
            return


@pytest.mark.parametrize("trackers", [[tracker()], []])
def test_a_list_without_an_end_ends(httpserver: HTTPServer, played: Player, trackers: list[Any]) -> None:
    httpserver.expect_request("/v2/trackers").respond_with_json({"trackers": trackers, "has_more": True})
    told = played.play(SOURCE.api.poll(played.asking()))
    assert len(told.asked) <= 2


@pytest.mark.parametrize(
    ("status", "headers", "why", "after"),
    [
        (401, {}, "login", None),
        (429, {"retry-after": "7"}, "rate", timedelta(seconds=7)),
        (503, {}, "provider", None),
        (422, {}, "request", None),
    ],
)
def test_a_refusal_says_why(
    httpserver: HTTPServer, played: Player, status: int, headers: Any, why: str, after: timedelta | None
) -> None:
    httpserver.expect_request("/v2/trackers").respond_with_json({"error": {}}, status=status, headers=headers)
    with pytest.raises(Unanswered) as met:
        played.play(SOURCE.api.poll(played.asking()))
    assert (met.value.why, met.value.after) == (why, after)


def test_an_event_without_its_tracker_is_found_in_its_payload(httpserver: HTTPServer, played: Player) -> None:
    httpserver.expect_request("/v2/events/evt_1").respond_with_json({"id": "evt_1", "description": "tracker.updated"})
    posted = json.dumps({"id": "evt_1", "result": tracker()})
    payloads = [{"request_body": "{broken"}, {"request_body": "null"}, {"request_body": posted}]
    httpserver.expect_request("/v2/events/evt_1/payloads").respond_with_json({"payloads": payloads})
    told = played.play(SOURCE.api.fetch(played.asking(), "events/evt_1"))
    (found,) = told.found
    read = SOURCE.read(Delivery(body=found.body, headers={}, received_at=NOW, topic=found.topic))
    assert read.observations[0].ref.shipment_id == "trk_1"
    httpserver.expect_request("/v2/events/evt_2").respond_with_json({"id": "evt_2"})
    httpserver.expect_request("/v2/events/evt_2/payloads").respond_with_json({"payloads": []})
    with pytest.raises(Unanswered, match="the next poll"):
        played.play(SOURCE.api.fetch(played.asking(), "events/evt_2"))


def serve_webhooks(httpserver: HTTPServer, hooks: list[Any]) -> list[tuple[str, str, Any]]:
    sent: list[tuple[str, str, Any]] = []

    def take(request: Request) -> Response:
        if request.method == "GET":
            return Response(json.dumps({"webhooks": hooks}))
        sent.append((request.method, request.path, request.json))
        return Response("{}", 201)

    httpserver.expect_request("/v2/webhooks").respond_with_handler(take)
    httpserver.expect_request("/v2/webhooks/hook_1").respond_with_handler(take)
    return sent


HERE = "https://todoke.example.jp/in/7"


@pytest.mark.parametrize(
    ("hooks", "sent"),
    [
        ([], [("POST", "/v2/webhooks", {"webhook": {"url": HERE, "webhook_secret": "a secret"}})]),
        (
            [{"id": "hook_1", "url": HERE + "/", "disabled_at": None}],
            [("PATCH", "/v2/webhooks/hook_1", {"webhook_secret": "a secret"})],
        ),
        (
            [{"id": "hook_1", "url": HERE, "disabled_at": "2026-11-20T00:00:00Z"}],
            [("PATCH", "/v2/webhooks/hook_1", {"webhook_secret": "a secret"})],
        ),
    ],
)
def test_the_webhook_is_registered_once_and_switched_on_again(
    httpserver: HTTPServer, played: Player, hooks: list[Any], sent: list[Any]
) -> None:
    done = serve_webhooks(httpserver, hooks)
    played.play(SOURCE.api.subscribe(played.asking(), HERE))
    assert done == sent


@pytest.mark.parametrize(
    ("hooks", "levels"),
    [
        ([{"url": HERE, "mode": "production", "disabled_at": None}], ["ok"]),
        ([{"url": HERE, "mode": "test", "disabled_at": None}], ["ok", "warning"]),
        ([{"url": HERE, "mode": "production", "disabled_at": "2026-11-20T00:00:00Z"}], ["ok", "warning"]),
        ([], ["ok", "warning"]),
    ],
)
def test_a_check_tells_what_is_wrong(
    httpserver: HTTPServer, played: Player, hooks: list[Any], levels: list[str]
) -> None:
    serve_webhooks(httpserver, hooks)
    told = played.play(SOURCE.api.check(played.asking()))
    assert [one.level for one in told.result] == levels


def test_a_key_that_is_refused_says_where_to_find_another(httpserver: HTTPServer, played: Player) -> None:
    httpserver.expect_request("/v2/webhooks").respond_with_json({}, status=401)
    (finding,) = played.play(SOURCE.api.check(played.asking())).result
    assert finding.level == "error"
    assert "--set token" in finding.do
