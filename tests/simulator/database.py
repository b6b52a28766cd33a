"""The real store on SQLite in memory-backed files, with seams at its transactions and a record of what they
committed: triggers write it, so it does not depend on the code under test."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.store.place import Place
from engine.store.sealed import Vault
from engine.store.session import Store, Tx
from engine.store.tables import CONNECTION, MERCHANT
from tests.flow.house import KEY, migrated
from tests.simulator.world import World

KEPT = {MERCHANT.name, CONNECTION.name}  # the same in every seed
MEMORY = Path("/dev/shm")

# What is recorded of a change: (when, columns). Each is one row of `seen`.
RECORDED = {
    "planned": ("INSERT ON message", "NEW.id", "NEW.status", "NEW.due_at"),
    "message": (
        "UPDATE ON message WHEN OLD.status != NEW.status OR OLD.fence != NEW.fence", "NEW.id", "OLD.status",
        "NEW.status", "OLD.due_at", "NEW.fence",
    ),
    "attempt": ("INSERT ON attempt", "NEW.message_id", "NEW.n", "NEW.armed_at"),
    "outcome": ("UPDATE ON attempt WHEN NEW.outcome IS NOT NULL", "NEW.message_id", "NEW.n", "NEW.outcome"),
    "event": ("INSERT ON event", "NEW.subject_id", "NEW.type", "NEW.shipment", "NEW.return_key", "NEW.key"),
    "paused": ("INSERT ON pause", "NEW.merchant_id", "NEW.journey"),
    "resumed": ("DELETE ON pause", "OLD.merchant_id", "OLD.journey"),
    "suppressed": ("INSERT ON suppression", "NEW.endpoint_index", "NEW.scope"),
    "call": ("UPDATE ON hook_call WHEN OLD.fence != NEW.fence OR OLD.status != NEW.status", "NEW.public_id"),
    "to_tell": ("INSERT ON hook_call", "NEW.public_id", "NEW.type"),
    "cursor": ("UPDATE ON errand WHEN OLD.cursor IS NOT NEW.cursor", "OLD.cursor", "NEW.cursor"),
    "errand": ("UPDATE ON errand WHEN OLD.holder IS NOT NEW.holder", "NEW.kind", "NEW.tries"),
    "found": ("INSERT ON inbox WHEN NEW.verified_by = 'poll'", "NEW.dedupe_key"),
    "inbox": ("UPDATE ON inbox WHEN OLD.state != NEW.state", "NEW.id", "NEW.state", "NEW.reason"),
}  # fmt: skip
COLUMNS = "abcde"


class Open(Place):
    """Nobody waits for it: who goes on is for the plan to say, not for a lock."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Process(Store):
    """The store as one process has it. There is a place to stop at wherever a transaction begins, before it
    commits, and after."""

    def __init__(self, database: Database, world: World, committed: Callable[[list[sqlite3.Row]], None]) -> None:
        self.__dict__.update(database.store.__dict__)  # the engine is shared: it has compiled its statements
        self._work = Open()
        self.database, self.world, self.committed = database, world, committed

    @contextmanager
    def begin(self, merchant: int | None = None, *, leaves: bool = False) -> Iterator[Tx]:
        with self.alone(), super().begin(merchant, leaves=leaves) as tx:
            yield tx
            self.world.seam("commit")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The one writer there is, with the seams around it."""
        world = self.world
        world.seam("begin")
        actor = world.stage.current
        while world.writer is not None:  # only a send inside a transaction lets another come in between
            assert actor is not None, "a transaction was left open"
            actor.until = max(world.t + 0.05, world.writer.until)
            actor.wait()
        world.writer = actor
        try:
            yield
        finally:
            world.writer = None
        self.committed(self.database.news())
        world.seam("committed")

    @contextmanager
    def read(self, merchant: int | None = None) -> Iterator[Tx]:
        self.world.seam("read")
        with super().read(merchant) as tx:
            yield tx


class Database:
    """One file for all seeds of this process, emptied before each."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="todoke-sim-", dir=MEMORY if MEMORY.is_dir() else None))
        path = self.folder / "todoke.db"
        shutil.copy(migrated(), path)
        self.store = Store(f"sqlite:///{path}", Vault([KEY]))
        self.raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.raw.row_factory = sqlite3.Row
        self.raw.execute("PRAGMA synchronous=OFF")
        self._record()
        self._seen = 0

    def _record(self) -> None:
        columns = ", ".join(COLUMNS)
        self.raw.execute(f"CREATE TABLE seen (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, {columns})")
        for what, (when, *values) in RECORDED.items():
            kept = ", ".join([*values, *["NULL"] * (len(COLUMNS) - len(values))])
            self.raw.execute(
                f"CREATE TRIGGER seen_{what} AFTER {when}"
                f" BEGIN INSERT INTO seen (what, {columns}) VALUES ('{what}', {kept}); END"
            )

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What really stands in the database."""
        return self.raw.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first value of the first row, or None."""
        row = self.raw.execute(query, values).fetchone()
        return row[0] if row else None

    def news(self) -> list[sqlite3.Row]:
        """What has been committed since the last look, in the order in which it was."""
        rows = self.rows("SELECT * FROM seen WHERE n > ? ORDER BY n", self._seen)
        if rows:
            self._seen = rows[-1]["n"]
        return rows

    def empty(self) -> None:
        """Forget everything but merchants and connections."""
        self.raw.execute("BEGIN IMMEDIATE")
        names = [row[0] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name not in KEPT and not name.startswith(("sqlite_", "alembic_")):
                self.raw.execute(f'DELETE FROM "{name}"')
        self.raw.execute("DELETE FROM sqlite_sequence")
        self.raw.execute("DELETE FROM seen")
        self.raw.execute("COMMIT")
        self._seen = 0
        self.store.known.clear()

    def close(self) -> None:
        self.raw.close()
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)
