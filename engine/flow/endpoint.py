"""Addresses of people beside their mail: linked, left, taken up again, dead. It came through the inbox like anything
else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.contracts import EndpointSeen
from engine.flow.route import persons_of, suppressed_as
from engine.model.facts import State
from engine.store import endpoints, facts, ledger, messages, optout, people
from engine.store.ledger import Entry
from engine.store.people import Link
from engine.store.session import Tx

LEFT = "left by its owner"


def turn_to(tx: Tx, said: Sequence[EndpointSeen], now: datetime) -> bool:
    """Take in what is said of addresses of the transaction's merchant, in the order in which it happened. Returns
    whether a message may have become due. The gate must be shut by whoever holds the transaction."""
    due = False
    for seen in sorted(said, key=lambda one: one.as_of):
        index = suppressed_as(tx, seen.medium, seen.address)
        match seen.status:
            case "gone":
                people.suppress(tx, index, "all", f"dead: {seen.detail or 'no longer there'}"[:200], now)
                endpoints.turn(tx, seen.medium, seen.address, active=False, now=now)
            case "left":
                people.suppress(tx, index, "all", LEFT, now)
                endpoints.turn(tx, seen.medium, seen.address, active=False, now=now)
            case "back":
                people.lift(tx, index, LEFT)
                due = endpoints.turn(tx, seen.medium, seen.address, active=True, now=now) > 0 or due
            case "linked":
                due = _linked(tx, seen, now) or due
    return due


def _linked(tx: Tx, seen: EndpointSeen, now: datetime) -> bool:
    link = people.link(tx, seen.nonce or "", "link", now)
    if link is None or link.merchant != tx.merchant:
        return False
    return link_to(tx, link, seen.medium, seen.address, now)


def link_to(tx: Tx, link: Link, medium: str, address: str, now: datetime) -> bool:
    """The address belongs to the person who ordered what `link` is about. Returns whether anything was linked: nothing
    is while neither a mail address nor a number of theirs is known."""
    subject = optout.standing(tx, link.subject)
    state = facts.load(tx, [subject])[subject].state or State()
    persons = persons_of(tx, state.facts.order.orderer)
    if not persons:
        return False
    endpoints.link(tx, medium, address, persons, now)
    theirs = people.subjects(tx, persons) | {subject}
    messages.contact_known(tx, theirs, now)
    ledger.note(tx, [Entry(at=now, decision="linked", subject=subject, reason=f"{medium} belongs to the orderer")])
    return True
