"""May this message leave now? Asked when it is due and again at the point of no return.

Every answer but Allow carries a reason that a person can read, and the values that led to it; both go into
the ledger. The order of the questions is the order in which an operator would ask them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.model.consent import OPTIONAL, Purpose
from engine.model.event import REPEATING, Event
from engine.model.journey import Send
from engine.model.message import MessageStatus
from engine.rules.consent import Basis
from engine.rules.guard import ruling
from engine.rules.silence import Silence
from engine.rules.timing import quiet_for_all


class Allow(Struct, frozen=True):
    """Send it."""

    values: Mapping[str, Any] = {}


class Refuse(Struct, frozen=True):
    """It will not be sent; `status` is how it ends: suppressed, cancelled, expired, or dead when it is our fault."""

    status: MessageStatus
    reason: str
    values: Mapping[str, Any] = {}


class Defer(Struct, frozen=True):
    """Not now. `until` is when to ask again; `awaits` names what makes it due before: a contact, a resume."""

    until: datetime
    reason: str
    awaits: Literal["contact", "resume"] | None = None
    values: Mapping[str, Any] = {}


Verdict = Allow | Refuse | Defer


class Asked(Struct, frozen=True, kw_only=True):
    """The message as the gate sees it."""

    step: Send
    purpose: Purpose
    event_key: str  # of the event that it tells of
    anchor: datetime  # when that happened
    shipment: str | None
    return_: str | None
    due_at: datetime
    expires_at: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """What holds for the person and the installation at this moment."""

    suppressed: Collection[str] = ()  # scopes in which the address is suppressed
    consents: Mapping[str, bool] = {}  # purpose -> granted or withdrawn
    paused: str | None = None  # an operator's reason, when sending is stopped
    quiet: tuple[time, time] = (time(21), time(8))
    zone: ZoneInfo
    zones: tuple[ZoneInfo, ...] = ()  # where the person may live; empty: in `zone`
    hours: tuple[tuple[time, time], ...] = ()  # quiet besides: what the law and the person ask for
    basis: Basis = Basis()  # why an optional message may be written, or what the law has against it
    rests_until: datetime | None = None  # the person wants nothing optional until then
    unwanted: str = ""  # what the person does not want, in words: this medium, messages of this kind
    silent: Silence | None = None  # why the source wants its customer not written to
    staff: bool = False  # it goes to people of the company, who have agreed to it by connecting the channel


def still_true(asked: Asked, events: Mapping[str, Event], names: Mapping[str, Any], now: datetime) -> Verdict:
    """Does what the message says still hold, by everything known of its order?"""
    if now >= asked.expires_at:
        return Refuse("expired", "it would come too late", {"expires_at": asked.expires_at.isoformat()})
    if later := _superseding(asked, events):
        values: dict[str, str | None] = {"asserts": asked.step.asserts, later.type: later.occurred_at.isoformat()}
        return Refuse("cancelled", f"superseded by {later.type}", values)
    asserted = asked.step.asserts
    if asserted and asserted in names["order"]["source_notified"]:
        return Refuse(
            "suppressed", f"the shop has written about {asserted} itself", {"order.source_notified": asserted}
        )
    ruled = ruling(asked.step.where, asked.step.unless, names)
    if ruled.reason:
        return Refuse("suppressed", ruled.reason, ruled.values)
    return Allow(ruled.values)


def may_reach(asked: Asked, address: str | None, standing: Standing, now: datetime) -> Verdict:
    """May we write to this person now: address, suppression, consent, quiet hours, an operator's pause?"""
    if standing.paused is not None:
        return Defer(asked.expires_at, f"paused: {standing.paused}", awaits="resume")
    if standing.silent and not standing.staff:
        return Refuse("suppressed", standing.silent.reason, standing.silent.values)
    if not address:
        return Defer(asked.expires_at, "no address is known yet", awaits="contact")
    if standing.staff:
        return Allow()
    if "all" in standing.suppressed or asked.purpose in standing.suppressed:
        scope = "all" if "all" in standing.suppressed else asked.purpose
        return Refuse("suppressed", "the address is suppressed", {"suppression.scope": scope})
    if asked.purpose in OPTIONAL:
        granted = standing.consents.get(asked.purpose)
        if granted is False:
            return Refuse("suppressed", f"consent to {asked.purpose} messages was withdrawn", {"consent": False})
        if asked.purpose == "promotional" and not granted:
            return Refuse("suppressed", "no consent to promotional messages", {"consent": None})
        if standing.basis.against:
            return Refuse("suppressed", standing.basis.against, {"consent": granted, "rule": standing.basis.source})
    if standing.unwanted:
        return Refuse("suppressed", standing.unwanted, {"preference": asked.purpose})
    return _not_now(asked, standing, now) if asked.purpose in OPTIONAL else Allow()


def _not_now(asked: Asked, standing: Standing, now: datetime) -> Verdict:
    """An optional message waits for the end of a person's pause, and of quiet hours wherever they may live."""
    if standing.rests_until is not None and standing.rests_until > now:
        values = {"until": standing.rests_until.isoformat()}
        return Defer(standing.rests_until, "the person wants no such messages for a while", values=values)
    zones = standing.zones or (standing.zone,)
    if until := quiet_for_all(now, zones, (standing.quiet, *standing.hours)):
        return Defer(until, "quiet hours", values={"until": until.isoformat(), "zones": [zone.key for zone in zones]})
    basis = standing.basis
    return Allow({"consent": basis.basis, "rule": basis.source} if basis.basis else {})


def _superseding(asked: Asked, events: Mapping[str, Event]) -> Event | None:
    """An event that makes the message silly. What can happen again counts only when it did not come before
    that which the message tells of; what happens once counts whenever it is said to have happened, since
    the clocks of warehouse and carrier differ."""
    for event in events.values():
        if event.type not in asked.step.superseded_by or event.key == asked.event_key:
            continue
        if asked.shipment and event.shipment and event.shipment != asked.shipment:
            continue
        if asked.return_ and event.return_ and event.return_ != asked.return_:
            continue
        if event.type not in REPEATING or event.occurred_at >= asked.anchor:
            return event
    return None
