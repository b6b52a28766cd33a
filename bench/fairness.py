"""What another merchant's burst costs a small one: from a webhook of hers to the mail server's acceptance of her mail.

A small merchant gets ten orders a second. First she is alone; after a quiet minute, in which the engine forgets her,
another merchant has tens of thousands of deliveries waiting and as many messages due, in both lanes. She gets one
order, then as many as before. All in one installation, so the ratio is of one run; the burst is still there when she is
done, or the round fails. With --large a million of those messages are due, as if each customer were asked for a review.

The burst lies ready from the start and becomes due at once: a bench that wrote it meanwhile would hold SQLite's only
writer for minutes, and measure that.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, text

from bench import workload
from bench.installation import SHOP_SETTINGS, Home, installed, moment, running, todoke
from bench.machine import Machine
from bench.rounds import Figures, child, interleave, report, summary
from bench.sink import Sink, sink
from engine.flow.app import App
from engine.model.facts import State
from engine.store import facts, inbox
from engine.store.inbox import Raw
from engine.store.tables import MESSAGE

ORDERS, RATE, WARM = 120, 10.0, 5
DELIVERIES, BURST, LARGE = 60_000, 20_000, 1_000_000  # reading one takes a third of what sending a message does
QUIET = 62  # seconds after which the engine has forgotten that somebody was about
SETTLED = 200  # messages of the burst that leave before the small merchant is measured again
COLUMNS = {
    "alone_p50_ms": "alone, p50 ms", "burst_p50_ms": "under the burst, p50 ms", "alone_p95_ms": "alone, p95 ms",
    "burst_p95_ms": "under the burst, p95 ms", "ratio": "p95, of alone",
    "rare_ms": "after a quiet minute, ms", "other_s": "the other's messages/s",
    "alone_fsync_p95_ms": "an fsync alone, p95 ms", "burst_fsync_p95_ms": "under it",
    "burst_taken": "CPU taken by others",
}  # fmt: skip
CHUNK = 20_000  # messages written in one commit: SQLite has one writer, and the installation is at work meanwhile
MOMENT = bindparam("later", type_=MESSAGE.c.due_at.type)
# Copies of one message of the other merchant's, over its customers: real ones, that are judged, written and sent when
# they are due.
COPIES = text("""INSERT INTO message (public_id, merchant_id, subject_id, journey, digest, step, run_key, recipient,
    occurrence, event_key, anchor, template, purpose, lane, status, planned_at, due_at, expires_at, fence, tries)
    WITH RECURSIVE counted(n) AS
    (SELECT CAST(:first AS integer) UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < :until)
    SELECT :kind || n, merchant_id, customer.id, journey, digest, step, run_key, recipient, :kind || n, event_key,
    anchor, template, purpose, :lane, 'planned', planned_at, :later, expires_at, 0, 0 FROM counted JOIN
    (SELECT id, row_number() OVER (ORDER BY id) AS place FROM subject WHERE merchant_id = :merchant AND stage = :stage)
    AS customer ON place = 1 + n % :customers,
    (SELECT * FROM message WHERE merchant_id = :merchant AND template = 'order_confirmed' ORDER BY id LIMIT 1) AS one
    """).bindparams(MOMENT)
DUE = text("UPDATE message SET due_at = planned_at WHERE merchant_id = :merchant AND id BETWEEN :first AND :last"
    " AND due_at = :later").bindparams(MOMENT)  # fmt: skip
LATER = timedelta(days=2)
STAGE = "copied"  # of the customers' orders: no stage of ours
WAITS = """SELECT message.sent_at, inbox.received_at FROM message JOIN observation USING (subject_id)
    JOIN inbox ON inbox.id = observation.inbox_id WHERE message.template = 'order_confirmed'
    AND message.merchant_id = {merchant} AND inbox.id > {after} AND message.sent_at IS NOT NULL"""


def run(database: str, hints: str, reviews: int) -> Figures:
    """One round. Raises RuntimeError when a message is not sent or the burst was over too early."""
    with sink() as mail, installed(mail, database, hints) as home:
        other = _other(home, mail)
        os.environ.update(home.env)
        import cli

        app = cli.compose()
        with running(home, "up"):
            _burst(app, home, other, deliveries=WARM)
            _until_sent(home, other, WARM)
        _customers(app, home, other)
        later = datetime.now(UTC) + LATER
        for lane, many in enumerate((BURST, reviews)):
            _copies(app, other, many, lane, later)
        _burst(app, home, other, deliveries=DELIVERIES, first=10_000)
        home.hold()
        with running(home, "up") as (_, port), Machine() as machine:
            small = home.number("SELECT id FROM merchant WHERE slug = 'hana'")
            _small(home, port, small, WARM, first=1)
            machine.figures()
            alone = _small(home, port, small, ORDERS, first=1_000)
            told = machine.figures("alone_")
            time.sleep(QUIET)
            home.let_go()
            _due(app, home, other, later)
            _until_sent(home, other, _sent(home, other) + SETTLED)
            (rare,) = _small(home, port, small, 1, first=1_500)
            sent, began = _sent(home, other), time.monotonic()
            machine.figures()
            burst = _small(home, port, small, ORDERS, first=2_000)
            taken = time.monotonic() - began
            told |= machine.figures("burst_")
            left = home.number("SELECT count(*) FROM inbox WHERE state = 'new'")
            if not left or not home.number(
                "SELECT count(*) FROM message WHERE status = 'planned' AND public_id LIKE '0-%'"
            ):
                raise RuntimeError("the burst was over before the small merchant was done")
            other_s = (_sent(home, other) - sent) / taken
        app.store.close()
    return {
        "alone_p50_ms": _quantile(alone, 0.5), "alone_p95_ms": _quantile(alone, 0.95),
        "burst_p50_ms": _quantile(burst, 0.5), "burst_p95_ms": _quantile(burst, 0.95),
        "ratio": _quantile(burst, 0.95) / _quantile(alone, 0.95), "rare_ms": rare, "other_s": other_s, "left": left,
        **told,
    }  # fmt: skip


def _other(home: Home, mail: Sink) -> int:
    kept = [word for name, value in SHOP_SETTINGS.items() for word in ("--set", f"{name}={value}")]
    todoke(home, "merchant", "add", "big", "--name", "大きな店", "--from-email", "shop@big.example", *kept)
    secrets = ("--set", f"secret={workload.SECRET}", "--set", f"shop={workload.SHOP}")
    todoke(home, "connect", "shopify", "--merchant", "big", *secrets)
    todoke(home, "connect", "smtp", "--merchant", "big", "--set", f"url={mail.url}", "--set", "tls=none")
    return home.number("SELECT id FROM merchant WHERE slug = 'big'")


def _small(home: Home, port: int, merchant: int, count: int, first: int) -> list[float]:
    """Milliseconds from received to accepted of `count` orders, ascending."""
    path = home.path / f"orders-{first}.jsonl"
    workload.write(path, workload.orders(count, datetime.now(UTC), first))
    after = home.number("SELECT coalesce(max(id), 0) FROM inbox")
    child("client", port, f"/in/{home.source}", path, 32, RATE)
    until = time.monotonic() + 60
    while len(rows := home.ask(WAITS.format(merchant=merchant, after=after))) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{len(rows)} of {count} messages were sent: {home.states()}")
        time.sleep(0.2)
    return sorted((moment(sent) - moment(received)) * 1000 for sent, received in rows)


def _burst(app: App, home: Home, merchant: int, deliveries: int, first: int = 1) -> None:
    """Deliveries of the other merchant's shop, written into the inbox as its intake would."""
    source = str(home.ask(f"SELECT id FROM connection WHERE merchant_id = {merchant} AND role = 'source'")[0][0])
    now = datetime.now(UTC)
    for some in _some(workload.orders(deliveries, now, first)):
        raws = [
            Raw(connection=source, merchant=merchant, dedupe_key=one.headers["x-shopify-webhook-id"],
                topic="orders/create", headers=one.headers, body=one.body, received_at=now, verified_by="bench")
            for one in some
        ]  # fmt: skip
        with app.store.begin() as tx:
            inbox.add(tx, raws)


