"""An address at which one message after the other does not arrive is given up; where one arrives again, it is taken up.

Nothing is counted up or down: every time, what was said of its messages is read from the ledger and judged as a whole,
so receipts may come twice, late and in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.flow.app import App
from engine.flow.endpoint import LEFT
from engine.flow.route import STAFF, persons_of, suppressed_as
from engine.model.message import REACHED_BY, Medium
from engine.rules.phone import mobile
from engine.rules.receipt import GIVEN_UP, Fate, missed
from engine.store import facts, ledger, optout, people, receipts
from engine.store.contents import unseal
from engine.store.facts import Held
from engine.store.ledger import Entry
from engine.store.session import Tx

NEWEST = 50  # orders of a person that are looked at: more than enough for a row of messages


def index_of(tx: Tx, row: Any, held: Held | None) -> str | None:
    """The blind index of where the message went; None for one that stayed in the company, or whose order was erased."""
    address = unseal(tx, held, row, "address") if held is not None else None
    if address is None or address.decode() == STAFF:
        return None
    return suppressed_as(tx, row.channel or "email", address.decode())


def weigh(app: App, tx: Tx, said: Sequence[tuple[Any, str, bool]], now: datetime) -> None:
    """Judge the addresses (row of a message, blind index, has it arrived?) of which something was said that stands in
    the ledger by now. The gate must be shut where something has not arrived."""
    lost = {index for _, index, arrived in said if not arrived}
    known = people.given_up(tx, {index for _, index, _ in said})
    for index, row in {index: row for row, index, _ in said if index in lost or index in known}.items():
        limit, days = app.settings.undelivered_limit, app.settings.undelivered_days
        gone = missed(_fates(tx, row, index), most=limit, span=timedelta(days=days))
        if gone and people.suppress(tx, index, "all", GIVEN_UP, now):
            first, last = gone[0].at, gone[-1].at
            values = {"messages": [one.message for one in gone][-limit:], "since": first, "until": last,
                      "suppression.scope": "all", "limit": limit, "days": days}  # fmt: skip
            reason = f"{len(gone)} messages in a row did not arrive there in {(last - first).days} days"
            ledger.note(tx, [_entry(row, "address given up", reason, values, now)])
        elif not gone and index in known and people.lift(tx, index, GIVEN_UP):
            ledger.note(tx, [_entry(row, "address taken up", "something has arrived there", {}, now)])


@dataclass(frozen=True, kw_only=True)
class Suppressed:
    """An address of a person at which something is not sent: by which medium, for what, why, since when."""

    medium: Medium
    index: str
    scope: str
    reason: str
    at: datetime


def held_back(tx: Tx, person: str, country: str) -> list[Suppressed] | None:
    """What is suppressed for a mail address or a telephone number, over all media that reach it; None for what is
    neither."""
    number = None if "@" in person else mobile(person, country)
    reached: Mapping[Medium, str | None] = {
        medium: person if kind == "email" and "@" in person else number if kind == "phone" else None
        for medium, kind in REACHED_BY.items()
    }
    named: dict[str, Medium] = {}
    for medium, at in reached.items():
        if at:
            named.setdefault(suppressed_as(tx, medium, at), medium)
    if not named:
        return None
    return [
        Suppressed(medium=named[row.endpoint_index], index=row.endpoint_index, scope=row.scope, reason=row.reason,
             at=row.created_at)
        for row in people.suppressions(tx, named)
    ]  # fmt: skip


def take_up(app: App, merchant: int, person: str, country: str) -> tuple[list[Suppressed], list[Suppressed]]:
    """An operator says that something arrives at the address: taken back is that it was dead or given up. What the
    person has said themselves only they take back. Returns what was taken back, and what stands."""
    now = app.clock.now()

    def write(tx: Tx) -> tuple[list[Suppressed], list[Suppressed]]:
        found = held_back(tx, person, country) or []
        ours = [one for one in found if one.scope == "all" and one.reason != LEFT]
        for one in ours:
            people.lift_scope(tx, one.index, one.scope)
        kind, address = ("email", person) if "@" in person else ("phone", mobile(person, country) or "")
        orders = people.subjects(tx, [tx.vault.index(tx.merchant, kind, address)], newest=NEWEST) if ours else set()
        ledger.note(tx, [
            Entry(at=now, decision="address taken up", subject=number, reason="taken up again by an operator",
                  values={"media": [one.medium for one in ours], "was": [one.reason for one in ours]})
            for number in sorted(orders)
        ])  # fmt: skip
        return ours, [one for one in found if one not in ours]

    return app.store.commit(write, merchant)


def _fates(tx: Tx, row: Any, index: str) -> list[Fate]:
    """What was said of the messages that went to this address, over the orders of the person of `row`."""
    orders = people.subjects(tx, persons_of(tx, optout.party(tx, row)), newest=NEWEST) | {row.subject_id}
    held = facts.load(tx, orders)
    there: dict[int, bool] = {}
    found = []
    for one in receipts.told(tx, orders):
        if one.id not in there:
            there[one.id] = index_of(tx, one, held.get(one.subject_id)) == index
        if there[one.id] and (fate := _fate(one)) is not None:
            found.append(fate)
    return found


def _fate(row: Any) -> Fate | None:
    values: Mapping[str, Any] = row.values
    arrived = row.decision in receipts.ARRIVED
    if not arrived and not values.get("soft"):
        return None
    happened = values.get("happened_at")
    at = datetime.fromisoformat(happened) if isinstance(happened, str) else row.at
    return Fate(message=row.public_id, at=at, arrived=arrived)


def _entry(row: Any, decision: str, reason: str, values: Mapping[str, Any], now: datetime) -> Entry:
    return Entry(
        at=now, decision=decision, subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
        reason=reason, values=values,
    )  # fmt: skip
