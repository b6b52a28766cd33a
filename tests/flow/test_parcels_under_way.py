"""A tracker that cannot list what it knows is asked for each parcel under way: webhooks that were lost come in so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.contracts import Ref
from engine.flow.accept import judge, keep
from engine.flow.ask.by_hand import Came, run_now
from engine.flow.ask.plan import arrange
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.model.facts import Facts
from engine.model.merchant import MerchantSettings
from engine.store import facts, merchants
from engine.store.inbox import Raw
from tests.flow.house import House
from tests.flow.orders import at, order, parcel

pytestmark = pytest.mark.usefixtures("database")
SECRET = "a long text that nobody guesses"
NUMBER = "92055901"
HISTORY = ("PRE_TRANSIT", "TRANSIT", "DELIVERED")


def track(steps: int, number: str = NUMBER, start: float = 0) -> dict[str, Any]:
    """A track after so many steps of its history, one an hour."""
    lines = [
        {"status": status, "status_details": status.lower(), "status_date": stamp(at(start + 60 * step)),
         "object_updated": stamp(at(start + 60 * step + 1)), "object_id": f"{number}-{step}"}
        for step, status in enumerate(HISTORY[:steps])
    ]  # fmt: skip
    return {"carrier": "usps", "tracking_number": number, "tracking_history": lines, "tracking_status": lines[-1]}


def stamp(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


class Tracker:
    """What Shippo knows, and which tracks it was asked for."""

    def __init__(self) -> None:
        self.tracks: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def answer(self, request: Request) -> Response:
        *_, carrier, number = request.path.split("/")
        assert request.headers["Authorization"] == "ShippoToken key"
        self.asked.append(f"{carrier}/{number}")
        found = self.tracks.get(number)
        return Response(json.dumps(found or {"detail": "none"}), 200 if found else 404)


class Followed:
    """A house whose shop tells of parcels, and whose tracker knows them."""

    def __init__(self, home: Path, url: str, tracker: Tracker, **config: str) -> None:
        reach = Reach(private=(ip_network("127.0.0.0/8"),))
        self.house = House(home, post=lambda folder: Transports(folder, deadline=5, asked=5.0, reach=reach))
        self.tracker, self.app = tracker, self.house.app
        secrets = {"secret": (SECRET,), "token": ("key",)}
        self.house.connect("track", "shippo", config={"url": url, **config}, secrets=secrets)
        with self.app.store.begin() as tx:
            arrange(self.app, tx, self.connection())
        self.house.tell(order())

    def connection(self) -> merchants.Connection:
        with self.app.store.read() as tx:
            found = merchants.connection(tx, "track")
        assert found is not None
        return found

    def ship(self, number: str = NUMBER, order_number: str = "#1001", minutes: float = -3) -> None:
        """The shop tells of a parcel; it names the carrier in its own words."""
        seen = parcel(minutes, order_number, name=number, carrier="usps", carrier_name="US Mail")
        ref = Ref(order_id=seen.ref.order_id, shipment_id=number, tracking_number=number)
        self.house.tell(structs.replace(seen, ref=ref))
        self.house.work()

    def post(self, told: dict[str, Any]) -> bool:
        """The tracker's webhook; was it new?"""
        body = json.dumps({"event": "track_updated", "test": False, "data": told}).encode()
        raw = judge(self.app, self.connection(), body, {}, f"/in/track?token={SECRET.replace(' ', '%20')}")
        assert isinstance(raw, Raw), raw
        new = keep(self.app, [raw])
        self.house.work()
        return bool(new)

    def poll(self) -> Came:
        """Later; what was asked meanwhile stands in the tracker."""
        self.tracker.asked.clear()
        self.house.clock.advance(timedelta(minutes=30))
        came = run_now(self.app, self.connection(), "poll")
        assert came.met is None, came
        assert came.held is None
        self.house.work()
        return came

    def facts(self) -> Facts:
        (row,) = self.house.rows("SELECT id FROM subject")
        with self.app.store.read(self.house.merchant.id) as tx:
            state = facts.load(tx, [row.id])[row.id].state
        assert state is not None
        return state.facts

    def sent(self) -> list[str]:
        return sorted(one.journey for one in self.house.reports(status="sent"))


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
def make(tmp_path: Path, tracker: Tracker) -> Iterator[Any]:
    with ExitStack() as stack:
        server = stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True))
        server.expect_request(_Tracks()).respond_with_handler(tracker.answer)

        def made(name: str = "home", **config: str) -> Followed:
            one = Followed(tmp_path / name, server.url_for("/").rstrip("/"), tracker, **config)
            stack.callback(one.house.close)
            return one

        yield made


class _Tracks:
    """Every track."""

    def __eq__(self, other: object) -> bool:
        return str(other).startswith("/tracks/")

    def __hash__(self) -> int:
        return 0