def _some(recorded: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(recorded, 500)):
        yield some


def _customers(app: App, home: Home, merchant: int) -> None:
    """As many customers as messages in lane 0: the other merchant's first order, and addresses of their own."""
    one = home.number(f"SELECT min(id) FROM subject WHERE merchant_id = {merchant}")
    now = datetime.now(UTC)
    with app.store.read(merchant) as tx:
        state = facts.load(tx, [one])[one].state or State()
    for first in range(0, BURST, 500):
        with app.store.begin(merchant) as tx:
            made = facts.create(tx, 500, now)
            for n, held in enumerate(made, first):
                held.state, held.stage = _with_address(state, f"customer-{n}@example.com"), STAGE
            facts.save(tx, made, now)


def _with_address(state: State, email: str) -> State:
    order = state.facts.order
    person = order.orderer and replace(order.orderer, email=email)
    return replace(state, facts=replace(state.facts, order=replace(order, orderer=person)))


def _copies(app: App, merchant: int, many: int, lane: int, later: datetime) -> None:
    for first in range(0, many, CHUNK):
        values = {
            "first": first, "until": min(first + CHUNK, many), "kind": f"{lane}-", "lane": lane,
            "stage": STAGE, "customers": BURST, "later": later,
        }  # fmt: skip
        with app.store.begin(merchant) as tx:
            tx.conn.execute(COPIES, values | {"merchant": merchant})


def _due(app: App, home: Home, merchant: int, later: datetime) -> None:
    """The messages that lie ready are due; whoever else writes has as much time as this takes."""
    newest = home.number("SELECT max(id) FROM message")
    for first in range(0, newest + 1, CHUNK):
        began = time.monotonic()
        with app.store.begin(merchant) as tx:
            tx.conn.execute(DUE, {"merchant": merchant, "first": first, "last": first + CHUNK - 1, "later": later})
        time.sleep(time.monotonic() - began)


def _until_sent(home: Home, merchant: int, count: int) -> None:
    until = time.monotonic() + 30
    while _sent(home, merchant) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"the other merchant's messages are not sent: {home.states()}")
        time.sleep(0.1)


def _sent(home: Home, merchant: int) -> int:
    return home.number(f"SELECT count(*) FROM message WHERE status = 'sent' AND merchant_id = {merchant}")


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def main() -> None:
    """The command: rounds, table, JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--large", action="store_true", help=f"{LARGE:,} messages of lane 1 due: 2 GB, some minutes")
    words.add_argument("--one", nargs=2, metavar=("DATABASE", "BROKER"), help="one round, and stop")
    given = words.parse_args()
    reviews = LARGE if given.large else BURST
    if given.one:
        print(json.dumps(run(*given.one, reviews)))
        return
    large = ("--large",) if given.large else ()
    found = interleave(
        {
            "SQLite, in memory": functools.partial(child, "fairness", "--one", "sqlite", "memory", *large),
            "PostgreSQL, Redis": functools.partial(child, "fairness", "--one", "postgres", "redis", *large),
        },
        given.rounds,
    )
    burst = {"deliveries": DELIVERIES, "due": [BURST, reviews]}
    report("fairness", summary(found), COLUMNS, rounds=given.rounds, orders=ORDERS, rate=RATE, burst=burst)


if __name__ == "__main__":
    main()
