"""T2 observe: claimed deliveries are read, folded into their subjects, and what follows is decided.

Reading (pure, but it may meet anything) happens outside the transaction. Everything that follows from a
batch of deliveries, down to planned messages and the end of the inbox rows, is one commit: all or nothing,
so a replay is free. A delivery that breaks its batch is tried alone, and given up after `GIVE_UP` tries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from engine.contracts import BadRow, Delivery, EndpointSeen, Observation, Receipt, Unreadable
from engine.flow import click
from engine.flow.absorb import NOTHING_FIRST, First, NotYet, Parked, absorb
from engine.flow.app import App
from engine.flow.ask.plan import cannot_fetch, thin
from engine.flow.claims import deliveries, gathered
from engine.flow.endpoint import turn_to
from engine.flow.place import Said
from engine.flow.reader import reader
from engine.flow.receive import receive
from engine.io.metrics import OBSERVE
from engine.rules.errand import Errand
from engine.rules.mapping import mapped
from engine.rules.owners import NOBODYS, called, owner_of, unassigned
from engine.rules.receipt import shuts
from engine.rules.silence import hushed
from engine.rules.source_mails import mailed
from engine.store import errands, inbox, merchants, strays, unmapped
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from engine.store.session import Tx

log = structlog.get_logger(__name__)
GIVE_UP = 5

Sender = tuple[Connection | None, Mapping[str, int]]  # who delivered, and the merchants it may speak for by slug


@dataclass(frozen=True, kw_only=True)
class Read:
    """One delivery as read: how it ends if nothing else goes wrong, and what it says to which merchant."""

    raw: Raw
    state: str
    reason: str | None = None
    said: tuple[tuple[int, Observation], ...] = ()
    receipts: tuple[tuple[int, Receipt], ...] = ()
    endpoints: tuple[tuple[int, tuple[Connection, EndpointSeen]], ...] = ()
    fetch: tuple[Errand, ...] = ()
    unmapped: tuple[tuple[str, bool], ...] = ()  # statuses, and whether each is a scan's
    strays: tuple[str, ...] = ()  # goods owners that no merchant is set for


def observe(app: App) -> int:
    """Work on one batch of waiting deliveries; returns how many there were."""
    with gathered(app, app.lines.deliveries):
        rows = deliveries(app)
        senders: dict[str, Sender] = {}
        if rows:
            with (
                app.lines.deliveries.serving(Counter(raw.connection for raw in rows)) as mine,
                app.store.at_work(mine.much),
                OBSERVE.timed(),
            ):
                _work(app, [one for raw in rows if (one := _try_read(app, raw, senders)) is not None])
    return len(rows)


def _try_read(app: App, raw: Raw, senders: dict[str, Sender]) -> Read | None:
    """The delivery as read; None when reading it broke, which is its own affair and not its neighbours'."""
    app.store.let_by()
    try:
        if raw.connection not in senders:
            senders[raw.connection] = _sender(app, raw)
        return _read(app, raw, *senders[raw.connection])
    except Exception as failed:
        _failed(app, raw, failed)
        return None


def _work(app: App, batch: Sequence[Read], *, patient: bool = True, first: Mapping[int, First] | None = None) -> None:
    """`first`: merchant -> what has to be done before any row of theirs is locked."""
    first = first or {}
    if not batch:
        return
    try:
        due = app.store.commit(lambda tx: _commit(app, tx, batch, first), patient=patient)
    except NotYet as found:
        _work(app, batch, patient=patient, first={**first, found.merchant: found.first})
        return
    except Exception as failed:
        if len(batch) > 1:
            for one in batch:
                _work(app, [one], patient=False)
        else:
            _failed(app, batch[0].raw, failed)
        return
    if due:
        app.store.back_soon()
        app.hints.deliver()
    if any(one.fetch or one.endpoints for one in batch):
        app.hints.ask()


def _commit(app: App, tx: Tx, batch: Sequence[Read], first: Mapping[int, First]) -> bool:
    now = app.clock.now()
    receipts: dict[int, list[Receipt]] = {}
    for merchant, receipt in (told for one in batch for told in one.receipts):
        receipts.setdefault(merchant, []).append(receipt)
    told_of: dict[int, list[tuple[Connection, EndpointSeen]]] = {}
    for merchant, seen_there in (told for one in batch for told in one.endpoints):
        told_of.setdefault(merchant, []).append(seen_there)
    suppressing = {n for n, some in receipts.items() if any(map(shuts, some))}
    changing = {n for n, some in told_of.items() if any(seen.status != "wrote" for _, seen in some)}
    shut = {merchant for merchant, wanted in first.items() if wanted.shut}
    for merchant in sorted(shut | changing | suppressing):
        tx.shut_gate(merchant)
    by_merchant: dict[int, list[Said]] = {}
    for one in batch:
        for merchant, seen in one.said:
            said = Said(connection=one.raw.connection, seen=seen, inbox=one.raw.id, backfill=one.raw.backfill)
            by_merchant.setdefault(merchant, []).append(said)
    due, parked = False, dict[int, Parked]()
    for merchant, heard in sorted(by_merchant.items()):
        planned, left_out = absorb(app, tx.of(merchant), heard, now, first=first.get(merchant, NOTHING_FIRST))
        due = due or planned
        parked |= left_out
    for merchant, told in sorted(receipts.items()):
        receive(app, tx.of(merchant), told)
    for merchant, of_addresses in sorted(told_of.items()):
        turned = turn_to(tx.of(merchant), of_addresses, now)
        due = due or turned.due
        errands.want(tx, [one for sender, ref in turned.answers for one in thin(app, sender, {ref: False})])
    errands.want(tx, [errand for one in batch for errand in one.fetch])
    for one in batch:
        if one.unmapped:
            unmapped.count(tx, one.raw.connection, one.raw.merchant, one.unmapped, now)
    strays.note(tx, [(one.raw.connection, owner, one.raw.id) for one in batch for owner in one.strays])
    ends: dict[tuple[str, str | None], list[int]] = {}
    for one in batch:
        end = ("parked", parked[one.raw.id].reason) if one.raw.id in parked else (one.state, one.reason)
        ends.setdefault(end, []).append(one.raw.id)
    for (state, reason), ids in ends.items():
        inbox.finish(tx, ids, state, reason, now)
    return due


