"""What we know about reaching people: suppressions, consent, links, and the operator's pauses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, func, insert, or_, select

from engine.store.among import among
from engine.store.bulk import Bulk
from engine.store.engines import insert_into
from engine.store.sealed import token_hash
from engine.store.session import Tx
from engine.store.tables import CONSENT, PAUSE, SUBJECT, SUPPRESSION, TOKEN

SUPPRESSED = select(SUPPRESSION.c.endpoint_index, SUPPRESSION.c.scope).where(
    SUPPRESSION.c.merchant_id == bindparam("merchant"), among(SUPPRESSION.c.endpoint_index, "persons")
)
CONSENTS = (
    select(CONSENT.c.person_index, CONSENT.c.purpose, CONSENT.c.granted)
    .where(CONSENT.c.merchant_id == bindparam("merchant"), among(CONSENT.c.person_index, "persons"))
    .order_by(CONSENT.c.at, CONSENT.c.id)
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


def consents(tx: Tx, persons: Collection[str]) -> dict[str, dict[str, bool]]:
    """Blind index of a person -> purpose -> granted or withdrawn, as last recorded."""
    found: dict[str, dict[str, bool]] = {}
    if persons:
        for row in tx.conn.execute(CONSENTS, {"merchant": tx.merchant, "persons": list(persons)}).all():
            found.setdefault(row.person_index, {})[row.purpose] = row.granted
    return found


def record_consent(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Append consent records: person_index, channel, purpose, granted, basis, source, at."""
    if rows:
        tx.conn.execute(insert(CONSENT), [{**row, "merchant_id": tx.merchant} for row in rows])


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


def add_links(tx: Tx, links: Iterable[tuple[str, Link]], now: datetime) -> None:
    """Store tokens by their hash."""
    rows = [
        {
            "hash": token_hash(token), "kind": link.kind, "merchant_id": link.merchant, "subject_id": link.subject,
            "message_id": link.message, "created_at": now, "expires_at": link.expires_at,
        }
        for token, link in links
    ]  # fmt: skip
    ADD_LINKS(tx, rows)


def link(tx: Tx, token: str, kind: str, now: datetime) -> Link | None:
    """What the token stands for, if there is such a link and it has not expired."""
    row = tx.conn.execute(select(TOKEN).where(TOKEN.c.hash == token_hash(token), TOKEN.c.kind == kind)).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at < now):
        return None
    return Link(kind=row.kind, merchant=row.merchant_id, subject=row.subject_id, message=row.message_id)


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
