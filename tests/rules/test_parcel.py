"""One parcel on the status ladder: what scans and snapshots, early and late, make of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.model.customer import Party
from engine.model.shipment import Packed, Scan
from engine.rules.fold import Heard
from tests.rules.hearing import at, parcel, scan, tell


@pytest.mark.parametrize(
    ("scans", "status", "leg", "delivered_at"),
    [
        ([scan(0, "unknown", raw_code="Z9")], "pending", 1, None),
        ([scan(0, "in_transit"), scan(5, "label_created")], "in_transit", 1, None),
        ([scan(0, "out_for_delivery"), scan(5, "in_transit")], "in_transit", 1, None),
        ([scan(0, "delivered"), scan(5, "picked_up"), scan(9, "in_transit")], "delivered", 1, at(0)),
        ([scan(0, "delivered"), scan(90, "out_for_delivery")], "delivered", 1, at(0)),
        ([scan(0, "delivered"), scan(60, "picked_up")], "return_to_sender", 2, at(0)),
        ([scan(0, "delivered"), scan(60, "picked_up"), scan(99, "delivered")], "returned", 2, at(0)),
        ([scan(0, "delivered"), scan(1, "in_transit", leg=2)], "return_to_sender", 2, at(0)),
        ([scan(0, "return_to_sender"), scan(99, "delivered")], "returned", 2, None),
        ([scan(0, "return_to_sender"), scan(9, "returned"), scan(99, "in_transit")], "returned", 2, None),
        ([scan(0, "lost"), scan(9, "in_transit"), scan(99, "delivered")], "delivered", 1, at(99)),
        ([scan(0, "cancelled"), scan(9, "pending")], "cancelled", 1, None),
    ],
)
def test_where_scans_leave_a_parcel(scans: list[Heard], status: str, leg: int, delivered_at: datetime | None) -> None:
    for story in (scans, scans[::-1]):
        box = tell(*story).only_parcel()
        assert (box.status, box.leg, box.delivered_at) == (status, leg, delivered_at)


@pytest.mark.parametrize(
    ("story", "status"),
    [
        ([parcel(0)], "pending"),
        ([parcel(0, dispatched_at=at(0))], "label_created"),
        ([parcel(0, cancelled_at=at(0))], "cancelled"),
        ([parcel(0, dispatched_at=at(0)), parcel(5, cancelled_at=at(5))], "cancelled"),
        ([parcel(0, dispatched_at=at(0)), parcel(5, reverted=True)], "pending"),
        ([parcel(0, number="111"), scan(1, "in_transit"), parcel(5, cancelled_at=at(5))], "in_transit"),
        ([parcel(0, number="111", cancelled_at=at(0)), scan(5, "in_transit"), parcel(9)], "in_transit"),
        ([scan(0, "delivered"), parcel(9, number="111", dispatched_at=at(9))], "delivered"),
        ([scan(0, "label_created"), parcel(9, number="111", carrier="yamato")], "label_created"),
    ],
)
def test_where_snapshots_leave_a_parcel(story: list[Heard], status: str) -> None:
    for told in (story, story[::-1]):
        assert tell(*told).only_parcel().status == status


def test_the_way_there_stays_the_way_there_when_the_number_comes_back() -> None:
    box = tell(
        parcel(0, number="111", dispatched_at=at(0)),
        scan(9, "in_transit"),
        scan(90, "delivered"),
        parcel(5000, number="111", leg=2),
        scan(5100, "in_transit"),
        scan(6000, "delivered"),
    ).only_parcel()
    assert (box.status, box.delivered_at, box.dispatched_at) == ("returned", at(90), at(0))
    assert [one.leg for one in box.scans] == [None, None, 2, 2]


def test_a_customers_own_return_parcel_has_only_a_way_back() -> None:
    subject = tell(scan(9, "picked_up"), scan(90, "delivered"), parcel(99, number="111", leg=2, dispatched_at=at(5)))
    box = subject.only_parcel()
    assert (box.status, box.delivered_at, box.dispatched_at) == ("returned", None, None)
    assert all(one.leg == 2 for one in box.scans)


def test_a_parcel_is_known_by_what_was_said_last() -> None:
    tea, cup = Packed(quantity=1, sku="tea"), Packed(quantity=1, sku="cup")
    box = tell(
        parcel(
            0,
            number="１２３４-５６７８",
            contents=(tea,),
            dispatched_at=at(0),
            recipient=Party(name="山﨑 太郎"),
        ),
        parcel(9, number="9999", contents=(tea, cup), dispatched_at=at(3), recipient=Party(phone="+8190")),
        parcel(19, number="-"),
    ).only_parcel()
    assert (box.number, box.contents, box.dispatched_at) == ("9999", (tea, cup), at(0))
    assert box.recipient == Party(name="山﨑 太郎", phone="+8190")


def test_a_scan_of_two_trackers_is_one_scan() -> None:
    box = tell(scan(0, "delivered"), scan(0, "delivered", source="other"), scan(0, "delivered", "1-1-1")).only_parcel()
    assert box.scans == (Scan(at=at(0), status="delivered"),)
