"""Alarms in the console: what needs a look, on a page of its own and as one quiet line on the first page."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from engine.rules.alarm_words import Locale, words
from engine.store import alarms
from engine.store.alarms import Standing
from engine.web.desk import Desk, Page, Visit

NEWEST = 100


def routes(desk: Desk) -> list[BaseRoute]:
    """The page of alarms."""
    return [desk.route("/console/alarms", _list)]


def line(visit: Visit) -> dict[str, Any] | None:
    """How many alarms are open for this visitor, and the newest of them; None when there is none."""
    found = _mine(visit, open_only=True)
    return {"count": len(found), "newest": _shown(visit, found[0])} if found else None


def _list(visit: Visit) -> Page:
    rows = [_shown(visit, one) for one in _mine(visit, open_only=False)]
    values = {
        "open": [row for row in rows if row["closed_at"] is None],
        "closed": [row for row in rows if row["closed_at"] is not None],
    }
    return Page("alarms.html.j2", values, "alarms")


def _mine(visit: Visit, *, open_only: bool) -> list[Standing]:
    """The operator's are all of the installation, a merchant's those about its own journeys and connections."""
    with visit.app.store.read(None if visit.operator else visit.merchant.id) as tx:
        return alarms.listed(tx, open_only=open_only, mine=not visit.operator, limit=NEWEST)


def _shown(visit: Visit, one: Standing) -> dict[str, Any]:
    locale: Locale = "ja" if visit.locale == "ja" else "en"
    said = words(one.kind, one.values, locale, zone=visit.zone)
    return {
        "title": said.title,
        "text": said.text,
        "then": said.then if visit.operator and one.closed_at is None else None,  # commands are the operator's
        "opened_at": one.opened_at,
        "closed_at": one.closed_at,
        "told": one.told,
    }
