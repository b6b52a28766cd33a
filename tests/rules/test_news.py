"""What is news of an order that is first heard of, and what a source writes itself."""

from datetime import timedelta

import pytest

from engine.contracts import Manifest, OrderSeen, Reading, Ref, ReturnSeen, Routed, ScanSeen, ShipmentSeen
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.news import history
from engine.rules.observe import observe
from engine.rules.source_mails import advice, declared, mailed, misset, undeclared
from tests.rules.hearing import START as NOW

REF = Ref(order_id="1", order_number="#1")
OLD = NOW - timedelta(days=300)


def first_heard(**said):
    heard = [Heard(connection="shop", seen=OrderSeen(ref=REF, as_of=NOW, **said))]
    after, new, events = observe(State(), heard, list)
    return {key.partition("@")[0] for key in history(State(), after, new, events)}, {one.type for one in events}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"cancelled_at": NOW}, "order.cancelled"),
        ({"payment": "failed"}, "order.payment_failed"),
        ({"payment": "refunded"}, "order.refunded"),
        ({"on_hold": True}, "order.on_hold"),
    ],
)
def test_what_only_the_update_of_an_old_order_dates_is_history(said, kind):
    old, _ = first_heard(placed_at=OLD, **said)
    assert kind in old
    fresh, events = first_heard(placed_at=NOW - timedelta(days=2), **said)
    assert fresh == frozenset()
    assert kind in events


def test_what_has_a_date_of_its_own_is_judged_by_that():
    old, events = first_heard(placed_at=OLD, cancelled_at=NOW - timedelta(hours=1))
    assert "order.cancelled" in events
    assert "order.cancelled" not in old


def test_an_order_that_is_known_has_news():
    heard = [Heard(connection="shop", seen=OrderSeen(ref=REF, as_of=OLD, placed_at=OLD, payment="paid"))]
    before, _, _ = observe(State(), heard, list)
    now = [Heard(connection="shop", seen=OrderSeen(ref=REF, as_of=NOW, cancelled_at=NOW))]
    after, new, events = observe(before, now, lambda: heard)
    assert [one.type for one in events] == ["order.cancelled"]
    assert history(before, after, new, events) == frozenset()


def test_an_order_of_unknown_age_is_not_old():
    assert first_heard(cancelled_at=NOW)[0] == frozenset()


# --- what the source writes itself ----------------------------------------------------------------

PARCEL = ShipmentSeen(ref=Ref(order_number="#1", shipment_id="s"), as_of=NOW)
SCAN = ScanSeen(ref=Ref(tracking_number="4012"), as_of=NOW, status="delivered")


def added(*observations, notifies):
    reading = Reading(observations=observations, routed=(Routed(route="o", observations=observations),))
    told = mailed(reading, {"notifies": notifies}, OLD)
    assert told.routed[0].observations == told.observations
    return told.observations


def test_an_order_carries_what_is_declared_beside_what_it_says():
    seen = OrderSeen(ref=REF, as_of=NOW, source_notified=("order.created",))
    (order,) = added(seen, notifies="order.created, order.paid")
    assert order.source_notified == ("order.created", "order.paid")


def test_a_dispatch_is_the_parcels_to_know_unless_the_source_says_otherwise():
    assert [one.source_notified for one in added(PARCEL, notifies="shipment.dispatched")] == [True]
    silent = ShipmentSeen(ref=PARCEL.ref, as_of=NOW, source_notified=False)
    assert added(silent, notifies="shipment.dispatched") == (silent,)


@pytest.mark.parametrize("seen", [SCAN, ReturnSeen(ref=Ref(return_id="r"), as_of=NOW)])
def test_what_else_is_declared_goes_to_the_order_by_the_same_names(seen):
    told, order = added(seen, notifies="shipment.delivered")
    assert told == seen
    assert order == OrderSeen(ref=seen.ref, as_of=OLD, source_notified=("shipment.delivered",))


def test_nothing_declared_changes_nothing():
    reading = Reading(observations=(PARCEL, SCAN))
    assert mailed(reading, {}, OLD) is reading
    assert declared({"notifies": " , order.paid,order.paid "}) == ("order.paid",)


def test_a_word_that_is_no_event_is_told_with_what_was_meant():
    assert misset({"notifies": "order.confirmed,shipment.dispatched"}) is None
    assert misset({"notifies": "shipment.dispached"}) == (
        "notifies: 'shipment.dispached' is no event; did you mean 'shipment.dispatched'?"
    )
    assert misset({"notifies": "message.sent"}) is not None


def shop(mails, notify="yes"):
    return Manifest(
        name="shop", title="Shop", title_ja="店", modes=("webhook",), capabilities=frozenset(), settings={},
        notifies_customer=mails, notify=notify,
    )  # fmt: skip


def test_who_connects_is_told_that_the_source_may_write_itself():
    assert advice(shop("no"), "c", {}) is None
    maybe = advice(shop("maybe"), "c", {}) or ""
    assert "Shop may mail customers itself" in maybe
    assert "connections set c notifies=" in maybe
    assert "is not written again" in (advice(shop("yes"), "c", {}) or "")
    for kind in ("maybe", "yes"):
        assert advice(shop(kind), "c", {"notifies": "order.paid"}) is None
        assert advice(shop(kind), "c", {"notify": "no"}) is None
    assert advice(shop("yes", notify="no"), "c", {}) is None
    assert undeclared(shop("maybe"), {})
    assert not undeclared(shop("maybe"), {"notify": "no"})
    assert not undeclared(shop("yes"), {})
