"""The limit: the same work hand-written in one loop, in one process, with no framework.

Parse, verify, one event row a delivery, render, MIME by hand, send on one kept connection, one message row;
SQLite in WAL mode with synchronous=FULL, two commits for a hundred deliveries. It folds nothing, asks no gate,
seals nothing and could not recover: what it reaches is the most that Python on this machine could reach.
"""

from __future__ import annotations

import argparse
import hmac
import json
import secrets
import smtplib
import sqlite3
import time
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import workload
from bench.letter import SENDER, SHOP, Letter, Writer
from bench.rounds import child, cpu_here, interleave, peak_here, report, summary
from bench.sink import sink
from bench.workload import Recorded

BATCH = 100
WARM = 5  # orders before the clock starts
TABLES = """
CREATE TABLE event (id INTEGER PRIMARY KEY, delivery TEXT UNIQUE, topic TEXT, body BLOB, received_at TEXT);
CREATE TABLE message (id TEXT PRIMARY KEY, event_id INTEGER, recipient TEXT, subject TEXT, sent_at TEXT);
"""


class Loop:
    """The hand-written programme."""

    def __init__(self, database: Path, port: int) -> None:
        self._db = sqlite3.connect(database, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + TABLES)
        self._smtp = smtplib.SMTP("127.0.0.1", port)
        self._smtp.ehlo()
        self._writer = Writer()

    def run(self, path: Path) -> None:
        """Everything that the file tells, to its end."""
        deliveries = workload.read(path)
        for start in range(0, len(deliveries), BATCH):
            self._batch(deliveries[start : start + BATCH])

    def _batch(self, batch: Sequence[Recorded]) -> None:
        for one in batch:
            told = b64decode(one.headers["x-shopify-hmac-sha256"])
            if not hmac.compare_digest(told, hmac.digest(workload.SECRET.encode(), one.body, "sha256")):
                raise ValueError("a signature does not fit")
        now = datetime.now(UTC)
        self._db.execute("BEGIN IMMEDIATE")
        events = [
            self._db.execute(
                "INSERT INTO event (delivery, topic, body, received_at) VALUES (?, ?, ?, ?) RETURNING id",
                (one.headers["x-shopify-webhook-id"], one.headers["x-shopify-topic"], one.body, now.isoformat()),
            ).fetchone()[0]
            for one in batch
        ]
        self._db.execute("COMMIT")
        rows = [self._send(one, event, now) for one, event in zip(batch, events, strict=True)]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def _send(self, one: Recorded, event: int, now: datetime) -> tuple[Any, ...]:
        letter = self._writer.write(one.headers["x-shopify-topic"], json.loads(one.body))
        name = secrets.token_hex(10)
        self._smtp.sendmail(SENDER, [letter.to], mime(letter, name, now))
        return name, event, letter.to, letter.subject, datetime.now(UTC).isoformat()


def mime(letter: Letter, name: str, now: datetime) -> bytes:
    """The bytes of one mail: HTML and text in base64."""
    head = "\r\n".join((
        f"Date: {format_datetime(now)}", f"From: {_word(SHOP)} <{SENDER}>", f"To: {_word(letter.name)} <{letter.to}>",
        f"Subject: {_word(letter.subject)}", f"Message-ID: <{name}@hana.example>", "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="=_{name}"', "", "",
    ))  # fmt: skip
    parts = "".join(
        f"--=_{name}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{code}\r\n"
        for kind, code in (("plain", _lines(letter.text)), ("html", _lines(letter.html)))
    )
    return f"{head}{parts}--=_{name}--\r\n".encode()


def _lines(text: str) -> str:
    code = b2a_base64(text.replace("\n", "\r\n").encode(), newline=False).decode()
    return "\r\n".join(code[at : at + 76] for at in range(0, len(code), 76))


def _word(text: str) -> str:
    return f"=?UTF-8?B?{b2a_base64(text.encode(), newline=False).decode()}?="


def run(count: int) -> dict[str, float]:
    """One round: `count` orders, then their shipments."""
    with sink() as mail, TemporaryDirectory(prefix="todoke-bench-") as folder:
        now, home = datetime.now(UTC), Path(folder)
        files = [home / f"{name}.jsonl" for name in ("warm-orders", "warm-shipments", "orders", "shipments")]
        for path, (make, number, first) in zip(files, workload.plan(count, WARM), strict=True):
            workload.write(path, make(number, now, first))
        loop = Loop(home / "limit.db", mail.port)
        for path in files[:2]:
            loop.run(path)
        wall, cpu = time.perf_counter(), cpu_here()
        for path in files[2:]:
            loop.run(path)
        wall, cpu = time.perf_counter() - wall, cpu_here() - cpu
    return {
        "messages_s": 2 * count / wall, "messages_cpu_s": 2 * count / cpu, "wall_s": wall, "cpu_s": cpu,
        "peak_mb": peak_here(),
    }  # fmt: skip


COLUMNS = {
    "messages_s": "messages/s", "messages_cpu_s": "messages/CPU-s", "cpu_s": "CPU s", "wall_s": "wall s",
    "peak_mb": "peak MB",
}  # fmt: skip


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=1000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--one", action="store_true", help="one round, here; prints its figures")
    given = asked.parse_args()
    if given.one:
        print(json.dumps(run(given.orders)))
        return
    found = interleave({"limit": lambda: child("limit", "--one", "--orders", given.orders)}, given.rounds)
    report("hand-written limit", summary(found), COLUMNS, orders=given.orders, rounds=given.rounds)


if __name__ == "__main__":
    main()
