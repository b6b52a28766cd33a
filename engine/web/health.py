"""How a connection is, on its page; statuses that nobody has mapped, each with a form that maps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from engine.flow.ask.plan import api_of, due_now, standing
from engine.flow.assign import assign
from engine.flow.map_status import map_status
from engine.flow.watch.health import known
from engine.rules.alarm_words import Locale
from engine.rules.errand import Kind
from engine.rules.health import notes
from engine.rules.health_words import said
from engine.rules.mapping import STATUSES
from engine.store import merchants, strays, unmapped
from engine.store.merchants import Connection
from engine.store.session import Tx
from engine.web.desk import MISSING, Page, Visit

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def health(visit: Visit, tx: Tx, one: Connection) -> dict[str, Any]:
    """What the page of a source's connection shows of it. Commands are the operator's."""
    found = known(visit.app, tx, [one]).get(one.id)
    locale: Locale = "ja" if visit.locale == "ja" else "en"
    told = [(note, said(note, one.id, locale, zone=visit.zone)) for note in (notes(found) if found else ())]
    return {
        "notes": [
            {"level": note.level, "what": words.what, "do": words.do if visit.operator or note.kind == "told" else None,
             "typed": note.kind != "told"}
            for note, words in told if note.kind not in {"unmapped", "stray"}
        ],
        "strays": strays.counts(tx, one.id).get(one.id, {}),
        "owners": [merchant.slug for merchant in merchants.every(tx)] if visit.operator else [],
        "unmapped": unmapped.of(tx, one.id),
        "statuses": STATUSES,
        "askable": bool(found and standing(visit.app, one)),
    }  # fmt: skip


def ask_now(visit: Visit, one: Connection) -> Response:
    """A worker asks the connection's system at once."""
    api = api_of(visit.app, one)
    kinds: list[Kind] = [kind for kind in standing(visit.app, one) if kind != "subscribe"]
    if api is not None and api.check is not None and kinds:
        kinds.append("check")
    with visit.app.store.begin() as tx:
        due_now(visit.app, tx, one, kinds)
    visit.app.hints.ask()
    return _back(one, "asked=1")


def map_one(visit: Visit, one: Connection, fields: Mapping[str, str]) -> Page | Response:
    """Map one status as the form says."""
    again = fields.get("again") == "yes"
    count = map_status(visit.app, one, fields.get("raw", ""), fields.get("status", ""), again=again)
    return MISSING if count is None else _back(one, f"mapped={count}")


def assign_one(visit: Visit, one: Connection, fields: Mapping[str, str]) -> Page | Response:
    """Route a goods owner to the merchant that the form names. The operator's to say: it gives records to others."""
    if not visit.operator or one.merchant is not None:
        return MISSING
    count = assign(visit.app, one.id, fields.get("owner", ""), fields.get("merchant", ""))
    return MISSING if count is None else _back(one, f"assigned={count}")


def _back(one: Connection, what: str) -> Response:
    return RedirectResponse(f"/console/connections/{quote(one.id)}?{what}", 303, headers=NO_STORE)
