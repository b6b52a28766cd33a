"""What it costs to ask for due messages when many wait: claims and the sweeper's look, over planned rows not yet due.

The rows are written by one INSERT ... SELECT before the indexes are built, not through the engine. A claim of 100 due
messages whoever they belong to, one by the turn of a merchant, and one that finds none are timed, each rolled back, so
that every size is asked the same.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, text

from bench.rounds import Figures, interleave, ratios, report, summary
from bench.servers import DATABASES, postgres
from engine.model.merchant import MerchantSettings
from engine.store import merchants, outbox, runs, turns
from engine.store.migrate import upgrade
from engine.store.sealed import Vault
from engine.store.session import Store
from engine.store.tables import MESSAGE, RUN

SIZES = (10_000, 1_000_000)
LARGE = 10_000_000
DUE, AHEAD, MERCHANTS = 100, 30, 100  # due now; days over which the others are planned; whose they are
LANE = 1  # of review requests
LOOKS = 20  # of each kind in a round
COLUMNS = {
    "claim_ms": "claim 100 due, ms", "ratio": "of the smallest", "turn_ms": "claim by turns, ms", "none_ms":
    "claim, none due, ms", "look_ms": "sweeper's look, ms", "wake_ms": "due wakeups, ms",
}  # fmt: skip
NUMBERS = {
    "sqlite": "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :size) ",
    "postgresql": "WITH counted(n) AS (SELECT generate_series(1, :size)) ",
}
WHEN = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', :start, '+' || (n * :days * 86400.0 / :size) || ' seconds')",
    "postgresql": "CAST(:start AS timestamp) + n * :days * interval '1 day' / :size",
}
# Numbers of one length, so that the unique index grows at its end.
KEY = {"sqlite": "printf(:kind || '%08d', n)", "postgresql": "CAST(:kind AS text) || lpad(CAST(n AS text), 8, '0')"}
MESSAGES = """INSERT INTO message (public_id, merchant_id, subject_id, journey, digest, step, run_key, recipient,
    occurrence, event_key, anchor, template, purpose, lane, status, planned_at, due_at, expires_at, fence, tries)
    {numbers} SELECT {key}, 1 + n % :merchants, 1 + n % :merchants, 'review_request', 'd', 'ask', {key}, 'orderer',
    '1', 'e', CAST(:past AS {time}), 'review_request', 'service', :lane, 'planned', CAST(:past AS {time}), {due},
    CAST(:late AS {time}), 0, 0 FROM counted"""
RUNS = """INSERT INTO run (merchant_id, subject_id, journey, digest, key, event_type, event_key, anchor, position,
    state, awaiting, wake_at, sent, started_at)
    {numbers} SELECT 1 + n % :merchants, 1 + n % :merchants, 'reorder', 'd', {key}, 'order.confirmed', 'e',
    CAST(:past AS {time}), 0, 'active', 'time', {due}, 0, CAST(:past AS {time}) FROM counted"""
QUICK = {  # what is interrupted is thrown away
    "sqlite": ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000"),
    "postgresql": ("SET maintenance_work_mem = '512MB'", "SET synchronous_commit = off"),
}


def filled(store: Store, size: int, now: datetime) -> None:
    """`size` messages and as many wakeups, planned over the next days, and DUE messages that are due."""
    kind = store.engine.dialect.name
    with store.begin() as tx:
        for number in range(MERCHANTS):
            merchants.add(tx, slug=f"shop-{number}", name="hana", settings=MerchantSettings(), now=now)
        made = "INSERT INTO subject (merchant_id, version, stage, updated_at) SELECT id, 0, 'new', :now FROM merchant"
        tx.conn.execute(text(f"{made} ORDER BY id"), {"now": _stamp(now)})
    shape = {
        "numbers": NUMBERS[kind], "due": WHEN[kind], "key": KEY[kind],
        "time": "timestamp" if kind == "postgresql" else "text",
    }  # fmt: skip
    told = {"past": _stamp(now - timedelta(days=1)), "merchants": MERCHANTS}
    late = {"late": _stamp(now + timedelta(days=90)), "lane": LANE}
    ahead = {**told, "size": size, "days": AHEAD, "kind": "later-", "start": _stamp(now + timedelta(hours=1))}
    soon = {**told, "size": DUE, "days": 0.01, "kind": "due-", "start": _stamp(now - timedelta(hours=1))}
    raw = store.engine.raw_connection()  # the only one of the pool
    for setting in QUICK[kind]:
        raw.cursor().execute(setting)
    raw.commit()
    raw.close()
    with store.engine.begin() as conn:
        with _without_indexes(conn):
            conn.execute(text(MESSAGES.format(**shape)), {**ahead, **late})
            conn.execute(text(RUNS.format(**shape)), ahead)
            conn.execute(text(MESSAGES.format(**shape)), {**soon, **late})
        conn.execute(text("ANALYZE"))


@contextmanager
def _without_indexes(conn: Connection) -> Iterator[None]:
    """Sorting ten million keys once is faster than finding ten million places."""
    indexes = [index for table in (MESSAGE, RUN) for index in table.indexes]
    for index in indexes:
        index.drop(conn)
    yield
    for index in indexes:
        index.create(conn)


def asked(store: Store, now: datetime) -> Figures:
    """Medians over LOOKS, in milliseconds."""
    lease = timedelta(seconds=60)

    def claim(at: datetime, *, by_turns: bool = False) -> None:
        try:
            with store.begin() as tx:
                if by_turns:
                    waiting = turns.merchants_due(tx, LANE, at, at)
                    found = outbox.claim(tx, limit=DUE, lease=lease, now=at, real=at, merchant=waiting[0], lane=LANE)
                    expected = DUE // MERCHANTS
                else:
                    found = outbox.claim(tx, limit=DUE, lease=lease, now=at, real=at)
                    expected = DUE if at == now else 0
                if len(found) != expected:
                    raise AssertionError(f"{len(found)} were claimed, expected {expected}")
                raise _Undone
        except _Undone:
            pass

    def look() -> None:
        with store.read() as tx:
            turns.look(tx, now, now)

    def wake() -> None:
        with store.read() as tx:
            runs.due(tx, now, 100)

    return {
        "claim_ms": _median(functools.partial(claim, now)), "none_ms": _median(lambda: claim(now - timedelta(days=2))),
        "turn_ms": _median(functools.partial(claim, now, by_turns=True)), "look_ms": _median(look),
        "wake_ms": _median(wake),
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
    words.add_argument("--large", action="store_true", help=f"{LARGE:,} rows as well: about 8 GB, 10 minutes and more")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--database", choices=DATABASES, default="sqlite")
    given = words.parse_args()
    now, sizes = datetime.now(UTC), (*SIZES, LARGE) if given.large else SIZES
    with ExitStack() as stack:
        where = os.environ.get("BENCH_DIR")
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="todoke-bench-", dir=where)))
        server = stack.enter_context(postgres()).server if given.database == "postgres" else None
        asks: dict[str, Callable[[], Figures]] = {}
        for size in sizes:
            began = time.perf_counter()
            made = server.database() if server else None
            url, filling = (made.url, made.admin) if made else (f"sqlite:///{folder / f'{size}.db'}",) * 2
            with closing(Store(filling, Vault([bytes(32)]))) as store:
                if made is None:
                    upgrade(store.engine)
                filled(store, size, now)
            print(f"{size:,} rows: written in {time.perf_counter() - began:.0f} s", file=sys.stderr)
            store = stack.enter_context(closing(Store(url, Vault([bytes(32)]))))
            asks[f"{size:,}"] = functools.partial(asked, store, now)
        found = interleave(asks, given.rounds)
    told, least = summary(found), f"{sizes[0]:,}"
    for name, ratio in ratios(found, "claim_ms", least).items():
        told[name]["ratio"] = ratio
    report("timers, by planned rows", told, COLUMNS, rounds=given.rounds, database=given.database)


if __name__ == "__main__":
    main()
