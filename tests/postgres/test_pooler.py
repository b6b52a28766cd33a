"""Through a pooler everything works as without one, and a connection says by itself what it needs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.store.engines import make_engine
from tests.flow.house import House
from tests.flow.orders import order
from tests.services.postgres import Server
from tests.services.servers import pgbouncer

SAID = ("enable_seqscan", "enable_bitmapscan", "jit", "idle_in_transaction_session_timeout")


@pytest.fixture
def pooled(postgres: Server) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="todoke-pooler-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with pgbouncer(Path(folder), postgres.database().url) as url:
            yield url
    postgres.drop()


def settings_of(url: str) -> dict[str, str]:
    engine = make_engine(url)
    with engine.connect() as conn:
        found = {name: conn.execute(text(f"SHOW {name}")).scalar_one() for name in SAID}
    engine.dispose()
    return found


def test_a_message_leaves_through_a_pooler(tmp_path, pooled):
    house = House(tmp_path, database_url=pooled)
    house.tell(order())
    house.work()
    assert set(house.statuses().values()) == {"sent"}
    assert len(house.mails()) == 1
    house.close()


def test_a_connection_says_what_it_needs(pooled, postgres_url):
    wanted = dict(zip(SAID, ("off", "off", "off", "15s"), strict=True))
    assert settings_of(postgres_url) == settings_of(pooled) == wanted


def test_whoever_wants_otherwise_says_so_in_the_url(postgres_url):
    told = settings_of(f"{postgres_url}?options=-c%20jit%3Doff")
    assert told == dict(zip(SAID, ("on", "on", "off", "0"), strict=True))
