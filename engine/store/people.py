"""What we know about reaching people: suppressions, links, and the operator's pauses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import bindparam, func, insert, or_, select

from engine.store.among import among
from engine.store.bulk import Bulk
from engine.store.engines import insert_into
from engine.store.sealed import token_hash
from engine.store.session import Tx
from engine.store.tables import PAUSE, SUBJECT, SUPPRESSION, TOKEN

SUPPRESSED = select(SUPPRESSION.c.endpoint_index, SUPPRESSION.c.scope).where(
    SUPPRESSION.c.merchant_id == bindparam("merchant"), among(SUPPRESSION.c.endpoint_index, "persons")
)
PAUSES = select(PAUSE.c.journey, PAUSE.c.reason).where(
    or_(PAUSE.c.merchant_id.is_(None), PAUSE.c.merchant_id == bindparam("merchant"))
)
ADD_LINKS = Bulk(insert(TOKEN))


class Link(Struct, frozen=True, kw_only=True):
    """What a token in a link stands for."""

    kind: str
    merchant: int
    subject: int
    message: int | None
    expires_at: datetime | None = None
    target: str | None = None  # click: where it leads


def suppressed(tx: Tx, endpoints: Collection[str]) -> dict[str, set[str]]:
    """Blind index of an address -> scopes in which it is suppressed."""
    found: dict[str, set[str]] = {}
    if endpoints:
        for row in tx.conn.execute(SUPPRESSED, {"merchant": tx.merchant, "persons": list(endpoints)}).all():
            found.setdefault(row.endpoint_index, set()).add(row.scope)
    return found


def suppress(tx: Tx, endpoint: str, scope: str, reason: str, now: datetime) -> None:
    """Never write to this address again, for purposes in `scope`. Doing it again changes nothing."""
    values = {
        "merchant_id": tx.merchant, "endpoint_index": endpoint, "scope": scope, "reason": reason, "created_at": now
    }  # fmt: skip
    made = insert_into(SUPPRESSION, postgres=tx.locks_rows)
    tx.conn.execute(made.on_conflict_do_nothing().values(**values))


def lift(tx: Tx, endpoint: str, reason: str) -> int:
    """Take back what was suppressed for exactly this reason. Returns how many scopes."""
    mine = (SUPPRESSION.c.merchant_id == tx.merchant) & (SUPPRESSION.c.endpoint_index == endpoint)
    return tx.conn.execute(SUPPRESSION.delete().where(mine, SUPPRESSION.c.reason == reason)).rowcount


def lift_scope(tx: Tx, endpoint: str, scope: str) -> None:
    """Take back that the address is suppressed for a purpose, whoever suppressed it."""
    mine = (SUPPRESSION.c.merchant_id == tx.merchant) & (SUPPRESSION.c.endpoint_index == endpoint)
    tx.conn.execute(SUPPRESSION.delete().where(mine, SUPPRESSION.c.scope == scope))


def orders_since(tx: Tx, subjects: Collection[int]) -> dict[int, int]:
    """Subject -> how many orders the same person placed after it."""
    if not subjects:
        return {}
    mine, later = SUBJECT.alias("mine"), SUBJECT.alias("later")
    same = (later.c.merchant_id == mine.c.merchant_id) & (later.c.email_index == mine.c.email_index)
    query = (
        select(mine.c.id, func.count(later.c.id))
        .select_from(mine.outerjoin(later, same & (later.c.placed_at > mine.c.placed_at)))
        .where(mine.c.merchant_id == tx.merchant, mine.c.id.in_(list(subjects)))
        .group_by(mine.c.id)
    )
    return {row[0]: row[1] for row in tx.conn.execute(query)}


def subjects(tx: Tx, persons: Collection[str]) -> set[int]:
    """The orders of these people, by the blind indexes of their mail addresses and telephone numbers."""
    known = or_(SUBJECT.c.email_index.in_(list(persons)), SUBJECT.c.phone_index.in_(list(persons)))
    return set(tx.conn.execute(select(SUBJECT.c.id).where(SUBJECT.c.merchant_id == tx.merchant, known)).scalars())


def add_links(tx: Tx, links: Iterable[tuple[str, Link]], now: datetime) -> None:
    """Store tokens by their hash."""
    rows = [
        {
            "hash": (digest := token_hash(token)), "kind": link.kind, "merchant_id": link.merchant,
            "subject_id": link.subject, "message_id": link.message, "created_at": now, "expires_at": link.expires_at,
            "sealed_target": tx.vault.seal_raw(f"token/{digest}", link.target.encode()) if link.target else None,
        }
        for token, link in links
    ]  # fmt: skip
    ADD_LINKS(tx, rows)


def link(tx: Tx, token: str, kinds: str | Collection[str], now: datetime) -> Link | None:
    """What the token stands for, if there is such a link of one of these kinds and it has not expired."""
    fitting = TOKEN.c.kind.in_([kinds] if isinstance(kinds, str) else list(kinds))
    row = tx.conn.execute(select(TOKEN).where(TOKEN.c.hash == token_hash(token), fitting)).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at < now):
        return None
    return Link(kind=row.kind, merchant=row.merchant_id, subject=row.subject_id, message=row.message_id)


def target(tx: Tx, token: str) -> str | None:
    """Where a link that is followed leads."""
    digest = token_hash(token)
    sealed = tx.conn.execute(select(TOKEN.c.sealed_target).where(TOKEN.c.hash == digest)).scalar_one_or_none()
    return tx.vault.open_raw(f"token/{digest}", sealed).decode() if sealed is not None else None


def clicked(tx: Tx, link: Link, token: str) -> list[datetime]:
    """When the other links of the same message were first followed."""
    others = (TOKEN.c.message_id == link.message) & (TOKEN.c.hash != token_hash(token))
    mine = (TOKEN.c.merchant_id == tx.merchant) & (TOKEN.c.subject_id == link.subject)
    query = select(TOKEN.c.clicked_at).where(mine, others, TOKEN.c.clicked_at.is_not(None))
    return list(tx.conn.execute(query).scalars())


def note_click(tx: Tx, token: str, now: datetime) -> None:
    """Remember when a link was first followed."""
    first = (TOKEN.c.hash == token_hash(token)) & TOKEN.c.clicked_at.is_(None)
    tx.conn.execute(TOKEN.update().where(TOKEN.c.merchant_id == tx.merchant, first).values(clicked_at=now))


def pause(tx: Tx, *, merchant: int | None, journey: str | None, reason: str, now: datetime) -> None:
    """Stop sending: everywhere, for a merchant, or for one journey. Once this is committed nothing is armed."""
    tx.shut_gate(merchant)
    tx.conn.execute(insert(PAUSE).values(merchant_id=merchant, journey=journey, reason=reason, created_at=now))


def resume(tx: Tx, *, merchant: int | None, journey: str | None) -> int:
    """Take pauses of exactly this reach back. Returns how many there were."""
    where = (PAUSE.c.merchant_id.is_(None) if merchant is None else PAUSE.c.merchant_id == merchant) & (
        PAUSE.c.journey.is_(None) if journey is None else PAUSE.c.journey == journey
    )
    return tx.conn.execute(PAUSE.delete().where(where)).rowcount


def pauses(tx: Tx) -> list[tuple[str | None, str]]:
    """(journey or None for all, reason) of the pauses that hold for this merchant."""
    return [(row.journey, row.reason) for row in tx.conn.execute(PAUSES, {"merchant": tx.merchant})]
