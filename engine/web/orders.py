"""Orders in the console: the list, and one order with everything that happened to it and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from engine.flow.limits.waiting import waiting
from engine.flow.route import persons_of
from engine.model.facts import Facts
from engine.rules import carriers
from engine.rules.units import account
from engine.store import consents, facts, merchants, optout, reports, runs
from engine.store import counts as counted
from engine.store.facts import Held
from engine.web import alarms
from engine.web.desk import MISSING, Desk, Page, Visit, row_number
from engine.web.timeline import timeline

PAGE = 50


def routes(desk: Desk) -> list[BaseRoute]:
    """The order pages."""
    return [
        desk.route("/console/orders", _list),
        desk.route("/console/orders/{order}", _one),
    ]


def _list(visit: Visit) -> Page | Response:
    number, stage, journey = visit.asked("number"), visit.asked("stage"), visit.asked("journey")
    before, before_id = _cursor(visit.asked("before"))
    with visit.app.store.read(visit.merchant.id) as tx:
        rows = reports.list_orders(
            tx, number=number, stage=stage, journey=journey, limit=PAGE + 1, before=before, before_id=before_id
        )
        counts = counted.orders_by_stage(tx)
    if number and len(rows) == 1 and before is None:
        return RedirectResponse(f"/console/orders/{rows[0].id}", 303, headers={"Cache-Control": "no-store"})
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    more = visit.address(before=f"{last.updated_at.isoformat()}_{last.id}") if last else None
    values = {
        "rows": rows[:PAGE],
        "counts": counts,
        "number": number,
        "stage": stage,
        "more": more,
        "journey": _title(visit, journey) if journey else None,
        "alarms": alarms.line(visit),
    }
    return Page("orders.html.j2", values, "orders")


def _one(visit: Visit) -> Page | Response:
    asked = row_number(visit.request.path_params["order"])
    if asked is None:
        return MISSING
    with visit.app.store.read(visit.merchant.id) as tx:
        number = optout.standing(tx, asked)
        held = facts.load(tx, [number]).get(number)
        if held is None:
            return MISSING
        names = {one.id: one.name for one in merchants.connections(tx)}
        log = facts.observations(tx, held)
        sent = reports.list_messages(tx, subject=number, limit=200)
        under_way = [run for run in runs.of(tx, [number]).get(number, []) if run.state == "active"]
        why = [*reports.why(tx, number), *waiting(visit.app, tx, number)]
        agreed = consents.records(tx, persons_of(tx, held.state.facts.order.orderer if held.state else None))
        entries = timeline(log, reports.events(tx, number), why, sent, names)
    if number != asked:
        return RedirectResponse(f"/console/orders/{number}", 303, headers={"Cache-Control": "no-store"})
    values = {
        "held": held,
        "order": held.state.facts.order if held.state else None,
        "lines": _lines(held),
        "parcels": _parcels(held, visit.locale),
        "places": _positions(held.state.facts) if held.state else {},
        "returns": list(held.state.facts.returns.values()) if held.state else [],
        "messages": sent,
        "runs": under_way,
        "consents": list(reversed(agreed)),
        "entries": entries,
        "titles": {name: getattr(one.title, visit.locale) for name, one in visit.app.journeys.items()},
    }
    return Page("order.html.j2", values, "orders")


def _title(visit: Visit, name: str) -> str:
    known = visit.app.journeys.get(name)
    return getattr(known.title, visit.locale) if known else name


def _cursor(text: str | None) -> tuple[datetime | None, int | None]:
    """Where a list goes on: the time and id of the last row shown. Nonsense starts at the top."""
    at, _, number = (text or "").rpartition("_")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), row_number(number)
    except (ValueError, OverflowError):
        return None, None


def _lines(held: Held) -> list[dict[str, Any]]:
    """Every line with where each of its units is: the four add up to what was ordered."""
    if held.state is None:
        return []
    known = held.state.facts
    units, places = account(known), _positions(known)
    return [
        {
            "line": line,
            "unshipped": units[line.id].unshipped,
            "shipped": [(places.get(key, key), n) for key, n in units[line.id].shipped.items() if n],
            "cancelled": units[line.id].cancelled,
            "returned": units[line.id].returned,
        }
        for line in known.order.lines
    ]


def _positions(known: Facts) -> dict[str, int]:
    return {key: place for place, key in enumerate(known.shipments, start=1)}


def _parcels(held: Held, locale: str) -> Sequence[dict[str, Any]]:
    known = held.state.facts if held.state else Facts()
    return [
        {
            "position": place,
            "parcel": one,
            "carrier": carriers.name(one.carrier, one.carrier_name, locale),
            "url": carriers.tracking_url(one.carrier, one.number, locale),
            "fault": carriers.number_fault(one.carrier, one.number),
        }
        for place, one in enumerate(known.shipments.values(), start=1)
    ]
