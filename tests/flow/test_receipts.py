"""T7: what is said later about a message settles what was unknown, suppresses, and moves the run that sent it."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from typing import get_args

import pytest

from engine.contracts import Answer, Failure, ReceiptStatus
from engine.flow.accept import keep
from engine.flow.send import deliver
from engine.model.journey import Journey
from engine.rules.receipt import BECOMES, becomes
from tests.flow.house import Desk, House, Killed
from tests.flow.orders import order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")

LOST = Failure(stage="handed_over", text="the connection was cut after the final dot")
TAKEN = Answer(code=250, text="2.0.0 Ok")


@pytest.fixture
def house_of(tmp_path):
    houses = []

    def make(*answers, journeys=None) -> House:
        desk = Desk(*answers)
        house = House(tmp_path / str(len(houses)), post=lambda _: desk, channel="smtp")
        house.app.journeys = journeys or house.app.journeys
        houses.append(house)
        house.tell(order())
        return house

    yield make
    for house in houses:
        house.close()


def receipt(house: House, status: str, *, message: str | None = None, **more: object) -> None:
    """A receipt about the newest message (or the one named) comes in by the merchant's own source."""
    about = message or house.reports()[0].id
    said = {"kind": "receipt", "message": about, "status": status, "as_of": house.clock.now().isoformat(), **more}
    keep(house.app, [house.raw(json.dumps(said).encode())])
    house.observe()


def status(house: House) -> str:
    return house.reports()[0].status


@pytest.mark.parametrize(
    ("said", "ends"), [("sent", "sent"), ("delivered", "delivered"), ("clicked", "delivered"), ("bounced", "dead")]
)
def test_an_unknown_message_is_settled(house_of, said, ends):
    house = house_of(LOST)
    house.work()
    assert status(house) == "unknown"
    receipt(house, said)
    assert status(house) == ends
    assert (said, f"receipt: now {ends}") in house.why()


def test_a_message_only_climbs(house_of):
    house = house_of(TAKEN)
    house.work()
    receipt(house, "delivered")
    for late in ("sent", "bounced", "delivered"):
        receipt(house, late)
        assert status(house) == "delivered"


def test_no_order_of_receipts_ends_differently_but_for_a_bounce():
    for some in permutations(("sent", "deferred", "delivered", "opened", "clicked", "complained", "unsubscribed"), 5):
        if not {"delivered", "opened", "clicked", "complained", "unsubscribed"} & set(some):
            continue
        stands = "unknown"
        for one in some:
            stands = becomes(stands, one) or stands
        assert stands == "delivered"
    assert set(BECOMES) == set(get_args(ReceiptStatus))


def test_a_message_that_never_left_cannot_be_settled(house_of):
    house = house_of(TAKEN)
    house.observe()
    receipt(house, "delivered")
    assert status(house) == "planned"
    house.work()
    assert status(house) == "sent"


def test_a_receipt_before_the_outcome_settles_the_message_and_its_run(house_of):
    house = house_of(Killed())
    with pytest.raises(Killed):
        deliver(house.app)
    assert status(house) == "sending"
    receipt(house, "delivered")
    assert status(house) == "delivered"
    (run,) = house.rows("SELECT state, sent FROM run")
    assert (run.state, run.sent) == ("ended", 1)


def test_a_bounce_suppresses_the_address(house_of):
    house = house_of(TAKEN)
    house.work()
    receipt(house, "bounced", code="5.1.1", detail="no such user")
    assert house.reports()[0].reason == "bounced: 5.1.1 no such user"
    house.tell(parcel())
    house.work()
    assert house.reports()[0].status == "suppressed"
    assert house.reports()[0].reason == "the address is suppressed"


def test_a_complaint_stops_what_can_be_stopped_and_nothing_else(house_of):
    house = house_of(TAKEN)
    house.work()
    receipt(house, "complained")
    house.tell(parcel())
    house.work()
    assert status(house) == "sent"
    house.tell(scan(-1, "delivered"))
    house.work()
    house.later(days=9)
    ended = {key.split("/")[0]: state for key, state in house.statuses().items()}
    assert ended["delivered"] == "sent"
    assert ended["review_request"] == "suppressed"


def test_another_merchants_message_is_out_of_reach(house_of):
    house = house_of(LOST)
    house.work()
    mine = house.reports()[0].id
    other = house.add_merchant("other", house.merchant.settings)
    house.connect("their-shop", "standard", merchant=other)
    said = {"kind": "receipt", "message": mine, "status": "delivered", "as_of": house.clock.now().isoformat()}
    keep(house.app, [house.raw(json.dumps(said).encode(), "their-shop", merchant=other)])
    house.observe()
    assert status(house) == "unknown"


def test_a_receipt_that_cannot_be_read_is_kept(house_of):
    house = house_of(TAKEN)
    house.work()
    receipt(house, "delivered", message=["no", "id"])
    (row,) = house.rows("SELECT state, reason FROM inbox WHERE state = 'dead'")
    assert "$.message" in row.reason


def test_a_word_nobody_has_mapped_changes_nothing(house_of):
    house = house_of(LOST)
    house.work()
    receipt(house, "vanished")
    assert status(house) == "unknown"


NUDGE = Journey.model_validate({
    "name": "nudge", "title": {"ja": "確認", "en": "Check"}, "purpose": "transactional", "once_per": "order",
    "trigger": {"event": "order.confirmed"},
    "steps": [
        {"id": "tell", "send": "order_confirmed"},
        {"id": "answered", "wait_for": "message.clicked", "at_most": "4d"},
        {"id": "again", "send": "order_accepted"},
    ],
})  # fmt: skip


@pytest.mark.parametrize(("said", "messages"), [("clicked", 1), ("delivered", 2)])
def test_a_click_moves_the_run_that_waits_for_it(house_of, said, messages):
    house = house_of(TAKEN, journeys={"nudge": NUDGE})
    house.work()
    house.clock.advance(timedelta(hours=1))
    receipt(house, said)
    house.later(days=5)
    assert len(house.reports()) == messages
