"""The gate: every reason not to send, and that each is said."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace as with_fields

from engine.model.event import Event
from engine.model.facts import Facts
from engine.model.journey import Send
from engine.rules.guard_view import guard_view
from engine.rules.policy import Allow, Asked, Defer, Refuse, Standing, may_reach, still_true

TOKYO = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)  # 12:00 in Tokyo
NIGHT = datetime(2026, 11, 24, 14, tzinfo=UTC)  # 23:00 in Tokyo
STEP = Send(
    id="tell", send="shipped", asserts="shipment.dispatched",
    superseded_by=("shipment.delivered", "shipment.delivery_failed"),
)  # fmt: skip
OPEN = Standing(zone=TOKYO)


def asked(**changes: object) -> Asked:
    fields = {
        "step": STEP, "purpose": "transactional", "event_key": "shipment.dispatched/a", "anchor": NOON,
        "shipment": "a", "return_": None, "due_at": NOON, "expires_at": NOON + timedelta(days=1),
    }  # fmt: skip
    return Asked(**(fields | changes))  # type: ignore[arg-type]


def happened(kind: str, *, at: datetime = NOON, shipment: str = "a") -> dict[str, Event]:
    event = Event(type=kind, key=f"{kind}/{shipment}@{at}", occurred_at=at, shipment=shipment)  # type: ignore[arg-type]
    return {event.key: event}


def test_nothing_in_the_way_lets_it_leave():
    assert isinstance(still_true(asked(), {}, guard_view(Facts()), NOON), Allow)
    assert isinstance(may_reach(asked(), "a@example.jp", OPEN, NOON), Allow)


def test_too_late_is_expired():
    verdict = still_true(asked(), {}, guard_view(Facts()), NOON + timedelta(days=1))
    assert isinstance(verdict, Refuse)
    assert verdict.status == "expired"


@pytest.mark.parametrize(
    ("events", "gone"),
    [
        (happened("shipment.delivered"), True),
        (happened("shipment.delivered", at=NOON - timedelta(hours=5)), True),  # the clocks of two systems differ
        (happened("shipment.delivered", shipment="b"), False),  # another parcel
        (happened("shipment.delivery_failed", at=NOON + timedelta(hours=1)), True),
        (happened("shipment.delivery_failed", at=NOON), True),  # in the same minute
        (happened("shipment.delivery_failed", at=NOON - timedelta(hours=1)), False),  # before that which is told
        (happened("shipment.in_transit"), False),  # says nothing against it
    ],
)
def test_what_makes_it_silly(events: dict[str, Event], gone: bool):
    verdict = still_true(asked(), events, guard_view(Facts()), NOON)
    assert isinstance(verdict, Refuse) is gone
    if isinstance(verdict, Refuse):
        assert verdict.status == "cancelled"
        assert verdict.reason.startswith("superseded by shipment.")


def test_the_event_it_tells_of_does_not_make_it_silly():
    failed = happened("shipment.delivery_failed")
    own = asked(event_key=next(iter(failed)))
    assert isinstance(still_true(own, failed, guard_view(Facts()), NOON), Allow)


def test_what_the_shop_has_told_itself_is_not_told_again():
    facts = Facts(order=with_fields(Facts().order, source_notified=frozenset({"shipment.dispatched"})))
    verdict = still_true(asked(), {}, guard_view(facts), NOON)
    assert isinstance(verdict, Refuse)
    assert "itself" in verdict.reason


def test_a_guard_that_cannot_be_decided_refuses():
    broken = asked(step=STEP.model_copy(update={"where": "order.delivered_at > order.placed_at"}))
    assert isinstance(still_true(broken, {}, guard_view(Facts()), NOON), Refuse)


def test_without_an_address_it_waits_for_one():
    verdict = may_reach(asked(), None, OPEN, NOON)
    assert verdict == Defer(NOON + timedelta(days=1), "no address is known yet", awaits="contact")


def test_a_pause_outweighs_everything():
    verdict = may_reach(asked(), None, Standing(zone=TOKYO, paused="wrong price in the mail"), NOON)
    assert isinstance(verdict, Defer)
    assert verdict.awaits == "resume"
    assert "wrong price" in verdict.reason


@pytest.mark.parametrize(
    ("purpose", "suppressed", "refused"),
    [
        ("transactional", {"all"}, True),
        ("transactional", {"promotional", "service"}, False),
        ("service", {"service"}, True),
        ("service", {"promotional"}, False),
        ("promotional", {"service"}, False),
        ("promotional", {"promotional"}, True),
    ],
)
def test_suppression_covers_its_scope(purpose: str, suppressed: set[str], refused: bool):
    standing = Standing(zone=TOKYO, suppressed=suppressed, consents={"promotional": True})
    verdict = may_reach(asked(purpose=purpose), "a@example.jp", standing, NOON)
    assert isinstance(verdict, Refuse) is refused


@pytest.mark.parametrize(
    ("purpose", "consents", "refused"),
    [
        ("promotional", {}, True),
        ("promotional", {"promotional": False}, True),
        ("promotional", {"promotional": True}, False),
        ("service", {}, False),
        ("service", {"service": False}, True),
        ("transactional", {"promotional": False, "service": False}, False),
    ],
)
def test_consent(purpose: str, consents: dict[str, bool], refused: bool):
    verdict = may_reach(asked(purpose=purpose), "a@example.jp", Standing(zone=TOKYO, consents=consents), NOON)
    assert isinstance(verdict, Refuse) is refused


def test_quiet_hours_are_for_what_can_wait():
    granted = Standing(zone=TOKYO, consents={"promotional": True}, quiet=(time(21), time(8)))
    assert isinstance(may_reach(asked(), "a@example.jp", granted, NIGHT), Allow)
    verdict = may_reach(asked(purpose="service"), "a@example.jp", granted, NIGHT)
    assert isinstance(verdict, Defer)
    assert verdict.until.astimezone(TOKYO) == datetime(2026, 11, 25, 8, tzinfo=TOKYO)
