"""What stands between a message and its person at this moment: what they have agreed to, what they have chosen, where
they live, and what the merchant and the law ask for there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.flow.route import STAFF, Route, persons_of
from engine.model.consent import OPTIONAL, Agreed, Purpose
from engine.model.customer import Address, Party
from engine.model.merchant import MerchantSettings
from engine.model.message import Medium
from engine.model.order import Order
from engine.model.preference import NOTHING_CHOSEN, Preference
from engine.rules.consent import agreed, may_ask
from engine.rules.guard_view import is_gift
from engine.rules.policy import Standing
from engine.rules.regions import hours
from engine.rules.silence import Silence
from engine.rules.zones import plausible
from engine.store import consents
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Said:
    """What people have said, by all the indexes that name them."""

    agreed: Mapping[str, Sequence[tuple[int, Agreed]]] = field(default_factory=dict)
    chosen: Mapping[str, Preference] = field(default_factory=dict)

    def of(self, persons: Sequence[str]) -> tuple[list[Agreed], Preference]:
        """What one person has said. The mail address, named last, tells one person from another best."""
        chosen = next((self.chosen[one] for one in reversed(persons) if one in self.chosen), NOTHING_CHOSEN)
        return consents.together(self.agreed, persons), chosen


def said(tx: Tx, persons: Collection[str], *, agreed_too: bool = True) -> Said:
    """Read what these people have said; without `agreed_too` only what they have chosen."""
    return Said(agreed=consents.agreed(tx, persons) if agreed_too else {}, chosen=consents.chosen(tx, persons))


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The person a message is for. `indexes` name them; `ordered_at` is set for who ordered."""

    indexes: tuple[str, ...] = ()
    place: Address | None = None
    ordered_at: datetime | None = None


def reader(tx: Tx, order: Order, role: str, anchor: datetime) -> Reader:
    """Who reads it, and where they live: by their own address, else by where their own parcel goes. `anchor`: when
    that happened which the message tells of, for an order that nobody has dated."""
    party = order.recipient if role == "recipient" else order.orderer
    buyer = role != "recipient" or same_person(order)
    return Reader(
        indexes=tuple(persons_of(tx, party)), place=_place(order, party),
        ordered_at=(order.placed_at or order.confirmed_at or anchor) if buyer else None,
    )  # fmt: skip


def same_person(order: Order) -> bool:
    """Has the orderer ordered for themselves?"""
    return not is_gift(order)


def _place(order: Order, party: Party | None) -> Address | None:
    if party is not None and party.address is not None:
        return party.address
    return order.recipient.address if order.recipient is not None and same_person(order) else None


def standing(
    ways: Sequence[Route], who: Reader, told: Said, purpose: Purpose, settings: MerchantSettings, now: datetime, *,
    suppressed: Mapping[str, Collection[str]], paused: str | None, silent: Silence | None,
) -> list[Standing]:  # fmt: skip
    """What holds for each of the ways to the person."""
    known, chosen = told.of(who.indexes)
    country = ((who.place.country if who.place else None) or settings.country).upper()
    quiet, mine = _clock(settings.quiet_start, settings.quiet_end), [_clock(*chosen.quiet)] if chosen.quiet else []
    lives = zones(who.place, settings.timezone)
    others = any(way.address and way.medium not in chosen.without for way in ways)
    found = []
    for way in ways:
        spoken = agreed(known, way.medium, now) if known else {}
        basis = may_ask(
            purpose, country=country, medium=way.medium, granted=spoken.get(purpose), ordered_at=who.ordered_at,
            strict=settings.service_consent == "always", now=now,
        )  # fmt: skip
        law = [(one.start, one.end) for one in hours(purpose, country, way.medium, way.address)]
        found.append(Standing(
            suppressed=suppressed.get(way.index, ()), consents=spoken, paused=paused, quiet=quiet,
            zone=lives[0], zones=lives, hours=(*law, *mine), basis=basis, rests_until=chosen.rests_until,
            unwanted=_unwanted(chosen, way.medium, purpose, others=others), silent=silent, staff=way.address == STAFF,
        ))  # fmt: skip
    return found


def _unwanted(chosen: Preference, medium: Medium, purpose: Purpose, *, others: bool) -> str:
    """What the person has refused. What they must get takes a medium they do not like if it is the only one."""
    if medium not in chosen.without or (purpose not in OPTIONAL and not others):
        return ""
    return f"the person wants no messages by {medium}"


@lru_cache(maxsize=4096)
def zones(place: Address | None, fallback: str) -> tuple[ZoneInfo, ...]:
    """Every zone that the person may live by. Nobody tells where: the merchant's, for shops mostly sell at home."""
    found = plausible(place.country, place.region) if place else ()
    return tuple(ZoneInfo(name) for name in found or (fallback,))


@lru_cache
def _clock(start: str, end: str) -> tuple[time, time]:
    return time.fromisoformat(start), time.fromisoformat(end)
