"""Transactions. A Tx is bound to one merchant or it refuses to touch a merchant's rows.

SQLite: WAL, synchronous=FULL (a commit survives a power cut), BEGIN IMMEDIATE for writers so that a
transaction never fails half-way for want of the lock; within a process writers queue on a lock instead of
polling the file. PostgreSQL: the same code; row locks replace the single writer, READ COMMITTED is enough
because every decision is made under a subject's lock or a unique key, and row policies (migration 0002) hold
each statement to the merchant that its transaction is bound to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from hashlib import sha256
from random import SystemRandom
from time import sleep
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, OperationalError

from engine.store import driver
from engine.store.engines import make_engine, opening
from engine.store.place import Place
from engine.store.sealed import Vault

T = TypeVar("T")

KEPT = 0.005  # seconds: longer than a hint takes, or a mail server that is near
TRIES = 6  # of a transaction that met another, or whose connection went away
PAUSE = 0.02  # seconds before the second try; doubled each time, with jitter
LOST_PAUSE = 0.5  # the same while the database is away: 15 seconds in all
CHANCE = SystemRandom()

# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization failure, deadlock, unique
# violation (two transactions met the same new name; the second one finds it), lock not available.
CONTENDED = {"40001", "40P01", "23505", "55P03"}
# Of the same list: connection exceptions, closed by the server, idle too long, out of disk, memory or connections, an
# error of its system, and a server that only reads, as one that has just lost its role as the first.
AWAY = ("08", "57P", "25P03", "53", "58", "25006")
# PostgreSQL alone is asked these, as its driver spells them.
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BIND = "SELECT set_config('todoke.merchant', '{merchant}', true), set_config('todoke.scope', '{scope}', true)"
NEXT = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
ENTER = "SELECT pg_advisory_xact_lock_shared(%s), pg_advisory_xact_lock_shared(%s)"
SHUT = "SELECT pg_advisory_xact_lock(%s)"
ALONE = "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(%s AS bigint[])) AS key"


class Unbound(Exception):
    """A merchant's rows were asked for outside a transaction of that merchant: a bug."""


class Contended(Exception):
    """Another transaction was in the way. Nothing was written; doing it again from the start may succeed."""


class _GaveWay(Contended):
    """Somebody who has little waited for the place of this transaction, which has much to do."""


class _Line:
    """One database transaction, and whom the row policies take it for at the moment."""

    def __init__(self, conn: Connection, known: dict[Any, Any], merchant: int | None) -> None:
        self.conn = conn
        self.known = known
        self.calls = False  # were events written that an endpoint is to be told?
        self.guarded = conn.dialect.name == "postgresql"
        self.leaves_to_few: Place | None = None  # the place that it leaves, undone, when somebody with little asks
        self._bound = merchant

    def bound_to(self, merchant: int | None) -> Connection:
        if self.leaves_to_few is not None and self.leaves_to_few.asked_for:
            raise _GaveWay
        if self.guarded and self._bound != merchant:
            driver.changed(self.conn, binding(merchant))
            self._bound = merchant
        return self.conn


class Tx:
    """One transaction. `merchant` is the only merchant whose rows it may touch; None is the installation's
    own bookkeeping (claims of ids, connections)."""

    def __init__(self, line: _Line, vault: Vault, merchant: int | None = None) -> None:
        self._line = line
        self.vault = vault
        self._merchant = merchant

    @property
    def conn(self) -> Connection:
        """Where statements go, bound to this merchant whatever was bound before."""
        return self._line.bound_to(self._merchant)

    @property
    def merchant(self) -> int:
        """The merchant this transaction belongs to. Raises Unbound when there is none."""
        if self._merchant is None:
            raise Unbound("this transaction is bound to no merchant; use tx.of(merchant)")
        return self._merchant

    def of(self, merchant: int) -> Tx:
        """The same transaction, bound to a merchant."""
        return Tx(self._line, self.vault, merchant)

    @property
    def known(self) -> dict[Any, Any]:
        """What this process need not ask the database again for a moment; shared by its transactions."""
        return self._line.known

    def calls(self) -> None:
        """Events were written that an endpoint is to be told: whoever tells is woken after the commit."""
        self._line.calls = True

    @property
    def locks_rows(self) -> bool:
        """True where rows can be locked one by one (PostgreSQL); SQLite has one writer at a time."""
        return self._line.guarded

    def ids(self, table: Table, count: int) -> list[int]:
        """Ids for rows of the table that this transaction inserts next: one statement inserts many rows only when
        none of them has to tell its id."""
        if self.locks_rows:
            return [row[0] for row in driver.fetched(self.conn, NEXT, (table.name, count))]
        (newest,) = driver.fetched(self.conn, f"SELECT coalesce(max(id), 0) FROM {table.name}", ())[0]  # noqa: S608
        return list(range(newest + 1, newest + 1 + count))  # there is no other writer

    def pass_gate(self) -> None:
        """First thing of T4: whoever changes what the gate asks (`shut_gate`) has committed before, and is seen, or
        waits until this transaction has ended. SQLite has one writer anyway."""
        if self.locks_rows:
            driver.fetched(self.conn, ENTER, (_key("gate"), _key(f"gate|{self.merchant}")))

    def shut_gate(self, merchant: int | None) -> None:
        """Nothing of the merchant's, or of anybody's, is armed while this transaction lasts: for a pause and for
        suppressions, after whose commit nothing may leave. Before any row is locked, or two wait for each other."""
        if self.locks_rows:
            driver.fetched(self.conn, SHUT, (_key("gate" if merchant is None else f"gate|{merchant}"),))

    def alone(self, names: set[str]) -> None:
        """Be the only transaction that works on these names of the merchant, until it ends: for rows that
        do not exist yet and so cannot be locked."""
        if names and self.locks_rows:
            driver.fetched(self.conn, ALONE, (sorted({_key(f"{self.merchant}|{name}") for name in names}),))


