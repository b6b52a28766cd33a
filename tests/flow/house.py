"""A whole installation in a folder of the test: real connectors, journeys, templates, SQLite, mailbox."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

import connectors
from connectors.parts.sending.machines import machine
from engine.config import Settings
from engine.contracts import Answer, Failure, Observation, Request
from engine.flow.accept import keep
from engine.flow.app import App, Post
from engine.flow.observe import observe
from engine.flow.post import Transports
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.flow.wake import wake
from engine.io.clock import SteppedClock
from engine.io.library import load_journeys
from engine.io.log import configure
from engine.io.templates import load_messages
from engine.model.merchant import Merchant, MerchantSettings
from engine.store import merchants, reports
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from engine.store.migrate import upgrade
from engine.store.sealed import Vault
from engine.store.session import Store

START = datetime(2026, 4, 8, 1, 0, tzinfo=UTC)  # ten in the morning in Tokyo
KEY = bytes(range(32))
# Gives a house its database by its home; the last one holds. "" is SQLite in that folder.
DATABASES: list[Callable[[Path], str]] = [lambda _: ""]


@cache
def texts() -> tuple[Any, Any]:
    """The journeys and templates we ship."""
    shipped = Settings()
    templates = load_messages(shipped.templates / "messages")
    purposes = {name: one.purpose for name, one in templates.items()}
    return load_journeys(shipped.journeys, templates, purposes), templates


@cache
def migrated() -> Path:
    """An empty database at the newest schema, to be copied."""
    path = Path(tempfile.mkdtemp(prefix="todoke-test-")) / "empty.db"
    store = Store(f"sqlite:///{path}", Vault([KEY]))
    upgrade(store.engine)
    with store.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


class House:
    """One installation with the merchant "hana" and her connection "shop" of our own schema.

    Business time stands at `clock` until it is moved; leases are in real time.
    """

    def __init__(
        self, home: Path, *, post: Callable[[Path], Post] | None = None, channel: str = "mailbox",
        start: datetime = START, keys: Sequence[bytes] = (KEY,), settings: MerchantSettings | None = None,
        **limits: Any,
    ) -> None:  # fmt: skip
        configure("WARNING", human=False)
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.database = home / "todoke.db"
        url = limits.pop("database_url", "") or DATABASES[-1](home)
        if not url and not self.database.exists():
            shutil.copy(migrated(), self.database)
        self.clock = SteppedClock(start)
        journeys, templates = texts()
        options = Settings(home=home, database_url=url, **limits)
        self.app = App(
            settings=options, store=Store(options.url, Vault(list(keys))), clock=self.clock,
            sources=connectors.source, channels=connectors.channel, source_names=tuple(connectors.SOURCES),
            channel_names=tuple(connectors.CHANNELS), journeys=journeys, templates=templates,
            post=post(home) if post else Transports(home, deadline=5), chance=lambda: 0.5, machine=machine,
        )  # fmt: skip
        self._keys = count()
        with self.app.store.begin() as tx:
            known = merchants.by_slug(tx, "hana")
        self.merchant = known or self.add_merchant("hana", settings or MerchantSettings(from_email="shop@hana.example"))
        if known is None:
            self.connect("shop", "standard")
            self.connect("mail", channel, role="channel", secrets={"url": ("smtp://127.0.0.1:1",)})

    def add_merchant(self, slug: str, settings: MerchantSettings) -> Merchant:
        with self.app.store.begin() as tx:
            return merchants.add(tx, slug=slug, name="花と器", settings=settings, now=self.clock.now())

    def connect(
        self, number: str, connector: str, *, role: str = "source", merchant: Merchant | None = None,
        config: dict[str, str] | None = None, secrets: dict[str, tuple[str, ...]] | None = None,
    ) -> None:  # fmt: skip
        owner = merchant or self.merchant
        made = Connection(
            id=number, merchant=owner.id, connector=connector, role=role, name=number, config=config or {},
            secrets=secrets or {},
        )  # fmt: skip
        with self.app.store.begin() as tx:
            merchants.connect(tx, made, self.clock.now())

    def raw(self, body: bytes, connection: str = "shop", *, merchant: Merchant | None = None, **other: Any) -> Raw:
        """A delivery of its own, whatever it says: the same body twice are two deliveries."""
        values = {"topic": None, "headers": {"content-type": "application/json"}, "verified_by": "test"} | other
        return Raw(
            connection=connection, merchant=(merchant or self.merchant).id, dedupe_key=str(next(self._keys)),
            body=body, received_at=self.clock.now(), **values,
        )  # fmt: skip

    def tell(self, *seen: Observation, connection: str = "shop", **other: Any) -> None:
        """The observations arrive as one delivery and are worked on."""
        keep(self.app, [self.raw(msgspec.json.encode(seen), connection, **other)])
        self.observe()

    def observe(self) -> None:
        while observe(self.app):
            pass

    def deliver(self) -> None:
        while deliver(self.app):
            pass

    def work(self) -> None:
        """Whatever is waiting or due by now."""
        self.observe()
        while recover(self.app) + wake(self.app) + deliver(self.app):
            pass

    def later(self, **span: float) -> None:
        """Move business time on, then work."""
        self.clock.advance(timedelta(**span))
        self.work()

    def rows(self, query: str, **values: Any) -> list[Any]:
        """What really stands in the database."""
        with self.app.store.read(self.merchant.id) as tx:
            return list(tx.conn.execute(text(query), values))

    def statuses(self) -> dict[str, str]:
        """ "journey/step/run" -> status of every message."""
        rows = self.rows("SELECT journey, step, run_key, status FROM message ORDER BY id")
        return {f"{row.journey}/{row.step}/{row.run_key}": row.status for row in rows}

    def reports(self, **which: Any) -> list[reports.MessageReport]:
        with self.app.store.read(self.merchant.id) as tx:
            return reports.list_messages(tx, limit=10_000, **which)

    def why(self, message: str | None = None) -> list[tuple[str, str | None]]:
        """(decision, reason) of the ledger, oldest first; of one message."""
        rows = self.rows(
            "SELECT l.*, m.public_id FROM ledger l LEFT JOIN message m ON m.id = l.message_id ORDER BY l.id"
        )
        return [(row.decision, row.reason) for row in rows if message in {None, row.public_id}]

    def mails(self) -> list[bytes]:
        """What the mailbox keeps."""
        return [path.read_bytes() for path in sorted((self.home / "mailbox").glob("*.eml"))]

    def close(self) -> None:
        self.app.store.close()


class Desk:
    """A post office that answers as it was told, and keeps what it was handed.

    `answers` are used up in turn, the last one for good: an answer, a failure, or an exception to die of.
    """

    def __init__(self, *answers: Answer | Failure | BaseException) -> None:
        self.answers = list(answers) or [Answer(code=250, text="2.0.0 Ok")]
        self.handed: list[Request] = []
        self.before: Callable[[Request], None] = lambda _: None

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        self.before(request)
        self.handed.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Killed(BaseException):
    """The process is gone: nothing that could be caught comes after this."""
