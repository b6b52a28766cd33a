"""What somebody has agreed to, as far as it concerns one message over one medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, cast

from msgspec import Struct

from engine.model.consent import ANY, OPTIONAL, Agreed, Purpose
from engine.model.event import Event
from engine.model.journey import Journey, Send
from engine.model.message import MEDIA, Medium
from engine.rules.regions import rule

MONTH = timedelta(days=30)


class Basis(Struct, frozen=True, kw_only=True):
    """Why an optional message may be written, or the reason why it may not: the first is empty then."""

    basis: str = ""
    against: str = ""
    source: str = ""


def agreed(said: Sequence[Agreed], medium: Medium, now: datetime) -> Mapping[str, bool]:
    """Purpose -> granted or withdrawn, for a medium; a purpose of which nothing holds is not in it.

    `said` in the order of time. What is said of any medium counts for each. A consent that has run out is none; a
    withdrawal never runs out.
    """
    found: dict[str, bool] = {}
    for one in said:
        if one.channel not in (ANY, medium):
            continue
        if one.granted and one.expires_at is not None and one.expires_at <= now:
            found.pop(one.purpose, None)
        else:
            found[one.purpose] = one.granted
    return found


def may_ask(
    purpose: Purpose, *, country: str, medium: Medium, granted: bool | None, ordered_at: datetime | None,
    strict: bool, now: datetime,
) -> Basis:  # fmt: skip
    """Has the person agreed to a message of an optional purpose, or does having bought stand for it?

    `ordered_at` is when this person ordered, None for whoever only receives the parcel: they have given nobody their
    address in a sale. `strict`: the merchant wants consent where a rule is content with less.
    """
    if granted is False:
        return Basis(against=f"consent to {purpose} messages was withdrawn")
    held = rule(purpose, country, medium)
    if held is None:
        return Basis(basis="needs none")
    if granted:
        return Basis(basis="consent", source=held.source)
    if held.needs == "consent" or strict:
        return Basis(
            against=f"no consent to {purpose} messages", source="the merchant's rule" if strict else held.source
        )
    if ordered_at is None:
        return Basis(against=f"no consent to {purpose} messages: not the buyer", source=held.source)
    if held.months is not None and now - ordered_at > held.months * MONTH:
        return Basis(against=f"the purchase is longer ago than {held.months} months", source=held.source)
    return Basis(basis="bought", source=held.source)


def turns(before: Sequence[Agreed], said: Sequence[Agreed], now: datetime) -> list[Event]:
    """What happens by these words of one person: an event for each that changes what stands for a medium at least.
    Saying it again is none, nor is an old word that a later one has overtaken. Both in any order."""
    standing = sorted(before, key=lambda one: one.at)
    events = []
    for one in sorted(dict.fromkeys(said), key=lambda one: one.at):
        was = {medium: agreed(standing, medium, now).get(one.purpose) for medium in MEDIA}
        standing = sorted([*standing, one], key=lambda each: each.at)
        stands = {medium: agreed(standing, medium, now).get(one.purpose) for medium in MEDIA}
        if any(stands[medium] is one.granted and was[medium] is not one.granted for medium in MEDIA):
            kind: Literal["consent.granted", "consent.withdrawn"]
            kind = "consent.granted" if one.granted else "consent.withdrawn"
            events.append(Event(
                type=kind, key=f"{kind}/{one.purpose}/{one.channel}@{one.at.isoformat()}", occurred_at=one.at,
                purpose=cast(Purpose, one.purpose),
                media=tuple(medium for medium in MEDIA if stands[medium] is one.granted),
            ))  # fmt: skip
    return events


def bears_on(journey: Journey, event: Event) -> bool:
    """Does a word on consent concern what the journey sends? It does by its purpose; all that a notice can lack is a
    consent to offers. A yes does where it opens one of the media, a no where it closes all of them. Every other event
    does."""
    if event.purpose is None:
        return True
    if event.purpose != (journey.purpose if journey.purpose in OPTIONAL else "promotional"):
        return False
    media = {medium for step in journey.steps if isinstance(step, Send) for medium in step.via}
    if event.type == "consent.withdrawn":
        return media <= set(event.media)
    return not media or bool(media & set(event.media))
