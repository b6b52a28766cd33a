"""Endpoints that are told of events."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes
from time import monotonic
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from engine.rules.alarm import FailingHook
from engine.store.compiled import Query
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import HOOK, HOOK_CALL, MERCHANT

# Seconds, on the monotonic clock, for which a merchant's endpoints are not asked for again. What another process adds
# hears of events so much later.
GOOD_FOR = 1.0
ACTIVE = 2  # secrets at most: the one in force, and the one before it
LISTENING = Query(
    select(HOOK.c.id, HOOK.c.events, MERCHANT.c.slug)
    .select_from(HOOK.join(MERCHANT, MERCHANT.c.id == bindparam("merchant")))
    .where(or_(HOOK.c.merchant_id == bindparam("merchant"), HOOK.c.merchant_id.is_(None)), HOOK.c.disabled_at.is_(None))
    .order_by(HOOK.c.created_at, HOOK.c.id)
)


@dataclass(frozen=True, kw_only=True)
class Hook:
    """An endpoint. `secrets` are its active ones, newest first; never shown after they were made, or logged."""

    id: str
    merchant: int | None
    url: str
    events: Sequence[str]
    secrets: Sequence[str] = field(default=(), repr=False)
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_for: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    rest_until: datetime | None = None
    ok_at: datetime | None = None
    reason: str | None = None

    @property
    def state(self) -> Literal["ok", "failing", "disabled"]:
        """How it stands, in a word; `disabled_for` or `reason` says why."""
        return "disabled" if self.disabled_at else "failing" if self.failing_since else "ok"


@dataclass(frozen=True)
class Listener:
    """An endpoint that hears of a merchant's events, and how the merchant is called."""

    id: str
    events: Sequence[str]
    slug: str


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def listeners(tx: Tx) -> Sequence[Listener]:
    """The endpoints that hear of the events of the transaction's merchant; remembered for a moment."""
    until, found = tx.known.get(("hooks", tx.merchant), (0.0, ()))
    if until <= monotonic():
        rows = LISTENING(tx, merchant=tx.merchant)
        found = tuple(Listener(row.id, tuple(row.events), row.slug) for row in rows)
        tx.known[("hooks", tx.merchant)] = monotonic() + GOOD_FOR, found
    listening: Sequence[Listener] = found
    return listening


def add(tx: Tx, *, merchant: int | None, url: str, events: Sequence[str], secret: str, real: datetime) -> str:
    """A new endpoint; returns its id."""
    number = public_id("hook")
    tx.conn.execute(
        insert(HOOK).values(
            id=number, merchant_id=merchant, url=url, events=list(events), created_at=real, failures=0,
            sealed_secrets=_sealed(tx, number, [secret]),
        )
    )  # fmt: skip
    _forget(tx)
    return number


def every(tx: Tx) -> list[Hook]:
    """All endpoints, oldest first."""
    return [_hook(tx, row) for row in tx.conn.execute(select(HOOK).order_by(HOOK.c.created_at, HOOK.c.id))]


def by_id(tx: Tx, number: str, *, lock: bool = False) -> Hook | None:
    """The endpoint of that id."""
    query = select(HOOK).where(HOOK.c.id == number)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return _hook(tx, row) if row else None


def remove(tx: Tx, number: str) -> None:
    """Take an endpoint away with all that it was to be told."""
    tx.conn.execute(delete(HOOK_CALL).where(HOOK_CALL.c.hook_id == number))
    tx.conn.execute(delete(HOOK).where(HOOK.c.id == number))
    _forget(tx)


def rotate(tx: Tx, hook: Hook, secret: str, *, at_once: bool) -> None:
    """Put a new secret before the one in force, which goes on counting until the next time, unless `at_once`."""
    active = [secret] if at_once else [secret, *hook.secrets][:ACTIVE]
    tx.conn.execute(update(HOOK).where(HOOK.c.id == hook.id).values(sealed_secrets=_sealed(tx, hook.id, active)))


def enable(tx: Tx, number: str, real: datetime) -> int:
    """The endpoint is told again, what it has missed first; returns how many events that are."""
    fresh = {"disabled_at": None, "disabled_for": None, "failures": 0, "failing_since": None, "rest_until": None}
    tx.conn.execute(update(HOOK).where(HOOK.c.id == number).values(**fresh, reason=None))
    held = update(HOOK_CALL).where(HOOK_CALL.c.hook_id == number, HOOK_CALL.c.status == "held")
    _forget(tx)
    return tx.conn.execute(held.values(status="waiting", due_at=real, tries=0)).rowcount


def disable(tx: Tx, number: str, reason: str, real: datetime) -> None:
    """Nothing more is told to the endpoint until somebody enables it; what waits for it is kept."""
    where = (HOOK.c.id == number, HOOK.c.disabled_at.is_(None))
    tx.conn.execute(update(HOOK).where(*where).values(disabled_at=real, disabled_for=reason))
    waiting = update(HOOK_CALL).where(HOOK_CALL.c.hook_id == number, HOOK_CALL.c.due_at.is_not(None))
    tx.conn.execute(waiting.values(status="held", due_at=None))
    _forget(tx)


def well(tx: Tx, number: str, real: datetime) -> None:
    """It has taken an event."""
    values = {"failures": 0, "failing_since": None, "rest_until": None, "ok_at": real, "reason": None}
    tx.conn.execute(update(HOOK).where(HOOK.c.id == number).values(**values))


def unwell(tx: Tx, hook: Hook, *, reason: str, rest_until: datetime, since: datetime) -> None:
    """It has taken nothing of what was posted."""
    values = {"failures": hook.failures + 1, "rest_until": rest_until, "failing_since": since, "reason": reason}
    tx.conn.execute(update(HOOK).where(HOOK.c.id == hook.id).values(**values))


def failing(tx: Tx, before: datetime) -> list[FailingHook]:
    """Endpoints that are disabled, though nobody asked for it, and those that have failed since `before`."""
    bad = or_(HOOK.c.disabled_at.is_not(None), HOOK.c.failing_since < before)
    return [
        FailingHook(
            hook=row.id, merchant=row.merchant_id, disabled=row.disabled_at is not None,
            since=row.failing_since or row.disabled_at, reason=row.disabled_for or row.reason or "",
        )
        for row in tx.conn.execute(select(HOOK).where(bad))
    ]  # fmt: skip


def _forget(tx: Tx) -> None:
    for name in [name for name in tx.known if isinstance(name, tuple) and name[0] == "hooks"]:
        tx.known.pop(name, None)


def _sealed(tx: Tx, number: str, secrets: Sequence[str]) -> bytes:
    return tx.vault.seal_raw(f"hook/secrets/{number}", msgspec.json.encode(list(secrets)))


def _hook(tx: Tx, row: Row[Any]) -> Hook:
    secrets: list[str] = []
    if row.sealed_secrets is not None:
        secrets = msgspec.json.decode(tx.vault.open_raw(f"hook/secrets/{row.id}", row.sealed_secrets), type=list[str])
    names = ("disabled_at", "disabled_for", "failures", "failing_since", "rest_until", "ok_at", "reason")
    return Hook(
        id=row.id, merchant=row.merchant_id, url=row.url, events=tuple(row.events), secrets=tuple(secrets),
        created_at=row.created_at, **{name: getattr(row, name) for name in names},
    )  # fmt: skip
