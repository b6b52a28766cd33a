"""Messages in the console: lists by status, one message as it left, and the mailbox."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from engine.flow.limits.waiting import waiting
from engine.store import merchants, reports
from engine.store.reports import Decision
from engine.store.session import Tx
from engine.web.desk import MISSING, Desk, Page, Visit, row_number
from engine.web.mail import framed, opened
from engine.web.security import preview_headers

PAGE = 50
STATUSES = (
    "planned",
    "leased",
    "sending",
    "sent",
    "delivered",
    "suppressed",
    "cancelled",
    "expired",
    "dead",
    "unknown",
)


def routes(desk: Desk) -> list[BaseRoute]:
    """The message pages."""
    return [
        desk.route("/console/messages", _list),
        desk.route("/console/messages/{message}", _one),
        desk.route("/console/messages/{message}/preview", _preview),
        desk.route("/console/mailbox", _mailbox),
    ]


def _list(visit: Visit) -> Page:
    status, journey = visit.asked("status"), visit.asked("journey")
    with visit.app.store.read(visit.merchant.id) as tx:
        rows = reports.list_messages(
            tx,
            status=status,
            journey=journey,
            subject=row_number(visit.asked("order")),
            limit=PAGE + 1,
            before=row_number(visit.asked("before")),
        )
        counts = reports.count_messages(tx)
    more = visit.address(before=rows[PAGE - 1].number) if len(rows) > PAGE else None
    values = {
        "rows": rows[:PAGE],
        "counts": counts,
        "status": status,
        "journey": journey,
        "more": more,
        "statuses": [one for one in STATUSES if counts.get(one)],
        "titles": _titles(visit),
        "only": bool(visit.asked("order") or journey),
    }
    return Page("messages.html.j2", values, "messages")


def _one(visit: Visit) -> Page:
    with visit.app.store.read(visit.merchant.id) as tx:
        found = reports.message(tx, visit.request.path_params["message"])
        told = _told(visit, tx, found[0].subject_id) if found else []
        why = [one for one in told if found and one.message == found[0].id]
        names = {one.id: one.name for one in merchants.connections(tx)}
    if found is None:
        return MISSING
    report, attempts, data = found
    values = {
        "message": report,
        "attempts": attempts,
        "mail": opened(data) if data else None,
        "why": why,
        "names": names,
        "titles": _titles(visit),
    }
    return Page("message.html.j2", values, "messages")


def _preview(visit: Visit) -> Page | Response:
    with visit.app.store.read(visit.merchant.id) as tx:
        found = reports.message(tx, visit.request.path_params["message"])
    html = opened(found[2]).html if found and found[2] else None
    return HTMLResponse(framed(html), headers=preview_headers()) if html else MISSING


def _mailbox(visit: Visit) -> Page:
    with visit.app.store.read(visit.merchant.id) as tx:
        boxes = _boxes(tx)
        rows = reports.list_messages(
            tx, connections=boxes, status="sent", limit=PAGE + 1, before=row_number(visit.asked("before"))
        )
        chosen = visit.asked("message") or (rows[0].id if rows else None)
        found = reports.message(tx, chosen) if chosen else None
    more = visit.address(before=rows[PAGE - 1].number, message=None) if len(rows) > PAGE else None
    mail = opened(found[2]) if found and found[2] else None
    values = {
        "rows": rows[:PAGE],
        "chosen": found[0] if found else None,
        "mail": mail,
        "more": more,
        "picked": bool(visit.asked("message")),
        "titles": _titles(visit),
    }
    return Page("mailbox.html.j2", values, "mailbox")


def _boxes(tx: Tx) -> list[str]:
    """Connections that keep messages instead of sending them."""
    every = merchants.connections(tx, role="channel")
    return [one.id for one in every if one.connector == "mailbox" and one.merchant in {None, tx.merchant}]


def _titles(visit: Visit) -> dict[str, str]:
    return {name: getattr(one.title, visit.locale) for name, one in visit.app.journeys.items()}


def _told(visit: Visit, tx: Tx, subject: int) -> list[Decision]:
    """What was decided about the order, and what stands in the way of its due messages now."""
    return [*reports.why(tx, subject), *waiting(visit.app, tx, subject)]
