"""17TRACK: who may post, what its stages mean, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.seventeentrack import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unanswered, Verified
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import NOW, Player, player

KEY = "key-of-the-tests"
# printf '%s/%s' "$body" "$key" | openssl dgst -sha256
BODY, SIGN = b'{"event":"TRACKING_UPDATED"}', "c00545ffbb959e891a03f111178ab221e3f651b77ba1ebcf7d90c49722783676"


def delivery(body: Any, config: Any = None, **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(body=raw, headers=headers, received_at=NOW, config=config or {})


def event(at: str | None, stage: str | None = None, sub: str | None = None, **changes: Any) -> Any:
    return {"time_iso": at, "stage": stage, "sub_status": sub, "description": "x", **changes}


def data(*events: Any, status: str = "InTransit", sub: str | None = None, **info: Any) -> Any:
    provider = {"provider": {"key": 7, "name": "Yamato"}, "events_hash": len(events), "events": list(events)}
    return {
        "number": "400123456784",
        "carrier": 7,
        "track_info": {
            "latest_status": {"status": status, "sub_status": sub},
            "tracking": {"providers": [provider]},
            **info,
        },
    }


def seen(kind: type, *events: Any, config: Any = None, **told: Any) -> list[Any]:
    read = SOURCE.read(delivery({"event": "TRACKING_UPDATED", "data": data(*events, **told)}, config))
    return [one for one in read.observations if isinstance(one, kind)]


# --- who may post ---------------------------------------------------------------------------------


def test_the_sign_is_a_digest_of_body_and_key() -> None:
    assert SOURCE.verify(delivery(BODY, sign=SIGN), ["older", KEY], NOW) == Verified(topic="TRACKING_UPDATED")
    assert SOURCE.verify(delivery(BODY, sign=SIGN.upper()), [KEY], NOW) == Verified(topic="TRACKING_UPDATED")
    for given, secrets in ((SIGN, ["older"]), ("", [KEY]), (SIGN[:-1], [KEY]), (SIGN, [""])):
        assert isinstance(SOURCE.verify(delivery(BODY, sign=given), secrets, NOW), Refused)


def test_a_state_has_one_key_in_webhook_and_poll_and_another_state_another() -> None:
    told = data(event("2026-11-21T09:00:00+09:00", "Delivered"))

    def key(body: Any) -> str | None:
        return SOURCE.identify(delivery({"event": "TRACKING_UPDATED", "data": body})).key

    assert key(told)
    assert key(told) == key({**told, "tag": "changes nothing"})
    others = [
        data(event("2026-11-21T09:00:00+09:00", "Delivered"), status="Exception"),
        data(event("2026-11-21T09:00:00+09:00"), event("2026-11-20T09:00:00+09:00")),
        data(event("2026-11-21T09:00:00+09:00", "Delivered"), time_metrics={"estimated_delivery_date": {"to": "x"}}),
    ]
    assert len({key(told), *map(key, others)}) == 4
    assert SOURCE.identify(delivery({"event": "TRACKING_STOPPED", "data": told})).key is None
    assert key({"number": "1", "track_info": None}) is None


# --- what stages mean -----------------------------------------------------------------------------


def statuses(*events: Any, **told: Any) -> list[str]:
    return [one.status for one in seen(ScanSeen, *events, **told)]


def test_events_without_a_stage_lie_where_their_neighbours_do() -> None:
    story = [
        event("2026-11-21T09:00:00Z"),
        event("2026-11-20T09:00:00Z", "OutForDelivery"),
        event("2026-11-19T09:00:00Z"),
        event("2026-11-18T09:00:00Z", "InfoReceived"),
        event("2026-11-17T09:00:00Z"),
    ]
    assert statuses(*story, status="DeliveryFailure", sub="DeliveryFailure_Rejected") == [
        "label_created", "label_created", "in_transit", "out_for_delivery", "delivery_failed",
    ]  # fmt: skip
    assert statuses(*story, status="Expired")[-1] == "in_transit"
    assert statuses(event("2026-11-18T09:00:00Z"), status="InfoReceived") == ["label_created"]
    assert statuses(event("2026-11-18T09:00:00Z"), event("2026-11-17T09:00:00Z"), status="NotFound") == ["pending"] * 2


def test_a_stage_of_the_newest_event_outweighs_the_state_of_the_whole() -> None:
    assert statuses(event("2026-10-24T09:00:00Z", "AvailableForPickup"), status="Exception") == ["ready_for_pickup"]
    assert statuses(event("2026-10-24T09:00:00Z", "OutForDelivery"), status="Delivered") == [
        "out_for_delivery", "delivered",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sub", "status", "reason"),
    [
        ("InTransit_PickedUp", "picked_up", None),
        ("InTransit_CustomsRequiringInformation", "on_hold", "customs_documentation"),
        ("DeliveryFailure_NoBody", "delivery_failed", "consignee_not_home"),
        ("Exception_Returned", "returned", None),
        ("Exception_Cancel", "cancelled", None),
        ("Exception_Destroyed", "lost", None),
        ("Exception_OfNextYear", "unknown", None),
    ],
)
def test_the_sub_status_of_version_24_says_more_than_the_stage(sub: str, status: str, reason: str | None) -> None:
    (scan,) = seen(ScanSeen, event("2026-11-20T09:00:00Z", None, sub), status="Expired")
    assert (scan.status, scan.reason) == (status, reason)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ({"time_iso": "2026-11-20T09:00:00-07:00", "time_utc": "2026-11-20T16:00:00Z"}, "2026-11-20T09:00:00-07:00"),
        ({"time_iso": None, "time_utc": "2026-11-20T16:00:00Z"}, "2026-11-20T16:00:00+00:00"),
        (
            {"time_raw": {"date": "2026-11-20", "time": "09:00:00", "timezone": "-07:00"}},
            "2026-11-20T09:00:00-07:00",
        ),
        (
            {"time_raw": {"date": "2026-11-20", "time": "09:00:00", "timezone": "?"}, "address": {"country": "CN"}},
            "2026-11-20T09:00:00+08:00",
        ),
        ({"time_raw": {"date": "2026-11-20", "time": None}}, "2026-11-20T00:00:00+09:00"),
    ],
)
def test_a_time_without_an_offset_is_the_clock_of_its_country(told: Any, moment: str) -> None:
    (scan,) = seen(ScanSeen, {**event(None, "PickedUp"), **told})
    assert scan.as_of.isoformat() == moment


def test_the_words_of_the_carrier_that_made_the_entry_count() -> None:
    told = data()
    told["track_info"]["tracking"]["providers"] = [
        {"provider": {"name": "Japan Post"}, "events_hash": 1, "events": [
            event("2026-11-21T09:00:00Z", None, "InTransit_Other", description="ご不在のため持ち戻り")]},
        {"provider": {"key": 7, "name": "China Post"}, "events_hash": 2, "events": [
            event("2026-11-20T09:00:00Z", None, "InTransit_Other", description="ご不在のため持ち戻り")]},
    ]  # fmt: skip
    read = SOURCE.read(delivery({"data": told}))
    scans = [one for one in read.observations if isinstance(one, ScanSeen)]
    assert [(one.status, one.reason) for one in scans] == [
        ("in_transit", None), ("delivery_failed", "consignee_not_home"),
    ]  # fmt: skip
    (parcel,) = [one for one in read.observations if isinstance(one, ShipmentSeen)]
    assert parcel.carrier_name == "China Post"


def test_the_last_carriers_number_is_the_same_parcel() -> None:
    told = data(event("2026-11-21T09:00:00Z", "Delivered"), misc_info={"local_number": "600000000000"})
    heard = [Heard(connection="c", seen=one) for one in SOURCE.read(delivery({"data": told})).observations]
    state = observe(State(), heard, lambda: heard)[0]
    assert {"tracking:600000000000", "tracking:400123456784"} <= state.names.keys()
    (parcel,) = state.facts.shipments.values()
    assert parcel.number == "400123456784"


# --- conversations --------------------------------------------------------------------------------


@pytest.fixture
def played(httpserver: HTTPServer) -> Iterator[Player]:
    with player({"secret": KEY, "url": httpserver.url_for("/track/v2.4")}) as one:
        yield one


def serve(httpserver: HTTPServer, numbers: list[str], first_page: int = 1) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []

    def listed(request: Request) -> Response:
        assert request.headers["17token"] == KEY
        asked.append(("list", request.json))
        place = int(request.json.get("page_no", first_page))
        part = numbers[(place - first_page) * 40 : (place - first_page + 1) * 40]
        page = {"data_total": len(numbers), "page_total": (len(numbers) + 39) // 40, "page_no": place, "page_size": 40}
        found = [{"number": name, "carrier": 7, "track_time": "2026-11-24T11:00:00Z"} for name in part]
        return Response(json.dumps({"code": 0, "page": page, "data": {"accepted": found}}))

    def told(request: Request) -> Response:
        asked.append(("info", request.json))
        found = [{**data(event("2026-11-21T09:00:00Z", "Delivered")), "number": one["number"]} for one in request.json]
        return Response(json.dumps({"code": 0, "data": {"accepted": found, "rejected": []}}))

    httpserver.expect_request("/track/v2.4/gettracklist", method="POST").respond_with_handler(listed)
    httpserver.expect_request("/track/v2.4/gettrackinfo", method="POST").respond_with_handler(told)
    return asked


def test_a_poll_asks_for_the_histories_of_what_was_looked_at(httpserver: HTTPServer, played: Player) -> None:
    asked = serve(httpserver, [f"40012345{n:04}" for n in range(45)])
    told = played.play(SOURCE.api.poll(played.asking()))
    assert len({one.key for one in told.found}) == 45
    assert [len(body) for kind, body in asked if kind == "info"] == [40, 5]
    assert [body.get("page_no") for kind, body in asked if kind == "list"] == [None, 2]
    assert asked[0][1]["track_time_from"] == "2026-11-01T00:00:00Z"
    webhook = {"event": "TRACKING_UPDATED", "data": json.loads(told.found[0].body)}
    assert SOURCE.identify(delivery(webhook)).key == told.found[0].key
    played.play(SOURCE.api.poll(played.asking(told.cursor, now=NOW + timedelta(hours=2))))
    assert [body for kind, body in asked if kind == "list"][2]["track_time_from"] == "2026-11-24T11:00:00Z"


def test_a_list_that_repeats_itself_ends(httpserver: HTTPServer, played: Player) -> None:
    page = {"page_no": 1, "page_total": 99}
    answer = {"code": 0, "page": page, "data": {"accepted": [{"number": "1", "carrier": 7}]}}
    httpserver.expect_request("/track/v2.4/gettracklist").respond_with_json(answer)
    httpserver.expect_request("/track/v2.4/gettrackinfo").respond_with_json({"code": 0, "data": {}})
    assert len(played.play(SOURCE.api.poll(played.asking())).asked) == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"code": -18010002, "data": {"errors": []}}, "login"),
        ({"code": -1, "data": {"errors": [{"code": -18010001, "message": "ip"}]}}, "login"),
        ({"code": -18010003}, "provider"),
        ({"code": -18010013, "data": {"errors": None}}, "request"),
        ({"code": 429}, "rate"),
    ],
)
def test_a_refusal_comes_with_status_200(httpserver: HTTPServer, played: Player, answer: Any, why: str) -> None:
    httpserver.expect_request("/track/v2.4/gettracklist").respond_with_json(answer)
    with pytest.raises(Unanswered) as met:
        played.play(SOURCE.api.poll(played.asking()))
    assert met.value.why == why


@pytest.mark.parametrize(
    ("ref", "body"),
    [
        ("trackings/7/400123456784", [{"number": "400123456784", "carrier": 7}]),
        ("trackings/0/400123456784", [{"number": "400123456784"}]),
    ],
)
def test_a_number_is_fetched_with_its_carrier(httpserver: HTTPServer, played: Player, ref: str, body: Any) -> None:
    asked = serve(httpserver, [])
    (found,) = played.play(SOURCE.api.fetch(played.asking(), ref)).found
    assert asked == [("info", body)]
    assert SOURCE.read(delivery(found.body)).observations


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        ({"code": 0, "data": {"quota_total": 100, "quota_remain": 5}}, "ok"),
        ({"code": 0, "data": {"quota_total": 100, "quota_remain": 0}}, "warning"),
        ({"code": -18010002, "data": {}}, "error"),
    ],
)
def test_a_check_tells_of_key_and_quota(httpserver: HTTPServer, played: Player, answer: Any, level: str) -> None:
    httpserver.expect_request("/track/v2.4/getquota").respond_with_json(answer)
    (finding,) = played.play(SOURCE.api.check(played.asking())).result
    assert finding.level == level
