"""Connections in the console: where deliveries come in, what became of them, and what carries messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from engine.flow.reader import reader
from engine.flow.watch.health import checked
from engine.rules.health import worst
from engine.store import counts, inbox, merchants
from engine.store.merchants import Connection
from engine.store.session import Tx
from engine.web.desk import MISSING, Act, Desk, Page, Visit
from engine.web.health import ask_now, assign_one, check, check_now, health, map_one, pieces

TROUBLE = ("dead", "parked")
STATES = ("new", "processed", "ignored", "parked", "dead")
NEWEST = 20


def routes(desk: Desk) -> list[BaseRoute]:
    """The connection pages."""
    return [
        desk.route("/console/connections", _list),
        desk.route("/console/connections/{connection}", _one),
        desk.post("/console/connections/{connection}/ask", _on(lambda visit, one, _: ask_now(visit, one))),
        desk.post("/console/connections/{connection}/check", _on(lambda visit, one, _: check_now(visit, one))),
        desk.post("/console/connections/{connection}/map", _on(map_one)),
        desk.post("/console/connections/{connection}/assign", _on(assign_one)),
    ]


def _on(act: Callable[[Visit, Connection, Mapping[str, str]], Page | Response]) -> Act:
    """What a form does to a connection of the visitor's."""

    def acting(visit: Visit, fields: Mapping[str, str]) -> Page | Response:
        with visit.app.store.read() as tx:
            found = next((one for one in _mine(visit, tx) if one.id == visit.request.path_params["connection"]), None)
        return MISSING if found is None else act(visit, found, fields)

    return acting


def _mine(visit: Visit, tx: Tx) -> list[Connection]:
    """The merchant's own, and for the operator those that serve several merchants."""
    shared = {None} if visit.operator else set()
    return [one for one in merchants.connections(tx) if one.merchant in {visit.merchant.id, *shared}]


def _list(visit: Visit) -> Page:
    with visit.app.store.read() as tx:
        mine = _mine(visit, tx)
        by_state = counts.deliveries_by_state(tx)
        checks = checked(visit.app, tx, mine)
    values = {
        "sources": [_shown(visit, one, by_state) for one in mine if one.role == "source"],
        "channels": [
            {
                **_shown(visit, one, by_state),
                "checked": checks[one.id].at,
                "level": worst(checks[one.id].notes),
                "notes": len(checks[one.id].notes),
            }
            for one in mine
            if one.role == "channel"
        ],
        "states": STATES,
    }
    return Page("connections.html.j2", values, "connections")


def _one(visit: Visit) -> Page:
    number = visit.request.path_params["connection"]
    wanted = visit.asked("state")
    with visit.app.store.read() as tx:
        found = next((one for one in _mine(visit, tx) if one.id == number), None)
        if found is None:
            return MISSING
        by_state = counts.deliveries_by_state(tx)
        states = (wanted,) if wanted in STATES else TROUBLE
        told = health(visit, tx, found) if found.role == "source" else check(visit, tx, found)
        rows = [raw for state in states for raw in inbox.recent(tx, connection=number, state=state, limit=NEWEST)]
    rows.sort(key=lambda raw: raw.id, reverse=True)
    values = {
        **told,
        "pieces": pieces,
        "asked": visit.asked("asked") is not None,
        "mapped": visit.counted("mapped"),
        "assigned": visit.counted("assigned"),
        "one": _shown(visit, found, by_state),
        "rows": rows[:NEWEST],
        "state": wanted if wanted in STATES else None,
        "states": STATES,
    }
    return Page("connection.html.j2", values, "connections")


def _shown(visit: Visit, one: Connection, by_state: dict[str, dict[str, int]]) -> dict[str, Any]:
    """A connection without its secrets and settings: neither is anybody's to read here."""
    base = visit.app.settings.base_url.rstrip("/")
    return {
        "id": one.id,
        "name": one.name,
        "title": _title(visit, one),
        "role": one.role,
        "shared": one.merchant is None,
        "intake": f"{base}/in/{one.id}" if reader(visit.app, one) else None,
        "last": one.last_delivery_at,
        "counts": by_state.get(one.id, {}),
    }


def _title(visit: Visit, one: Connection) -> str:
    if one.role == "source" and one.connector in visit.app.source_names:
        manifest = visit.app.sources(one.connector).manifest
        return manifest.title_ja if visit.locale == "ja" else manifest.title
    if one.role == "channel" and one.connector in visit.app.channel_names:
        channel = visit.app.channels(one.connector)
        return channel.title_ja if visit.locale == "ja" else channel.title
    return one.connector
