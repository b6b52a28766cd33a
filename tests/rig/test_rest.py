"""The rig waits as long as the engine's own rules say, and tells what has not ended. In virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.contracts import Answer, Failure, OrderSeen, Ref
from engine.flow.accept import keep
from engine.model.customer import Party
from tests.flow.house import Desk, House
from tests.rig import rest as resting
from tests.rig.rest import PUT_OFF, TAKEN_UP, rest
from tests.rig.scene import Scene
from tests.rig.stores import Reader, Store

BUSY = Failure(stage="refused", code=451, command="DATA", text="4.3.0 try again later")
TAKEN = Answer(code=250, text="2.0.0 Ok")
STEP = 5.0  # seconds between two looks


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "PAUSE", 0.0)


def house_of(home: Path, desk: Desk) -> House:
    return House(home, post=lambda _: desk, start=datetime.now().astimezone())


def order(house: House) -> OrderSeen:
    now = house.clock.now()
    who = Party(name="髙橋 直子", email="naoko@example.com")
    ref = Ref(order_id="1", order_number="#1001")
    return OrderSeen(ref=ref, as_of=now, placed_at=now, payment="paid", orderer=who)


def rested(house: House, goes_on: Callable[[], None]) -> tuple[list[str], float]:
    """What was wrong, and how many seconds were waited. `goes_on` happens between two looks."""
    began = house.clock.now()

    def clock() -> float:
        house.clock.advance(timedelta(seconds=STEP))
        goes_on()
        return house.clock.now().timestamp()

    scene = Scene(
        store=Store("sqlite", ("up",)), folder=house.home, home=house.home, url="", orders=1, seconds=1,
        chance=random.Random(1), clock=clock,
    )  # fmt: skip
    scene.reader = Reader(house.home, None)
    rest(scene)
    return scene.wrong, (house.clock.now() - began).total_seconds()


def test_what_is_put_off_is_waited_for(tmp_path):
    house = house_of(tmp_path, Desk(BUSY, BUSY, BUSY, TAKEN))
    house.tell(order(house))
    wrong, seconds = rested(house, house.work)
    assert wrong == []
    assert seconds > TAKEN_UP.total_seconds()
    assert set(house.statuses().values()) == {"sent"}


def test_a_message_that_nobody_takes_up_is_told_with_all_that_is_known(tmp_path):
    house = house_of(tmp_path, Desk(BUSY, TAKEN))
    house.tell(order(house))
    house.deliver()
    wrong, seconds = rested(house, lambda: None)
    (message,) = house.reports()
    told = "\n".join(wrong)
    assert wrong[0].startswith("1 deliveries and messages had not ended after")
    assert f"message {message.id} is planned" in told
    assert "attempt 1 |" in told
    assert "4.3.0 try again later" in told
    assert seconds < PUT_OFF.total_seconds()


def test_a_delivery_that_nobody_takes_up_is_told(tmp_path):
    house = house_of(tmp_path, Desk())
    keep(house.app, [house.raw(b"{}")])
    wrong, _ = rested(house, lambda: None)
    assert wrong[1].startswith("delivery 0 is new")


def test_what_is_put_off_again_and_again_is_not_waited_for_without_end(tmp_path):
    house = house_of(tmp_path, Desk(BUSY))
    house.tell(order(house))
    wrong, seconds = rested(house, house.work)
    assert "1 deliveries and messages had not ended" in wrong[0]
    assert seconds == pytest.approx(PUT_OFF.total_seconds(), abs=2 * STEP)


def test_what_a_journey_plans_for_later_is_not_waited_for(tmp_path):
    house = house_of(tmp_path, Desk())
    house.tell(order(house))
    with house.app.store.begin() as tx:
        later = house.clock.now() + timedelta(days=7)
        tx.of(house.merchant.id).conn.exec_driver_sql(
            "UPDATE message SET due_at = ?", (f"{later:%Y-%m-%d %H:%M:%S.%f}",)
        )
    wrong, seconds = rested(house, lambda: None)
    assert (wrong, seconds) == ([], 2 * STEP)
