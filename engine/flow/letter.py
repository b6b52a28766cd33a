"""A leased message with everything needed to decide about it and to write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.flow.app import App
from engine.flow.limits.room import chosen
from engine.model.consent import OPTIONAL
from engine.model.customer import Party
from engine.model.event import Event
from engine.model.facts import State
from engine.model.journey import Journey, Send
from engine.model.merchant import Merchant, MerchantSettings
from engine.rules.guard_view import guard_view
from engine.rules.happen import outweighs, renamed
from engine.rules.identify import current
from engine.rules.policy import Allow, Asked, Standing, Verdict, may_reach, still_true
from engine.store import facts, merchants, messages, people, runs
from engine.store.facts import Held
from engine.store.merchants import Connection
from engine.store.session import Tx


@dataclass(kw_only=True)
class Letter:
    """One message on its way. `row` is its row as leased, `held` its subject as it was read."""

    row: Any
    held: Held
    merchant: Merchant
    journey: Journey
    step: Send
    channel: Connection | None
    orders_since: int = 0  # of the same person, after this one
    verdict: Verdict = field(default_factory=Allow)
    index: str = ""  # blind index of the address, once it has been asked for
    _truth: Verdict | None = None

    def truth(self, now: datetime) -> Verdict:
        """Is what it says still so? The facts stay as they were read; only its time may run out."""
        if self._truth is None or now >= self.row.expires_at:
            self._truth = still_true(self.asked, self.events, self.names, now)
        return self._truth

    @property
    def state(self) -> State:
        """What is known of the subject."""
        return self.held.state or State()

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """What its guards may ask."""
        event = self.state.events.get(self.row.event_key)
        return guard_view(
            self.state.facts, role=self.row.recipient, event=event and renamed(event, self.state.names),
            shipment=self.shipment, return_=self.return_, more={"orders_since": self.orders_since},
        )  # fmt: skip

    @cached_property
    def events(self) -> dict[str, Event]:
        """What has happened and may outweigh a message, by the keys that parcels and returns go by now."""
        told = (renamed(event, self.state.names) for event in self.state.events.values())
        return {event.key: event for event in told if outweighs(event, self.state.facts)}

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the customer lives: the merchant's zone."""
        return ZoneInfo(self.merchant.settings.timezone)

    @cached_property
    def shipment(self) -> str | None:
        """The parcel it is about, by the key that the parcel goes by now."""
        return current(self.state.names, "parcel", self.row.shipment) if self.row.shipment else None

    @cached_property
    def return_(self) -> str | None:
        """The return it is about, by the key that the return goes by now."""
        return current(self.state.names, "return", self.row.return_key) if self.row.return_key else None

    @cached_property
    def party(self) -> Party | None:
        """The person it is for."""
        order = self.state.facts.order
        return order.recipient if self.row.recipient == "recipient" else order.orderer

    @property
    def address(self) -> str | None:
        """Where it would go: an e-mail address, the one medium there is now."""
        return self.party.email if self.party else None

    @cached_property
    def asked(self) -> Asked:
        """The message as the gate sees it."""
        row = self.row
        return Asked(
            step=self.step, purpose=row.purpose, event_key=row.event_key, anchor=row.anchor, shipment=self.shipment,
            return_=self.return_, due_at=row.due_at, expires_at=row.expires_at,
        )  # fmt: skip


def open_letters(app: App, tx: Tx, ids: Sequence[int]) -> list[Letter]:
    """Load messages of the transaction's merchant with their subjects, journeys and channels."""
    rows = messages.load(tx, ids)
    held = facts.load(tx, {row.subject_id for row in rows})
    merchant = merchants.by_id(tx, tx.merchant)
    channels = channels_of(app, tx)
    ordered = people.orders_since(tx, {row.subject_id for row in rows if row.purpose in OPTIONAL})
    pinned: dict[str, Journey] = {}
    letters = []
    for row in rows:
        journey = app.journeys.get(row.journey)
        if journey is None or journey.digest != row.digest:
            journey = pinned.get(row.digest) or runs.pinned(tx, row.digest)
            pinned[row.digest] = journey
        step = next(step for step in journey.steps if step.id == row.step)
        if not isinstance(step, Send):
            raise TypeError(f"journey {journey.name}: step {row.step} sends no message")
        channel = next((channels[medium] for medium in step.via if medium in channels), None)
        letters.append(
            Letter(row=row, held=held[row.subject_id], merchant=merchant, journey=journey, step=step,
                   channel=channel, orders_since=ordered.get(row.subject_id, 0))
        )  # fmt: skip
    return letters


def judge(tx: Tx, letters: Sequence[Letter], now: datetime) -> None:
    """Ask the gate about every letter: is it still true, and may we reach the person now?"""
    for letter in letters:
        if letter.address and not letter.index:
            letter.index = tx.vault.index(tx.merchant, "email", letter.address)
    known = [letter.index for letter in letters if letter.index]
    suppressed, consents = people.suppressed(tx, known), people.consents(tx, known)
    pauses = people.pauses(tx)
    for letter in letters:
        standing = Standing(
            suppressed=suppressed.get(letter.index, ()),
            consents=consents.get(letter.index, {}),
            paused=next((reason for journey, reason in pauses if journey in {None, letter.row.journey}), None),
            quiet=_quiet(letter.merchant.settings),
            zone=letter.zone,
        )
        verdict = letter.truth(now)
        if isinstance(verdict, Allow):
            reach = may_reach(letter.asked, letter.address, standing, now)
            verdict = verdict if isinstance(reach, Allow) else reach
        letter.verdict = verdict


@lru_cache
def _quiet(settings: MerchantSettings) -> tuple[time, time]:
    return time.fromisoformat(settings.quiet_start), time.fromisoformat(settings.quiet_end)


def channels_of(app: App, tx: Tx) -> dict[str, Connection]:
    """Medium -> the connection that carries it, of the merchant of this transaction."""
    return chosen(app, merchants.channels(tx))
