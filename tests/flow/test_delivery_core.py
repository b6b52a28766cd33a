"""T3 to T6: whatever breaks, a message leaves at most once, and what became of it is known or listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from engine.contracts import Answer, Failure, MailRequest
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.flow.unsubscribe import unsubscribe
from engine.io.smtp import SmtpTransport
from engine.model.merchant import MerchantSettings
from engine.store import messages, outbox, people
from tests.channels.servers import Line, Scripted, real
from tests.flow.house import Desk, House, Killed
from tests.flow.orders import NAOKO, order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")

ONCE = "order_confirmed/tell/order"


@dataclass
class Rig:
    """A house whose mail goes over a scripted desk as SMTP would carry it."""

    house: House
    desk: Desk

    def status(self, key: str = ONCE) -> str:
        return self.house.statuses()[key]

    def row(self):
        (row,) = self.house.rows("SELECT * FROM message")
        return row

    def attempts(self) -> list[str | None]:
        return [row.outcome for row in self.house.rows("SELECT outcome FROM attempt ORDER BY n")]


@pytest.fixture
def rig(tmp_path):
    desks, houses = [], []

    def make(*answers, channel="smtp", **options) -> Rig:
        desk = Desk(*answers)
        house = House(tmp_path / str(len(houses)), post=lambda _: desk, channel=channel, **options)
        desks.append(desk)
        houses.append(house)
        house.tell(order())
        return Rig(house, desk)

    yield make
    for house in houses:
        house.close()


def leases_run_out(house: House) -> None:
    """As if every lease had been taken long ago."""
    with house.app.store.begin() as tx:
        past = "'2020-01-01 00:00:00.000000'"
        tx.conn.exec_driver_sql(f"UPDATE message SET lease_until = {past} WHERE lease_until IS NOT NULL")


class TestCrashes:
    def test_before_arming_the_lease_runs_out_and_somebody_else_sends(self, rig):
        here = rig()
        with here.house.app.store.begin() as tx:
            now = here.house.app.clock
            taken = outbox.claim(tx, limit=10, lease=timedelta(seconds=60), now=now.now(), real=now.real())
        assert len(taken) == 1
        here.house.work()
        assert (here.status(), here.desk.handed) == ("leased", [])
        leases_run_out(here.house)
        here.house.work()
        assert (here.status(), len(here.desk.handed)) == ("sent", 1)
        assert here.row().fence > taken[0].fence

    def test_after_arming_mail_over_smtp_is_unknown_and_never_sent_again(self, rig):
        here = rig(Killed())
        with pytest.raises(Killed):
            deliver(here.house.app)
        assert here.status() == "sending"
        here.house.work()
        assert here.status() == "sending"  # its lease still holds
        leases_run_out(here.house)
        here.house.later(days=2)
        assert (here.status(), len(here.desk.handed)) == ("unknown", 1)
        assert here.attempts() == ["ambiguous"]
        assert ("unknown", "its worker stopped after arming it") in here.house.why(here.row().public_id)

    def test_after_arming_the_mailbox_gets_the_same_message_once_more(self, rig):
        here = rig(Killed(), Answer(code=250), channel="mailbox")
        with pytest.raises(Killed):
            deliver(here.house.app)
        leases_run_out(here.house)
        here.house.work()
        first, second = here.desk.handed
        assert (here.status(), first.name) == ("sent", second.name)
        assert here.attempts() == ["ambiguous", "accepted"]

    def test_a_late_success_wins_and_a_late_failure_is_ignored(self, rig):
        taken = Answer(code=250, text="Ok: queued as 1")
        refused = Failure(stage="refused", code=550, command="RCPT", text="5.1.1 no")
        for answer, status in ((taken, "sent"), (refused, "unknown")):
            here = rig(answer)

            def away_for_too_long(_, house=here.house):
                leases_run_out(house)
                assert recover(house.app) == 1
                assert list(house.statuses().values()) == ["unknown"]

            here.desk.before = away_for_too_long
            here.house.deliver()
            assert here.status() == status
            assert here.house.rows("SELECT count(*) n FROM suppression")[0].n == (status == "unknown")

    def test_a_late_success_wins_over_whatever_was_decided_meanwhile(self, rig):
        here = rig(Answer(code=250), channel="mailbox")

        def cancelled_meanwhile(_):
            leases_run_out(here.house)
            assert recover(here.house.app) == 1
            here.house.tell(order(1, cancelled_at=here.house.clock.now()))
            assert here.status() == "unknown", "nobody can say that it has not left"

        here.desk.before = cancelled_meanwhile
        deliver(here.house.app)
        assert here.status() == "sent"


class TestTruth:
    def test_an_order_that_changes_between_reading_and_arming_is_looked_at_again(self, rig):
        here = rig()
        templates = here.house.app.templates
        told = []

        class Slow(dict):  # the moment in which the words are looked up lies between reading and arming
            def __getitem__(self, name):
                if not told:
                    told.append(name)
                    here.house.tell(parcel())
                return templates[name]

        here.house.app.templates = Slow(templates)
        here.house.deliver()
        assert told == ["order_confirmed"]
        assert ("deferred", "its order has changed meanwhile") in here.house.why()
        assert here.house.statuses() == {ONCE: "cancelled", "shipped/tell/shipment/s1": "sent"}
        assert len(here.desk.handed) == 1

    def test_what_could_not_start_in_time_is_not_started_and_is_no_try(self, rig):
        here = rig()
        here.house.app.settings.arm_seconds = -1
        for _ in range(12):
            deliver(here.house.app)
        assert (here.status(), here.desk.handed) == ("planned", [])
        assert here.row().tries == 0
        assert here.attempts() == []
        here.house.app.settings.arm_seconds = 5
        here.house.work()
        assert (here.status(), len(here.desk.handed)) == ("sent", 1)


class TestAnswers:
    BUSY = Failure(stage="refused", code=451, command="DATA", text="4.3.0 try again later")

    def test_a_deferred_message_is_tried_by_the_schedule_until_it_is_given_up(self, rig):
        here = rig(self.BUSY)
        waits = []
        while here.status() == "planned":
            before = here.house.clock.now()
            here.house.work()
            if here.status() == "planned":
                (row,) = here.house.reports()
                waits.append(int((row.due_at - before).total_seconds()))
                here.house.clock.advance(timedelta(seconds=waits[-1]))
        assert here.status() == "dead"
        assert waits == [10, 30, 120, 600, 1800, 7200, 18000]  # the next, of ten hours, is beyond its expiry
        assert here.row().reason.startswith("given up after 8 tries: deferred (provider): 4.3.0")
        assert here.attempts() == ["deferred"] * 8

    def test_a_deferred_message_that_has_become_untrue_is_not_tried_again(self, rig):
        here = rig(self.BUSY)
        here.house.work()
        here.house.tell(order(1, cancelled_at=here.house.clock.now()))
        here.house.later(minutes=5)
        assert here.status() == "cancelled"
        assert len(here.desk.handed) == 1 + 1  # and the notice of the cancellation

    def test_a_recipient_who_is_not_there_is_not_written_to_again(self, rig):
        here = rig(Failure(stage="refused", code=550, command="RCPT", text="5.1.1 no such user"))
        here.house.work()
        assert here.status() == "suppressed"
        here.house.tell(parcel())
        here.house.work()
        assert here.status("shipped/tell/shipment/s1") == "suppressed"
        assert ("suppressed", "the address is suppressed") in here.house.why()
        assert len(here.desk.handed) == 1

    def test_an_answer_that_was_lost_is_unknown(self, rig):
        here = rig(Failure(stage="handed_over", command=".", text="timed out"))
        here.house.work()
        here.house.later(days=2)
        assert (here.status(), len(here.desk.handed)) == ("unknown", 1)

    def test_a_transport_that_breaks_breaks_no_other_message(self, rig):
        here = rig(ValueError("a bug"), Answer(code=250))
        here.house.tell(order(number="#1002"))
        here.house.work()
        assert sorted(row.status for row in here.house.reports()) == ["sent", "unknown"]

    def test_a_mail_server_that_is_written_wrong_sends_nothing_and_loses_nothing(self, tmp_path):
        house = House(tmp_path)
        house.connect("wrong", "smtp", role="channel", secrets={"url": ("http://mail.example",)})
        house.tell(order())
        house.work()
        assert house.statuses() == {ONCE: "planned"}
        assert any("deferred" in (reason or "") for _, reason in house.why())
        house.close()


class TestOverTheWire:
    """The same over real sockets."""

    def test_a_server_that_asks_to_come_back_gets_it_once(self, tmp_path):
        def busy(line: Line) -> None:
            line.greet()
            line.hear("MAIL")
            line.say("451 4.3.0 later")
            line.hear("RSET")
            line.say("250 Ok")
            line.take()

        with Scripted(busy) as server:
            house = House(tmp_path, channel="mailbox")
            house.connect("server", "smtp", role="channel", secrets={"url": (f"smtp://{server.place}",)})
            house.tell(order())
            house.work()
            assert house.statuses() == {ONCE: "planned"}
            house.later(seconds=20)
            assert house.statuses() == {ONCE: "sent"}
            house.close()
        assert len(server.bodies) == 1

    def test_a_line_cut_after_the_dot_is_unknown(self, tmp_path):
        def cut(line: Line) -> None:
            line.greet()
            for verb, reply in (("MAIL", "250 Ok"), ("RCPT", "250 Ok"), ("DATA", "354 go")):
                line.hear(verb)
                line.say(reply)
            line.body()

        with Scripted(cut) as server:
            house = House(tmp_path)
            house.connect("server", "smtp", role="channel", secrets={"url": (f"smtp://{server.place}",)})
            house.tell(order())
            house.later(minutes=30)
            assert house.statuses() == {ONCE: "unknown"}
            house.close()
        assert len(server.bodies) == 1

    def test_the_message_id_is_the_same_whenever_it_is_tried(self, tmp_path):
        with real() as (inbox, place):
            transport = SmtpTransport(f"smtp://{place}", "none")
            house = House(tmp_path, post=lambda _: Relay(transport), channel="smtp")
            house.tell(order())
            house.work()
            house.close()
            transport.close()
        ((_, to, mail),) = inbox.messages
        assert to == NAOKO.email
        (row,) = House(tmp_path).rows("SELECT public_id FROM message")
        assert f"Message-ID: <{row.public_id}@hana.example>".encode() in mail


class Relay:
    """Hands mail to one transport, whatever the connection says."""

    def __init__(self, transport: SmtpTransport) -> None:
        self.transport = transport

    def send(self, connection, request):
        assert isinstance(request, MailRequest)
        return self.transport.send(request)


class TestGate:
    def test_a_pause_holds_and_its_end_releases(self, rig):
        here = rig()
        house = here.house
        with house.app.store.begin() as tx:
            people.pause(tx, merchant=house.merchant.id, journey=None, reason="stock count", now=house.clock.now())
        house.later(hours=2)
        assert (here.status(), here.desk.handed) == ("planned", [])
        assert ("deferred", "paused: stock count") in house.why()
        with house.app.store.begin() as tx:
            assert people.resume(tx, merchant=house.merchant.id, journey=None) == 1
            assert messages.resumed(tx, house.clock.now(), merchant=house.merchant.id, journey=None) == 1
        house.work()
        assert here.status() == "sent"

    def test_a_pause_that_ends_between_reading_and_arming_holds_nothing_up(self, rig):
        here = rig()
        house = here.house
        with house.app.store.begin() as tx:
            people.pause(tx, merchant=None, journey=None, reason="stock count", now=house.clock.now())
        begin, ends = house.app.store.begin, []

        def resumed_first(merchant=None, **how):
            if merchant is not None and not ends:
                ends.append(True)
                with begin() as tx:
                    people.resume(tx, merchant=None, journey=None)
                    messages.resumed(tx, house.clock.now(), merchant=None, journey=None)
            return begin(merchant, **how)

        house.app.store.begin = resumed_first
        house.work()
        assert ends
        assert here.status() == "sent"

    def test_a_pause_of_one_journey_leaves_the_others_alone(self, rig):
        here = rig()
        house = here.house
        with house.app.store.begin() as tx:
            people.pause(tx, merchant=None, journey="shipped", reason="wrong text", now=house.clock.now())
        house.work()
        house.tell(parcel())
        house.work()
        assert house.statuses() == {ONCE: "sent", "shipped/tell/shipment/s1": "planned"}

    def test_what_expires_while_it_waits_is_not_sent(self, rig):
        here = rig()
        with here.house.app.store.begin() as tx:
            people.pause(tx, merchant=None, journey=None, reason="x", now=here.house.clock.now())
        here.house.later(hours=13)
        assert (here.status(), here.desk.handed) == ("expired", [])

    def test_review_requests_wait_for_the_end_of_quiet_hours(self, tmp_path):
        night = MerchantSettings(from_email="shop@hana.example", quiet_start="09:00", quiet_end="13:00")
        house = House(tmp_path, settings=night)
        delivered(house)
        house.later(days=8)
        (ask,) = house.reports(journey="review_request")
        assert (ask.status, ask.reason) == ("planned", "quiet hours")
        house.later(hours=3)
        (ask,) = house.reports(journey="review_request")
        assert ask.status == "sent"
        assert ask.sent_at.hour == 4  # one in the afternoon in Tokyo
        house.close()

    @pytest.mark.parametrize(("agreed", "status"), [(None, "suppressed"), (True, "sent"), (False, "suppressed")])
    def test_offers_need_consent(self, tmp_path, agreed, status):
        shop = MerchantSettings(
            from_email="shop@hana.example",
            address="東京都",
            company="花と器株式会社",
            support_email="help@hana.example",
        )
        house = House(tmp_path, settings=shop)
        delivered(house, agreed)
        house.later(days=32)
        (offer,) = house.reports(journey="reorder")
        assert offer.status == status
        if status == "suppressed":
            assert "consent" in offer.reason
        house.close()

    def test_a_word_that_is_missing_blocks_the_message_and_says_which(self, tmp_path):
        house = House(tmp_path)  # whose merchant has told no address, which an offer must carry
        delivered(house, agreed=True)
        house.later(days=32)
        (offer,) = house.reports(journey="reorder")
        assert offer.status == "suppressed"
        assert offer.reason.startswith("not complete: reorder needs merchant.address")
        assert (offer.status, offer.reason) in house.why(offer.id)
        house.close()

    def test_unsubscribing_stops_what_is_planned_and_what_comes_later(self, tmp_path):
        house = House(tmp_path)
        delivered(house)
        house.later(days=8)
        (sent,) = house.reports(journey="review_request", status="sent")
        link = people.Link(kind="unsubscribe", merchant=house.merchant.id, subject=sent.subject_id, message=sent.number)
        unsubscribe(house.app, link)
        house.clock.advance(timedelta(days=1))
        delivered(house, number="#1002", since=9 * 24 * 60)
        house.later(days=9)
        (second,) = [row for row in house.reports(journey="review_request") if row.order == "#1002"]
        assert (second.status, second.reason) == ("suppressed", "the address is suppressed")
        assert ("unsubscribed", "the customer stopped service messages") in house.why(sent.id)
        house.close()


def delivered(house: House, agreed: bool | None = None, number: str = "#1001", since: float = 0) -> None:
    """An order that has arrived `since` minutes after the start."""
    who = type(NAOKO)(name=NAOKO.name, email=NAOKO.email, accepts_marketing=agreed)
    house.tell(order(since - 5, number, orderer=who), parcel(since - 3, number), scan(since - 1, "delivered", number))
    house.work()
