"""Merchants and their connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, or_, select, update

from engine.model.merchant import Merchant, MerchantSettings
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.session import Tx
from engine.store.tables import CONNECTION, MERCHANT

BY_ID = Query(select(MERCHANT).where(MERCHANT.c.id == bindparam("merchant")))
EVERY = Query(select(MERCHANT).order_by(MERCHANT.c.slug))
NUMBERED = Query(select(CONNECTION).where(CONNECTION.c.id == bindparam("number")))
CHANNELS = Query(
    select(CONNECTION)
    .where(or_(CONNECTION.c.merchant_id == bindparam("merchant"), CONNECTION.c.merchant_id.is_(None)))
    .where(CONNECTION.c.role == "channel")
    .order_by(CONNECTION.c.created_at, CONNECTION.c.id)
)
# Another intake that writes the same at this moment is as good: nobody waits for its commit.
FREE = select(CONNECTION.c.id).where(among(CONNECTION.c.id, "ids")).with_for_update(skip_locked=True, key_share=True)
HEARD = Bulk(
    update(CONNECTION).where(CONNECTION.c.id.in_(FREE.scalar_subquery())).values(last_delivery_at=bindparam("at"))
)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One configured connector. `secrets` are all active ones, newest first; never shown or logged."""

    id: str
    merchant: int | None
    connector: str
    role: str
    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    # Credentials that run out: name -> (when, since when it has been in force).
    until: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    created_at: datetime | None = None  # none: not stored yet
    last_delivery_at: datetime | None = None
    refused: int = 0  # deliveries whose signature did not fit
    refused_at: datetime | None = None


def add(tx: Tx, *, slug: str, name: str, settings: MerchantSettings, now: datetime) -> Merchant:
    """A new merchant. Raises sqlalchemy.exc.IntegrityError when the slug is taken."""
    values = {"slug": slug, "name": name, "settings": msgspec.to_builtins(settings), "created_at": now}
    number = tx.conn.execute(insert(MERCHANT).values(**values).returning(MERCHANT.c.id)).scalar_one()
    return Merchant(id=number, slug=slug, name=name, settings=settings)


def save_settings(tx: Tx, settings: MerchantSettings) -> None:
    """Replace the settings of the merchant of this transaction."""
    where = MERCHANT.c.id == tx.merchant
    tx.conn.execute(update(MERCHANT).where(where).values(settings=msgspec.to_builtins(settings)))


def every(tx: Tx) -> list[Merchant]:
    """All merchants, by slug."""
    return [_merchant(row) for row in EVERY(tx)]


def by_slug(tx: Tx, slug: str) -> Merchant | None:
    """The merchant of that slug."""
    row = tx.conn.execute(select(MERCHANT).where(MERCHANT.c.slug == slug)).one_or_none()
    return _merchant(row) if row else None


def by_id(tx: Tx, number: int) -> Merchant:
    """The merchant of that id, which exists."""
    return _merchant(BY_ID.one(tx, merchant=number))


def _merchant(row: Row[Any]) -> Merchant:
    settings = msgspec.convert(row.settings, MerchantSettings)
    return Merchant(id=row.id, slug=row.slug, name=row.name, settings=settings)


def connect(tx: Tx, connection: Connection, now: datetime) -> None:
    """A new connection; its secrets are sealed."""
    sealed = tx.vault.seal_raw(f"connection/secrets/{connection.id}", msgspec.json.encode(connection.secrets))
    tx.conn.execute(
        insert(CONNECTION).values(
            id=connection.id, merchant_id=connection.merchant, connector=connection.connector,
            role=connection.role, name=connection.name, config=dict(connection.config),
            sealed_secrets=sealed, until=written(connection.until), created_at=now,
        )
    )  # fmt: skip


def reconnect(tx: Tx, connection: Connection) -> None:
    """Replace settings and secrets of a connection, and when they run out."""
    sealed = tx.vault.seal_raw(f"connection/secrets/{connection.id}", msgspec.json.encode(connection.secrets))
    changed = update(CONNECTION).where(CONNECTION.c.id == connection.id)
    tx.conn.execute(
        changed.values(config=dict(connection.config), sealed_secrets=sealed, until=written(connection.until))
    )


