"""Parcels that are under way, handed to conversations with systems that cannot list what they know."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import msgspec

from engine.contracts import Parcel, Parcels, UnderWay
from engine.flow.app import App
from engine.rules.under_way import under_way as parcels_of
from engine.store import facts
from engine.store.merchants import Connection
from engine.store.under_way import silent_longest, told_by

LOOKED_AT = 200  # orders for one answer: most have nothing that is under way


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """The order behind which to go on. What is heard of after `until` comes in the next round, or one that is heard of
    again and again would keep the others from their turn."""

    heard: datetime
    order: int
    until: datetime


def under_way(app: App, connection: Connection, wanted: UnderWay) -> Parcels:
    """Some of the parcels of the connection's merchant. There are none for an operator's connection: whose would they
    be?"""
    if connection.merchant is None:
        return Parcels()
    place = _place(wanted, app.clock.now())
    found: list[Parcel] = []
    with app.store.read(connection.merchant) as tx:
        orders = silent_longest(tx, place.heard, place.order, place.until, LOOKED_AT)
        told = told_by(tx, connection.id, [number for number, _ in orders])
        held = facts.load(tx, [number for number, _ in orders] if wanted.carriers else told)
        for number, heard in orders:
            one = held.get(number)
            if one is not None and one.state is not None:
                log = partial(facts.log, tx, one) if number in told else list
                found += parcels_of(one.state, connection.id, wanted.carriers, log)
            place = _Place(heard, number, place.until)
            if len(found) >= wanted.most:
                break
    more = bool(orders) and (len(orders) == LOOKED_AT or place.order != orders[-1][0])
    return Parcels(parcels=tuple(found), after=msgspec.json.encode(place).decode() if more else None)


def _place(wanted: UnderWay, now: datetime) -> _Place:
    """A text that cannot be read is the beginning."""
    try:
        return msgspec.json.decode(wanted.after or "", type=_Place)
    except msgspec.DecodeError:
        return _Place(wanted.since, 0, now)
