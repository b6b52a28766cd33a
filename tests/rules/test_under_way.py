"""Which parcels a tracker is asked about, and by which words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from msgspec import structs

from engine.contracts import Observation, Parcel, Ref, ScanSeen, ShipmentSeen
from engine.model.facts import State
from engine.model.shipment import FINAL, RANK, Status
from engine.rules.fold import Heard
from engine.rules.observe import observe
from engine.rules.under_way import under_way

NUMBER = "4000-1234-5678"
START = datetime(2026, 4, 8, 1, 0, tzinfo=UTC)


def shop(number: str | None = NUMBER, name: str = "s1", carrier: str = "ups") -> Heard:
    ref = Ref(order_id="1", shipment_id=name, tracking_number=number)
    seen = ShipmentSeen(ref=ref, as_of=START, dispatched_at=START, carrier=carrier, carrier_name="UPS Ground")
    return Heard(connection="shop", seen=seen)


def tracker(*said: Status, number: str = "400012345678", connection: str = "track") -> list[Heard]:
    ref = Ref(tracking_number=number)
    seen: list[Observation] = [ShipmentSeen(ref=ref, as_of=START + timedelta(minutes=1), carrier_name="ups")]
    seen += [
        ScanSeen(ref=ref, as_of=START + timedelta(hours=n), status=status) for n, status in enumerate(said, 1)
    ]  # fmt: skip
    return [Heard(connection=connection, seen=one) for one in seen]


def asked(*heard: Heard, carriers: Iterable[str] = ()) -> list[Parcel]:
    state, _, _ = observe(State(), heard, lambda: heard)
    return under_way(state, "track", frozenset(carriers), lambda: heard)


@pytest.mark.parametrize("status", get_args(Status))
def test_a_parcel_is_asked_about_until_it_has_come_to_its_end(status: Status) -> None:
    found = asked(shop(), *tracker("picked_up", status))
    assert bool(found) is (RANK[status] < FINAL)


def test_number_and_carrier_are_as_the_tracker_itself_writes_them() -> None:
    (one,) = asked(shop(), *tracker("in_transit"))
    assert one == Parcel(number="400012345678", carrier="ups", carrier_name="ups")
    (one,) = asked(shop(), *tracker("in_transit", connection="other"), carriers=["ups"])
    assert (one.number, one.carrier_name) == ("400012345678", None)


def test_what_it_has_not_told_of_is_asked_about_by_the_carriers_it_knows() -> None:
    assert asked(shop()) == []
    assert asked(shop(), carriers=["fedex"]) == []
    assert asked(shop(), carriers=["ups"]) == [Parcel(number="400012345678", carrier="ups")]
    assert asked(shop(number=None), carriers=["ups"]) == [], "without a number there is nothing to ask for"


def test_of_two_parcels_the_one_that_is_under_way() -> None:
    heard = [shop(), shop("9999", "s2"), *tracker("delivered")]
    assert asked(*heard, carriers=["ups"]) == [Parcel(number="9999", carrier="ups")]


def test_a_parcel_that_was_withdrawn_is_asked_about_no_more() -> None:
    gone = shop()
    withdrawn = structs.replace(gone.seen, as_of=START + timedelta(minutes=5), cancelled_at=START)
    assert asked(gone, Heard(connection="shop", seen=withdrawn), carriers=["ups"]) == []


def test_the_log_is_read_only_where_something_is_under_way() -> None:
    heard = [shop(number=None)]
    state, _, _ = observe(State(), heard, lambda: heard)

    def log() -> Iterable[Heard]:
        raise AssertionError("nobody needs it")

    assert under_way(state, "track", {"ups"}, log) == []
