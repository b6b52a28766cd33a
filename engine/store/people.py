"""What we know about reaching people: suppressions, links, and the operator's pauses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, bindparam, func, insert, or_, select

from engine.rules.receipt import GIVEN_UP
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.engines import insert_into
from engine.store.sealed import token_hash
from engine.store.session import Tx
from engine.store.tables import PAUSE, SUBJECT, SUPPRESSION, TOKEN

THEIRS = select(SUPPRESSION.c.endpoint_index, SUPPRESSION.c.scope).where(
    SUPPRESSION.c.merchant_id == bindparam("merchant"), among(SUPPRESSION.c.endpoint_index, "persons")
)
SUPPRESSED, GIVEN_UP_ON = Query(THEIRS), Query(THEIRS.where(SUPPRESSION.c.reason == GIVEN_UP))
PAUSES = Query(
    select(PAUSE.c.journey, PAUSE.c.reason).where(
        or_(PAUSE.c.merchant_id.is_(None), PAUSE.c.merchant_id == bindparam("merchant"))
    )
)
ADD_LINKS = Bulk(insert(TOKEN))
BY_EMAIL, BY_PHONE = (
    select(SUBJECT.c.id, column.label("person"))
    .where(SUBJECT.c.merchant_id + 0 == bindparam("merchant"), among(column, "persons"))
    .order_by(SUBJECT.c.id.desc())
    for column in (SUBJECT.c.email_index, SUBJECT.c.phone_index)
)


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
        for row in SUPPRESSED(tx, merchant=tx.merchant, persons=endpoints):
            found.setdefault(row.endpoint_index, set()).add(row.scope)
    return found


def given_up(tx: Tx, endpoints: Collection[str]) -> set[str]:
    """Those of the addresses (blind indexes) that are suppressed because nothing arrived there (receipt.GIVEN_UP)."""
    return set(GIVEN_UP_ON.firsts(tx, merchant=tx.merchant, persons=endpoints)) if endpoints else set()


def suppressions(tx: Tx, endpoints: Collection[str]) -> Sequence[Row[Any]]:
    """(endpoint_index, scope, reason, created_at) of these addresses (blind indexes), the oldest first."""
    columns = [SUPPRESSION.c[name] for name in ("endpoint_index", "scope", "reason", "created_at")]
    mine = (SUPPRESSION.c.merchant_id == tx.merchant) & SUPPRESSION.c.endpoint_index.in_(list(endpoints))
    found: Sequence[Any] = tx.conn.execute(select(*columns).where(mine).order_by(SUPPRESSION.c.created_at)).all()
    return found


def suppress(tx: Tx, endpoint: str, scope: str, reason: str, now: datetime) -> bool:
    """Never write to this address again, for purposes in `scope`. Doing it again changes nothing, but that the address
    is dead outweighs that it was given up. Returns whether anything was written."""
    values = {
        "merchant_id": tx.merchant, "endpoint_index": endpoint, "scope": scope, "reason": reason, "created_at": now
    }  # fmt: skip
    made = insert_into(SUPPRESSION, postgres=tx.locks_rows).values(**values)
    written = made.on_conflict_do_update(
        index_elements=["merchant_id", "endpoint_index", "scope"], set_={"reason": reason, "created_at": now},
        where=(SUPPRESSION.c.reason == GIVEN_UP) & (made.excluded.reason != GIVEN_UP),
    )  # fmt: skip
    return tx.conn.execute(written.returning(SUPPRESSION.c.scope)).first() is not None


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
        .where(mine.c.merchant_id + 0 == tx.merchant, mine.c.id.in_(list(subjects)))
        .group_by(mine.c.id)
    )
    return {row[0]: row[1] for row in tx.conn.execute(query)}


def subjects(tx: Tx, persons: Collection[str], *, newest: int | None = None) -> set[int]:
    """The orders of these people, by the blind indexes of their mail addresses and telephone numbers."""
    return {number for some in orders(tx, persons, newest=newest).values() for number in some}


def orders(tx: Tx, persons: Collection[str], *, newest: int | None = None) -> dict[str, list[int]]:
    """Blind index of a person -> their orders, the newest first; whoever has none is not in it."""
    found: dict[str, list[int]] = {}
    for query in (BY_EMAIL, BY_PHONE) if persons else ():
        for row in tx.conn.execute(query.limit(newest), {"merchant": tx.merchant, "persons": list(persons)}):
            found.setdefault(row.person, []).append(row.id)
    return found


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


def spend(tx: Tx, token: str, kind: str, now: datetime) -> Link | None:
    """What the token of the transaction's merchant stands for, once: it is worth nothing from now on."""
    mine = (TOKEN.c.merchant_id == tx.merchant) & (TOKEN.c.kind == kind) & (TOKEN.c.hash == token_hash(token))
    found = link(tx, token, kind, now)
    gone = tx.conn.execute(TOKEN.delete().where(mine)).rowcount
    return found if gone else None


def take_back(tx: Tx, subject: int, kind: str) -> None:
    """Links of this kind about this order are worth nothing from now on."""
    mine = (TOKEN.c.merchant_id == tx.merchant) & (TOKEN.c.subject_id == subject)
    tx.conn.execute(TOKEN.delete().where(mine, TOKEN.c.kind == kind))


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
    return [(row.journey, row.reason) for row in PAUSES(tx, merchant=tx.merchant)]
