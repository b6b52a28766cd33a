"""What belongs to slips that were found: other slips of the same orders, slips merged into them, all rows.

Slips of an order change one by one. Without those that have not changed, a half would look like the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.parts.values.loose import identity, text
from connectors.sources.next_engine.fields import LINE, SLIP
from connectors.sources.next_engine.searches import LIMIT, LINES, SLIPS, counted, search
from connectors.sources.next_engine.slips import MERGED_FROM, POINTERS, ROWS
from connectors.sources.next_engine.words import BASE, ROW, on
from engine.contracts import Asking, Conversation

ROWS_AT_ONCE = 2000
MOST = 1000  # values of a condition

Slips = dict[str, dict[str, Any]]  # by id; their rows under "rows"


def completed(asking: Asking, found: Slips) -> Conversation[Slips]:
    """The slips with everything that belongs to them. Raises Unanswered."""
    slips = dict(found)
    yield from _relatives(asking, slips)
    yield from _rows(asking, slips)
    origins = {source for slip in slips.values() for row in slip[ROWS] if (source := identity(row.get(MERGED_FROM)))}
    yield from _named(asking, slips, origins - slips.keys())
    yield from _rows(asking, slips)
    return slips


def _relatives(asking: Asking, slips: Slips) -> Conversation[None]:
    yield from _named(asking, slips, _pointed_at(slips.values()) - slips.keys())
    roots = slips.keys() | _pointed_at(slips.values())
    several = {slip for slip, one in slips.items() if on(one, BASE + "multi_delivery_parent_flag")}
    several |= {parent for one in slips.values() if (parent := identity(one.get(POINTERS[0])))}
    for pointer, parents in zip(POINTERS, (several, roots), strict=True):
        if parents:
            kin = yield from search(asking, SLIPS, SLIP, {f"{pointer}-in": ",".join(sorted(parents))}, limit=MOST)
            _take(slips, (one for one in kin if identity(one.get(pointer)) in parents))
    yield from _named(asking, slips, _pointed_at(slips.values()) - slips.keys())


def _named(asking: Asking, slips: Slips, wanted: Iterable[str]) -> Conversation[None]:
    """Add the slips of these ids."""
    names = sorted(wanted)[:MOST]
    if names:
        kin = yield from search(asking, SLIPS, SLIP, {f"{BASE}id-in": ",".join(names)}, limit=MOST)
        _take(slips, (one for one in kin if identity(one.get(BASE + "id")) in names))


def _rows(asking: Asking, slips: Slips) -> Conversation[None]:
    """Add their rows to the slips that have none yet."""
    wanted = sorted(slip for slip, one in slips.items() if ROWS not in one)
    for start in range(0, len(wanted), LIMIT):
        part = wanted[start : start + LIMIT]
        told: dict[tuple[str | None, str | None], Mapping[str, Any]] = {}
        offset = 0
        while True:
            condition = {f"{ROW}receive_order_id-in": ",".join(part)}
            page, count = yield from counted(asking, LINES, LINE, condition, offset=offset, limit=ROWS_AT_ONCE)
            before = len(told)
            told |= {(identity(row.get(ROW + "receive_order_id")), text(row.get(ROW + "no"))): row for row in page}
            offset += len(page)
            # a system may give fewer rows than it was asked for; `count` tells so where it counts all of them
            complete = len(page) < ROWS_AT_ONCE and offset >= count and {owner for owner, _ in told} >= set(part)
            if complete or len(told) == before:
                break
        for slip in part:
            slips[slip][ROWS] = [row for (owner, _), row in told.items() if owner == slip]


def _take(slips: Slips, found: Iterable[Mapping[str, Any]]) -> None:
    for one in found:
        if slip := identity(one.get(BASE + "id")):
            slips.setdefault(slip, dict(one))


def _pointed_at(slips: Iterable[Mapping[str, Any]]) -> set[str]:
    return {slip for one in slips for name in POINTERS if (slip := identity(one.get(name)))}
