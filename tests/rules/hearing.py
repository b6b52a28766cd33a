"""A subject as the store would keep it: a state, and beside it the log of what was heard."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from engine.contracts import OrderSeen, Ref, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.event import Event
from engine.model.facts import Facts, State
from engine.model.shipment import Shipment
from engine.rules.fold import Heard
from engine.rules.happen import renamed
from engine.rules.observe import observe

START = datetime(2026, 4, 1, 0, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def order(minutes: float, *, source: str = "shop", number: str = "#1001", **said: Any) -> Heard:
    seen = OrderSeen(ref=Ref(order_id="900", order_number=number), as_of=at(minutes), **said)
    return Heard(connection=source, seen=seen)


def parcel(
    minutes: float, name: str | None = "F1", number: str | None = None, *, source: str = "shop", **said: Any
) -> Heard:
    ref = Ref(order_number="#1001", shipment_id=name, tracking_number=number)
    return Heard(connection=source, seen=ShipmentSeen(ref=ref, as_of=at(minutes), **said))


def scan(
    minutes: float,
    status: Any,
    number: str | None = "111",
    name: str | None = None,
    *,
    source: str = "tracker",
    **said: Any,
) -> Heard:
    ref = Ref(shipment_id=name, tracking_number=number)
    return Heard(connection=source, seen=ScanSeen(ref=ref, as_of=at(minutes), status=status, **said))


def money_back(minutes: float, name: str | None = "R1", *, source: str = "shop", **said: Any) -> Heard:
    ref = Ref(order_id="900", return_id=name)
    return Heard(connection=source, seen=ReturnSeen(ref=ref, as_of=at(minutes), **said))


class Subject:
    """`told` are the events in the order in which they became known; `reread` counts reads of the log."""

    def __init__(self) -> None:
        self.state, self.log, self.told, self.reread = State(), list[Heard](), list[Event](), 0

    def hear(self, *heard: Heard) -> list[Event]:
        self.state, new, events = observe(self.state, heard, self._read)
        self.log += new
        self.told += events
        return events

    def types(self) -> list[str]:
        return [event.type for event in self.told]

    def only_parcel(self) -> Shipment:
        (found,) = self.state.facts.shipments.values()
        return found

    def _read(self) -> list[Heard]:
        self.reread += 1
        return list(self.log)


def tell(*heard: Heard) -> Subject:
    """Everything told one by one, in the order given."""
    return hear([one] for one in heard)


def hear(batches: Iterable[Iterable[Heard]]) -> Subject:
    subject = Subject()
    for batch in batches:
        subject.hear(*batch)
    return subject


def keys_by_least_name(state: State) -> dict[str, str]:
    """Which key was the first to be heard depends on the order of hearing; the least name does not. The
    answer is a mapping of "was:" names, as `renamed` reads it."""
    said: dict[str, str] = {}
    for name in sorted(name for name in state.names if not name.startswith("was:")):
        realm = "return" if name.startswith(("return:", "only:return")) else "parcel"
        said.setdefault(f"was:{realm}:{state.names[name]}", f"<{name}>")
    for name, key in state.names.items():
        if name.startswith("was:"):
            said.setdefault(name, said[f"was:{name.split(':', 2)[1]}:{key}"])
    return said


def comparable_facts(state: State) -> Facts:
    said = keys_by_least_name(state)
    parcels = [replace(one, key=said[f"was:parcel:{one.key}"]) for one in state.facts.shipments.values()]
    backs = [replace(one, key=said[f"was:return:{one.key}"]) for one in state.facts.returns.values()]
    return replace(state.facts, shipments={one.key: one for one in parcels}, returns={one.key: one for one in backs})


def comparable_events(events: Iterable[Event], state: State) -> dict[str, Event]:
    said = keys_by_least_name(state)
    return {one.key: one for one in (renamed(event, said) for event in events)}