def on_its_way(one: Followed, tracker: Tracker) -> None:
    """Two steps of the track were posted."""
    one.ship()
    tracker.tracks[NUMBER] = track(2)
    assert one.post(track(1))
    assert one.post(track(2))
    one.house.later(hours=3)
    tracker.tracks[NUMBER] = track(3)


def test_a_webhook_that_was_lost_is_made_good_by_the_poll(make: Any, tracker: Tracker) -> None:
    posted, lost = make("posted"), make("lost")
    for one in (posted, lost):
        on_its_way(one, tracker)
    assert posted.post(track(3))
    assert lost.poll().found == 1
    assert tracker.asked == [f"usps/{NUMBER}"], "by the carrier's name as the tracker itself writes it"
    assert lost.facts() == posted.facts()
    assert lost.facts().shipments[NUMBER].delivered_at == at(120)
    assert lost.sent() == posted.sent()
    assert lost.sent().count("delivered") == 1


def test_what_was_posted_and_found_is_one_fact_and_one_message(make: Any, tracker: Tracker) -> None:
    one = make()
    on_its_way(one, tracker)
    assert len(one.poll().new) == 1
    known, messages = one.facts(), one.sent()
    later = track(3)
    for line in later["tracking_history"]:  # Shippo has written the track anew, and nothing in it has changed
        line["object_updated"], line["object_id"] = stamp(at(900)), "anew"
    assert not one.post(later), "the webhook that comes late has the key that the poll gave its state"
    assert (one.facts(), one.sent()) == (known, messages)
    assert messages.count("delivered") == 1


def test_a_state_that_was_posted_is_not_stored_again_by_the_poll(make: Any, tracker: Tracker) -> None:
    one = make()
    on_its_way(one, tracker)
    tracker.tracks[NUMBER] = track(2)
    came = one.poll()
    assert (came.found, came.new) == (1, set())
    assert "delivered" not in one.sent()


def test_what_has_arrived_or_was_not_heard_of_for_long_is_not_asked_about(make: Any, tracker: Tracker) -> None:
    one = make(days="3")
    on_its_way(one, tracker)
    one.poll()
    one.poll()
    assert tracker.asked == [], "it was delivered"
    one.house.tell(order(number="#1002"))
    one.ship("92055902", "#1002")
    assert one.post(track(1, "92055902", start=200))
    tracker.tracks["92055902"] = track(1, "92055902", start=200)
    one.poll()
    assert tracker.asked == ["usps/92055902"]
    one.house.clock.advance(timedelta(days=3))
    one.poll()
    assert tracker.asked == []


def test_a_poll_asks_for_as_many_as_it_may_and_the_next_one_goes_on(make: Any, tracker: Tracker) -> None:
    one = make(parcels="2")
    numbers = [f"9205590{n}" for n in range(1, 6)]
    for n, number in enumerate(numbers):
        one.house.tell(order(number=f"#20{n}"))
        one.ship(number, f"#20{n}")
        tracker.tracks[number] = track(2, number)
        assert one.post(track(2, number))
        one.house.clock.advance(timedelta(minutes=1))
    rounds = []
    for _ in range(4):
        one.poll()
        rounds.append([name.removeprefix("usps/") for name in tracker.asked])
    assert rounds == [numbers[:2], numbers[2:4], numbers[4:], numbers[:2]]


def test_a_parcel_of_which_the_tracker_has_told_nothing_is_asked_about_where_that_is_wanted(
    make: Any, tracker: Tracker
) -> None:
    tracker.tracks[NUMBER] = track(3)
    silent, curious = make("silent"), make("curious", others="yes")
    for one in (silent, curious):
        one.ship()
        one.house.clock.advance(timedelta(hours=3))
    silent.poll()
    assert tracker.asked == []
    curious.poll()
    assert tracker.asked == [f"usps/{NUMBER}"]
    assert curious.facts().shipments[NUMBER].status == "delivered"


def test_nobody_is_asked_about_another_merchants_parcels(make: Any, tracker: Tracker) -> None:
    one = make(others="yes")
    sora = one.house.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
    one.house.connect("hers", "standard", merchant=sora)
    seen = parcel(name="92055999", carrier="usps")
    one.house.tell(order(), seen, connection="hers", merchant=sora)
    one.ship()
    one.poll()
    assert tracker.asked == [f"usps/{NUMBER}"]
    assert one.poll().met is None, "a number that it does not know is no failure"


def test_no_order_is_left_out_however_many_have_nothing_to_ask_about(
    make: Any, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.flow.ask.parcels.LOOKED_AT", 2)
    one = make(others="yes")
    for n in range(5):
        one.house.tell(order(number=f"#30{n}"))  # nothing was sent yet
    one.house.tell(order(number="#400"))
    one.ship("92055400", "#400")
    tracker.tracks["92055400"] = track(1, "92055400")
    one.poll()
    assert tracker.asked == ["usps/92055400"]
    one.poll()
    assert tracker.asked == ["usps/92055400"], "and the next poll begins anew"