def _failed(app: App, raw: Raw, failed: Exception) -> None:
    """Give the delivery up after `GIVE_UP` tries; before that its lease runs out and somebody tries again."""
    reason = f"{type(failed).__name__} while working on it; see the log"
    log.error("delivery.failed", inbox=raw.id, connection=raw.connection, tries=raw.tries, exc_info=failed)
    if raw.tries >= GIVE_UP:
        with app.store.begin() as tx:
            inbox.finish(tx, [raw.id], "dead", reason, app.clock.now())


def _sender(app: App, raw: Raw) -> Sender:
    with app.store.read() as tx:
        connection = merchants.connection(tx, raw.connection)
        owners = {merchant.slug: merchant.id for merchant in merchants.every(tx)} if raw.merchant is None else {}
    return connection, owners


def _read(app: App, raw: Raw, connection: Connection | None, owners: Mapping[str, int]) -> Read:
    if connection is None:
        return Read(raw=raw, state="dead", reason="its connection is gone")
    if (own := click.told(raw)) is not None:
        return Read(raw=raw, state="processed", receipts=((raw.merchant, own),) if raw.merchant is not None else ())
    # A connection that belongs to no merchant serves several: its payloads must say whose they are.
    config = connection.config if raw.merchant is not None else {**connection.config, "route": "yes"}
    delivery = Delivery(body=raw.body, headers=raw.headers, received_at=raw.received_at, topic=raw.topic, config=config)
    reads = reader(app, connection)
    if reads is None:
        return Read(raw=raw, state="dead", reason=f"{connection.connector} is told nothing")
    try:
        reading = reads.read(delivery)
    except Unreadable as unreadable:
        return Read(raw=raw, state="dead", reason=f"unreadable: {unreadable}")
    if connection.role == "source":
        reading = hushed(reading, app.sources(connection.connector).manifest.notify, connection.config)
        reading = mailed(reading, connection.config, connection.created_at or raw.received_at)
    reading, strange = mapped(reading, connection.config)
    if strange:
        log.warning("status.unmapped", connection=connection.id, statuses=[status for status, _ in strange])
    said = [(raw.merchant, seen) for seen in reading.observations if raw.merchant is not None]
    unknown: dict[str, None] = {}
    for routed in reading.routed:
        merchant = owner_of(routed.route, connection.config, owners, raw.merchant)
        if merchant is None:
            unknown[called(routed.route)] = None
        else:
            said += [(merchant, seen) for seen in routed.observations]
    state, reason = "processed", _bad_rows(reading.bad_rows)
    if unknown:
        state, reason = "parked", unassigned(connection.id, list(unknown), reason)
    elif raw.merchant is None and reading.observations:
        state, reason = "parked", NOBODYS
    elif reading.fetch and (cannot := cannot_fetch(app, connection)):
        state, reason = "parked", cannot
    elif not (said or reading.receipts or reading.endpoints or reading.bad_rows or reading.fetch):
        state, reason = "ignored", reading.ignored or "it says nothing that we use"
    receipts = [
        (owner, receipt) for receipt in reading.receipts
        if (owner := raw.merchant or owners.get(receipt.merchant or "")) is not None
    ]  # fmt: skip
    at_hand = [(raw.merchant, (connection, seen)) for seen in reading.endpoints if raw.merchant is not None]
    fetch = thin(app, connection, dict.fromkeys(reading.fetch, raw.backfill))
    return Read(
        raw=raw, state=state, reason=reason, said=tuple(said), receipts=tuple(receipts), endpoints=tuple(at_hand),
        fetch=tuple(fetch), unmapped=strange, strays=tuple(unknown),
    )  # fmt: skip


def _bad_rows(bad: Sequence[BadRow]) -> str | None:
    if not bad:
        return None
    shown = "; ".join(f"line {row.number}: {row.reason}" for row in bad[:20])
    return f"{len(bad)} lines left out: {shown}" + ("; ..." if len(bad) > 20 else "")
