"""How a connection is, on its page: what is known of a source, what the last check of a channel has found; statuses
that nobody has mapped, each with a form that maps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from engine.flow.ask.plan import api_of, checked, due_now, standing
from engine.flow.assign import assign
from engine.flow.map_status import map_status
from engine.flow.watch.health import checked as checks
from engine.flow.watch.health import known
from engine.rules.alarm_words import Locale
from engine.rules.errand import Kind
from engine.rules.health import Note, notes
from engine.rules.health_words import said
from engine.rules.mapping import STATUSES
from engine.store import merchants, strays, unmapped
from engine.store.merchants import Connection
from engine.store.session import Tx
from engine.web.desk import MISSING, Page, Visit

PUNCTUATION = ' ",'
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def health(visit: Visit, tx: Tx, one: Connection) -> dict[str, Any]:
    """What the page of a source's connection shows of it. Commands are the operator's."""
    found = known(visit.app, tx, [one]).get(one.id)
    told = notes(found) if found else []
    return {
        "notes": [_in_words(visit, one, note) for note in told if note.kind not in {"unmapped", "stray"}],
        "strays": strays.counts(tx, one.id).get(one.id, {}),
        "owners": [merchant.slug for merchant in merchants.every(tx)] if visit.operator else [],
        "unmapped": unmapped.of(tx, one.id),
        "statuses": STATUSES,
        "askable": bool(found and standing(visit.app, one)),
    }  # fmt: skip


def check(visit: Visit, tx: Tx, one: Connection) -> dict[str, Any]:
    """What the page of a channel's connection shows of it: what its last check has found."""
    last = checks(visit.app, tx, [one])[one.id]
    return {
        "notes": [_in_words(visit, one, note) for note in last.notes],
        "checked_at": last.at,
        "checking": last.under_way,
        "checkable": checked(visit.app, one),
    }


def _in_words(visit: Visit, one: Connection, note: Note) -> dict[str, Any]:
    locale: Locale = "ja" if visit.locale == "ja" else "en"
    words = said(note, one.id, locale, zone=visit.zone)
    command = words.typed or (words.do or "").startswith("todoke ")
    return {
        "level": note.level, "what": words.what, "typed": words.typed, "paste": note.values.get("paste", ()),
        "do": words.do, "operators": command and not visit.operator,
    }  # fmt: skip


def pieces(text: str, paste: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in parts: (part, whether it is there to be copied). Quotes and commas around what is copied are gone: it
    stands by itself."""
    parts, rest = list[tuple[str, bool]](), text
    for piece in paste:
        before, found, after = rest.partition(piece)
        if found:
            parts += [(before.strip(PUNCTUATION), False), (piece, True)]
            rest = after.strip(PUNCTUATION)
    return [(part, copied) for part, copied in (*parts, (rest, False)) if part]


def check_now(visit: Visit, one: Connection) -> Page | Response:
    """A worker looks at once whether all is well with a channel: at its provider, and in the DNS."""
    if one.role != "channel" or not checked(visit.app, one):
        return MISSING
    with visit.app.store.begin() as tx:
        due_now(visit.app, tx, one, ["check"])
    visit.app.hints.ask()
    return _back(one, "asked=1")


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
