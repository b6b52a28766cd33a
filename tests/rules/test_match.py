"""Which journeys an event starts, for what, and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.model.event import Event
from engine.model.journey import Journey
from engine.rules.match import run_key, triggered

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
NAMES = {"order": {"cancelled": False, "paid": True}}


def journey(
    once_per: str = "order", event: object = "order.delivered", where: str | None = None, **more: object
) -> Journey:
    return Journey.model_validate({
        "name": "thanks", "title": {"ja": "お礼", "en": "Thanks"}, "purpose": "service", "once_per": once_per,
        "trigger": {"event": event, "where": where}, "steps": [{"id": "tell", "send": "thanks"}], **more,
    })  # fmt: skip


def event(kind: str = "order.delivered", *, ago: timedelta = timedelta(), **more: str) -> Event:
    return Event(type=kind, key=f"{kind}/1", occurred_at=NOW - ago, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("once_per", "kind", "more", "key"),
    [
        ("order", "order.delivered", {}, "order"),
        ("order", "shipment.dispatched", {"shipment": "A"}, "order"),
        ("shipment", "shipment.dispatched", {"shipment": "A"}, "shipment/A"),
        ("shipment", "order.delivered", {}, None),
        ("return", "return.requested", {"return_": "R"}, "return/R"),
        ("return", "order.delivered", {}, None),
        ("event", "shipment.delivery_failed", {"shipment": "A"}, "shipment.delivery_failed/1"),
    ],
)
def test_the_key_of_a_run(once_per, kind, more, key):
    assert run_key(journey(once_per), event(kind, **more)) == key


def test_only_journeys_with_that_trigger_are_matched_in_their_order():
    first, other, last = (
        journey(),
        journey(event="order.cancelled"),
        journey(event=["order.paid", "order.delivered"]),
    )
    matches = triggered([first, other, last], event(), NAMES, NOW)
    assert [match.journey for match in matches] == [first, last]
    assert all(match.starts and match.key == "order" for match in matches)


def test_a_guard_that_does_not_hold_is_told_with_its_values():
    (match,) = triggered([journey(where="order.cancelled or not order.paid")], event(), NAMES, NOW)
    assert not match.starts
    assert match.reason == "where does not hold: order.cancelled or not order.paid"
    assert match.values == {"order.cancelled": False, "order.paid": True}


def test_a_guard_that_cannot_be_decided_starts_nothing():
    (match,) = triggered([journey(where="order.unheard")], event(), NAMES, NOW)
    assert match.reason == "where cannot be decided: order.unheard: order.unheard is not known here"


@pytest.mark.parametrize(("ago", "starts"), [(timedelta(days=3), True), (timedelta(days=3, seconds=1), False)])
def test_an_old_event_starts_nothing(ago, starts):
    (match,) = triggered([journey(max_age="3d")], event(ago=ago), NAMES, NOW)
    assert match.starts is starts
    if not starts:
        assert match.reason == "too old when it was heard of"
        assert match.values["max_age"] == "3d"


def test_an_event_that_names_no_parcel_starts_nothing_about_one():
    (match,) = triggered([journey("shipment")], event(), NAMES, NOW)
    assert (match.key, match.reason) == (None, "the event names no shipment")
