"""A yes and a no happen in the orders of whoever says them: journeys start by them, wait for them, and end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from engine.flow.consenting import named, record
from engine.flow.preferences import Wish, choose, confirm
from engine.flow.unsubscribe import unsubscribe
from engine.model.customer import Party
from engine.model.journey import Journey
from engine.model.merchant import MerchantSettings
from engine.model.preference import Preference
from engine.store.consents import Consent
from engine.store.people import Link
from tests.flow.house import Desk, House
from tests.flow.orders import NAOKO, at, order, parcel, scan

SHOP = MerchantSettings(
    from_email="shop@hana.example", address="東京都", company="花と器株式会社", support_email="help@hana.example"
)
NO = {"purpose": "promotional", "granted": False}


def journey(name: str, purpose: str = "promotional", **more: Any) -> Journey:
    return Journey.model_validate({
        "name": name, "title": {"ja": "試験", "en": "Test"}, "purpose": purpose, "once_per": "order", **more,
    })  # fmt: skip


WELCOME = journey("welcome", "transactional", trigger={"event": "consent.granted"}, steps=[
    {"id": "hello", "send": "order_accepted"},
])  # fmt: skip
NUDGE = journey("nudge", "transactional", trigger={"event": "order.confirmed"}, steps=[
    {"id": "agrees", "wait_for": "consent.granted", "at_most": "10d"}, {"id": "ask", "send": "order_accepted"},
])  # fmt: skip
LATER = journey("later", trigger={"event": "order.confirmed"}, exit_on=["consent.withdrawn"], steps=[
    {"id": "rest", "wait": "5d"}, {"id": "offer", "send": "reorder"},
])  # fmt: skip
BY_LINE = journey("by_line", trigger={"event": "order.confirmed"}, exit_on=["consent.withdrawn"], steps=[
    {"id": "rest", "wait": "5d"}, {"id": "offer", "send": "reorder", "via": ["line", "email"]},
])  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, database: str) -> Iterator[House]:
    made = House(tmp_path, settings=SHOP)
    yield made
    made.close()


def listen(house: House, *journeys: Journey) -> None:
    house.app.journeys = {one.name: one for one in journeys}


def say(house: House, *, person: str = NAOKO.email or "", **said: Any) -> None:
    with house.app.store.read(house.merchant.id) as tx:
        index = named(tx, person, "JP")
    assert index
    usual = {"channel": "any", "purpose": "promotional", "granted": True, "at": house.clock.now()}
    one = Consent(person=index, basis="at the till", source="test", wording="v1", **usual | said)
    record(house.app, house.merchant.id, [one])


def buy(house: House, *numbers: str, who: Party = NAOKO) -> None:
    for number in numbers:
        minutes = (house.clock.now() - at(0)) / timedelta(minutes=1)
        house.tell(order(minutes, number, placed_at=house.clock.now(), orderer=who))
    house.work()


def ended(house: House) -> dict[str, tuple[str, str | None]]:
    """Order -> how its run ended."""
    rows = house.rows(
        "SELECT s.number, r.state, r.reason FROM run r JOIN subject s ON s.id = r.subject_id ORDER BY s.number"
    )
    return {row.number: (row.state, row.reason) for row in rows}


def happened(house: House) -> list[tuple[str, str]]:
    rows = house.rows(
        "SELECT e.type, s.number FROM event e JOIN subject s ON s.id = e.subject_id WHERE e.type LIKE 'consent.%' "
        "ORDER BY e.id"
    )
    return [(row.type, row.number) for row in rows]


GONE = ("ended", "exit: consent.withdrawn")
GOES_ON = ("active", None)


class TestGranted:
    def test_a_journey_starts_in_one_order_however_often_it_is_said(self, house):
        listen(house, WELCOME)
        buy(house, "#1", "#2")
        for _ in range(3):
            say(house)
            house.clock.advance(timedelta(minutes=5))
        house.work()
        assert [(one.order, one.status) for one in house.reports()] == [("#2", "sent")]
        assert happened(house) == [("consent.granted", "2")]
        assert house.rows("SELECT count(*) n FROM consent")[0].n == 3

    def test_taken_back_and_given_again_it_is_a_new_yes(self, house):
        listen(house, journey("welcome", "transactional", trigger={"event": "consent.granted"}, steps=[
            {"id": "hello", "send": "order_accepted"},
        ]).model_copy(update={"once_per": "event"}))  # fmt: skip
        buy(house, "#1")
        for granted in (True, False, True):
            house.clock.advance(timedelta(minutes=1))
            say(house, granted=granted)
        house.work()
        assert [one.status for one in house.reports()] == ["sent", "sent"]

    def test_it_ends_the_waiting_of_every_order(self, house):
        listen(house, NUDGE)
        buy(house, "#1", "#2")
        buy(house, "#3", who=Party(name="別の人", email="someone@example.com"))
        house.later(days=3)
        say(house)
        house.work()
        assert ended(house) == {"1": ("ended", "done"), "2": ("ended", "done"), "3": GOES_ON}
        assert ("came", "consent.granted") in house.why()
        house.later(days=8)
        assert [one.order for one in house.reports()] == ["#3"]

    def test_a_yes_at_the_shop_starts_a_journey_in_its_order(self, house):
        listen(house, WELCOME)
        buy(house, "#1")
        assert house.reports() == []
        buy(house, "#2", who=Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=True))
        buy(house, "#3", who=Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=True))
        assert [one.order for one in house.reports()] == ["#2"]

    def test_history_starts_nothing(self, house):
        listen(house, WELCOME)
        told = order(-5, "#1", orderer=Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=True))
        house.tell(told, backfill=True)
        house.work()
        assert house.reports() == []
        assert house.rows("SELECT count(*) n FROM consent")[0].n == 1

    def test_an_old_yes_that_is_written_down_today_starts_nothing(self, house):
        listen(house, WELCOME)
        buy(house, "#1")
        say(house, at=house.clock.now() - timedelta(days=90))
        house.work()
        assert house.reports() == []
        assert ("not started", "too old when it was heard of") in house.why()


class TestWithdrawn:
    @pytest.fixture(autouse=True)
    def _two_orders(self, house):
        listen(house, LATER, BY_LINE)
        buy(house, "#1", "#2")
        buy(house, "#3", who=Party(name="別の人", email="someone@example.com"))
        say(house)
        say(house, person="someone@example.com")
        house.later(days=1)
        assert {one.status for one in house.reports()} == {"planned"}

    def states(self, house) -> dict[tuple[str, str], str]:
        return {(one.order, one.journey): one.status for one in house.reports()}

    def gone(self, house) -> None:
        """Nothing planned is left for Naoko, everything for the other one."""
        house.work()
        found = self.states(house)
        assert {number for (number, _), status in found.items() if status == "planned"} == {"#3"}
        assert {one.reason for one in house.reports() if one.status == "cancelled"} <= {
            GONE[1], "unsubscribed by the customer",
        }  # fmt: skip
        assert {row.state for row in house.rows(
            "SELECT r.state FROM run r JOIN subject s ON s.id = r.subject_id WHERE s.number <> '3'"
        )} == {"ended"}  # fmt: skip
        house.later(days=5)
        assert {number for (number, _), status in self.states(house).items() if status == "sent"} == {"#3"}

    def test_written_down_by_hand(self, house):
        say(house, **NO)
        self.gone(house)

    def test_on_the_preference_page(self, house):
        choose(house.app, self.link(house), wish())
        self.gone(house)

    def test_by_one_click_twice(self, house):
        for _ in range(2):
            unsubscribe(house.app, self.link(house))
        assert ("consent.withdrawn", "1") in happened(house)
        assert len(happened(house)) == len(set(happened(house)))
        self.gone(house)

    def test_by_another_order_at_the_shop(self, house):
        """The orders that hear of it are not those that are spoken of: they are locked before, with the gate shut."""
        agreed = Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=True)
        buy(house, "#4", who=agreed)
        minutes = (house.clock.now() - at(0)) / timedelta(minutes=1) + 1
        house.tell(order(minutes, "#4", orderer=Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=False)))
        # It is said of the mail address: what may go by LINE as well goes on.
        found = self.states(house)
        assert found["#1", "later"] == found["#2", "later"] == "cancelled"
        assert found["#1", "by_line"] == found["#3", "later"] == "planned"

    def test_two_orders_of_one_person_at_once(self, house):
        """Each of them is told of by a transaction of its own, and hears of the other's."""
        one, two = (Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=flag) for flag in (True, False))
        buy(house, "#4", "#5", who=one)
        minutes = (house.clock.now() - at(0)) / timedelta(minutes=1) + 1
        start = threading.Barrier(2)

        def tell(number: str) -> None:
            start.wait()
            house.tell(order(minutes, number, orderer=two))

        threads = [threading.Thread(target=tell, args=[number]) for number in ("#4", "#5")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert {row.state for row in house.rows("SELECT state FROM inbox")} == {"processed"}
        assert self.states(house)["#1", "later"] == "cancelled"

    def test_other_purposes_and_media_are_not_meant(self, house):
        say(house, purpose="service", granted=False)
        say(house, channel="sms", granted=False)
        assert {one.status for one in house.reports()} == {"planned"}
        say(house, channel="email", granted=False)
        found = self.states(house)
        assert (found["#1", "later"], found["#1", "by_line"]) == ("cancelled", "planned")
        house.clock.advance(timedelta(minutes=1))
        say(house, channel="line", granted=False)  # now every way is closed
        assert self.states(house)["#1", "by_line"] == "cancelled"

    def test_an_old_no_that_a_later_yes_has_overtaken_ends_nothing(self, house):
        say(house, **NO, at=house.clock.now() - timedelta(days=30))
        assert {one.status for one in house.reports()} == {"planned"}

    def link(self, house) -> Link:
        one = next(one for one in house.reports() if one.order == "#1")
        return Link(kind="unsubscribe", merchant=house.merchant.id, subject=one.subject_id, message=one.number)


def wish(**more: Any) -> Wish:
    usual = {"service": True, "promotional": False, "preference": Preference(), "proof": {"agent": "t"}, "wording": "w"}
    return Wish(**usual | more)


def test_the_second_yes_of_a_double_opt_in_happens_once(house):
    house.app.journeys = {**house.app.journeys, "nudge": NUDGE}
    buy(house, "#1")
    link = Link(kind="unsubscribe", merchant=house.merchant.id, subject=house.reports()[0].subject_id,
                message=house.reports()[0].number)  # fmt: skip
    assert choose(house.app, link, wish(promotional=True))
    house.work()
    (asked,) = house.reports(journey="confirm_consent")
    again = Link(kind="confirm", merchant=house.merchant.id, subject=asked.subject_id, message=asked.number)
    for _ in range(2):
        assert confirm(house.app, again, {"agent": "t"}, "w")
    assert happened(house) == [("consent.requested", "1"), ("consent.granted", "1")]
    house.later(days=11)
    assert house.reports(journey="nudge") == []


def test_a_question_that_is_answered_meanwhile_is_not_asked(house):
    buy(house, "#1")
    first = house.reports()[0]
    desk, house.app.post = house.app.post, Desk(OSError("no way out"))
    choose(house.app, Link(kind="unsubscribe", merchant=house.merchant.id, subject=first.subject_id,
                           message=first.number), wish(promotional=True))  # fmt: skip
    house.clock.advance(timedelta(minutes=1))
    say(house, channel="email")
    house.app.post = desk
    house.work()
    (asked,) = house.reports(journey="confirm_consent")
    assert (asked.status, asked.reason) == ("cancelled", "superseded by consent.granted")


def test_whoever_is_known_by_a_telephone_number_is_found_by_it(house):
    listen(house, LATER)
    buy(house, "#1", who=Party(name="髙橋 直子", phone="090-1234-5678"))
    say(house, person="+81 90 1234 5678")
    house.work()
    say(house, person="09012345678", **NO)
    assert ended(house) == {"1": GONE}


def test_what_happens_and_the_record_are_one_commit(tmp_path: Path):
    house = House(tmp_path, settings=SHOP)
    listen(house, LATER)
    buy(house, "#1")
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql("CREATE TRIGGER broken BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(DBAPIError):
        say(house, **NO)
    assert house.rows("SELECT count(*) n FROM consent")[0].n == 0
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql("DROP TRIGGER broken")
    say(house, **NO)
    assert ended(house) == {"1": GONE}
    assert house.rows("SELECT count(*) n FROM consent")[0].n == 1
    house.close()


def test_an_offer_that_is_written_already_does_not_leave_after_a_no(house):
    """`scan`, `parcel`: the offer of the shipped journey, due and on its way when the person says no."""
    buy(house, "#1", who=Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=True))
    house.tell(parcel(1, "#1"), scan(2, "delivered", "#1"))
    house.work()
    house.clock.advance(timedelta(days=32))
    writing = house.app.templates

    class Interrupts(dict):
        said = False

        def __getitem__(self, name):
            if name == "reorder" and not self.said:
                self.said = True
                say(house, **NO)
            return writing[name]

    house.app.templates = Interrupts(writing)
    house.work()
    assert house.app.templates.said
    (offer,) = house.reports(journey="reorder")
    assert (offer.status, offer.reason) == ("cancelled", "exit: consent.withdrawn")
