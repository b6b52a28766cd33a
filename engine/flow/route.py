"""The ways by which a message may reach its person: a medium, a connection that carries it, an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.flow.app import App
from engine.flow.limits.room import backups, chosen
from engine.model.customer import Party
from engine.model.message import REACHED_BY, AddressKind, Medium
from engine.rules.phone import number_of
from engine.store import accounts, endpoints, merchants
from engine.store.attempts import NOTHING, Past
from engine.store.merchants import Connection
from engine.store.session import Tx

STAFF = "staff"  # the address of what stays inside the company: the connection says who that is


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way. `index` is the blind index under which the address is suppressed; without an address both are empty."""

    medium: Medium
    channel: Connection
    address: str | None
    index: str


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What carries the messages of one merchant: by medium the connection used, then those that stand in for it."""

    by_medium: Mapping[str, tuple[Connection, ...]]

    def of(self, app: App, media: Sequence[Medium], purpose: str, past: Past, passed_over: str) -> list[Connection]:
        """The connections that a message may take now, in order. One that may have left stays with the connection
        that it may have left by; a medium that has refused it, or has been silent for too long, is not tried again."""
        refused = {medium for medium, held in self.by_medium.items() for one in held if one.id in past.refused}
        out = refused | set(passed_over.split())
        found = [one for medium in media if medium not in out for one in self.by_medium.get(medium, ())]
        if past.unknowns:
            found = [one for one in found if one.id == past.connection] or found[:1]
        return [one for one in found if purpose in app.channels(one.connector).capabilities.purposes]


def lines(app: App, tx: Tx) -> Lines:
    """The lines of the merchant of this transaction. Where something stands in for a connection, one whose account is
    held goes behind it."""
    found = merchants.channels(tx)
    first, spare = chosen(app, found), backups(app, found)
    ordered = {medium: (one, *spare.get(medium, ())) for medium, one in first.items()}
    if spare:
        ids = [one.id for held in ordered.values() if len(held) > 1 for one in held]
        known, real = accounts.read(tx, ids), app.clock.real()
        held = {name for name, one in known.items() if (until := one.account.held_until) and until > real}
        ordered = {medium: tuple(sorted(some, key=lambda one: one.id in held)) for medium, some in ordered.items()}
    return Lines(by_medium=ordered)


def suppressed_as(tx: Tx, medium: Medium, address: str) -> str:
    """The blind index under which an address is suppressed. A number that LINE does not know may still take an SMS, so
    each medium has its own; mail addresses are the same to all."""
    kind = REACHED_BY[medium]
    return tx.vault.index(tx.merchant, "email" if kind == "email" else medium, address)


def routes(
    app: App, tx: Tx, lines: Lines, party: Party | None, media: Sequence[Medium], purpose: str, *,
    past: Past = NOTHING, passed_over: str = "", linked: Mapping[str, str] | None = None,
) -> list[Route]:  # fmt: skip
    """The ways to this person in order. `linked` are the addresses that the person has given us by medium."""
    found = []
    for one in lines.of(app, media, purpose, past, passed_over):
        medium = app.channels(one.connector).medium
        address = _address(REACHED_BY[medium], party, linked or {})
        index = suppressed_as(tx, medium, address) if address and address != STAFF else ""
        found.append(Route(medium=medium, channel=one, address=address, index=index))
    return found


def linked(tx: Tx, parties: Mapping[int, Party | None], media: frozenset[str]) -> dict[int, dict[str, str]]:
    """By the keys of `parties`: the addresses that these people have linked to themselves, by medium. Asked only where
    one of the media needs it."""
    if not any(REACHED_BY[medium] in {"line", "push"} for medium in media):  # type: ignore[index]
        return {}
    persons = {key: persons_of(tx, party) for key, party in parties.items()}
    found = endpoints.of(tx, {one for some in persons.values() for one in some})
    together: dict[int, dict[str, str]] = {}
    for key, some in persons.items():
        together[key] = {medium: at for one in some for medium, at in found.get(one, {}).items()}
    return together


def persons_of(tx: Tx, party: Party | None) -> list[str]:
    """Every blind index that names this person: telephone number, then mail address."""
    if party is None:
        return []
    number = number_of(party)
    told = [("phone", number), ("email", party.email)]
    return [tx.vault.index(tx.merchant, kind, value) for kind, value in told if value]


def _address(kind: AddressKind, party: Party | None, linked: Mapping[str, str]) -> str | None:
    match kind:
        case "staff":
            return STAFF
        case "email":
            return party.email if party else None
        case "phone":
            return number_of(party) if party else None
        case "line" | "push":
            return linked.get(kind)
