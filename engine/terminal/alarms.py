"""`todoke alarms`: what an operator should know, open ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, Limit, OfMerchant

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.store.alarms import Standing

COLUMNS = (
    Column("SINCE", lambda row: speak.brief(row["opened_at"]), whole=True),
    Column("STATE", lambda row: row["state"], whole=True),
    Column("ALARM", lambda row: row["kind"], whole=True),
    Column("WHAT, AND WHAT TO TYPE NEXT", lambda row: "\n".join(filter(None, (row["text"], row["next"])))),
    Column("TOLD", lambda row: speak.brief(row["told_at"]), whole=True),
)


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    app.command()(alarms)


def alarms(context: typer.Context, merchant: OfMerchant = None, limit: Limit = 50, as_json: Json = False) -> None:
    """List alarms, open ones first; without --merchant those of the whole installation."""
    from engine.store import alarms as store

    with speak.opened(context) as app:
        if merchant:
            with app.store.read(choose.merchants(app, merchant)[0].id) as tx:
                found = store.listed(tx, mine=True, limit=limit)
        else:
            with app.store.read() as tx:
                found = store.listed(tx, limit=limit)
        slugs = choose.slugs(app)
        rows = [_row(app, one, slugs.get(one.merchant or 0)) for one in found]
    speak.listing(rows, COLUMNS, as_json=as_json, empty="no alarm; docs/operating.md says what is watched")


def _row(app: App, one: Standing, slug: str | None) -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    from engine.rules.alarm_words import words

    said = words(one.kind, one.values, "en", zone=ZoneInfo(app.settings.alert_timezone))
    return {
        "id": one.key, "kind": one.kind, "about": one.about, "merchant": slug,
        "state": "closed" if one.closed_at else "open", "text": said.text,
        "next": None if one.closed_at else said.then, "values": dict(one.values),
        "opened_at": speak.iso(one.opened_at), "seen_at": speak.iso(one.seen_at),
        "closed_at": speak.iso(one.closed_at), "told": one.told, "told_at": speak.iso(one.told_at),
    }  # fmt: skip
