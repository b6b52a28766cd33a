"""The rows of one order -> its parcels and what happened to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from connectors.parts.parcels import carriers
from connectors.parts.values.values import day_bounds
from connectors.sources.csv import wording
from connectors.sources.csv.entries import Entry
from connectors.sources.csv.lines import article, units
from connectors.sources.csv.told import Told
from engine.contracts import Observation, Ref, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.order import Quantity
from engine.model.shipment import Packed, Status


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One parcel: its rows; `tracking` is None where the file gives no number."""

    ref: Ref
    rows: tuple[Entry, ...]
    whole: bool  # False when a row speaks of several parcels, so nobody knows what is in which


def parcels_of(told: Told) -> list[Parcel]:
    """One parcel for every tracking number; rows that were sent without one, by their shipping day."""
    numbered: dict[str, list[Entry]] = {}
    unnumbered: dict[date | None, list[Entry]] = {}
    for row in told.rows:
        for number in row.said.get("tracking_number", ()):
            numbered.setdefault(number, []).append(row)
        if "tracking_number" not in row.said and _has_left(told, row):
            shipped = row.when("shipped_date")
            unnumbered.setdefault(shipped.day if shipped else None, []).append(row)
    found = [
        Parcel(
            ref=Ref(order_number=told.order_number, shipment_id=number, tracking_number=number),
            rows=tuple(rows),
            whole=all(len(row.said["tracking_number"]) == 1 for row in rows),
        )
        for number, rows in numbered.items()
    ]
    for place, rows in enumerate(unnumbered.values(), 1):
        ref = Ref(order_number=told.order_number, shipment_id=f"{told.order_number}-{place}")
        found.append(Parcel(ref=ref, rows=tuple(rows), whole=True))
    return found


def _has_left(told: Told, row: Entry) -> bool:
    word = row.text("delivery_status") or row.text("status")
    scanned = word is not None and wording.of_parcel(word, carriers.slug(row.text("carrier"))) is not None
    return scanned or (told.sent_at(row) or told.past(row, "delivered_date")) is not None


def siblings_of(told: Told) -> int | None:
    """How many parcels the order has in all, where its rows show it by more than one number.

    個口数 with a single number is boxes under one slip: they travel and arrive as one.
    """
    numbers = {number for row in told.rows for number in row.said.get("tracking_number", ())}
    if told.spoiled or len(numbers) < 2:
        return None
    counted: list[int] = [row.said["parcel_count"] for row in told.rows if "parcel_count" in row.said]
    return max([len(numbers), *counted])


def observe_parcels(told: Told, recipients: Sequence[Party]) -> Iterator[Observation]:
    """Yield a snapshot of every parcel and the scans its rows tell."""
    siblings = siblings_of(told)
    for parcel in parcels_of(told):
        first = parcel.rows[0]
        named = next((name for row in parcel.rows if (name := row.text("carrier"))), None)
        slug = carriers.slug(named)
        sent = [at for row in parcel.rows if (at := told.sent_at(row))]
        eta_from, eta_until = _eta(told, parcel.rows)
        yield ShipmentSeen(
            ref=parcel.ref,
            as_of=max(sent) if sent else told.newest(parcel.rows),
            dispatched_at=min(sent) if sent else None,
            carrier=slug,
            carrier_name=named,
            contents=_contents(parcel) or None,
            recipient=told.recipient(first) if len(recipients) > 1 else None,
            eta_from=eta_from,
            eta_until=eta_until,
            siblings=siblings,
        )
        yield from _scans(told, parcel, slug)


def _contents(parcel: Parcel) -> tuple[Packed, ...]:
    packed: dict[str, Packed] = {}
    for row in parcel.rows if parcel.whole else ():
        if (item := article(row)) is None or row.said.get("quantity") == 0:
            continue
        before: Quantity = packed[item.id].quantity if item.id in packed else 0
        # A code is no name: without one, the order's line tells what it is called.
        sku, name = row.text("item_code"), row.text("item_name")
        packed[item.id] = Packed(quantity=before + units(row), line_id=item.id, sku=sku, name=name)
    return tuple(packed.values())


def _eta(told: Told, rows: Sequence[Entry]) -> tuple[datetime | None, datetime | None]:
    said = next((eta for row in rows if (eta := row.when("eta_date"))), None)
    if said is None:
        return None, None
    if said.at:
        return said.at, None
    return day_bounds(said.day, told.zone)


def _scans(told: Told, parcel: Parcel, slug: str | None) -> Iterator[ScanSeen]:
    """One scan for each thing that different rows of the parcel say; usually all say the same."""
    seen: set[tuple[str | None, datetime]] = set()
    for row in parcel.rows:
        word, arrived = row.text("delivery_status"), told.past(row, "delivered_date")
        if word is None and told.meaning(row) is None and (status := row.text("status")):
            # One status column may hold the order's words and the carrier's.
            word = status if wording.of_parcel(status, slug) else None
        if word is None and arrived is None:
            continue
        said = {"status": "delivered"} if word is None else wording.of_parcel(word, slug)
        if said is None and word is not None:
            told.unmapped.append(word[:64])
        status_now = cast(Status, (said or {}).get("status", "unknown"))
        at = arrived if arrived and status_now in ("delivered", "unknown") else told.word_at(row)
        if (word, at) in seen:
            continue
        seen.add((word, at))
        yield ScanSeen(
            ref=parcel.ref,
            as_of=at,
            status=status_now,
            reason=(said or {}).get("reason"),
            substatus=(said or {}).get("substatus"),
            text=word,
            raw_code=word[:64] if word and status_now == "unknown" else None,
        )
