"""When an address is given up: a function of what was said, not of the order in which it was heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.receipt import Fate, missed

START = datetime(2026, 11, 1, tzinfo=UTC)
MOST, SPAN = 3, timedelta(days=7)


def fate(message: str, day: float, *, arrived: bool = False) -> Fate:
    return Fate(message=message, at=START + timedelta(days=day), arrived=arrived)


def given_up(*fates: Fate) -> list[str]:
    return [one.message for one in missed(fates, most=MOST, span=SPAN)]


def test_so_many_in_a_row_over_so_many_days():
    row = [fate("a", 0), fate("b", 3), fate("c", 7)]
    assert given_up(*row) == ["a", "b", "c"]
    assert given_up(*row[:2]) == []
    assert given_up(fate("a", 0), fate("b", 3), fate("c", 6.9)) == []
    assert given_up(*row, fate("d", 9)) == ["a", "b", "c", "d"]


def test_one_message_counts_once_however_often_it_is_told():
    assert given_up(fate("a", 0), fate("a", 3), fate("a", 7), fate("a", 7)) == []


def test_whatever_arrives_ends_the_row():
    row = [fate("a", 0), fate("b", 3), fate("c", 7)]
    assert given_up(*row, fate("d", 8, arrived=True)) == []
    assert given_up(*row, fate("d", 3, arrived=True)) == []  # b was missed before, or at the same moment
    assert given_up(*row, fate("d", -1, arrived=True)) == ["a", "b", "c"]
    assert given_up(fate("d", 3, arrived=True), *row, fate("e", 10), fate("f", 14)) == ["c", "e", "f"]


def test_what_has_arrived_after_all_was_not_missed():
    assert given_up(fate("a", 0), fate("b", 3), fate("c", 7), fate("a", 1, arrived=True)) == []
    assert given_up(fate("a", 0, arrived=True), fate("a", 5), fate("b", 6), fate("c", 7), fate("d", 13)) == [
        "b", "c", "d",
    ]  # fmt: skip


SAID = st.lists(
    st.builds(fate, st.sampled_from("abcdef"), st.integers(0, 20), arrived=st.booleans().map(bool)), max_size=12
)


@given(said=SAID, data=st.data())
def test_doubled_and_shuffled_it_is_the_same(said, data):
    again = data.draw(st.permutations([*said, *data.draw(st.lists(st.sampled_from(said), max_size=6) if said else
                                                          st.just([]))]))  # fmt: skip
    assert given_up(*again) == given_up(*said)
    assert given_up(*said) == by_hand(said)


def by_hand(said: list[Fate]) -> list[str]:
    came = {one.message for one in said if one.arrived}
    last = max((one.at for one in said if one.arrived), default=datetime.min.replace(tzinfo=UTC))
    lost = {m: max(one.at for one in said if one.message == m) for m in {one.message for one in said} - came}
    row = sorted((at, message) for message, at in lost.items() if at > last)
    return [message for _, message in row] if len(row) >= MOST and row[-1][0] - row[0][0] >= SPAN else []
