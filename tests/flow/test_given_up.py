"""An address at which one message after the other does not arrive is given up, and taken up when one does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts import Answer, Failure
from engine.flow.accept import keep
from engine.model.customer import Party
from engine.rules.receipt import GIVEN_UP
from tests.flow.house import START, Desk, House
from tests.flow.orders import NAOKO, order, parcel

TAKEN = Answer(code=250, text="2.0.0 Ok")
FULL = Failure(stage="refused", text="4.2.2 mailbox full", code=452, command="RCPT")
LIMIT, DAYS = 3, 7
OTHER = Party(name="髙橋 直子", email="naoko.new@example.com", locale="ja-JP")


def house_at(home: Path, desk: Desk | None = None) -> House:
    limits = {"undelivered_limit": LIMIT, "undelivered_days": DAYS}
    return House(home, post=lambda _: desk or Desk(TAKEN), channel="smtp", **limits)


def buy(house: House, number: str, who: Party = NAOKO) -> str:
    """One more order: its confirmation leaves. Returns the public id of the message."""
    now = (house.clock.now() - START) / timedelta(minutes=1)
    house.tell(order(now, number, placed_at=house.clock.now(), orderer=who))
    house.work()
    return house.reports(journey="order_confirmed")[0].id


def say(house: House, *said: tuple[str, str, datetime], soft: bool = True) -> None:
    """Receipts (message, status, time) in one delivery."""
    rows = [
        {"kind": "receipt", "message": message, "status": status, "as_of": at.isoformat(), "code": "4.2.2",
         "soft": soft and status == "undelivered"}
        for message, status, at in said
    ]  # fmt: skip
    keep(house.app, [house.raw(json.dumps(rows).encode())])
    house.observe()


def suppressed(house: House) -> list[tuple[str, str]]:
    return [(row.scope, row.reason) for row in house.rows("SELECT scope, reason FROM suppression")]


@pytest.fixture
def house(tmp_path: Path, database: str) -> Iterator[House]:
    made = house_at(tmp_path)
    yield made
    made.close()


def lose(house: House, count: int, *, days: float = 4, who: Party = NAOKO, first: int = 1) -> list[str]:
    """So many orders, `days` apart, whose confirmation does not arrive."""
    lost = []
    for n in range(first, first + count):
        house.clock.advance(timedelta(days=days))
        lost.append(buy(house, f"#{n}", who))
        say(house, (lost[-1], "undelivered", house.clock.now()))
    return lost


class TestRow:
    def test_the_address_is_given_up_and_the_ledger_proves_why(self, house):
        lost = lose(house, 2)
        assert suppressed(house) == []
        lost += lose(house, 1, first=3)
        assert suppressed(house) == [("all", GIVEN_UP)]
        assert ("address given up", "3 messages in a row did not arrive there in 8 days") in house.why()
        (row,) = house.rows("SELECT CAST(\"values\" AS TEXT) told FROM ledger WHERE decision = 'address given up'")
        values = json.loads(row.told)
        assert values["messages"] == lost
        assert (values["limit"], values["days"], values["suppression.scope"]) == (LIMIT, DAYS, "all")
        house.tell(parcel((house.clock.now() - START) / timedelta(minutes=1), "#3"))
        house.work()
        (left,) = house.reports(journey="shipped")
        assert (left.status, left.reason) == ("suppressed", "the address is suppressed")

    def test_as_many_in_one_week_are_not_enough(self, house):
        lose(house, 5, days=1)
        assert suppressed(house) == []

    def test_a_delivery_between_begins_anew(self, house):
        lose(house, 2)
        house.clock.advance(timedelta(days=1))
        say(house, (buy(house, "#9"), "delivered", house.clock.now()))
        lose(house, 2, first=10)
        assert suppressed(house) == []
        lose(house, 1, first=12)
        assert suppressed(house) == [("all", GIVEN_UP)]

    def test_what_is_not_the_address_s_doing_is_not_counted(self, house):
        for n in range(1, 6):
            house.clock.advance(timedelta(days=4))
            say(house, (buy(house, f"#{n}"), "undelivered", house.clock.now()), soft=False)
        assert suppressed(house) == []

    def test_another_address_of_the_same_person_counts_for_itself(self, house):
        # The same telephone number names the person of both addresses.
        lose(house, 2, who=Party(name=NAOKO.name, email=NAOKO.email, phone="+819012345678"))
        lose(house, 1, first=3, who=Party(name=NAOKO.name, email=OTHER.email, phone="+819012345678"))
        assert suppressed(house) == []

    def test_one_message_that_is_told_of_often_is_one(self, house):
        message = buy(house, "#1")
        for _ in range(5):
            house.clock.advance(timedelta(days=3))
            say(house, (message, "undelivered", house.clock.now()))
        assert suppressed(house) == []


class TestTakenUp:
    def test_a_late_delivery_takes_it_up_again(self, house):
        lose(house, 2)
        slow = buy(house, "#8")
        lose(house, 1, first=3)
        assert suppressed(house) == [("all", GIVEN_UP)]
        say(house, (slow, "delivered", house.clock.now() + timedelta(minutes=1)))
        assert suppressed(house) == []
        assert ("address taken up", "something has arrived there") in house.why()
        buy(house, "#9")
        assert house.reports(journey="order_confirmed")[0].status == "sent"

    def test_what_is_dead_stays_dead(self, house):
        slow = buy(house, "#8")
        lost = lose(house, 3)
        say(house, (lost[-1], "bounced", house.clock.now()))
        assert [scope for scope, _ in suppressed(house)] == ["all"]
        assert suppressed(house)[0][1].startswith("bounced")
        say(house, (slow, "clicked", house.clock.now() + timedelta(minutes=1)))
        assert suppressed(house)[0][1].startswith("bounced")


def test_a_mailbox_that_is_full_at_every_try_counts_too(tmp_path: Path, database: str):
    desk = Desk(FULL)
    house = house_at(tmp_path, desk)
    for n in range(1, 4):
        house.clock.advance(timedelta(days=1))
        buy(house, f"#{n}")
        for _ in range(80):
            house.later(hours=1)
        assert house.reports(journey="order_confirmed")[0].status == "dead"
        assert suppressed(house) == ([("all", GIVEN_UP)] if n == 3 else [])
    house.close()


@pytest.fixture(scope="module")
def sent() -> Iterator[tuple[Path, Sequence[str]]]:
    """The database of a house that has sent six messages to one address, none of which has been heard of."""
    with TemporaryDirectory(prefix="todoke-") as folder:
        house = house_at(Path(folder))
        messages = [buy(house, f"#{n}") for n in range(1, 7)]
        house.close()
        with house.app.store.engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        house.close()
        yield house.database, messages


SAYINGS = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["undelivered", "undelivered", "delivered", "opened"]), st.integers(0, 20)
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=40)
@given(said=SAYINGS, data=st.data())
def test_receipts_doubled_and_in_any_order_end_alike(sent, said, data):
    database, messages = sent
    told = [(messages[n], status, START + timedelta(days=1 + day)) for n, status, day in said]
    doubled = [*told, *(data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else [])]
    shuffled = data.draw(st.permutations(doubled))
    cut = data.draw(st.integers(0, len(shuffled)))
    with TemporaryDirectory(prefix="todoke-") as folder:
        shutil.copy(database, Path(folder) / "todoke.db")
        house = house_at(Path(folder))
        house.clock.advance(timedelta(days=30))
        for some in (shuffled[:cut], *([one] for one in shuffled[cut:])):
            if some:
                say(house, *some)
        assert bool(suppressed(house)) is by_hand(told)
        house.close()


def by_hand(told: Sequence[tuple[str, str, datetime]]) -> bool:
    came = {message for message, status, _ in told if status != "undelivered"}
    last = max((at for _, status, at in told if status != "undelivered"), default=datetime.min.replace(tzinfo=UTC))
    lost: dict[str, datetime] = {}
    for message, _, at in told:
        if message not in came:
            lost[message] = max(at, lost.get(message, at))
    row = sorted(at for at in lost.values() if at > last)
    return len(row) >= LIMIT and row[-1] - row[0] >= timedelta(days=DAYS)