class Store:
    """The database. Threads may share it."""

    def __init__(self, url: str, vault: Vault) -> None:
        self.vault = vault
        self.engine = make_engine(url)
        self.known: dict[Any, Any] = {}
        self.on_calls: Callable[[], None] = lambda: None  # after a commit that left events to be told
        self._writer = Place() if self.engine.dialect.name == "sqlite" else None
        self._work = Place(KEPT)

    @property
    def writer(self) -> Place | None:
        """What the writers of this process queue on; none where rows are locked one by one."""
        return self._writer

    @contextmanager
    def giving_way(self, much: bool) -> Iterator[None]:
        """Within it, if there is `much` to do, this thread lets others write and work first."""
        with ExitStack() as lines:
            for line in (self._writer, self._work) if much else ():
                if line is not None:
                    lines.enter_context(line.giving_way())
            yield

    @contextmanager
    def at_work(self, much: bool) -> Iterator[None]:
        """Within it this thread works on a batch, alone in its process; it may enter again. Threads that compute side
        by side take the interpreter from each other at every statement; what comes meanwhile makes one batch."""
        with self.giving_way(much), self._work:
            yield

    def let_by(self) -> None:
        """Between two pieces of a batch of which there is much: whoever waits with little is at work first. Outside
        any transaction."""
        self._work.let_by()

    def back_soon(self) -> None:
        """What this thread does goes on in a moment in another one: those with much wait for it."""
        self._work.back_soon()

    def resting(self) -> AbstractContextManager[None]:
        """Within it this thread waits for somebody outside, and another one may be at work."""
        return self._work.outside()

    @contextmanager
    def begin(self, merchant: int | None = None, *, leaves: bool = False) -> Iterator[Tx]:
        """A writing transaction: commits at the end, rolls back on any exception. Whoever has much lets others by
        first: while it lasts he cannot, unless it `leaves` half-way, with Contended, for somebody with little."""
        self.let_by()
        with self._writer or nullcontext(), self._begun("BEGIN IMMEDIATE", "BEGIN", merchant) as line:
            line.leaves_to_few = self._writer if leaves else None
            yield Tx(line, self.vault, merchant)
        if line.calls:
            self.on_calls()

    def commit(self, work: Callable[[Tx], T], merchant: int | None = None, *, patient: bool = False) -> T:
        """Run `work` in a writing transaction and return its result once that is committed.

        When another transaction was in the way it is done again from the start, so `work` must not have
        effects outside the transaction. Whoever has much leaves it once, half-way, for somebody with little who
        comes. `patient` also does it again when the database went away, for work that may be committed twice
        without harm: a connection that breaks during COMMIT does not say which. Raises what the last try raised.
        """
        for n in range(TRIES):
            try:
                with self.begin(merchant, leaves=not n) as tx:
                    return work(tx)
            except _GaveWay:
                continue
            except (DBAPIError, Contended) as failed:
                pause = PAUSE if _contended(failed) else LOST_PAUSE if patient and _lost(failed) else None
                if pause is None or n == TRIES - 1:
                    raise
            sleep(pause * 2**n * CHANCE.uniform(0.5, 1.5))
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def read(self, merchant: int | None = None) -> Iterator[Tx]:
        """A reading transaction: one consistent picture, no locks."""
        with self._begun("BEGIN", SNAPSHOT, merchant) as line:
            yield Tx(line, self.vault, merchant)

    @contextmanager
    def _begun(self, sqlite: str, postgres: str, merchant: int | None) -> Iterator[_Line]:
        """A transaction that begins as told; whom it is bound to costs no round trip of its own."""
        with self.engine.connect() as conn:
            opening(conn, sqlite if self._writer is not None else f"{postgres}; {binding(merchant)}")
            with conn.begin():
                yield _Line(conn, self.known, merchant)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def binding(merchant: int | None) -> str:
    """What tells PostgreSQL's row policies whose a transaction is; None: the installation's own bookkeeping."""
    scope = "installation" if merchant is None else "merchant"
    return BIND.format(merchant="" if merchant is None else int(merchant), scope=scope)


def _key(name: str) -> int:
    """The number by which PostgreSQL knows a lock of that name."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)


def _contended(failed: Exception) -> bool:
    return isinstance(failed, Contended) or _state(failed) in CONTENDED


def _lost(failed: Exception) -> bool:
    """Is it the database that is away, rather than the statement that is wrong?"""
    if not isinstance(failed, DBAPIError):
        return False
    state = _state(failed)
    if state is None:  # no connection was made, or it broke
        return failed.connection_invalidated or isinstance(failed, OperationalError)
    return failed.connection_invalidated or state.startswith(AWAY)


def _state(failed: Exception) -> str | None:
    """The five characters by which PostgreSQL names an error; SQLite has none."""
    found: Any = getattr(getattr(failed, "orig", None), "sqlstate", None)
    return found if isinstance(found, str) else None
