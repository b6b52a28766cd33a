"""A run and a signal: where it stands then, and what must be done."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.event import Event
from engine.model.journey import Journey
from engine.model.run import Run
from engine.rules.advance import advance, begin, restart
from engine.rules.signals import Cancel, Happened, Note, Plan, Resolved, Started, Step, View, Woke
from tests.journeys.story import DAY_ZERO, Told, World, an_event
from tests.journeys.test_scenarios import JOURNEYS

T0 = datetime(2026, 11, 16, 1, tzinfo=UTC)  # 10:00 in Tokyo
DAY = timedelta(days=1)
NAMES = {"order": {"cancelled": False, "paid": True}, "event": {"type": "order.delivered"}}
VIEW = View(names=NAMES, zone=ZoneInfo("Asia/Tokyo"))

SETTLE = {"id": "settle", "wait": "7d", "until": "10:00"}
ASK = {"id": "ask", "send": "review_request", "where": "order.cancelled", "expires": "5d"}
ANSWERED = {"id": "answered", "wait_for": "message.clicked", "at_most": "4d"}
PAUSE = {"id": "pause", "wait": "2d"}
NUDGE = {"id": "nudge", "send": "review_nudge", "expires": "1d"}


def journey(*steps: dict, exit_on: tuple[str, ...] = ("order.cancelled",), **more: object) -> Journey:
    return Journey.model_validate({
        "name": "review", "title": {"ja": "レビュー", "en": "Review"}, "purpose": "service", "once_per": "order",
        "trigger": {"event": "order.delivered"}, "exit_on": exit_on, "steps": steps, **more,
    })  # fmt: skip


def event(kind: str = "order.delivered", at: datetime = T0, **more: str) -> Event:
    return Event(type=kind, key=f"{kind}@{at}", occurred_at=at, **more)  # type: ignore[arg-type]


def started(story: Journey, now: datetime = T0, view: View = VIEW, first: Event | None = None) -> Step:
    return advance(story, begin(story, "order", first or event()), Started(), now, view)


def plans(step: Step) -> list[tuple[str, datetime, datetime]]:
    return [(one.step_id, one.due_at, one.expires_at) for one in step.effects if isinstance(one, Plan)]


def resolved(step_id: str, at: datetime, status: str = "sent") -> Resolved:
    return Resolved(step_id=step_id, status=status, at=at)  # type: ignore[arg-type]


def test_a_wait_before_a_message_is_the_messages_own():
    step = started(journey(SETTLE, ASK), now=T0 + timedelta(hours=2))
    due = T0 + 7 * DAY
    assert plans(step) == [("ask", due, due + 5 * DAY)]
    assert (step.run.awaiting, step.run.position, step.run.wake_at) == ("message", 1, None)


def test_the_guard_of_a_message_is_not_asked_when_it_is_planned():
    assert NAMES["order"]["cancelled"] is False  # ASK is for cancelled orders only
    assert plans(started(journey(ASK)))


def test_a_message_without_a_wait_is_due_when_it_is_heard_of():
    now = T0 + timedelta(hours=3)
    assert plans(started(journey(NUDGE), now)) == [("nudge", now, now + DAY)]


def test_what_the_trigger_decides_for_good_plans_no_message():
    other = {"id": "other", "send": "other", "where": "event.type == 'order.paid'"}
    step = started(journey(other, SETTLE, other | {"id": "more"}, NUDGE))
    assert [plan[0] for plan in plans(step)] == ["nudge"]
    assert [(note.step, note.decision) for note in step.effects if isinstance(note, Note)] == [
        (None, "started"), ("other", "skipped"), ("more", "skipped"),
    ]  # fmt: skip
    assert plans(step)[0][1] == T0 + 7 * DAY


@pytest.mark.parametrize("status", ["sent", "suppressed", "cancelled", "expired", "dead", "unknown"])
def test_whatever_became_of_the_message_the_run_goes_on_from_that_moment(status):
    story = journey(SETTLE, ASK, PAUSE, NUDGE)
    at = T0 + 7 * DAY + timedelta(minutes=4)
    step = advance(story, started(story).run, resolved("ask", at, status), at, VIEW)
    assert plans(step) == [("nudge", at + 2 * DAY, at + 3 * DAY)]
    assert step.run.sent == (status in {"sent", "unknown"})
    last = advance(story, step.run, resolved("nudge", at + 2 * DAY), at + 2 * DAY, VIEW)
    assert (last.run.state, last.run.reason) == ("ended", "done")


def test_a_wait_that_no_message_follows_wakes_the_run():
    story = journey(PAUSE, ANSWERED)
    step = started(story)
    assert (step.run.awaiting, step.run.wake_at) == ("time", T0 + 2 * DAY)
    early = advance(story, step.run, Woke(), T0 + DAY, VIEW)
    assert early == Step(step.run)
    woken = advance(story, step.run, Woke(), T0 + 3 * DAY, VIEW)
    assert (woken.run.awaiting, woken.run.awaited, woken.run.wake_at) == (
        "event",
        "message.clicked",
        T0 + 7 * DAY,
    )


def test_two_waits_in_a_row_count_from_each_other_not_from_the_late_wakeup():
    story = journey(PAUSE, PAUSE | {"id": "again"}, NUDGE)
    woken = advance(story, started(story).run, Woke(), T0 + 2 * DAY + timedelta(hours=9), VIEW)
    assert plans(woken)[0][1] == T0 + 4 * DAY


def waiting(then: str) -> tuple[Journey, Run, datetime]:
    story = journey(ASK, ANSWERED | {"then": then}, NUDGE, NUDGE | {"id": "thanks"})
    at = T0 + timedelta(minutes=1)
    return story, advance(story, started(story).run, resolved("ask", at), at, VIEW).run, at


def test_what_was_waited_for_comes_in_time():
    story, run, at = waiting("end")
    step = advance(story, run, Happened(event("message.clicked", at + DAY)), at + DAY, VIEW)
    assert (step.run.state, step.run.reason, plans(step)) == ("ended", "done", [])
    story, run, at = waiting("thanks")
    step = advance(story, run, Happened(event("message.clicked", at + DAY)), at + DAY, VIEW)
    assert plans(step) == [("thanks", at + DAY, at + 2 * DAY)]


def test_silence_falls_through_and_what_comes_too_late_is_silence():
    story, run, at = waiting("end")
    assert run.wake_at == at + 4 * DAY
    late = advance(story, run, Happened(event("message.clicked", at + 5 * DAY)), at + 5 * DAY, VIEW)
    assert late == Step(run)
    step = advance(story, run, Woke(), at + 5 * DAY, VIEW)
    assert [plan[0] for plan in plans(step)] == ["nudge"]
    assert Note("answered", "silent", "no message.clicked") in step.effects


def test_what_comes_in_time_but_is_heard_late_still_came():
    story, run, at = waiting("end")
    step = advance(story, run, Happened(event("message.clicked", at + DAY)), at + 6 * DAY, VIEW)
    assert step.run.state == "ended"


def test_an_exit_ends_the_run_and_cancels_what_has_not_left():
    story = journey(SETTLE, ASK)
    step = advance(story, started(story).run, Happened(event("order.cancelled")), T0 + DAY, VIEW)
    assert (step.run.state, step.run.reason) == ("ended", "exit: order.cancelled")
    assert step.effects == (
        Cancel(reason="exit: order.cancelled"),
        Note(None, "ended", "exit: order.cancelled"),
    )
    assert advance(story, step.run, Woke(), T0 + 9 * DAY, VIEW) == Step(step.run)


@pytest.mark.parametrize(("once_per", "ends"), [("shipment", False), ("event", False), ("order", True)])
def test_a_run_about_one_parcel_does_not_hear_of_the_others(once_per, ends):
    story = journey(
        SETTLE,
        ASK,
        exit_on=("shipment.returned",),
        once_per=once_per,
        trigger={"event": "shipment.delivered"},
    )
    run = started(story, first=event("shipment.delivered", shipment="A")).run
    other = advance(story, run, Happened(event("shipment.returned", shipment="B")), T0 + DAY, VIEW)
    assert (other.run.state == "ended") is ends
    assert advance(story, run, Happened(event("shipment.returned", shipment="A")), T0, VIEW).run.state == "ended"


def test_guards_leave_out_waits_with_a_reason():
    story = journey({"id": "if_paid", "wait": "3d", "unless": "order.paid"}, NUDGE)
    step = started(story)
    assert plans(step) == [("nudge", T0, T0 + DAY)]
    assert Note("if_paid", "skipped", "unless holds: order.paid", {"order.paid": True}) in step.effects


def test_a_newer_trigger_begins_anew_while_nothing_has_left():
    story = journey(SETTLE, ASK)
    run = started(story).run
    newer = event(at=T0 + 3 * DAY)
    step = restart(story, run, newer, T0 + 3 * DAY, VIEW)
    assert step
    assert (step.run.anchor, step.run.event_key) == (newer.occurred_at, newer.key)
    assert isinstance(step.effects[0], Cancel)
    assert plans(step)[0][1] == T0 + 10 * DAY
    assert restart(story, step.run, event(at=T0 + DAY), T0 + 4 * DAY, VIEW) is None
    assert restart(story, step.run, newer, T0 + 4 * DAY, VIEW) is None


def test_an_ended_run_is_revived_only_if_nothing_has_left():
    story = journey(SETTLE, ASK)
    gone = advance(story, started(story).run, Happened(event("order.cancelled")), T0 + DAY, VIEW).run
    again = restart(story, gone, event(at=T0 + 2 * DAY), T0 + 2 * DAY, VIEW)
    assert again
    assert again.run.state == "active"
    left = advance(story, gone, resolved("ask", T0 + DAY), T0 + DAY, VIEW).run  # it was leaving when the exit came
    assert (left.state, left.sent) == ("ended", 1)
    assert restart(story, left, event(at=T0 + 2 * DAY), T0 + 2 * DAY, VIEW) is None


def test_a_run_survives_storage():
    run = started(journey(PAUSE, ANSWERED)).run
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


# --- properties: any sequence of events, through every journey that ships -----------------------

KINDS = sorted(
    {kind for one in JOURNEYS.values() for kind in (*one.trigger.event, *one.exit_on)} | {"shipment.out_for_delivery"}
)
START = datetime.combine(DAY_ZERO, datetime.min.time(), UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    story = []
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(KINDS))
        at = START + timedelta(hours=draw(st.integers(0, 30 * 24)))
        parcel = draw(st.sampled_from(["A", "B"])) if kind.startswith("shipment.") else None
        back = draw(st.sampled_from(["R", "S"])) if kind.startswith("return.") else None
        heard = at + timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, 30, 100])))
        told = Told(event=an_event(kind, at, parcel, back), heard=heard)
        story += [told] * draw(st.sampled_from([1, 1, 1, 2]))
    return story


class Watched(World):
    """Looks at every step that any run takes."""

    def take(self, name: tuple[str, str], step: Step, now: datetime) -> None:
        before = self.runs[name]
        revived = any(isinstance(one, Note) and one.decision == "restarted" for one in step.effects)
        if before.state == "ended" and not revived:
            assert step.run.state == "ended"
            assert step.effects == ()
        assert not (revived and before.sent)
        if step.run.state == "active":
            assert step.run.awaiting is not None
            assert (step.run.wake_at is None) == (step.run.awaiting == "message")
        for plan in [one for one in step.effects if isinstance(one, Plan)]:
            known = self.messages.get((*name, plan.step_id))
            assert known is None or revived, "a message is planned twice only when its run begins anew"
        super().take(name, step, now)


@given(histories(), st.booleans())
def test_no_history_plans_or_sends_a_message_twice(story, interrupted):
    down = (START + 3 * DAY, START + 12 * DAY) if interrupted else None
    world = Watched(journeys=list(JOURNEYS.values()), down=down).play(story, START + 120 * DAY)
    sent = [(template, key) for _, template, key in world.sent]
    assert len(sent) == len(set(sent))
    assert all(run.state == "ended" for run in world.runs.values())
    assert all(message.status != "planned" for message in world.messages.values())
    cancelled = [one.event.occurred_at for one in story if one.event.type == "order.cancelled"]
    asked = [at for at, template, _ in world.sent if template in {"review_request", "reorder"}]
    assert not [at for at in asked for gone in cancelled if gone < at and _heard(story, "order.cancelled") < at]


# What may not be said any more once that has been heard of the same parcel or order. Not order.delivered:
# the fold tells it only with a shipment.delivered, while these histories are any events in any order.
LESS = {
    "order_confirmed": {"order.cancelled", "shipment.dispatched", "shipment.delivered"},
    "shipped": {"shipment.delivered", "shipment.returned", "shipment.lost", "shipment.cancelled"},
    "delivery_failed": {"shipment.delivered", "shipment.returned"},
    "held": {"shipment.delivered", "shipment.returned"},
    "delivered": {"shipment.returning", "shipment.returned"},
    "return_requested": {"return.received", "return.refunded", "return.declined"},
    "return_received": {"return.refunded", "return.declined"},
    "review_request": {"order.cancelled", "return.requested", "return.received", "shipment.returned"},
    "reorder": {"order.cancelled", "return.requested", "return.received", "shipment.returned"},
}


@given(histories(), st.integers(0, 20))
def test_no_message_says_less_than_what_is_known(story, days_down):
    down = (START + 3 * DAY, START + (3 + days_down) * DAY)
    world = World(journeys=list(JOURNEYS.values()), down=down).play(story, START + 120 * DAY)
    for at, template, key in world.sent:
        known = {
            one.event.type for one in story
            if one.heard <= at and _about(one.event.shipment or one.event.return_, key, world)
        }  # fmt: skip
        assert not known & LESS.get(template, set()), (template, key)


def _about(subject: str | None, key: str, world: World) -> bool:
    run = next(run for (_, run_key), run in world.runs.items() if run_key == key)
    about = run.shipment or run.return_
    return subject is None or about is None or subject == about


def _heard(story: list[Told], kind: str) -> datetime:
    return min(one.heard for one in story if one.event.type == kind)


@given(histories())
def test_hearing_everything_twice_changes_nothing(story):
    journeys = list(JOURNEYS.values())
    once = World(journeys=journeys).play(story, START + 120 * DAY)
    twice = World(journeys=journeys).play([one for told in story for one in (told, told)], START + 120 * DAY)
    assert once.sent == twice.sent
    assert {name: run.reason for name, run in once.runs.items()} == {
        name: run.reason for name, run in twice.runs.items()
    }
