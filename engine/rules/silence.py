"""Customers that nobody writes to, because their source does not want it: a marketplace forbids it, or a shop has said
so about one order, parcel or return. What stays inside the company is not meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace as with_fields

from engine.contracts import Observation, OrderSeen, Reading
from engine.model.facts import Facts
from engine.model.journey import Journey, Send
from engine.model.message import REACHED_BY

# A setting of every source.
SETTINGS: Mapping[str, Any] = {
    "notify": {
        "enum": ["yes", "no"],
        "title": "may journeys write to the customers of its orders? yes, except for marketplaces that forbid it",
        "title_ja": "注文のお客様にお知らせを送るか（禁じているモールを除き、既定は yes）",
    },
}  # fmt: skip

# Mail domains of marketplaces that pass messages to their buyers on, and forbid most of them.
_RELAY = re.compile(r"(?:[\w-]+\.)*(?:marketplace\.amazon\.[a-z.]{2,6}|fw\.rakuten\.ne\.jp)", re.IGNORECASE)


class Silence(NamedTuple):
    """Why nobody is written to, and the value that says so."""

    reason: str
    values: Mapping[str, Any]


def hushed(reading: Reading, usual: Literal["yes", "no"], config: Mapping[str, str]) -> Reading:
    """The reading, with what the connection's `notify`, or else what is `usual` for its source, says of its orders.
    What an order says of itself stands."""
    told = config.get("notify") or (None if usual == "yes" else usual)
    if told is None:
        return reading
    routed = (replace(one, observations=_hush(one.observations, told == "no")) for one in reading.routed)
    return replace(reading, observations=_hush(reading.observations, told == "no"), routed=tuple(routed))


def silence(
    facts: Facts, *, shipment: str | None = None, return_: str | None = None, email: str | None = None
) -> Silence | None:
    """Why nothing may be said about the order, or about that parcel or return of it; None when it may. `email` is the
    address of who would hear it."""
    parcel, back = facts.shipments.get(shipment or ""), facts.returns.get(return_ or "")
    if facts.order.silent:
        reason = "its source does not want its customers written to; notify=yes on the connection allows it"
        return Silence(reason, {"order.silent": True})
    if parcel and parcel.silent:
        return Silence("the shop wants nobody written to about this parcel", {"shipment.silent": True})
    if back and back.silent:
        return Silence("the shop wants nobody written to about this return", {"return_.silent": True})
    domain = (email or "").rpartition("@")[2]
    if facts.order.silent is None and _RELAY.fullmatch(domain):
        reason = "the address is a marketplace's, which forbids it; notify=yes on the connection allows it"
        return Silence(reason, {"domain": domain.lower()})
    return None


def advice(connection: str, config: Mapping[str, str]) -> str | None:
    """What to tell whoever connects a source whose customers are left alone."""
    if config.get("notify") != "no":
        return None
    return f"nobody is written to about its orders; to allow it: todoke connections set {connection} notify=yes"


def only_to_customers(journey: Journey) -> bool:
    """Does every message of the journey leave the company?"""
    media = {medium for step in journey.steps if isinstance(step, Send) for medium in step.via}
    return bool(media) and all(REACHED_BY[medium] != "staff" for medium in media)


def _hush(observations: tuple[Observation, ...], silent: bool) -> tuple[Observation, ...]:
    return tuple(
        with_fields(one, silent=silent) if isinstance(one, OrderSeen) and one.silent is None else one
        for one in observations
    )
