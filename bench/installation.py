"""A fresh installation for one round: its own home, one merchant, a Shopify source, a mail server; all by commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine, text

from bench import workload
from bench.rounds import ROOT, environment
from bench.servers import Postgres, broker, postgres
from bench.sink import Sink, wait_for
from bench.workload import SECRET, SHOP, Recorded
from tests.services.ports import free_port

TODOKE = (sys.executable, "-c", "import cli; cli.app()")
SHOP_SETTINGS = {
    "company": "株式会社はなれ", "address": "〒100-0000 東京都千代田区架空町1-2-3", "phone": "03-0000-1001",
    "support_email": "support@hana.example", "url": "https://hana.example",
}  # fmt: skip


@dataclass(frozen=True)
class Home:
    """An installation. `source` is the id of the Shopify connection; `admin` is who may touch every row."""

    path: Path
    settings: Mapping[str, str]
    admin: str
    server: Postgres | None = None
    source: str = field(default="", kw_only=True)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that belongs to it."""
        return environment({"TODOKE_HOME": str(self.path), **self.settings})

    def ask(self, query: str) -> list[Any]:
        """What stands in its database."""
        engine = create_engine(self.admin)
        with engine.connect() as conn:
            rows = list(conn.execute(text(query)))
        engine.dispose()
        return rows

    def hold(self) -> None:
        """What waits in the inbox waits on, whoever looks for it."""
        self._do("UPDATE inbox SET state = 'held' WHERE state = 'new'")

    def let_go(self) -> None:
        """What is held may be taken up."""
        self._do("UPDATE inbox SET state = 'new' WHERE state = 'held'")

    def _do(self, statement: str) -> None:
        engine = create_engine(self.admin)
        with engine.begin() as conn:
            conn.execute(text(statement))
        engine.dispose()

    def number(self, query: str) -> int:
        """The one number that a query answers with."""
        return int(self.ask(query)[0][0])

    def sent(self) -> int:
        """Messages that the mail server has accepted, as the installation recorded it."""
        return self.number("SELECT count(*) FROM message WHERE status = 'sent'")

    def states(self) -> list[Any]:
        """(template, status, reason, how many), for the error that says what went wrong."""
        return self.ask("SELECT template, status, reason, count(*) FROM message GROUP BY 1, 2, 3")

    def server_cpu(self) -> float:
        """CPU seconds of the database server so far; SQLite has none of its own."""
        return self.server.cpu() if self.server else 0.0


def moment(told: Any) -> float:
    """A time as either database gives it, in seconds since 1970."""
    at = datetime.fromisoformat(told) if isinstance(told, str) else told
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@contextmanager
def installed(mail: Sink | None, database: str = "sqlite", hints: str = "memory") -> Iterator[Home]:
    """A new installation on servers of its own; all of it is removed afterwards. Without a mail server messages go
    to its mailbox."""
    with ExitStack() as stack:
        where = os.environ.get("BENCH_DIR")
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="todoke-bench-", dir=where)))
        settings = {"TODOKE_BROKER_URL": stack.enter_context(broker(hints))}
        server, admin = None, f"sqlite:///file:{folder / 'todoke.db'}?mode=rw&uri=true"
        if database == "postgres":
            server = stack.enter_context(postgres())
            made = server.server.database()
            admin = made.admin.replace("postgresql:", "postgresql+psycopg:")
            settings |= {"TODOKE_DATABASE_URL": made.url, "TODOKE_DATABASE_OWNER_URL": made.owner}
        home = Home(folder, settings, admin, server)
        kept = [word for name, value in SHOP_SETTINGS.items() for word in ("--set", f"{name}={value}")]
        todoke(home, "merchant", "add", "hana", "--name", "花と器 はなれ", "--from-email", "shop@hana.example", *kept)
        secrets = ("--set", f"secret={SECRET}", "--set", f"shop={SHOP}")
        told = todoke(home, "connect", "shopify", "--merchant", "hana", *secrets, "--json")
        if mail is not None:
            todoke(home, "connect", "smtp", "--merchant", "hana", "--set", f"url={mail.url}", "--set", "tls=none")
        yield Home(folder, settings, admin, server, source=json.loads(told)["connection"])


@contextmanager
def running(home: Home, command: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`todoke up` or `todoke web` of that installation: (process, port). Stopped by SIGTERM afterwards."""
    port = free_port()
    with started(home, command, "--port", str(port)) as process:
        wait_for(port)
        yield process, port


@contextmanager
def started(home: Home, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command of that installation that runs until it is stopped, by SIGTERM. Raises RuntimeError when it does
    not start."""
    with (home.path / "stderr.log").open("a") as log:
        process = subprocess.Popen(
            [*TODOKE, *words], env=home.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        if process.stdout is None or not process.stdout.readline().startswith("started"):
            raise RuntimeError(f"todoke {' '.join(words)}: {(home.path / 'stderr.log').read_text()[-2000:]}")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def ingested(home: Home, deliveries: Iterable[Recorded], *words: str) -> None:
    """Take in recorded deliveries by `todoke ingest` with these options."""
    path = home.path / "deliveries.jsonl"
    workload.write(path, deliveries)
    todoke(home, "ingest", home.source, str(path), *words)


def todoke(home: Home, *words: str) -> str:
    """What a command of that installation prints. Raises RuntimeError when it refuses."""
    done = subprocess.run([*TODOKE, *words], env=home.env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"todoke {' '.join(words)}: {re.sub(SECRET, '...', done.stderr)}")
    return done.stdout
