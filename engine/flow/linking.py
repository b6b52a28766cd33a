"""How people make an address of theirs known: from our pages, or from a provider that sends them to us. What makes an
address somebody's is a token of a kind of its own, which is good once and not for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from unicodedata import normalize

from msgspec.structs import replace

from engine.contracts.linking import Linking, Talk
from engine.flow.app import App
from engine.flow.ask.visit import settings_of
from engine.flow.endpoint import LINK, link_as_owner
from engine.flow.limits.room import chosen
from engine.flow.preferences import Person
from engine.flow.route import persons_of
from engine.model.customer import Party
from engine.model.message import Medium
from engine.rules.phone import dialled
from engine.store import endpoints, ledger, merchants, people, reports
from engine.store.ledger import Entry
from engine.store.merchants import Connection
from engine.store.people import Link
from engine.store.sealed import new_code, new_token
from engine.store.session import Tx

CODE_LASTS = timedelta(minutes=30)  # somebody has to find their telephone
NONCE_LASTS = timedelta(hours=1)  # a provider may have to tell us twice


@dataclass(frozen=True, kw_only=True)
class Door:
    """A connection of the merchant by which people link an address to themselves."""

    connection: Connection
    medium: Medium
    linking: Linking

    @property
    def browser_key(self) -> str | None:
        """The key by which a browser subscribes, where this is one that browsers subscribe at."""
        return self.linking.browser_key(settings_of(self.connection)) if self.linking.browser_key else None

    def talk(self, words: str) -> Talk | None:
        """Where a talk opens with these words typed in, where people can talk there. What is sent to an account of the
        operator's does not say whose customer sent it."""
        if self.linking.talk is None or self.connection.merchant is None:
            return None
        return self.linking.talk(words, settings_of(self.connection))

    def dialog(self, told: str, nonce: str) -> str | None:
        """Where somebody goes on whom the provider has sent; None where it never told us that."""
        try:
            return self.linking.dialog(told, nonce) if self.linking.dialog else None
        except ValueError:
            return None

    def address(self, given: str) -> str:
        """The address as it is kept. Raises ValueError for what the channel does not reach."""
        return self.linking.address(given, settings_of(self.connection))


def doors(app: App, tx: Tx) -> list[Door]:
    """The doors of the merchant of this transaction, one for each medium at most."""
    held = chosen(app, merchants.channels(tx))
    found = [(app.channels(one.connector), one) for one in held.values()]
    return [Door(connection=one, medium=made.medium, linking=made.linking) for made, one in found if made.linking]


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What a person may link from their page: an account by a `talk`, a browser by its key. `linked` are media of talks
    that are linked already, `browsers` the subscriptions that are."""

    talk: Medium | None
    linked: tuple[Medium, ...]
    browser_key: str | None
    browsers: tuple[str, ...]


def offers(app: App, tx: Tx, who: Person) -> Offers:
    """What the merchant of this transaction offers this person."""
    found = doors(app, tx)
    talks = [one.medium for one in found if one.talk("") is not None]
    held = endpoints.every(tx, who.indexes).values()
    return Offers(
        talk=next((medium for medium in talks if medium not in who.addresses), None),
        linked=tuple(medium for medium in talks if medium in who.addresses),
        browser_key=next((key for one in found if (key := one.browser_key)), None),
        browsers=tuple({address for some in held for address in some.get("push", ())}),
    )


def door(app: App, number: str) -> Door | None:
    """The door of a connection whose provider sends people to us; it is one merchant's own."""
    with app.store.read() as tx:
        found = merchants.connection(tx, number)
    if found is None or found.role != "channel" or found.merchant is None or found.connector not in app.channel_names:
        return None
    made = app.channels(found.connector)
    if made.linking is None or made.linking.dialog is None:
        return None
    return Door(connection=found, medium=made.medium, linking=made.linking)


def proven(tx: Tx, number: str, contact: str) -> Link | None:
    """Who ordered under that number, if `contact` is the mail address or telephone number that they gave, as a person
    types them. None says nothing of which it was that did not fit."""
    if "\0" in number:  # PostgreSQL has no such text
        return None
    for held in reports.find_order(tx, number):
        party = held.state.facts.order.orderer if held.state else None
        if party is not None and _reaches(contact, party) and persons_of(tx, party):
            return Link(kind=LINK, merchant=tx.merchant, subject=held.id, message=None)
    return None


def _reaches(contact: str, party: Party) -> bool:
    if "@" in contact:
        return bool(party.email) and _plain(contact) == _plain(party.email or "")
    region = party.address.country if party.address else None
    given = dialled(contact, region)
    numbers = {dialled(party.phone, region), dialled(party.address.phone if party.address else None, region)}
    return given is not None and given in numbers


def _plain(address: str) -> str:
    return normalize("NFKC", address).strip().casefold()


def give_code(app: App, link: Link) -> str:
    """A code for the person of this link, to be sent from an account of theirs."""
    return _given(app, link, new_code(), CODE_LASTS)


def give_nonce(app: App, link: Link) -> str:
    """A nonce for the person of this link, which a provider hands back together with the address."""
    return _given(app, link, new_token(), NONCE_LASTS)


def _given(app: App, link: Link, token: str, lasts: timedelta) -> str:
    now = app.clock.now()
    made = replace(link, kind=LINK, expires_at=now + lasts)

    def write(tx: Tx) -> None:
        people.take_back(tx, link.subject, LINK)  # the newest counts, and whoever asks for many has one
        people.add_links(tx, [(token, made)], now)

    app.store.commit(write, link.merchant)
    return token


def take(app: App, link: Link, medium: Medium, address: str) -> bool:
    """The address belongs to the person of this link, who is using it now. False where nobody is known."""
    now = app.clock.now()

    def write(tx: Tx) -> bool:
        tx.shut_gate(tx.merchant)
        return link_as_owner(tx, link, medium, address, now)

    done = app.store.commit(write, link.merchant)
    app.hints.deliver()
    return done


def leave(app: App, link: Link, persons: Sequence[str], medium: Medium, address: str | None = None) -> None:
    """The address, or every one of that medium, belongs to these people no longer; nothing is armed for it any more
    when this returns."""
    now = app.clock.now()

    def write(tx: Tx) -> None:
        tx.shut_gate(tx.merchant)
        if endpoints.unlink(tx, medium, persons, address):
            ledger.note(
                tx, [Entry(at=now, decision="unlinked", subject=link.subject, reason=f"{medium}: by its owner")]
            )

    app.store.commit(write, link.merchant)


def move(app: App, merchant: int, medium: Medium, old: str, new: str) -> bool:
    """Whoever knows the whole `old` address has another one now: a browser renewed its subscription. False where it
    belongs to nobody."""
    now = app.clock.now()

    def write(tx: Tx) -> bool:
        tx.shut_gate(merchant)
        persons = endpoints.owners(tx, medium, old)
        if persons:
            endpoints.unlink(tx, medium, persons, old)
            endpoints.link(tx, medium, new, persons, now)
        return bool(persons)

    return app.store.commit(write, merchant)
