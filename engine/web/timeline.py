"""One timeline of an order: what was said, what had therefore happened, what was decided and why.

Ordered by when we learned of it, since that is what explains a decision; when it happened stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from engine.contracts import Observation, OrderSeen, ReturnSeen, ScanSeen, ShipmentSeen
from engine.store.reports import Decision, MessageReport

Kind = Literal["observation", "event", "run", "decision", "message"]
RUN = frozenset({"started", "restarted", "waiting", "came", "silent", "ended", "not started"})
RANK: Mapping[Kind, int] = {"observation": 0, "event": 1, "run": 2, "decision": 2, "message": 2}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One line. `word` names what it is, `values` are what was said or seen, shown on request."""

    at: datetime  # when we learned of it or decided it
    kind: Kind
    word: str
    when: datetime | None = None  # when it happened, if that was another minute
    source: str | None = None  # connection of an observation
    about: str | None = None  # parcel or return
    journey: str | None = None
    step: str | None = None
    reason: str | None = None
    more: str | None = None  # in the source's own words
    values: Mapping[str, Any] = field(default_factory=dict)
    message: MessageReport | None = None


def timeline(
    log: Iterable[tuple[Any, Observation]],
    events: Iterable[Any],
    decisions: Iterable[Decision],
    messages: Sequence[MessageReport],
    sources: Mapping[str, str],
) -> list[Moment]:
    """Everything about one order, oldest first. `sources` are the names of connections."""
    known = {one.id: one for one in messages}
    moments = [
        *(_said(row, seen, sources) for row, seen in log),
        *(_happened(row) for row in events),
        *(_decided(one, known) for one in decisions),
    ]
    return sorted(moments, key=lambda one: (one.at, RANK[one.kind]))  # stable: each kind comes in its own order


def _said(row: Any, seen: Observation, sources: Mapping[str, str]) -> Moment:
    word, reason = _gist(seen)
    more = " / ".join(filter(None, (seen.place, seen.text))) if isinstance(seen, ScanSeen) else None
    body = msgspec.to_builtins(seen)
    return Moment(
        at=row.received_at,
        kind="observation",
        word=word,
        when=_other(row.as_of, row.received_at),
        reason=reason,
        more=more,
        source=sources.get(row.connection_id, row.connection_id),
        about=seen.ref.tracking_number or seen.ref.shipment_id or seen.ref.return_id,
        values=_flat({name: value for name, value in body.items() if name not in {"kind", "as_of"}}),
    )


def _gist(seen: Observation) -> tuple[str, str | None]:
    match seen:
        case OrderSeen():
            return "said_order", "stage_cancelled" if seen.cancelled_at else seen.payment and f"payment_{seen.payment}"
        case ShipmentSeen():
            return "said_shipment", "stage_shipped" if seen.dispatched_at else None
        case ScanSeen():
            return "said_scan", f"status_{seen.status}"
        case ReturnSeen():
            stages = ("refunded", "received", "declined", "approved", "requested")
            return "said_return", next((f"return_{stage}" for stage in stages if getattr(seen, f"{stage}_at")), None)


def _happened(row: Any) -> Moment:
    return Moment(
        at=row.recorded_at,
        kind="event",
        word=row.type,
        when=_other(row.occurred_at, row.recorded_at),
        about=row.shipment or row.return_key,
        reason=row.muted,
    )


def _decided(one: Decision, messages: Mapping[str, MessageReport]) -> Moment:
    message = messages.get(one.message or "")
    kind: Kind = "run" if one.decision in RUN else "message" if one.decision == "sent" else "decision"
    return Moment(
        at=one.at,
        kind=kind,
        word=one.decision,
        journey=one.journey,
        step=one.step,
        reason=one.reason,
        values=one.values,
        message=message,
    )


def _other(happened: datetime, learned: datetime) -> datetime | None:
    return happened if abs((learned - happened).total_seconds()) >= 60 else None


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Nested values by their path: {"ref.order_id": "1001"}."""
    if isinstance(value, Mapping):
        parts = [_flat(inner, f"{path}.{name}" if path else str(name)) for name, inner in value.items()]
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        parts = [_flat(inner, f"{path}[{n}]") for n, inner in enumerate(value, start=1)]
    else:
        return {path: value}
    return {name: inner for part in parts for name, inner in part.items()}
