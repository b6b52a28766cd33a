"""Symptoms that alarms follow from: bad ends of late, accounts held, sending stopped, messages got twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, func, literal_column, or_, select

from engine.rules import fuse
from engine.rules.alarm import HeldAccount, Paused, Sent, Troubled, Unread
from engine.store import pauses
from engine.store.backlog import IN_TROUBLE, STATUSES, Status, is_
from engine.store.session import Tx
from engine.store.tables import ACCOUNT, ATTEMPT, CONNECTION, INBOX, MESSAGE, PAUSE

ROWS = 2_000  # looked at of a kind; who has more is told of these
ATTEMPTS = 5_000  # of one look; where more leave in that time, a sample
LEFT = ("sent", "delivered")
BY: tuple[tuple[Literal["volume_fuse", "restore_fence"], str], ...] = (  # how the reasons of such pauses begin
    ("volume_fuse", fuse.NAME), ("restore_fence", pauses.RESTORE_FENCE),
)  # fmt: skip
IN_BAD_STATE = INBOX.c.state.in_((literal_column("'parked'"), literal_column("'dead'")))


def troubled(tx: Tx, since: datetime) -> list[Troubled]:
    """Messages due after `since` that are unknown or dead, by merchant and journey; not those that an operator has
    asked for once more."""
    found: list[Troubled] = []
    for status in STATUSES:
        query = select(MESSAGE.c.merchant_id).where(IN_TROUBLE, is_(status), MESSAGE.c.due_at > since)
        owners = tx.conn.execute(query.order_by(MESSAGE.c.due_at.desc()).limit(ROWS)).scalars()
        for merchant in sorted(set(owners)):
            found += _troubled(tx.of(merchant), status, since)
    return found


def _troubled(tx: Tx, status: Status, since: datetime) -> list[Troubled]:
    again = MESSAGE.alias("again")
    same = [again.c[name] == MESSAGE.c[name] for name in ("merchant_id", "journey", "step", "subject_id", "run_key",
                                                          "recipient")]  # fmt: skip
    manual = select(again.c.id).where(*same, again.c.occurrence.startswith("manual:")).exists()
    mine = [IN_TROUBLE, is_(status), MESSAGE.c.due_at > since, MESSAGE.c.merchant_id == tx.merchant]
    newest = select(MESSAGE.c.journey, MESSAGE.c.occurrence).where(*mine, ~manual)
    rows = tx.conn.execute(newest.order_by(MESSAGE.c.due_at.desc()).limit(ROWS))
    counted = Counter(row.journey for row in rows)
    return [Troubled(merchant=tx.merchant, journey=name, status=status, count=n) for name, n in counted.items()]


def unread(tx: Tx, since: datetime) -> list[Unread]:
    """Deliveries received after `since` that ended dead or parked, by connection."""
    query = select(INBOX.c.connection_id, INBOX.c.state).where(IN_BAD_STATE, INBOX.c.received_at > since)
    rows = tx.conn.execute(query.order_by(INBOX.c.received_at.desc()).limit(ROWS))
    counted = Counter((row.connection_id, row.state) for row in rows)
    owners = _owners(tx, {connection for connection, _ in counted})
    return [
        Unread(connection=connection, merchant=owners.get(connection), state=state, count=count)
        for (connection, state), count in counted.items()
    ]


def _owners(tx: Tx, connections: Collection[str]) -> dict[str, int | None]:
    query = select(CONNECTION.c.id, CONNECTION.c.merchant_id).where(CONNECTION.c.id.in_(list(connections)))
    return {row.id: row.merchant_id for row in tx.conn.execute(query)} if connections else {}


def held(tx: Tx) -> list[HeldAccount]:
    """Accounts that something is held against."""
    rows = tx.conn.execute(select(ACCOUNT).where(ACCOUNT.c.held_for.is_not(None)))
    return [
        HeldAccount(connection=row.connection_id, merchant=row.merchant_id, held_for=row.held_for,
                    held_until=row.held_until, trips=row.trips)
        for row in rows
    ]  # fmt: skip


def stopped(tx: Tx) -> list[Paused]:
    """Pauses that the installation has made itself, or for a restore: the volume fuse's and the restore fence's."""
    found: list[Paused] = []
    for by, reason in BY:
        rows = tx.conn.execute(select(PAUSE).where(PAUSE.c.reason.startswith(reason)))
        found += [Paused(by=by, merchant=row.merchant_id, journey=row.journey, at=row.created_at) for row in rows]
    return found


def sent(tx: Tx, since: datetime) -> list[Sent]:
    """What was armed after `since` and accepted, by merchant and journey."""
    query = select(ATTEMPT.c.merchant_id, ATTEMPT.c.message_id, ATTEMPT.c.n).where(ATTEMPT.c.armed_at > since)
    tried: dict[int, list[Any]] = {}
    for row in tx.conn.execute(query.order_by(ATTEMPT.c.armed_at.desc()).limit(ATTEMPTS)):
        tried.setdefault(row.merchant_id, []).append(row)
    return [one for merchant, rows in sorted(tried.items()) for one in _sent(tx.of(merchant), rows)]


def _sent(tx: Tx, tried: list[Any]) -> list[Sent]:
    """Of one merchant. How often each message was accepted, whenever that was, beside how often it should be."""
    ids = sorted({row.message_id for row in tried})
    again = sorted({row.message_id for row in tried if row.n > 1})
    accepted: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    twice: dict[str, set[str]] = {}
    most: Counter[str] = Counter()
    for row in tx.conn.execute(
        select(MESSAGE.c.journey, func.count()).where(MESSAGE.c.id.in_(ids), MESSAGE.c.status.in_(LEFT))
        .group_by(MESSAGE.c.journey)
    ):  # fmt: skip
        messages[row[0]] = accepted[row[0]] = row[1]
    for row in _accepted_again(tx, again):
        accepted[row.journey] += row.count - 1
        twice.setdefault(row.journey, set()).add(row.public_id)
    for row in _alike(tx, ids):
        most[row.journey] = max(most[row.journey], row.most)
        if row.same > 1:
            twice.setdefault(row.journey, set()).add(row.public_id)
    return [
        Sent(merchant=tx.merchant, journey=journey, accepted=accepted[journey], messages=messages[journey],
             twice=tuple(sorted(twice.get(journey, ()))), most=most[journey])
        for journey in sorted(messages | accepted)
    ]  # fmt: skip


def _accepted_again(tx: Tx, ids: Collection[int]) -> list[Any]:
    """(public_id, journey, count) of those of these messages that were accepted more than once."""
    if not ids:
        return []
    count = func.count().label("count")
    query = (
        select(MESSAGE.c.public_id, MESSAGE.c.journey, count)
        .join(ATTEMPT, ATTEMPT.c.message_id == MESSAGE.c.id)
        .where(MESSAGE.c.id.in_(list(ids)), MESSAGE.c.merchant_id == tx.merchant, ATTEMPT.c.outcome == "accepted")
        .group_by(MESSAGE.c.id, MESSAGE.c.public_id, MESSAGE.c.journey)
        .having(count > 1)
    )
    return list(tx.conn.execute(query))


def _alike(tx: Tx, ids: Collection[int]) -> list[Any]:
    """Of each of these messages that somebody got (public_id, journey): how many of its template that person got
    about the same parcel or return (`most`), and of these how many tell of the very same event (`same`)."""
    one, other = MESSAGE.alias("one"), MESSAGE.alias("other")
    alike = [other.c[name] == one.c[name] for name in ("merchant_id", "subject_id", "template", "recipient")]
    alike += [
        or_(other.c[name] == one.c[name], and_(other.c[name].is_(None), one.c[name].is_(None)))
        for name in ("shipment", "return_key")
    ]
    asked_for = or_(one.c.occurrence.startswith("manual:"), other.c.occurrence.startswith("manual:"))
    query = (
        select(
            one.c.public_id, one.c.journey, func.count().label("most"),
            func.count().filter(other.c.event_key == one.c.event_key).label("same"),
        )
        .join(other, and_(*alike))
        .where(one.c.id.in_(list(ids)), one.c.merchant_id == tx.merchant, one.c.status.in_(LEFT),
               other.c.status.in_(LEFT), ~asked_for)
        .group_by(one.c.id, one.c.public_id, one.c.journey)
        .having(func.count() > 1)
    )  # fmt: skip
    return list(tx.conn.execute(query))
