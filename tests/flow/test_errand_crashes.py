"""Whoever polls may die before any commit and around any request: nothing is lost, nothing is stored twice, and the
cursor is never behind what is stored by more than a page."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from tests.flow.house import Killed
from tests.flow.orders import at, order
from tests.flow.vendor import Asked, Vendor, serving


class Fate:
    """Counts the seams that are passed, and kills at those that were drawn."""

    def __init__(self, kills: set[int]) -> None:
        self.kills, self.passed, self.at_work = kills, 0, False

    def __call__(self, *_: Any) -> None:
        if not self.at_work:
            return
        self.passed += 1
        if self.passed in self.kills:
            raise Killed


def ends(asked: Asked, fate: Fate) -> bool:
    """Run what is due; False when the process died of it."""
    fate.at_work = True
    try:
        asked.ask()
    except Killed:
        return False
    finally:
        fate.at_work = False
    return True


@settings(max_examples=12)
@given(
    kills=st.sets(st.integers(1, 60), max_size=8),
    told=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    thin=st.lists(st.integers(0, 9), max_size=4),
)
def test_crashes_lose_nothing_and_double_nothing(kills: set[int], told: list[int], thin: list[int]) -> None:
    vendor, fate = Vendor(), Fate(kills)
    with tempfile.TemporaryDirectory() as home, serving(vendor) as url:
        asked = Asked(Path(home) / "home", vendor, url)
        alive = asked.app.post.ask

        def around(*request: Any) -> Any:
            fate()
            answer = alive(*request)
            fate()
            return answer

        asked.app.post.ask = around  # type: ignore[method-assign]
        asked.tell({"changed": [str(number) for number in thin]})
        number = 0
        event.listen(asked.app.store.engine, "commit", fate)
        for count in told:
            for _ in range(count):
                vendor.put(at(2 + number), order(2 + number, number=f"#{number}"), name=str(number))
                number += 1
            while not ends(asked, fate):
                behind(asked, vendor)
                asked.due()  # another process; the lease of the one that died has run out
            asked.due()
        assert ends(asked, Fate(set()))
        rows = asked.house.rows("SELECT dedupe_key FROM inbox WHERE verified_by = 'poll'")
        keys = sorted(row.dedupe_key for row in rows)
        assert keys == sorted(f"{one['id']}@{one['at']}" for one in vendor.records)
        left = set(asked.errands()) - {"poll"}
        assert left == {str(one) for one in thin if one >= number}, "what the system does not know is asked for again"
        asked.house.close()


def behind(asked: Asked, vendor: Vendor) -> None:
    """What stands before the cursor is stored."""
    cursor = asked.errands()["poll"].cursor
    if cursor is None:
        return
    where = json.loads(cursor)
    before = [one for one in vendor.records if where["since"] <= one["at"]][: where["page"] * vendor.size]
    before += [one for one in vendor.records if one["at"] < where["since"]]
    stored = {row.dedupe_key for row in asked.house.rows("SELECT dedupe_key FROM inbox")}
    assert {f"{one['id']}@{one['at']}" for one in before} <= stored
