"""One delivered file -> a Reading. A bad line is reported with its number; the rest goes in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from connectors.parts.bodies.decoding import decode_lines
from connectors.parts.bodies.grid import Row, delimiter_of, rows
from connectors.parts.values.times import zone_named
from connectors.sources.csv.columns import layout_of
from connectors.sources.csv.entries import Entry, Reader
from connectors.sources.csv.orders import observe
from connectors.sources.csv.told import Told
from engine.contracts import BadRow, Delivery, Observation, Reading, Routed, Unreadable

TIME_ZONE = "Asia/Tokyo"
CURRENCY = "JPY"
MOST_BAD_ROWS = 1_000

_Group = tuple[str, str | None, tuple[str, ...]]  # owner, order number, or else tracking numbers


@dataclass(frozen=True, kw_only=True)
class _Table:
    """`spoiled` are the order numbers of bad rows; None among them is a row whose order nobody knows."""

    entries: list[Entry]
    bad: list[BadRow]
    spoiled: set[str | None]


def read(delivery: Delivery) -> Reading:
    """Return the file's observations, for each goods owner when the connection routes.

    Raises Unreadable, saying what to do, for a file or setting that cannot be understood as a whole, for
    more than 1,000 bad rows, and when no row is good.
    """
    config = delivery.config
    zone = config.get("timezone") or TIME_ZONE
    zone_named(zone)
    routed = config.get("route", "no").strip().lower() == "yes"
    table = _table(delivery, zone, routed)
    groups = _grouped(table.entries, routed)
    unmapped: list[str] = []
    found: dict[str, list[Observation]] = {}
    for (owner, order_number, _), entries in groups.items():
        told = Told(
            order_number=order_number,
            rows=tuple(entries),
            zone=zone,
            received_at=delivery.received_at,
            spoiled=not table.spoiled.isdisjoint((None, order_number)),
            unmapped=unmapped,
        )
        found.setdefault(owner, []).extend(observe(told, (config.get("currency") or CURRENCY).upper()))
    return Reading(
        observations=() if routed else tuple(chain.from_iterable(found.values())),
        routed=tuple(Routed(route=owner, observations=tuple(seen)) for owner, seen in found.items()) if routed else (),
        bad_rows=tuple(table.bad),
        unmapped=tuple(dict.fromkeys(unmapped)),
        ignored=None if table.entries else "the file holds no rows",
    )


def _table(delivery: Delivery, zone: str, routed: bool) -> _Table:
    config = delivery.config
    lines = decode_lines(delivery.body, config.get("encoding") or "auto")
    table = _Table(entries=[], bad=[], spoiled=set())
    reader: Reader | None = None
    for row in rows(lines, delimiter_of(lines, config.get("delimiter") or "auto")):
        if isinstance(row, Row) and reader is None:
            layout = layout_of(row.cells, config)
            if routed and "owner" not in layout.fields:
                raise Unreadable("setting route: no column holds the owner; type `--set column.owner=...`")
            date_format = config.get("date_format") or None
            reader = Reader(layout=layout, zone=zone, date_format=date_format, routed=routed)
            if layout.header:
                continue
        one = reader.read(row) if isinstance(row, Row) and reader else row
        if isinstance(one, Entry):
            table.entries.append(one)
        elif isinstance(one, BadRow):
            table.bad.append(one)
            table.spoiled.add(reader.order_number(row) if isinstance(row, Row) and reader else None)
        if len(table.bad) > MOST_BAD_ROWS:
            raise Unreadable(f"over {MOST_BAD_ROWS} bad rows, the first: {_first(table.bad)}")
    if table.bad and not table.entries:
        raise Unreadable(f"no row is good, the first: {_first(table.bad)}")
    return table


def _first(bad: list[BadRow]) -> str:
    return f"line {bad[0].number}: {bad[0].reason}"


def _grouped(entries: list[Entry], routed: bool) -> dict[_Group, list[Entry]]:
    """Rows of one order in the order of the file; a file without order numbers goes by tracking number."""
    groups: dict[_Group, list[Entry]] = {}
    for entry in entries:
        owner = entry.text("owner") or "" if routed else ""
        number = entry.text("order_number")
        parcels = () if number else entry.said["tracking_number"]
        groups.setdefault((owner, number, parcels), []).append(entry)
    return groups
