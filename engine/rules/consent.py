"""What somebody has agreed to, as far as it concerns one message over one medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from engine.model.consent import ANY, Agreed, Purpose
from engine.model.message import Medium
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
