"""Shippo: who may post, what a substatus means, and the conversations, played against a server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.sources.shippo import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, Verified
from tests.connectors.playing import NOW, Player, player

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
