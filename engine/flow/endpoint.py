"""Addresses of people beside their mail: linked, left, taken up again, dead. It came through the inbox like anything
else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.contracts import EndpointSeen
from engine.flow.reach import said
from engine.flow.route import persons_of, suppressed_as
from engine.model.customer import Party
from engine.model.facts import State
from engine.model.message import Medium
from engine.store import consents, endpoints, facts, ledger, messages, optout, people
from engine.store.ledger import Entry
from engine.store.merchants import Connection
from engine.store.people import Link
from engine.store.session import Tx

LINK = "link"  # the kind of token that makes an address somebody's, once
LEFT = "left by its owner"
ASKED_AGAIN = timedelta(days=30)  # until somebody of whom we do not know who they are is asked once more


@dataclass(kw_only=True)
class Turned:
    """What follows: may a message have become due, and which people are to be answered, by whom and with what."""

    due: bool = False
    answers: list[tuple[Connection, str]] = field(default_factory=list)


def turn_to(tx: Tx, told: Sequence[tuple[Connection, EndpointSeen]], now: datetime) -> Turned:
    """Take in what connections say of addresses of the transaction's merchant, in the order in which it happened. The
    gate must be shut by whoever holds the transaction, but for those who only `wrote`."""
    turned = Turned()
    for connection, seen in sorted(told, key=lambda one: one[1].as_of):
        what = None
        match seen.status:
            case "gone":
                _closed(tx, seen, f"dead: {seen.detail or 'no longer there'}"[:200], now)
            case "left":
                _closed(tx, seen, LEFT, now)
            case "back":
                people.lift_scope(tx, suppressed_as(tx, seen.medium, seen.address), "all")  # they want it
                changed = endpoints.turn(tx, seen.medium, seen.address, active=True, now=now)
                turned.due = changed > 0 or turned.due
            case "linked":
                done = _linked(tx, seen, now)
                turned.due, what = done or turned.due, "linked" if done else "refused"
        if seen.answer and seen.status in {"back", "wrote"}:
            asks = endpoints.stranger(tx, seen.medium, seen.address, now, again=ASKED_AGAIN)
            what = "stranger" if asks else None
        if seen.answer and what:
            turned.answers.append((connection, f"{what}:{seen.answer}"))
    return turned


def _closed(tx: Tx, seen: EndpointSeen, reason: str, now: datetime) -> None:
    people.suppress(tx, suppressed_as(tx, seen.medium, seen.address), "all", reason, now)
    endpoints.turn(tx, seen.medium, seen.address, active=False, now=now)


def _linked(tx: Tx, seen: EndpointSeen, now: datetime) -> bool:
    link = people.spend(tx, seen.nonce or "", LINK, now)
    if link is None or link.merchant != tx.merchant:
        return False
    return link_as_owner(tx, link, seen.medium, seen.address, now)


def link_as_owner(tx: Tx, link: Link, medium: Medium, address: str, now: datetime) -> bool:
    """`link_to`, said by whoever holds the address at this moment: it lives, whatever was known of it, and they want to
    hear by this medium, whatever they chose before. The gate must be shut."""
    people.lift_scope(tx, suppressed_as(tx, medium, address), "all")
    persons = persons_of(tx, _party(tx, link)[1])
    chosen = said(tx, persons, agreed_too=False).of(persons)[1]
    if medium in chosen.without:
        wanted = tuple(one for one in chosen.without if one != medium)
        consents.choose(tx, persons, replace(chosen, without=wanted), now)
    return link_to(tx, link, medium, address, now)


def link_to(tx: Tx, link: Link, medium: str, address: str, now: datetime) -> bool:
    """The address belongs to the person that `link` is about: who got its message, else who ordered. Returns whether
    anything was linked: nothing is while neither a mail address nor a number of theirs is known."""
    subject = optout.standing(tx, link.subject)
    role, party = _party(tx, link)
    persons = persons_of(tx, party)
    if not persons:
        return False
    endpoints.link(tx, medium, address, persons, now)
    theirs = people.subjects(tx, persons) | {subject}
    messages.contact_known(tx, theirs, now)
    ledger.note(tx, [Entry(at=now, decision="linked", subject=subject, reason=f"{medium} belongs to the {role}")])
    return True


def _party(tx: Tx, link: Link) -> tuple[str, Party | None]:
    """Whom the link is about: their role in the order, and who they are as known now."""
    subject = optout.standing(tx, link.subject)
    order = (facts.load(tx, [subject])[subject].state or State()).facts.order
    row = optout.message(tx, link.message) if link.message is not None else None
    role = row.recipient if row is not None else "orderer"
    return role, order.recipient if role == "recipient" else order.orderer