def renew(tx: Tx, number: str, secrets: Mapping[str, str], until: Mapping[str, tuple[datetime, datetime]]) -> None:
    """Put credentials into a connection in the place of those that have the same names: the old ones may be dead."""
    known = locked(tx, number)
    if known is None:
        return
    fresh: dict[str, tuple[str, ...]] = {name: (value,) for name, value in secrets.items() if value}
    lasting = {name: times for name, times in known.until.items() if name not in secrets}
    reconnect(tx, replace(known, secrets={**known.secrets, **fresh}, until={**lasting, **until}))


def forget_until(tx: Tx, number: str) -> None:
    """The provider has refused a token, whenever it should have run out: a new one is got before the next use."""
    tx.conn.execute(update(CONNECTION).where(CONNECTION.c.id == number).values(until={}))


def connection(tx: Tx, number: str) -> Connection | None:
    """The connection of that id, whoever owns it: an intake address is public, its signature is not."""
    if "\0" in number:  # from an address that anybody may ask for; PostgreSQL has no such text
        return None
    return next((_connection(tx, row) for row in NUMBERED(tx, number=number)), None)


def locked(tx: Tx, number: str) -> Connection | None:
    """The connection of that id, until the transaction ends: for whoever writes it back. Credentials are renewed
    beside us, and what is read before and written after would put the dead ones back."""
    query = select(CONNECTION).where(CONNECTION.c.id == number)
    row = tx.conn.execute(query.with_for_update(key_share=True)).one_or_none()
    return _connection(tx, row) if row else None


def connections(tx: Tx, *, role: str | None = None) -> list[Connection]:
    """Connections in the order in which they were made: all, or those of a role."""
    query = select(CONNECTION).order_by(CONNECTION.c.created_at, CONNECTION.c.id)
    if role is not None:
        query = query.where(CONNECTION.c.role == role)
    return [_connection(tx, row) for row in tx.conn.execute(query)]


def channels(tx: Tx) -> list[Connection]:
    """The channels that carry the messages of the merchant of this transaction: its own and the operator's."""
    return [_connection(tx, row) for row in CHANNELS(tx, merchant=tx.merchant)]


def heard_from(tx: Tx, ids: Iterable[str], at: datetime) -> None:
    """Note that these connections have delivered something."""
    HEARD(tx, [{"ids": ids, "at": at}])


def refused(tx: Tx, counts: Mapping[str, int], at: datetime) -> None:
    """Note how many deliveries of these connections were refused for their signature, the last of them at `at`."""
    for number, count in sorted(counts.items()):
        changed = update(CONNECTION).where(CONNECTION.c.id == number)
        tx.conn.execute(changed.values(refused=CONNECTION.c.refused + count, refused_at=at))


def written(until: Mapping[str, tuple[datetime, datetime]]) -> dict[str, list[str]]:
    """As the column keeps it."""
    return {name: [at.astimezone(UTC).isoformat() for at in times] for name, times in until.items()}


def lasting(column: Mapping[str, list[str]]) -> dict[str, tuple[datetime, datetime]]:
    """When credentials run out, and since when each has been in force, as the column keeps them."""
    return {name: (datetime.fromisoformat(at), datetime.fromisoformat(since)) for name, (at, since) in column.items()}


def _connection(tx: Tx, row: Row[Any]) -> Connection:
    secrets: dict[str, tuple[str, ...]] = {}
    if row.sealed_secrets:
        opened = tx.vault.open_raw(f"connection/secrets/{row.id}", row.sealed_secrets)
        secrets = msgspec.json.decode(opened, type=dict[str, tuple[str, ...]])
    return Connection(
        id=row.id, merchant=row.merchant_id, connector=row.connector, role=row.role, name=row.name,
        config=row.config, secrets=secrets, until=lasting(row.until),
        created_at=row.created_at, last_delivery_at=row.last_delivery_at, refused=row.refused,
        refused_at=row.refused_at,
    )  # fmt: skip
