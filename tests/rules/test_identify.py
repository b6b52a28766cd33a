"""Which parcel is meant, when sources name it differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.fold import Heard
from engine.rules.identify import current, identify, lookup, order_number, tracking_number
from engine.rules.observe import join
from tests.rules.hearing import at, money_back, order, parcel, scan, tell


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("4001-2345-6789", "400123456789"),
        ("４００１－２３４５－６７８９", "400123456789"),
        (" ef 719 215 461 jp ", "EF719215461JP"),
        ("ｅｆ７１９２１５４６１ｊｐ", "EF719215461JP"),
        ("4001ー2345ｰ6784", "400123456784"),
        ("ヤマトーA1", "ヤマトーA1"),
        ("ー", ""),
        ("-", ""),
    ],
)
def test_tracking_number(written: str, plain: str) -> None:
    assert tracking_number(written) == plain


@pytest.mark.parametrize("written", ["#1001", "1001", " ＃１００１ ", "# 1001"])
def test_order_number(written: str) -> None:
    assert order_number(written) == "1001"


@given(st.text())
def test_normal_forms_are_stable(text: str) -> None:
    assert tracking_number(tracking_number(text)) == tracking_number(text)
    assert order_number(order_number(text)) == order_number(text)


def _keys(*heard: Heard) -> list[str]:
    """The key by which each observation goes in the end, told in this order."""
    names = tell(*heard).state.names
    return [lookup(names, one.connection, one.seen) for one in heard]


@pytest.mark.parametrize(
    ("story", "keys"),
    [
        ([parcel(0, "F1"), parcel(1, "F2")], ["F1", "F2"]),
        ([parcel(0, "F1"), parcel(1, "F1", "111"), scan(2, "in_transit", "1-1-1")], ["F1"] * 3),
        ([scan(0, "in_transit", "111"), parcel(1, "F1", "１１１")], ["111"] * 2),
        ([parcel(0, "F1", "111"), parcel(1, "F1", "222"), scan(2, "in_transit", "222")], ["F1"] * 3),
        ([parcel(0, "7"), parcel(1, "7", source="warehouse")], ["7", "7@warehouse"]),
        ([parcel(0, "7"), scan(1, "in_transit", "7")], ["7", "7@tracker"]),
        ([parcel(0, "F1", "-"), parcel(1, "F2", "-")], ["F1", "F2"]),
        ([parcel(0, None), scan(1, "in_transit", "111")], ["1", "1"]),
        ([parcel(0, None), parcel(1, "A"), parcel(2, "B")], ["1", "1", "B"]),
        ([parcel(0, None), parcel(1, "B"), parcel(2, "A")], ["A", "1", "A"]),
        ([parcel(0, "B"), parcel(1, "A"), parcel(2, None)], ["B", "A", "A"]),
        ([parcel(0, "1"), parcel(1, None)], ["1", "1"]),
        ([money_back(0, "1"), parcel(1, "1"), money_back(2, None)], ["1", "1", "1"]),
        ([money_back(0, "R1"), money_back(1, "R1", source="other")], ["R1", "R1@other"]),
    ],
    ids=[
        "two ids",
        "number added later",
        "number first",
        "number corrected",
        "ids are a connection's own",
        "an id that looks like a number",
        "a placeholder is no number",
        "the only parcel gets a name",
        "the only of two",
        "the only of two, told the other way round",
        "nobody's name is the least one",
        "called 1",
        "parcels and returns apart",
        "returns of two sources",
    ],
)
def test_keys(story: list[Heard], keys: list[str]) -> None:
    assert _keys(*story) == keys


def test_the_key_that_has_events_stays() -> None:
    subject = tell(
        parcel(0, "F1"),
        scan(1, "in_transit", "111"),
        parcel(2, "F1", "111"),
        parcel(3, "111", source="warehouse"),
    )
    names = subject.state.names
    assert current(names, "parcel", "F1") == "111"
    assert current(names, "parcel", "111") == "111"
    assert set(subject.state.facts.shipments) == {"111", "111@warehouse"}


def test_a_key_given_up_is_never_given_away() -> None:
    subject = tell(
        parcel(0, "F1", dispatched_at=at(0)),
        scan(1, "in_transit", "111"),
        parcel(2, "F1", "111"),
        parcel(3, "111", source="warehouse"),
    )
    key = lookup(subject.state.names, "warehouse", parcel(3, "111", source="warehouse").seen)
    assert key not in {"111", "F1"}


def test_an_order_has_no_key_and_changes_no_names() -> None:
    names = {"shipment:shop:F1": "F1"}
    named = identify(names, "shop", order(0).seen)
    assert (named.key, named.names, named.merged) == (None, names, False)


def test_join_keeps_apart_what_only_shares_a_key() -> None:
    mine = tell(parcel(0, "7", dispatched_at=at(0)))
    theirs = tell(parcel(1, "7", source="warehouse", dispatched_at=at(1)))
    joined = join(mine.state, theirs.state, [*mine.log, *theirs.log])
    assert set(joined.events) == {"shipment.dispatched/7", "shipment.dispatched/7@warehouse"}
    assert set(joined.facts.shipments) == {"7", "7@warehouse"}
    assert current(joined.names, "parcel", "7") == "7"


def test_join_finds_one_parcel_under_two_keys() -> None:
    mine = tell(order(0, payment="paid"), parcel(1, "F1", "111", dispatched_at=at(1)))
    theirs = tell(scan(9, "delivered", "111"))
    joined = join(mine.state, theirs.state, [*theirs.log, *mine.log])
    assert joined.events["shipment.delivered/F1"].shipment == "F1"
    assert current(joined.names, "parcel", "111") == "F1"
    assert joined.facts.shipments["F1"].delivered_at == at(9)
