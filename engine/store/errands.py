"""What is to be asked of the systems behind connections: planned, claimed, kept up, ended.

Whoever holds an errand writes to it only while it is theirs (`holder`): a lease that ran out is cleared together with
its holder, so that nobody writes after another has begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, delete, insert, or_, select, update

from engine.rules.errand import STANDING, Errand, Kind, Why
from engine.store.engines import insert_into
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import ERRAND
from engine.store.waiting import ASKS_IN_TIME, ASKS_IN_TURN

REAL = bindparam("real", type_=ERRAND.c.due_at.type)
DUE = and_(ASKS_IN_TIME, ERRAND.c.due_at <= REAL)
DUE_OF_ONE = and_(ASKS_IN_TURN, ERRAND.c.due_at <= REAL)
RESTING = "poll", "subscribe", "check", "collect"  # rows that stay when they are done
_OTHER = ERRAND.alias("other")


def free(real: ColumnElement[Any] = REAL) -> ColumnElement[bool]:
    """Is nobody asking the connection, and need it not rest?"""
    busy = select(_OTHER.c.kind).where(_OTHER.c.connection_id == ERRAND.c.connection_id)
    others = busy.where(_OTHER.c.lease_until.is_not(None), _OTHER.c.lease_until >= real).exists()
    # Its own lease as well: of a row that was taken this moment PostgreSQL looks at the row again, not at the others.
    return or_(ERRAND.c.lease_until.is_(None), ERRAND.c.lease_until < real) & ~others


def plan(tx: Tx, errands: Iterable[Errand]) -> None:
    """Put down errands that are not there yet; those that are stay as they are."""
    rows = [_values(one) for one in errands]
    if rows:
        tx.conn.execute(insert_into(ERRAND, postgres=tx.locks_rows).on_conflict_do_nothing(), rows)


def want(tx: Tx, errands: Iterable[Errand], *, at_once: bool = False) -> None:
    """Ask for these, each anew. One that is asked for again before it was done waits a little longer, but not beyond
    its `latest_at`; one that fails keeps its pause, unless somebody insists (`at_once`)."""
    rows = sorted((_values(one) for one in errands), key=lambda row: (row["connection_id"], row["kind"], row["ref"]))
    if not rows:
        return
    made = insert_into(ERRAND, postgres=tx.locks_rows)
    new, old = made.excluded, ERRAND.c
    anew = old.due_at.is_(None) | old.holder.is_not(None)
    later = case((new.due_at > old.latest_at, old.latest_at), else_=new.due_at)
    due = case((anew, new.due_at), (old.failing_since.is_not(None), old.due_at), else_=later)
    changes = {
        "asked": old.asked + 1,
        "due_at": new.due_at if at_once else due,
        "latest_at": case((anew, new.latest_at), else_=old.latest_at),
        "backfill": case((anew, new.backfill), else_=old.backfill & new.backfill),
    }
    tx.conn.execute(made.on_conflict_do_update(index_elements=["connection_id", "kind", "ref"], set_=changes), rows)


def start_over(tx: Tx, errand: Errand) -> None:
    """Plan it from its `since` on, whatever it had come to before. Whoever is at it loses it."""
    where = _is(errand)
    tx.conn.execute(delete(ERRAND).where(*where))
    tx.conn.execute(insert(ERRAND).values(**_values(errand)))


def forward(tx: Tx, connection: str, kind: Kind, real: datetime) -> int:
    """What is planned of that kind is due now, but for what fails; returns how many."""
    where = (ERRAND.c.connection_id == connection, ERRAND.c.kind == kind, ERRAND.c.due_at.is_not(None))
    sooner = update(ERRAND).where(*where, ERRAND.c.failing_since.is_(None), ERRAND.c.due_at > real)
    return tx.conn.execute(sooner.values(due_at=real)).rowcount


def rest(tx: Tx, connection: str, kinds: Collection[Kind]) -> None:
    """These need not be asked any longer: a setting was changed. They keep what they have come to."""
    where = (ERRAND.c.connection_id == connection, ERRAND.c.kind.in_(list(kinds)), ERRAND.c.ref == "")
    idle = {"due_at": None, "why": None, "reason": None, "failing_since": None, "tries": 0, "findings": None}
    tx.conn.execute(update(ERRAND).where(*where).values(**idle))


def lift(tx: Tx, connection: str) -> None:
    """The connection need not rest any longer: its settings were changed. Whoever is asking goes on."""
    held = update(ERRAND).where(ERRAND.c.connection_id == connection, ERRAND.c.held_for.is_not(None))
    tx.conn.execute(held.values(lease_until=None, held_for=None))


def claim(
    tx: Tx, real: datetime, until: datetime, *, connection: str | None = None, kind: Kind | None = None
) -> Errand | None:
    """Take the errand that has been due longest, of that connection and kind where they are given, until `until`.

    Raises sqlalchemy.exc.IntegrityError where another worker has begun to ask the same connection at this moment.
    """
    _clear(tx, real)
    where = [DUE if connection is None else DUE_OF_ONE, free()]
    where += [ERRAND.c.connection_id == connection] if connection is not None else []
    where += [ERRAND.c.kind == kind] if kind is not None else []
    wanted = select(ERRAND).where(*where).order_by(ERRAND.c.due_at, ERRAND.c.kind.desc(), ERRAND.c.ref).limit(1)
    row = tx.conn.execute(wanted.with_for_update(skip_locked=True), {"real": real}).one_or_none()
    if row is None:
        return None
    found = _errand(row)
    mine = replace(found, holder=public_id("er"), lease_until=until, tries=found.tries + 1, held_for=None)
    tx.conn.execute(
        update(ERRAND).where(*_is(found)).values(
            holder=mine.holder, lease_until=until, tries=mine.tries, held_for=None
        )
    )  # fmt: skip
    return mine


def _clear(tx: Tx, real: datetime) -> None:
    """Leases that ran out, and rests that are over; what had nothing left to do is gone with its rest."""
    over = select(ERRAND.c.connection_id, ERRAND.c.kind, ERRAND.c.ref, ERRAND.c.due_at, ERRAND.c.why)
    over = over.where(ERRAND.c.lease_until.is_not(None), ERRAND.c.lease_until < REAL)
    for row in tx.conn.execute(over.with_for_update(skip_locked=True), {"real": real}).all():
        same = (ERRAND.c.connection_id == row.connection_id, ERRAND.c.kind == row.kind, ERRAND.c.ref == row.ref)
        if row.due_at is None and row.why is None and row.kind not in RESTING:
            tx.conn.execute(delete(ERRAND).where(*same))
        else:
            tx.conn.execute(update(ERRAND).where(*same).values(lease_until=None, holder=None, held_for=None))


def hold(tx: Tx, mine: Errand, until: datetime, *, cursor: str | None = None, found: int = 0) -> bool:
    """Keep the errand until `until`, with what it has come to. False: it is not ours any more."""
    values: dict[str, Any] = {"lease_until": until, "found": ERRAND.c.found + found}
    values |= {"cursor": cursor} if cursor is not None else {}
    return (
        tx.conn.execute(update(ERRAND).where(*_is(mine), ERRAND.c.holder == mine.holder).values(**values)).rowcount > 0
    )


def done(tx: Tx, mine: Errand, *, due: datetime | None, rest: datetime | None, real: datetime,
         findings: Sequence[Mapping[str, Any]] | None = None) -> bool:  # fmt: skip
    """It came to its end; `due` again, or not at all. Somebody may have asked for it once more meanwhile, or said that
    it need not be asked: then it is due when they said. The connection rests until `rest`. False: it was not ours any
    more."""
    row = _mine(tx, mine)
    if row is None:
        return False
    again = row.asked != mine.asked or row.due_at is None
    if not again and due is None and rest is None and mine.kind not in RESTING:
        tx.conn.execute(delete(ERRAND).where(*_is(mine)))
        return True
    values = {
        "due_at": row.due_at if again else due, "asked": 1, "tries": 0, "why": None, "reason": None,
        "failing_since": None, "ok_at": real, "lease_until": rest, "holder": None, "held_for": None,
    }  # fmt: skip
    values |= {"findings": list(findings)} if findings is not None else {}
    tx.conn.execute(update(ERRAND).where(*_is(mine)).values(**values))
    return True


def stop(tx: Tx, mine: Errand, *, due: datetime, rest: datetime | None, tries: int) -> bool:
    """It is not at its end, but enough for now: it goes on at `due` from its cursor."""
    values = {"due_at": due, "tries": tries, "lease_until": rest, "holder": None}
    return (
        tx.conn.execute(update(ERRAND).where(*_is(mine), ERRAND.c.holder == mine.holder).values(**values)).rowcount > 0
    )


def failed(tx: Tx, mine: Errand, *, why: Why, reason: str, due: datetime | None, rest: datetime | None,
           held: bool, real: datetime, findings: Sequence[Mapping[str, Any]] | None = None) -> bool:  # fmt: skip
    """It came to nothing; tried again at `due`, None: when somebody asks for it. `held`: the whole connection rests
    until `rest`."""
    row = _mine(tx, mine)
    if row is None:
        return False
    values = {
        "due_at": due, "asked": 1, "why": why, "reason": reason, "failing_since": row.failing_since or real,
        "lease_until": rest, "holder": None, "held_for": why if held else None,
    }  # fmt: skip
    values |= {"findings": list(findings)} if findings is not None else {}
    tx.conn.execute(update(ERRAND).where(*_is(mine)).values(**values))
    return True


def of(tx: Tx, connection: str) -> list[Errand]:
    """Errands of a connection, what stands first."""
    rows = tx.conn.execute(select(ERRAND).where(ERRAND.c.connection_id == connection))
    return sorted((_errand(row) for row in rows), key=lambda one: (one.kind not in STANDING, one.kind, one.ref))


def every(tx: Tx, *, standing: bool = False) -> list[Errand]:
    """Errands of all connections; `standing`: those that come again by themselves, and checks."""
    query = select(ERRAND)
    if standing:
        query = query.where(ERRAND.c.kind.in_(RESTING))
    return [_errand(row) for row in tx.conn.execute(query)]


def few() -> Select[Any]:
    """The connections of errands whose time has come and that may be asked, longest due first."""
    return select(ERRAND.c.connection_id).where(DUE, free()).order_by(ERRAND.c.due_at)


def _mine(tx: Tx, mine: Errand) -> Row[Any] | None:
    query = select(ERRAND).where(*_is(mine), ERRAND.c.holder == mine.holder)
    return tx.conn.execute(query.with_for_update()).one_or_none()


def _is(one: Errand) -> tuple[ColumnElement[bool], ...]:
    return ERRAND.c.connection_id == one.connection, ERRAND.c.kind == one.kind, ERRAND.c.ref == one.ref


NAMES = {"connection": "connection_id", "merchant": "merchant_id"}
FIELDS = tuple(Errand.__dataclass_fields__)


def _values(one: Errand) -> dict[str, Any]:
    return {NAMES.get(name, name): getattr(one, name) for name in FIELDS}


def _errand(row: Row[Any]) -> Errand:
    return Errand(**{name: cast(Any, row._mapping[NAMES.get(name, name)]) for name in FIELDS})
