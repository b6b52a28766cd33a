"""Every ordered unit is in exactly one place, whatever the sources claim."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.facts import Facts
from engine.model.order import Line, Order, Quantity
from engine.model.returns import Return
from engine.model.shipment import Packed, Scan, Shipment
from engine.rules.fold import Heard
from engine.rules.units import account, dispatched, find, siblings
from tests.rules.hearing import Subject, at, money_back, order, parcel, scan, tell
from tests.rules.strategies import hearings

QUANTITIES = st.one_of(st.integers(-3, 9), st.sampled_from([0.1, 0.2, 0.3, 0.7, 1.5, 2.25]))
NAMES = st.sampled_from(["a", "b", "c"])
PACKED = st.builds(
    Packed,
    quantity=QUANTITIES,
    line_id=st.none() | NAMES,
    sku=st.none() | st.sampled_from(["red", "blue"]),
    name=st.none() | st.just("cup"),
)
LINES = st.lists(
    st.builds(
        Line,
        id=NAMES,
        name=st.just("cup"),
        sku=st.sampled_from(["red", "blue"]),
        quantity=QUANTITIES,
        cancelled=QUANTITIES,
        ships=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda line: line.id,
)
PARCELS = st.builds(
    Shipment,
    key=st.sampled_from("123"),
    dispatched_at=st.none() | st.just(at(0)),
    contents=st.none() | st.lists(PACKED, max_size=3).map(tuple),
    status=st.sampled_from(["label_created", "delivered", "returned", "cancelled", "lost"]),
    delivered_at=st.none() | st.just(at(9)),
    siblings=st.none() | st.integers(0, 3),
    scans=st.just(()) | st.just((Scan(at=at(1), status="in_transit"),)),
)
BACKS = st.builds(
    Return,
    key=st.sampled_from("123"),
    goods=st.sampled_from(["returned", "cancelled", "kept"]),
    contents=st.lists(PACKED, max_size=3).map(tuple),
    received_at=st.none() | st.just(at(99)),
    declined_at=st.none() | st.just(at(99)),
)


def _adds_up(facts: Facts) -> None:
    known = account(facts)
    assert list(known) == [line.id for line in facts.order.lines]
    parcels = {box.key for box in dispatched(facts)}
    for line in facts.order.lines:
        units = known[line.id]
        parts = [units.unshipped, units.cancelled, units.returned, *units.shipped.values()]
        assert min(parts) >= 0
        assert sum(parts) == pytest.approx(max(line.quantity, 0))
        assert units.shipped.keys() <= parcels
        assert 0 not in units.shipped.values()


@given(LINES, st.lists(PARCELS, max_size=3), st.lists(BACKS, max_size=3), st.booleans())
def test_units_add_up_whatever_is_claimed(
    lines: list[Line], parcels: list[Shipment], backs: list[Return], cancelled: bool
) -> None:
    bought = Order(lines=tuple(lines), cancelled_at=at(5) if cancelled else None)
    _adds_up(Facts(order=bought, shipments={one.key: one for one in parcels}, returns={one.key: one for one in backs}))


@given(hearings())
def test_units_add_up_at_every_moment_of_a_story(hearing: tuple[list[Heard], list[list[Heard]]]) -> None:
    subject = Subject()
    for batch in hearing[1]:
        subject.hear(*batch)
        _adds_up(subject.state.facts)


TEA = Line(id="t", name="tea", sku="TEA", quantity=3)
CUP = Line(id="c", name="cup", sku="CUP", quantity=1)
CARD = Line(id="g", name="gift card", quantity=1, ships=False)


def _packed(*contents: tuple[str, Quantity]) -> tuple[Packed, ...]:
    return tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in contents)


def _places(told: Iterable[Heard]) -> dict[str, tuple[Quantity, dict[str, Quantity], Quantity, Quantity]]:
    known = account(tell(order(0, lines=(TEA, CUP, CARD)), *told).state.facts)
    return {key: (one.unshipped, dict(one.shipped), one.cancelled, one.returned) for key, one in known.items()}


def test_nothing_has_left() -> None:
    assert _places([parcel(1, contents=_packed(("t", 3)))]) == {
        "t": (3, {}, 0, 0),
        "c": (1, {}, 0, 0),
        "g": (1, {}, 0, 0),
    }


def test_two_parcels_with_known_contents() -> None:
    first = parcel(1, "F1", contents=_packed(("t", 2)), dispatched_at=at(1))
    second = parcel(2, "F2", contents=_packed(("t", 1), ("c", 1)), dispatched_at=at(2))
    assert _places([first]) == {"t": (1, {"F1": 2}, 0, 0), "c": (1, {}, 0, 0), "g": (1, {}, 0, 0)}
    assert _places([first, second])["t"] == (0, {"F1": 2, "F2": 1}, 0, 0)
    assert _places([first, second])["c"] == (0, {"F2": 1}, 0, 0)


def test_unknown_contents_are_what_is_left_once_no_parcel_is_missing() -> None:
    first, second = (parcel(n, f"F{n}", dispatched_at=at(n), siblings=2) for n in (1, 2))
    assert _places([first])["t"] == (3, {}, 0, 0)
    assert _places([first, second])["t"] == (0, {"F2": 3}, 0, 0)
    assert _places([first, second])["g"] == (1, {}, 0, 0)  # a gift card is in no parcel


def test_a_parcel_of_unknown_contents_leaves_what_another_states() -> None:
    stated = parcel(1, "F1", contents=_packed(("t", 3)), dispatched_at=at(1))
    places = _places([stated, parcel(2, "F2", dispatched_at=at(2))])
    assert places["t"] == (0, {"F1": 3}, 0, 0)
    assert places["c"] == (0, {"F2": 1}, 0, 0)


def test_what_has_left_outweighs_a_cancellation() -> None:
    left = parcel(1, contents=_packed(("t", 2)), dispatched_at=at(1))
    claim = money_back(2, goods="cancelled", contents=_packed(("t", 3)), refunded_at=at(2))
    assert _places([left, claim])["t"] == (0, {"F1": 2}, 1, 0)
    assert _places([left, order(3, cancelled_at=at(3))])["t"] == (0, {"F1": 2}, 1, 0)
    assert _places([parcel(1, contents=_packed(("t", 2)), dispatched_at=at(1), cancelled_at=at(1))])["t"][1] == {}


def test_returned_units_leave_their_parcel_when_they_arrive() -> None:
    left = [parcel(n, f"F{n}", contents=_packed(("t", n)), dispatched_at=at(n)) for n in (1, 2)]
    asked = money_back(5, contents=_packed(("t", 2)), requested_at=at(5))
    assert _places([*left, asked])["t"] == (0, {"F1": 1, "F2": 2}, 0, 0)
    assert _places([*left, asked, money_back(9, received_at=at(9))])["t"] == (0, {"F1": 1}, 0, 2)
    declined = money_back(9, received_at=at(9), declined_at=at(9))
    assert _places([*left, asked, declined])["t"] == (0, {"F1": 1, "F2": 2}, 0, 0)
    kept = money_back(5, goods="kept", contents=_packed(("t", 2)), refunded_at=at(5))
    assert _places([*left, kept])["t"] == (0, {"F1": 1, "F2": 2}, 0, 0)


def test_a_parcel_brought_back_undelivered_is_returned() -> None:
    story = [
        parcel(1, number="111", contents=_packed(("t", 2)), dispatched_at=at(1)),
        scan(9, "return_to_sender"),
        scan(99, "returned"),
    ]
    assert _places(story)["t"] == (1, {}, 0, 2)
    claim = money_back(200, contents=_packed(("t", 2)), received_at=at(200))
    assert _places([*story, claim])["t"] == (1, {}, 0, 2)
    other = parcel(300, "F2", contents=_packed(("t", 1)), dispatched_at=at(300))
    assert _places([*story, other])["t"] == (0, {"F2": 1}, 0, 2)


def test_an_article_on_two_lines_fills_both() -> None:
    twice = (Line(id="1", name="tea", sku="TEA", quantity=1), Line(id="2", name="tea", sku="TEA", quantity=2))
    box = parcel(1, contents=(Packed(quantity=2, sku="TEA"),), dispatched_at=at(1))
    known = account(tell(order(0, lines=twice), box).state.facts)
    assert [(one.unshipped, one.shipped) for one in known.values()] == [(0, {"F1": 1}), (1, {"F1": 1})]


def test_fractions_leave_no_dust() -> None:
    cloth = Line(id="1", name="cloth", quantity=0.3)
    boxes = [parcel(n, f"F{n}", contents=_packed(("1", n / 10)), dispatched_at=at(n)) for n in (1, 2)]
    assert account(tell(order(0, lines=(cloth,)), *boxes).state.facts)["1"].unshipped == 0


def test_an_edited_order_makes_room_or_takes_it() -> None:
    left = parcel(1, contents=_packed(("t", 2)), dispatched_at=at(1))
    fewer = order(2, lines=(Line(id="t", name="tea", quantity=1),))
    known = account(tell(order(0, lines=(TEA,)), left, fewer).state.facts)
    assert (known["t"].unshipped, known["t"].shipped) == (0, {"F1": 1})


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        (Packed(quantity=1, line_id="c"), CUP),
        (Packed(quantity=1, line_id="other", sku="TEA"), TEA),
        (Packed(quantity=1, name="gift card"), CARD),
        (Packed(quantity=1, sku="?", name="?"), None),
        (Packed(quantity=1), None),
    ],
)
def test_find(packed: Packed, found: Line | None) -> None:
    assert find(packed, (TEA, CUP, CARD)) is found


def test_siblings_and_order_of_leaving() -> None:
    facts = tell(
        parcel(1, "late", dispatched_at=at(9), siblings=3),
        parcel(2, "early", dispatched_at=at(2)),
        parcel(3, "packed"),
        parcel(4, "void", dispatched_at=at(1), cancelled_at=at(4)),
        parcel(5, "scanned", "555"),
        scan(6, "in_transit", "555"),
        parcel(7, "back", leg=2),
    ).state.facts
    assert [box.key for box in dispatched(facts)] == ["early", "scanned", "late"]
    assert siblings(facts) == 3
    assert siblings(Facts()) is None


def test_a_parcel_without_goods_is_none_unless_it_has_a_number() -> None:
    def facts(*lines: Line, **says: object) -> Facts:
        boxes = [parcel(1, "card", contents=(Packed(quantity=1, line_id="card"),), dispatched_at=at(1), siblings=2)]
        box = parcel(2, "box", dispatched_at=at(2), siblings=2, **says)
        return replace(tell(*boxes, box).state.facts, order=Order(lines=lines))

    tea, card = Line(id="tea", name="茶", quantity=1), Line(id="card", name="券", quantity=1, ships=False)
    both = facts(tea, card)
    assert [one.key for one in dispatched(both)] == ["box"]
    assert siblings(both) == 1
    assert account(both)["tea"].shipped == {"box": 1}
    assert account(both)["card"].shipped == {"card": 1}
    assert dispatched(facts(card)) == []
    assert siblings(facts(card)) is None
    assert [one.key for one in dispatched(facts(card, number="401234567890"))] == ["box"]


def test_the_answer_about_some_facts_is_kept_and_is_never_the_answer_about_others():
    def of(quantity: int) -> Facts:
        return Facts(order=Order(lines=(Line(id="a", name="cup", quantity=quantity),)))

    one, other = of(1), of(2)
    kept = account(one)
    assert account(other)["a"].ordered == 2
    assert account(one) is kept
    for quantity in range(1000):  # each is gone before the next is there, which may stand in its place
        assert account(of(quantity))["a"].ordered == quantity
