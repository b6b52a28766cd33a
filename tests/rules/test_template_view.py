"""What messages may say of parcels."""

from __future__ import annotations

from datetime import UTC, date

import pytest

from engine.model.merchant import Merchant
from engine.model.order import Line
from engine.model.shipment import Packed
from engine.rules.template_view import template_view
from tests.rules.hearing import at, order, parcel, tell

LINES = (Line(id="t", name="tea", quantity=2), Line(id="c", name="cup", quantity=1))
TEA, CUP = (Packed(quantity=2, line_id="t"),), (Packed(quantity=1, line_id="c"),)


@pytest.mark.parametrize(
    ("contents", "known"),
    [
        ([TEA, CUP], [True, True]),
        ([(*TEA, *CUP), ()], [False, False]),  # the first is said to hold what the two hold together
        ([None, None], [False, False]),
        ([TEA, None], [True, False]),
        ([None], [True]),
    ],
)
def test_contents_are_shown_only_where_it_is_known_which_parcel_holds_them(
    contents: list[tuple[Packed, ...] | None], known: list[bool]
) -> None:
    parcels = [parcel(n, f"F{n}", f"{n}", dispatched_at=at(n), contents=one) for n, one in enumerate(contents, 1)]
    facts = tell(order(0, lines=LINES), *parcels).state.facts
    view = template_view(
        facts, Merchant(id=1, slug="shop", name="Shop"), zone=UTC, locale="ja", today=date(2026, 11, 22)
    )
    assert [one["contents_known"] for one in view["order"]["parcels"]] == known
