"""Shippo: who may post, what a substatus means, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.shippo import SOURCE
from engine.contracts import Delivery, Parcel, Refused, ScanSeen, Unanswered, Verified
from tests.connectors.playing import NOW, Player, Told, player

SECRET = "a-long/secret+of=the tests"
QUOTED = "a-long%2Fsecret%2Bof%3Dthe%20tests"


def delivery(body: Any, url: str = "", config: Any = None) -> Delivery:
    return Delivery(body=json.dumps(body).encode(), headers={}, received_at=NOW, url=url, config=config or {})


def status(at: str, word: str, code: str | None = None, *, act: bool = False) -> Any:
    more = {"code": code, "text": "x", "action_required": act} if code else None
    return {"status": word, "status_date": at, "status_details": "x", "substatus": more}


def track(*history: Any, **changes: Any) -> Any:
    latest = history[-1] if history else None
    return {
        "carrier": "usps", "tracking_number": "92055", "tracking_history": list(history), "tracking_status": latest,
        **changes,
    }  # fmt: skip


def scans(*history: Any, **changes: Any) -> list[ScanSeen]:
    read = SOURCE.read(delivery({"event": "track_updated", "data": track(*history, **changes)}))
    return [one for one in read.observations if isinstance(one, ScanSeen)]


# --- who may post ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "genuine"),
    [
        (f"https://todoke.example.jp/in/7?token={QUOTED}", True),
        (f"https://todoke.example.jp/in/7?a=b&token={QUOTED}&c", True),
        ("https://todoke.example.jp/in/7?token=other", False),
        ("https://todoke.example.jp/in/7?token=", False),
        (f"https://todoke.example.jp/in/7?secret={QUOTED}", False),
        (f"https://todoke.example.jp/in/{QUOTED}", False),
        ("https://todoke.example.jp/in/7?token=%ff", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_the_secret_stands_in_the_address(url: str, genuine: bool) -> None:
    verdict = SOURCE.verify(delivery({"event": "track_updated"}, url), ["older", SECRET], NOW)
    assert verdict == Verified(topic="track_updated", by="token") if genuine else isinstance(verdict, Refused)
    assert isinstance(SOURCE.verify(delivery({}, url), [""], NOW), Refused)
    assert QUOTED not in repr(verdict)


# --- what a track means ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "code", "ours", "reason"),
    [
        ("TRANSIT", "out_for_delivery", "out_for_delivery", None),
        ("TRANSIT", "notice_left", "delivery_failed", "consignee_not_home"),
        ("TRANSIT", "pickup_available", "ready_for_pickup", None),
        ("TRANSIT", "package_accepted", "picked_up", None),
        ("transit", "package_departed", "in_transit", None),
        ("TRANSIT", "of_next_year", "in_transit", None),
        ("FAILURE", "package_lost", "lost", "carrier_parcel_lost"),
        ("FAILURE", "delayed", "delivery_failed", None),
        ("RETURNED", "package_unclaimed", "return_to_sender", "consignee_not_available"),
        ("DELIVERED", "delivered", "delivered", None),
        ("PRE_TRANSIT", "information_received", "label_created", None),
        ("UNKNOWN", "other", "pending", None),
        ("WARPED", None, "unknown", None),
    ],
)
def test_the_substatus_tells_what_transit_leaves_open(word: str, code: str, ours: str, reason: str | None) -> None:
    (scan,) = scans(status("2026-11-21T09:00:00Z", word, code))
    assert (scan.status, scan.reason) == (ours, reason)


def test_a_parcel_for_which_somebody_must_act_is_held_up() -> None:
    assert [one.status for one in scans(status("2026-11-21T09:00:00Z", "TRANSIT", "other", act=True))] == ["on_hold"]
    assert [one.status for one in scans(status("2026-11-21T09:00:00Z", "DELIVERED", "delivered", act=True))] == [
        "delivered"
    ]


def test_the_latest_status_is_not_told_twice_and_counts_without_a_history() -> None:
    last = status("2026-11-21T09:00:00Z", "TRANSIT", "out_for_delivery")
    assert len(scans(status("2026-11-20T09:00:00Z", "PRE_TRANSIT"), last)) == 2
    assert [one.status for one in scans(tracking_status=last)] == ["out_for_delivery"]


def test_free_text_is_an_order_number_only_where_the_connection_says_so() -> None:
    body = {"event": "track_updated", "data": track(status("2026-11-21T09:00:00Z", "TRANSIT"), metadata="1008")}
    assert SOURCE.read(delivery(body)).observations[0].ref.order_number is None
    chosen = SOURCE.read(delivery(body, config={"order_number": "metadata"}))
    assert chosen.observations[0].ref.order_number == "1008"


# --- conversations --------------------------------------------------------------------------------


HERE = "https://todoke.example.jp/in/7"


@pytest.fixture
def played(httpserver: HTTPServer) -> Iterator[Player]:
    with player({"secret": SECRET, "token": "k", "url": httpserver.url_for("/").rstrip("/")}) as one:
        yield one


def test_a_track_is_fetched_by_carrier_and_number(httpserver: HTTPServer, played: Player) -> None:
    (ref,) = SOURCE.read(delivery({"event": "track_updated", "data": track()})).fetch
    found = track(status("2026-11-21T09:00:00Z", "DELIVERED", "delivered"))
    httpserver.expect_request("/tracks/usps/92055", headers={"authorization": "ShippoToken k"}).respond_with_json(found)
    (kept,) = played.play(SOURCE.api.fetch(played.asking(), ref)).found
    read = SOURCE.read(Delivery(body=kept.body, headers={}, received_at=NOW, topic=kept.topic))
    assert [one.status for one in read.observations if isinstance(one, ScanSeen)] == ["delivered"]


def wanted(**changes: Any) -> Any:
    return {"url": f"{HERE}?token={QUOTED}", "event": "track_updated", "active": True, "is_test": False, **changes}


@pytest.mark.parametrize(
    ("hooks", "sent"),
    [
        ([], [("POST", "/webhooks", wanted())]),
        ([{"object_id": "h1", **wanted()}], []),
        ([{"object_id": "h1", **wanted(active=False)}], [("PUT", "/webhooks/h1", wanted())]),
        ([{"object_id": "h1", **wanted(url=f"{HERE}?token=older", event="all")}],
         [("PUT", "/webhooks/h1", wanted(event="all"))]),
        ([{"object_id": "h1", **wanted(event="batch_created")}], [("POST", "/webhooks", wanted())]),
        ([{"object_id": "h1", **wanted(url="https://elsewhere.example.com/in/7")}], [("POST", "/webhooks", wanted())]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [True, False])
def test_the_webhook_is_registered_once_and_repaired(
    httpserver: HTTPServer, played: Player, hooks: list[Any], sent: list[Any], listed: bool
) -> None:
    done: list[Any] = []

    def take(request: Request) -> Response:
        if request.method == "GET":
            return Response(json.dumps({"count": len(hooks), "results": hooks} if listed else hooks))
        done.append((request.method, request.path, request.json))
        return Response("{}", 201)

    httpserver.expect_request("/webhooks").respond_with_handler(take)
    httpserver.expect_request("/webhooks/h1").respond_with_handler(take)
    told = played.play(SOURCE.api.subscribe(played.asking(), HERE))
    assert done == sent
    assert SECRET not in repr(told.result)


@pytest.mark.parametrize(
    ("status_code", "hooks", "levels"),
    [
        (200, [wanted()], ["ok"]),
        (200, [wanted(active=False)], ["ok", "warning"]),
        (200, [], ["ok", "warning"]),
        (401, [], ["error"]),
    ],
)
def test_a_check_tells_what_is_wrong(
    httpserver: HTTPServer, played: Player, status_code: int, hooks: list[Any], levels: list[str]
) -> None:
    httpserver.expect_request("/webhooks").respond_with_json({"results": hooks}, status=status_code)
    assert [one.level for one in played.play(SOURCE.api.check(played.asking())).result] == levels


# --- parcels under way ----------------------------------------------------------------------------

USPS = [Parcel(number=f"9205{n}", carrier="usps", carrier_name="usps") for n in range(1, 25)]


def tracks(httpserver: HTTPServer, *numbers: str, carrier: str = "usps") -> None:
    for number in numbers:
        found = track(status("2026-11-21T09:00:00Z", "TRANSIT"), tracking_number=number, carrier=carrier)
        httpserver.expect_request(f"/tracks/{carrier}/{number}").respond_with_json(found)


def asked(told: Any) -> list[str]:
    return [request.url.rpartition("/tracks/")[2] for request in told.asked]


def test_every_parcel_under_way_is_asked_about(httpserver: HTTPServer, played: Player) -> None:
    played.parcels = USPS
    tracks(httpserver, *(one.number for one in USPS))
    for told in (played.play(SOURCE.api.poll(played.asking())), played.visits(SOURCE.api.poll)):
        assert asked(told) == [f"usps/{one.number}" for one in USPS]
        assert len(told.found) == len({one.key for one in told.found}) == len(USPS)
    assert {NOW - one.since for one in played.wanted} == {timedelta(days=30)}
    assert {one.carriers for one in played.wanted} == {frozenset()}


def test_the_budget_of_a_poll_holds_over_several_visits(httpserver: HTTPServer, played: Player) -> None:
    played.settings["parcels"], played.parcels = "13", USPS
    tracks(httpserver, *(one.number for one in USPS))
    first = played.visits(SOURCE.api.poll)
    second = played.visits(SOURCE.api.poll, first.cursor)
    third = played.visits(SOURCE.api.poll, second.cursor)
    numbers = [f"usps/{one.number}" for one in USPS]
    assert [asked(first), asked(second), asked(third)] == [numbers[:13], numbers[13:], numbers[:13]]


@pytest.mark.parametrize("cursor", ["nonsense", "[]", "{}", '{"after": 5}', '{"spent": "many"}'])
def test_a_cursor_that_cannot_be_read_begins_anew(httpserver: HTTPServer, played: Player, cursor: str) -> None:
    played.parcels = USPS[:1]
    tracks(httpserver, USPS[0].number)
    assert len(played.play(SOURCE.api.poll(played.asking(cursor))).found) == 1


def test_a_parcel_that_it_has_not_told_of_is_asked_for_by_its_carriers_token(
    httpserver: HTTPServer, played: Player
) -> None:
    played.settings["others"] = "yes"
    played.parcels = [Parcel(number="1Z5", carrier="royalmail")]
    tracks(httpserver, "1Z5", carrier="royal_mail")
    assert asked(played.play(SOURCE.api.poll(played.asking()))) == ["royal_mail/1Z5"]
    assert "royalmail" in played.wanted[0].carriers
    assert "yamato" not in played.wanted[0].carriers


@pytest.mark.parametrize(
    ("code", "answer"),
    [(404, {"detail": "Not found"}), (400, {"carrier": ["only by webhook"]}), (200, {"tracking_number": "92051"})],
)
def test_what_shippo_does_not_know_is_no_news(httpserver: HTTPServer, played: Player, code: int, answer: Any) -> None:
    played.parcels = USPS[:1]
    httpserver.expect_request("/tracks/usps/92051").respond_with_json(answer, status=code)
    told = played.play(SOURCE.api.poll(played.asking()))
    assert (told.found, told.cursor) == ([], "{}")


@pytest.mark.parametrize(("code", "why"), [(401, "login"), (429, "rate"), (503, "provider"), (422, "request")])
def test_a_refusal_keeps_what_was_found_before(httpserver: HTTPServer, played: Player, code: int, why: str) -> None:
    played.parcels = USPS[:15]
    tracks(httpserver, *(one.number for one in USPS[:12]))
    httpserver.expect_request("/tracks/usps/920513").respond_with_json({}, status=code)
    told = Told()
    with pytest.raises(Unanswered) as met:
        played.play(SOURCE.api.poll(played.asking()), told)
    assert met.value.why == why
    assert len(told.found) == 10


# --- one key for one state ------------------------------------------------------------------------


def key(told: Any) -> str | None:
    return SOURCE.identify(delivery({"event": "track_updated", "data": told})).key


def test_a_webhook_and_a_poll_give_a_state_the_same_key(httpserver: HTTPServer, played: Player) -> None:
    played.parcels = USPS[:1]
    line = status("2026-11-21T09:00:00Z", "TRANSIT")
    found = track(line, tracking_number="92051")
    httpserver.expect_request("/tracks/usps/92051").respond_with_json(found)
    (polled,) = played.play(SOURCE.api.poll(played.asking())).found
    assert polled.key == key(found)
    anew = {**line, "object_id": "other", "object_updated": "2026-11-22T01:00:00Z"}
    assert key(track(anew, tracking_number="92051")) == polled.key


@pytest.mark.parametrize(
    "changes",
    [
        {"eta": "2026-11-29T00:00:00Z"},
        {"tracking_number": "92052"},
        {"carrier": "ups"},
        {"metadata": "1009"},
        {"tracking_status": status("2026-11-22T09:00:00Z", "TRANSIT")},
        {"tracking_history": [status("2026-11-20T09:00:00Z", "PRE_TRANSIT")]},
        {"tracking_status": status("2026-11-21T09:00:00Z", "TRANSIT", "other", act=True)},
    ],
)
def test_what_tells_something_else_has_another_key(changes: Any) -> None:
    line = status("2026-11-21T09:00:00Z", "TRANSIT")
    assert key(track(line, **changes)) != key(track(line))
    assert key(track()) is None
    assert key("nonsense") is None
