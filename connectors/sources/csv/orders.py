"""The rows of one order -> what they say of the order itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import cast

from connectors.parts.parcels import carriers
from connectors.sources.csv import wording
from connectors.sources.csv.lines import lines_of
from connectors.sources.csv.parcels import observe_parcels
from connectors.sources.csv.told import Told
from engine.contracts import Observation, OrderSeen, Ref
from engine.model.customer import Party
from engine.model.order import Money, Payment

YES_OR_NO = {"yes": True, "no": False}
# Only a file that speaks of orders lists all their articles. A file of parcels lists what was sent that day:
# taken as the order's lines, it would make the rest of a split order vanish.
OF_ORDERS = frozenset({"order_date", "paid_at", "unit_price", "total"})
UNDATED = ("payment", "allocated", "on_hold", "dispatched", "cancelled")


def observe(told: Told, currency: str) -> Iterator[Observation]:
    """Yield the order as far as the rows tell anything of it, then its parcels and their scans."""
    recipients = tuple(dict.fromkeys(party for row in told.rows if (party := told.recipient(row))))
    order = _order(told, recipients, currency)
    silent = OrderSeen(ref=order.ref, as_of=order.as_of)
    if order.ref.order_number and order != silent:
        yield order
    yield from observe_parcels(told, recipients)
    for row in told.rows:
        word, slug = row.text("status"), carriers.slug(row.text("carrier"))
        if word and told.meaning(row) is None and wording.of_parcel(word, slug) is None:
            told.unmapped.append(word[:64])


def _order(told: Told, recipients: tuple[Party, ...], currency: str) -> OrderSeen:
    paid = [at for row in told.rows if (at := told.past(row, "paid_at"))]
    payment = _word(told, "payment") or ("paid" if paid else None)
    cancelled = {row.number: at for row in told.rows if (at := told.cancelled_at(row))}
    whole = len(cancelled) == len(told.rows)
    total = told.first("total")
    lists_all = any(not OF_ORDERS.isdisjoint(row.said) for row in told.rows)
    return OrderSeen(
        ref=Ref(order_number=told.order_number),
        as_of=_as_of(told),
        placed_at=min((at for row in told.rows if (at := told.past(row, "order_date"))), default=None),
        payment=cast(Payment | None, payment),
        paid_at=max(paid, default=None),
        allocated=YES_OR_NO.get(_word(told, "allocated") or ""),
        on_hold=YES_OR_NO.get(_word(told, "on_hold") or ""),
        ships_on=min(
            (day.day for row in told.rows if (day := row.when("shipped_date")) and not told.sent_at(row)),
            default=None,
        ),
        cancelled_at=max(cancelled.values()) if whole else None,
        lines=(lines_of(told.rows, () if whole else cancelled, currency) or None) if lists_all else None,
        orderer=_orderer(told),
        recipient=recipients[0] if recipients else None,
        total=Money(amount=total, currency=currency) if total else None,
    )


def _as_of(told: Told) -> datetime:
    """The newest date of the rows, or later: a word that has no date of its own is said by the file."""
    words = [told.word_at(row) for row in told.rows if any(told.says(row, name) for name in UNDATED)]
    return max([told.newest(told.rows), *words])


def _word(told: Told, name: str) -> str | None:
    return next((said for row in told.rows if (said := told.says(row, name))), None)


def _orderer(told: Told) -> Party | None:
    name, email, phone = (told.first(f"orderer_{part}") for part in ("name", "email", "phone"))
    return Party(name=name, email=email, phone=phone) if name or email or phone else None
