"""AfterShip: who may post, what a tracking means, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.aftership import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unanswered, Verified
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.observe import observe
from tests.connectors.playing import LONG_AGO, NOW, Player, player

KEY = "key-of-the-tests"


def delivery(body: Any, config: Any = None, **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(body=raw, headers=named, received_at=NOW, config=config or {})


def tracking(**changes: Any) -> Any:
    return {
        "id": "t1", "tracking_number": "400123456784", "slug": "taqbin-jp", "tag": "InTransit",
        "subtag": "InTransit_001", "updated_at": "2026-11-21T07:00:00+00:00", "created_at": "2026-11-19T00:00:00+00:00",
        "checkpoints": [], **changes,
    }  # fmt: skip


def checkpoint(at: str, tag: str, sub: str | None = None, **changes: Any) -> Any:
    return {"checkpoint_time": at, "tag": tag, "subtag": sub, "message": tag, **changes}


def seen(kind: type, config: Any = None, **changes: Any) -> list[Any]:
    read = SOURCE.read(delivery({"event": "tracking_update", "msg": tracking(**changes)}, config))
    return [one for one in read.observations if isinstance(one, kind)]


# --- who may post ---------------------------------------------------------------------------------

# openssl dgst -sha256 -hmac "key-of-the-tests" -binary | base64
BODY, SIGNATURE = b'{"event":"tracking_update","event_id":"e-1"}', "8e7ETmVbOOX+8EZPBxLaTfbYu3Ek5fIaEVKRYgwJLm8="


def test_the_signature_is_base64_and_the_key_is_the_event_id() -> None:
    signed = delivery(BODY, aftership_hmac_sha256=SIGNATURE)
    assert SOURCE.verify(signed, ["older", KEY], NOW) == Verified(key="e-1", topic="tracking_update")
    assert isinstance(SOURCE.verify(signed, ["older"], NOW), Refused)
    # Returns and Warranty sign in a header of their own, with a secret of their own.
    assert isinstance(SOURCE.verify(delivery(BODY, as_signature_hmac_sha256=SIGNATURE), [KEY], NOW), Refused)


# --- what a tracking means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "place", "zone", "moment"),
    [
        ("2026-11-21T09:00:00", {"country_region": "FRA"}, None, "2026-11-21T09:00:00+01:00"),
        ("2026-11-21T09:00:00", {"country_iso3": "JPN"}, "America/New_York", "2026-11-21T09:00:00+09:00"),
        ("2026-11-21T09:00:00", {"country_region": "USA"}, "America/New_York", "2026-11-21T09:00:00-05:00"),
        ("2026-11-21T09:00:00", {}, None, "2026-11-21T09:00:00+09:00"),
        ("2026-11-21T09:00:00-08:00", {"country_region": "JPN"}, None, "2026-11-21T09:00:00-08:00"),
        ("2026-11-21T09:00:00Z", {}, None, "2026-11-21T09:00:00+00:00"),
        ("2026-11-21", {}, None, "2026-11-21T00:00:00+09:00"),
    ],
)
def test_a_time_without_an_offset_is_the_clock_of_its_country_else_the_connections(
    at: str, place: Any, zone: str | None, moment: str
) -> None:
    config = {"timezone": zone} if zone else {}
    (scan,) = seen(ScanSeen, config, checkpoints=[checkpoint(at, "InTransit", "InTransit_003", **place)])
    assert scan.as_of.isoformat() == moment


@pytest.mark.parametrize(
    ("tag", "sub", "status", "reason"),
    [
        ("Exception", "Exception_001", "delivery_delayed", None),
        ("Exception", "Exception_003", "delivery_failed", "consignee_refused"),
        ("Exception", "Exception_010", "return_to_sender", None),
        ("Exception", "Exception_013", "lost", "carrier_parcel_lost"),
        ("AttemptFail", "AttemptFail_003", "delivery_failed", "consignee_business_closed"),
        ("InTransit", "InTransit_002", "picked_up", None),
        ("Delivered", "Delivered_777", "delivered", None),
        ("delivered", None, "delivered", None),
        ("Warped", "Warped_001", "unknown", None),
    ],
)
def test_the_subtag_says_more_than_the_tag(tag: str, sub: str | None, status: str, reason: str | None) -> None:
    (scan, *_) = seen(ScanSeen, slug="usps", checkpoints=[checkpoint("2026-11-20T09:00:00Z", tag, sub)])
    assert (scan.status, scan.reason) == (status, reason)


@pytest.mark.parametrize(
    ("slug", "message", "status", "reason"),
    [
        ("taqbin-jp", "持戻（受取ご辞退）", "delivery_failed", "consignee_refused"),
        ("taqbin-jp", "投函予定", "out_for_delivery", None),
        ("sagawa", "ご不在", "delivery_failed", "consignee_not_home"),
        ("japan-post", "Absence. Attempted delivery.", "delivery_failed", "consignee_not_home"),
        ("usps", "持戻（受取ご辞退）", "in_transit", None),
        ("taqbin-jp", "Something else", "in_transit", None),
    ],
)
def test_the_words_of_a_japanese_carrier_count_where_it_is_the_carrier(
    slug: str, message: str, status: str, reason: str | None
) -> None:
    line = checkpoint("2026-11-20T09:00:00", "InTransit", "InTransit_001", message=message)
    (scan,) = seen(ScanSeen, slug=slug, checkpoints=[line])
    assert (scan.status, scan.reason) == (status, reason)


@pytest.mark.parametrize(
    ("told", "eta_from", "eta_until"),
    [
        ({"expected_delivery": "2026-11-25"}, "2026-11-25T00:00:00+09:00", "2026-11-25T23:59:59+09:00"),
        ({"expected_delivery": "2026-11-25T00:00:00+00:00"}, "2026-11-25T00:00:00+09:00", "2026-11-25T23:59:59+09:00"),
        (
            {"courier_estimated_delivery_date": {"estimated_delivery_date": "2026-11-25T12:00:00"},
             "aftership_estimated_delivery_date": {"estimated_delivery_date": "2026-11-27"},
             "destination_country_iso3": "DEU"},
            None, "2026-11-25T12:00:00+01:00",
        ),
        (
            {"latest_estimated_delivery": {"datetime_min": "2026-11-24", "datetime_max": "2026-11-26"},
             "expected_delivery": "2026-11-30"},
            "2026-11-24T00:00:00+09:00", "2026-11-26T23:59:59+09:00",
        ),
        ({"latest_estimated_delivery": {"datetime": None}, "expected_delivery": ""}, None, None),
    ],
)  # fmt: skip
def test_the_latest_word_on_the_arrival_counts(told: Any, eta_from: str | None, eta_until: str | None) -> None:
    (parcel,) = seen(ShipmentSeen, **told)
    assert [at and at.isoformat() for at in (parcel.eta_from, parcel.eta_until)] == [eta_from, eta_until]


def test_nobody_is_told_about_people() -> None:
    told = {"emails": ["kyaku@example.jp"], "customers": [{"email": "kyaku@example.jp"}], "customer_name": "高橋"}
    read = SOURCE.read(delivery({"msg": tracking(**told)}))
    assert "kyaku" not in repr(read)
    assert "高橋" not in repr(read)


def parcels_of(*bodies: Any) -> Any:
    heard = [Heard(connection="c", seen=one) for body in bodies for one in SOURCE.read(delivery(body)).observations]
    return observe(State(), heard, lambda: heard)[0].facts.shipments


def test_one_parcel_has_the_numbers_of_both_its_carriers() -> None:
    miles = {"first_mile": {"tracking_number": "LX11CN"}, "last_mile": {"tracking_number": "600000000000"}}
    shop_knows = {"id": "t2", "tracking_number": "600000000000", "tag": "Delivered", "checkpoints": [
        checkpoint("2026-11-22T09:00:00Z", "Delivered"),
    ]}  # fmt: skip
    (parcel,) = parcels_of(
        {"msg": tracking(tracking_number="LX11CN", slug="4px", **miles)}, {"msg": shop_knows}
    ).values()
    assert (parcel.status, parcel.number) == ("delivered", "600000000000")
    (parcel,) = parcels_of({"msg": tracking(tracking_number="LX11CN", slug="4px", **miles)}).values()
    assert parcel.number == "LX11CN"


def test_the_order_in_which_versions_of_a_tracking_come_does_not_matter() -> None:
    early = [checkpoint("2026-11-20T09:00:00", "OutForDelivery"), checkpoint("2026-11-20T15:00:00", "AttemptFail")]
    late = [*early, checkpoint("2026-11-21T10:00:00", "Delivered")]
    first = {"msg": tracking(checkpoints=early, tag="AttemptFail", updated_at="2026-11-20T06:30:00Z")}
    second = {"msg": tracking(checkpoints=late, tag="Delivered", updated_at="2026-11-21T01:30:00Z")}
    assert parcels_of(first, second) == parcels_of(second, first, second)


# --- conversations --------------------------------------------------------------------------------


@pytest.fixture
def played(httpserver: HTTPServer) -> Iterator[Player]:
    with player({"secret": "s", "token": KEY, "url": httpserver.url_for("/tracking/2026-07")}) as one:
        yield one


def test_a_poll_follows_the_cursor_and_the_next_begins_a_little_earlier(httpserver: HTTPServer, played: Player) -> None:
    asked = []

    def page(request: Request) -> Response:
        assert request.headers["as-api-key"] == KEY
        asked.append(dict(request.args))
        start = int(request.args.get("cursor", "0"))
        found = [tracking(id=f"t{n}") for n in range(start, min(start + 20, 50))]
        more = {
            "total": 50,
            "next_cursor": str(start + 20) if start + 20 < 50 else "",
            "has_next_page": start + 20 < 50,
        }
        return Response(json.dumps({"meta": {"code": 200}, "data": {"pagination": more, "trackings": found}}))

    httpserver.expect_request("/tracking/2026-07/trackings").respond_with_handler(page)
    told = played.play(SOURCE.api.poll(played.asking()))
    assert len({one.key for one in told.found}) == 50
    assert told.found[0].changed_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert [one.get("cursor") for one in asked] == [None, "20", "40"]
    assert {one["updated_at_min"] for one in asked} == {LONG_AGO.strftime("%Y-%m-%dT%H:%M:%SZ")}
    played.play(SOURCE.api.poll(played.asking(told.cursor, now=NOW + timedelta(hours=1))))
    assert asked[-1]["updated_at_min"] == "2026-11-24T11:50:00Z"


@pytest.mark.parametrize("cursor", ["", "}{", '{"since": 5}', "null", '{"since": "yesterday", "began": "x"}'])
def test_a_broken_cursor_begins_anew(httpserver: HTTPServer, played: Player, cursor: str) -> None:
    httpserver.expect_request("/tracking/2026-07/trackings").respond_with_json({"data": {"trackings": []}})
    told = played.play(SOURCE.api.poll(played.asking(cursor)))
    assert "updated_at_min=2026-11-01" in told.asked[0].url


@pytest.mark.parametrize(
    "data",
    [
        {"pagination": {"next_cursor": "again", "has_next_page": True}, "trackings": [tracking()]},
        {"pagination": {"next_cursor": "again", "has_next_page": True}, "trackings": []},
        {"pagination": None, "trackings": None},
        [],
    ],
)
def test_a_list_without_an_end_ends(httpserver: HTTPServer, played: Player, data: Any) -> None:
    httpserver.expect_request("/tracking/2026-07/trackings").respond_with_json({"data": data})
    assert len(played.play(SOURCE.api.poll(played.asking())).asked) <= 2


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 4)}, timedelta(seconds=4)),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 5)}, timedelta(seconds=1)),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 10**6)}, timedelta(minutes=5)),
        ({"retry-after": "9", "x-ratelimit-reset": "1"}, timedelta(seconds=9)),
        ({}, None),
    ],
)
def test_a_limit_says_when_it_ends(
    httpserver: HTTPServer, played: Player, headers: Any, after: timedelta | None
) -> None:
    httpserver.expect_request("/tracking/2026-07/trackings").respond_with_json({}, status=429, headers=headers)
    with pytest.raises(Unanswered) as met:
        played.play(SOURCE.api.poll(played.asking()))
    assert (met.value.why, met.value.after) == ("rate", after)


@pytest.mark.parametrize("data", [tracking(), {"tracking": tracking()}])
def test_a_tracking_is_fetched_by_its_id(httpserver: HTTPServer, played: Player, data: Any) -> None:
    httpserver.expect_request("/tracking/2026-07/trackings/t1").respond_with_json({"data": data})
    (found,) = played.play(SOURCE.api.fetch(played.asking(), "trackings/t1")).found
    assert found.key == "trackings/t1@2026-11-21T07:00:00+00:00"
    assert SOURCE.read(delivery(found.body)).observations[0].ref.shipment_id == "t1"


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (401, "error"), (403, "error")])
def test_a_check_tries_the_key(httpserver: HTTPServer, played: Player, status: int, level: str) -> None:
    httpserver.expect_request("/tracking/2026-07/trackings").respond_with_json({}, status=status)
    (finding,) = played.play(SOURCE.api.check(played.asking())).result
    assert finding.level == level
