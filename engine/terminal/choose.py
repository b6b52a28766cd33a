"""Which merchant, connection or message a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.terminal.speak import refuse

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.model.merchant import Merchant
    from engine.store.merchants import Connection


def merchants(app: App, slug: str | None) -> list[Merchant]:
    """The merchant of that slug, or all of them. Refuses a slug that nobody has."""
    from engine.rules.spelling import meant
    from engine.store.merchants import every

    with app.store.read() as tx:
        found = every(tx)
    if slug is None:
        return found
    named = [merchant for merchant in found if merchant.slug == slug]
    if not named:
        known = meant(slug, [merchant.slug for merchant in found])
        refuse(f"--merchant {slug}: there is no such merchant", known, "todoke merchant list")
    return named


def merchant(app: App, slug: str | None) -> Merchant:
    """The merchant of that slug; without one the only merchant there is."""
    found = merchants(app, slug)
    if not found:
        refuse("there is no merchant yet", "one merchant at least", "todoke merchant add SLUG --name NAME")
    if len(found) > 1:
        slugs = ", ".join(one.slug for one in found[:12])
        refuse(f"--merchant is missing: there are {len(found)} merchants", slugs, "the same with --merchant SLUG")
    return found[0]


def connection(app: App, number: str) -> Connection:
    """The connection of that id. Refuses one that nobody has."""
    from engine.rules.spelling import meant
    from engine.store import merchants as store

    with app.store.read() as tx:
        found = store.connection(tx, number)
        known = [] if found else [one.id for one in store.connections(tx)]
    if found is None:
        refuse(f"{number}: there is no such connection", meant(number, known), "todoke connections")
    return found


def slugs(app: App) -> dict[int, str]:
    """Merchant id -> slug."""
    return {one.id: one.slug for one in merchants(app, None)}


def owner(app: App, message: str) -> Merchant:
    """Whose message it is. Refuses the id of none."""
    from engine.store import reports

    for one in merchants(app, None):
        with app.store.read(one.id) as tx:
            if reports.message(tx, message):
                return one
    refuse(f"MESSAGE {message}: there is no such message", "the id of a message, as m_...", "todoke messages list")
