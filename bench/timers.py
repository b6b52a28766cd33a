"""What it costs to ask for due messages when many wait: claim, and the sweeper's look, over planned rows not yet due.

The rows are written by one INSERT ... SELECT, not through the engine; a claim of 100 due messages and one that
finds none are timed, each rolled back, so that every size is asked the same.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.rounds import Figures, interleave, ratios, report, summary
from engine.model.merchant import MerchantSettings
from engine.store import inbox, merchants, messages, outbox, runs
from engine.store.migrate import upgrade
from engine.store.sealed import Vault
from engine.store.session import Store

SIZES = (10_000, 1_000_000)
LARGE = 10_000_000
DUE, AHEAD = 100, 30  # due now; days over which the others are planned
LOOKS = 20  # of each kind in a round
COLUMNS = {
    "claim_ms": "claim 100 due, ms", "none_ms": "claim, none due, ms", "look_ms": "sweeper's look, ms",
    "wake_ms": "due wakeups, ms", "ratio": "claim, of the smallest",
}  # fmt: skip
NUMBERS = {
    "sqlite": "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :size) ",
    "postgresql": "WITH counted(n) AS (SELECT generate_series(1, :size)) ",
}
WHEN = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', :start, '+' || (n * :days * 86400.0 / :size) || ' seconds')",
    "postgresql": "CAST(:start AS timestamp) + n * :days * interval '1 day' / :size",
}
MESSAGES = """INSERT INTO message (public_id, merchant_id, subject_id, journey, digest, step, run_key, recipient,
    occurrence, event_key, anchor, template, purpose, status, planned_at, due_at, expires_at, fence, tries)
    {numbers} SELECT :kind || n, :merchant, :subject, 'review_request', 'd', 'ask', :kind || n, 'orderer', '1', 'e',
    CAST(:past AS {time}), 'review_request', 'service', 'planned', CAST(:past AS {time}), {due},
    CAST(:late AS {time}), 0, 0 FROM counted"""
RUNS = """INSERT INTO run (merchant_id, subject_id, journey, digest, key, event_type, event_key, anchor, position,
    state, awaiting, wake_at, sent, started_at)
    {numbers} SELECT :merchant, :subject, 'reorder', 'd', :kind || n, 'order.confirmed', 'e', CAST(:past AS {time}), 0,
    'active', 'time', {due}, 0, CAST(:past AS {time}) FROM counted"""


def filled(store: Store, size: int, now: datetime) -> None:
    """`size` messages and as many wakeups, planned over the next days, and DUE messages that are due."""
    upgrade(store.engine)
    kind = store.engine.dialect.name
    with store.begin() as tx:
        merchant = merchants.add(tx, slug="hana", name="hana", settings=MerchantSettings(), now=now)
        made = "INSERT INTO subject (merchant_id, version, stage, updated_at) VALUES (:m, 0, 'new', :now) RETURNING id"
        subject = tx.conn.execute(text(made), {"m": merchant.id, "now": _stamp(now)}).scalar_one()
        shape = {"numbers": NUMBERS[kind], "due": WHEN[kind], "time": "timestamp" if kind == "postgresql" else "text"}
        told = {
            "merchant": merchant.id, "subject": subject, "past": _stamp(now - timedelta(days=1)),
            "late": _stamp(now + timedelta(days=90)),
        }  # fmt: skip
        ahead = {**told, "size": size, "days": AHEAD, "kind": "later-", "start": _stamp(now + timedelta(hours=1))}
        tx.conn.execute(text(MESSAGES.format(**shape)), ahead)
        tx.conn.execute(text(RUNS.format(**shape)), ahead)
        soon = {**told, "size": DUE, "days": 0.01, "kind": "due-", "start": _stamp(now - timedelta(hours=1))}
        tx.conn.execute(text(MESSAGES.format(**shape)), soon)
    with store.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def asked(store: Store, now: datetime) -> Figures:
    """Medians over LOOKS, in milliseconds."""
    lease = timedelta(seconds=60)

    def claim(at: datetime) -> None:
        try:
            with store.begin() as tx:
                found = outbox.claim(tx, limit=DUE, lease=lease, now=at, real=at)
                if len(found) != (DUE if at == now else 0):
                    raise AssertionError(f"{len(found)} were claimed")
                raise _Undone
        except _Undone:
            pass

    def look() -> None:
        with store.read() as tx:
            inbox.waiting(tx)
            messages.busy(tx, now)

    def wake() -> None:
        with store.read() as tx:
            runs.due(tx, now, 100)

    return {
        "claim_ms": _median(functools.partial(claim, now)), "none_ms": _median(lambda: claim(now - timedelta(days=2))),
        "look_ms": _median(look), "wake_ms": _median(wake),
    }  # fmt: skip


class _Undone(Exception):
    """Rolls a claim back."""


def _median(ask: Callable[[], None]) -> float:
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def main() -> None:
    """The command: rounds, table, JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--large", action="store_true", help=f"{LARGE:,} rows as well: about 12 GB and 10 minutes")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument(
        "--url", help="an empty PostgreSQL database for each size, {size} in its name, instead of SQLite"
    )
    given = words.parse_args()
    now, sizes = datetime.now(UTC), (*SIZES, LARGE) if given.large else SIZES
    with TemporaryDirectory(prefix="todoke-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        stores = {}
        for size in sizes:
            print(f"writing {size:,} rows ...", file=sys.stderr)
            url = given.url.format(size=size) if given.url else f"sqlite:///{Path(folder) / f'{size}.db'}"
            stores[f"{size:,}"] = Store(url, Vault([bytes(32)]))
            filled(stores[f"{size:,}"], size, now)
        found = interleave({name: functools.partial(asked, one, now) for name, one in stores.items()}, given.rounds)
        for one in stores.values():
            one.close()
    told, least = summary(found), f"{sizes[0]:,}"
    for name, ratio in ratios(found, "claim_ms", least).items():
        told[name]["ratio"] = ratio
    report(
        "timers, by planned rows", told, COLUMNS, rounds=given.rounds, database="postgresql" if given.url else "sqlite"
    )


if __name__ == "__main__":
    main()
