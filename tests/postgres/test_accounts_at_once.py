"""Accounts and volumes shared by several workers at the same moment: one counts for all of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.contracts import Answer
from engine.flow.limits.room import room
from engine.flow.send import deliver
from engine.model.merchant import MerchantSettings
from engine.rules.breaker import Account
from engine.store import accounts
from engine.store.session import Store
from tests.flow.house import START, Desk, House
from tests.flow.orders import order
from tests.flow.test_flow_control import Watch

OK = Answer(code=250, text="Ok")
WORKERS = 6


@pytest.fixture
def house(tmp_path, postgres_url):
    made = []

    def make(orders: int, **settings) -> House:
        desk = Desk(OK)
        shop = MerchantSettings(from_email="shop@hana.example", **settings)
        house = House(tmp_path, post=lambda _: desk, channel="smtp", database_url=postgres_url, settings=shop, batch=5)
        house.clock = house.app.clock = Watch(START)
        house.desk = desk
        house.tell(*(order(number=f"#{2000 + n}") for n in range(orders)))
        made.append(house)
        return house

    yield make
    for one in made:
        one.close()


def crowd(house: House) -> None:
    """All workers, each a process of its own to the database, claim before any of them has armed; then they go on until
    nothing is left to claim."""
    gate = threading.Barrier(WORKERS, timeout=30)
    templates, met = house.app.templates, threading.local()

    class Together(dict):  # the moment in which the words are looked up lies between claiming and arming
        def __getitem__(self, name):
            if not getattr(met, "yet", False):
                met.yet = True
                gate.wait()
            return templates[name]

    house.app.templates = Together(templates)

    def work():
        worker = replace(house.app, store=Store(house.app.settings.url, house.app.store.vault))
        while deliver(worker):
            pass
        worker.store.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work) for _ in range(WORKERS)]:
            done.result()
    house.app.templates = templates


def configure(house: House, config: str) -> None:
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql(f"UPDATE connection SET config = '{config}' WHERE id = 'mail'")


def test_a_bucket_is_emptied_once(house):
    here = house(60)
    configure(here, '{"per_second": "1", "burst": "10"}')
    crowd(here)
    assert len(here.desk.handed) == 10
    with here.app.store.read(here.merchant.id) as tx:
        assert room(here.app, tx, here.merchant.id) == 0


def test_one_of_all_workers_tries_an_account_that_was_held(house):
    here = house(60)
    with here.app.store.begin(here.merchant.id) as tx:
        known = accounts.lock(tx, {"mail": here.merchant.id})["mail"]
        held = Account(held_until=START - timedelta(seconds=1), held_for="provider", held_reason="x", trips=1)
        accounts.save(tx, "mail", replace(known, account=held))
    together, handed = threading.Event(), here.desk.handed
    seen: list[int] = []

    def while_it_tries(_):
        if not together.is_set():
            together.set()
            with here.app.store.read(here.merchant.id) as tx:
                seen.append(len(handed))
                assert accounts.read(tx, ["mail"])["mail"].account.probing_until is not None
                assert room(here.app, tx, here.merchant.id) == 0

    here.desk.before = while_it_tries
    for _ in range(3):
        while deliver(here.app):
            pass
        here.clock.advance(timedelta(seconds=6))
    assert seen == [0]
    with here.app.store.read(here.merchant.id) as tx:
        assert accounts.read(tx, ["mail"])["mail"].account == Account()
    assert len(handed) == 60


def test_no_more_than_the_fuse_allows_leave_and_one_pause_is_written(house):
    here = house(90, fuse_per_hour=30)
    crowd(here)
    assert 20 <= len(here.desk.handed) <= 30
    assert here.rows("SELECT count(*) n FROM pause")[0].n == 1
    (volume,) = here.rows("SELECT armed FROM volume")
    assert volume.armed == len(here.desk.handed)
    waiting = here.rows("SELECT count(*) n FROM message WHERE status = 'planned' AND awaits = 'resume'")[0].n
    assert waiting == 90 - len(here.desk.handed)
