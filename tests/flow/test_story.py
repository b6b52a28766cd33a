"""One order from payment to refund: one message a stage, to the right person, explained."""

from datetime import timedelta

import pytest

from tests.flow.house import House
from tests.flow.orders import at, back, order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.close()


def test_every_stage_is_told_once(house):
    house.tell(order())
    house.work()
    house.tell(parcel())
    house.work()
    house.later(hours=5)
    house.tell(scan(290, "delivery_failed", reason="consignee_not_home"))
    house.work()
    house.later(hours=20)
    house.tell(scan(25 * 60 - 1, "delivered"))
    house.work()
    house.later(days=8)
    house.tell(back(9 * 24 * 60, requested_at=house.clock.now(), contents=()))
    house.work()
    house.tell(back(9 * 24 * 60 + 1, requested_at=house.clock.now(), refunded_at=house.clock.now()))
    house.work()
    sent = [(row.journey, row.step) for row in reversed(house.reports(status="sent"))]
    assert sent == [
        ("order_confirmed", "tell"), ("shipped", "tell"), ("delivery_trouble", "failed"), ("delivered", "tell"),
        ("review_request", "ask"), ("return", "requested"), ("return", "refunded"),
    ]  # fmt: skip
    assert {row.recipient for row in house.reports()} == {"naoko@example.com"}
    assert len(house.mails()) == len(sent)
    assert house.statuses()["reorder/offer/order"] == "cancelled"
    assert timedelta(0) == house.clock.now() - at(0) - timedelta(days=8, hours=25)


def test_what_is_said_again_is_not_told_again(house):
    for _ in range(3):
        house.tell(order(), parcel())
        house.work()
    assert [row.journey for row in house.reports(status="sent")] == ["shipped"]


def test_a_backfill_sends_nothing(house):
    house.tell(order(), parcel(), scan(-1, "delivered"), backfill=True)
    house.work()
    house.later(days=40)
    assert house.reports() == []
    assert house.rows("SELECT count(*) n FROM event WHERE muted IS NULL")[0].n == 0
    assert house.rows("SELECT count(*) n FROM event WHERE muted IS NOT NULL")[0].n >= 4


def test_news_that_is_too_old_starts_nothing(house):
    house.clock.advance(timedelta(days=4))
    house.tell(order(), parcel())
    house.work()
    assert house.reports() == []
    assert {reason for decision, reason in house.why() if decision == "not started"} == {"too old when it was heard of"}


def test_a_contact_that_comes_later_releases_the_message(house):
    house.tell(order(orderer=None))
    house.work()
    assert house.statuses() == {"order_confirmed/tell/order": "planned"}
    house.later(hours=1)
    assert ("deferred", "no address is known yet") in house.why()
    house.tell(order(60))
    house.work()
    assert house.statuses() == {"order_confirmed/tell/order": "sent"}
