"""Accounts, volumes and doubt at the point of no return: who may leave now, what waits, and what never leaves again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

import connectors
from engine.contracts import Accepted, Answer, Deferred, Failure, HttpRequest, Receipt, Rejected
from engine.flow.doubt import stored_request
from engine.flow.letter import channels_of
from engine.flow.limits.room import chosen, room
from engine.flow.limits.waiting import waiting
from engine.flow.restore import restored
from engine.flow.send import deliver
from engine.io.clock import SteppedClock
from engine.model.journey import Journey
from engine.model.merchant import MerchantSettings
from engine.rules.breaker import Account
from engine.rules.fuse import FLOOR, hour_of
from engine.store import accounts, messages, pauses, people, volumes
from tests.flow.house import START, Desk, House, Killed, texts
from tests.flow.orders import order
from tests.services.statements import statements

pytestmark = pytest.mark.usefixtures("database")

OK = Answer(code=250, text="2.0.0 Ok")
DOWN = Failure(stage="connect", text="connection refused")
CUT = Failure(stage="handed_over", command=".", text="timed out")
DENIED = Failure(stage="refused", code=535, command="AUTH", text="5.7.8 authentication failed")
SPENT = Failure(stage="refused", code=550, command="DATA", text="5.4.5 daily user sending limit exceeded")
BUSY = Failure(stage="refused", code=451, command="DATA", text="4.3.0 try again later")
LEASE = 60
HANA_45 = MerchantSettings(from_email="shop@hana.example", fuse_per_hour=45)


class Watch(SteppedClock):
    """Business time and real time are one and stand still; the monotonic clock goes with them."""

    def real(self) -> datetime:
        return self.now()

    def monotonic(self) -> float:
        return (self.now() - START).total_seconds()


class Place:
    """A house whose clock goes for accounts too, and whose channel answers what the test says."""

    def __init__(self, home, *answers, channel="smtp", settings=None, **limits):
        self.desk = Desk(*answers)
        self.house = House(home, post=lambda _: self.desk, channel=channel, settings=settings, **limits)
        self.house.clock = self.house.app.clock = Watch(START)
        self.app = self.house.app
        self._orders = 0

    def orders(self, count: int) -> None:
        """So many orders come in, each with a confirmation due now."""
        told = [order(number=f"#{2000 + self._orders + n}") for n in range(count)]
        self._orders += count
        self.house.tell(*told)

    def later(self, **span: float) -> None:
        self.house.later(**span)

    def count(self, status: str) -> int:
        return sum(1 for row in self.house.rows("SELECT status FROM message") if row.status == status)

    def volume(self) -> int:
        return sum(row.armed for row in self.house.rows("SELECT armed FROM volume"))

    def account(self, name: str = "mail"):
        with self.app.store.read(self.house.merchant.id) as tx:
            return accounts.read(tx, [name])[name].account

    def known(self) -> bool:
        with self.app.store.read(self.house.merchant.id) as tx:
            return bool(accounts.read(tx, ["mail"]))

    def room(self) -> int | None:
        with self.app.store.read(self.house.merchant.id) as tx:
            return room(self.app, tx, self.house.merchant.id)

    def configure(self, **config: str) -> None:
        with self.app.store.begin() as tx:
            tx.conn.exec_driver_sql(
                f"UPDATE connection SET config = '{msgspec.json.encode(config).decode()}' WHERE id = 'mail'"
            )

    def answer(self, *answers) -> None:
        self.desk.answers = list(answers)

    def leases_run_out(self) -> None:
        self.house.clock.advance(timedelta(seconds=LEASE + 1))

    def reasons(self, decision: str) -> list[str]:
        return [reason or "" for told, reason in self.house.why() if told == decision]


@pytest.fixture
def place(tmp_path):
    made: list[Place] = []

    def make(*answers, **options) -> Place:
        made.append(Place(tmp_path / str(len(made)), *answers, **options))
        return made[-1]

    yield make
    for one in made:
        one.house.close()


def speaking(app, **scopes):
    """The channel reads an answer's text as an outcome, for those that mail servers have no words for."""
    smtp = connectors.channel("smtp")

    def classify(result):
        return scopes.get(result.text) or smtp.classify(result)

    app.channels = lambda name: replace(smtp, classify=classify) if name == "smtp" else connectors.channel(name)


class TestBreaker:
    def test_an_account_that_works_is_not_written_about(self, place):
        here = place(OK)
        here.orders(30)
        here.later(seconds=1)
        assert here.count("sent") == 30
        assert not here.known()
        assert here.room() is None

    def test_an_account_that_works_costs_one_look_for_each_batch(self, place):
        here = place(OK)
        here.orders(40)
        with statements(here.app.store.engine) as executed:
            here.later(seconds=0)
        said = [text for text, _ in executed]
        assert here.count("sent") == 40
        arming = [one for one in said if one.startswith("UPDATE message SET") and "sealed_request" in one]
        about = [one for one in said if "account" in one and " JOIN " not in one]
        assert len(arming) == len(about) == 2
        assert all(one.startswith("SELECT") and "FOR UPDATE" not in one for one in about)
        assert sum("volume" in one for one in said) == 2

    def test_claims_and_messages_choose_the_same_channel(self, place):
        here = place(OK)
        merchant = here.house.merchant.id
        for number, owner in (("b", None), ("c", merchant), ("a", merchant), ("d", None)):
            for connector in ("mailbox", "smtp"):
                here.house.connect(f"{connector}-{number}", connector, role="channel")
                with here.app.store.begin() as tx:
                    mine = "NULL" if owner is None else str(owner)
                    tx.conn.exec_driver_sql(
                        f"UPDATE connection SET merchant_id = {mine} WHERE id = '{connector}-{number}'"
                    )
                with here.app.store.read(merchant) as tx:
                    used = {medium: one.id for medium, one in channels_of(here.app, tx).items()}
                    asked = {medium: one.id for medium, one in chosen(here.app, accounts.ways(tx)).items()}
                assert used == asked

    def test_it_opens_leaves_the_rest_planned_and_one_message_tries(self, place):
        here = place(DOWN)
        here.orders(60)
        here.later(seconds=0)
        assert len(here.desk.handed) == 20
        assert (here.account().held_for, here.account().trips, here.room()) == ("provider", 1, 0)
        before = here.house.rows("SELECT id, fence, lease_until, due_at FROM message ORDER BY id")
        here.later(seconds=20)
        assert here.house.rows("SELECT id, fence, lease_until, due_at FROM message ORDER BY id") == before
        assert len(here.desk.handed) == 20
        here.later(seconds=20)  # the hold is over
        assert len(here.desk.handed) == 21
        assert (here.account().trips, here.room()) == (2, 0)
        here.answer(OK)
        here.later(minutes=2)
        assert here.account().held_until is None
        here.later(minutes=10)
        assert here.count("sent") == 60
        assert here.house.rows("SELECT count(*) n FROM message WHERE tries > 3")[0].n == 0

    def test_whoever_tried_and_died_does_not_keep_the_others_waiting(self, place):
        here = place(DOWN)
        here.orders(40)
        here.later(seconds=0)
        here.house.clock.advance(timedelta(seconds=31))
        here.answer(Killed())
        with pytest.raises(Killed):
            deliver(here.app)
        assert here.room() == 0
        here.leases_run_out()
        assert here.room() == 1
        here.answer(OK)
        here.later(minutes=15)
        assert (here.count("sent"), here.count("unknown")) == (39, 1)

    def test_in_a_brown_out_repeats_are_a_tenth_of_first_tries(self, place):
        here = place(OK)
        flaky = [DOWN, OK, OK]  # a third fails: not enough to open
        here.desk.before = lambda _: here.answer(flaky[len(here.desk.handed) % 3])
        for _ in range(12):
            here.orders(20)
            here.later(seconds=30)
        tried = here.house.rows("SELECT sum(tries) n, count(*) m FROM message WHERE tries > 0")[0]
        assert tried.m == 240
        assert tried.n - tried.m <= 10 * 7  # ten a minute, which here is more than a tenth
        assert any("limited to a tenth" in reason for reason in here.reasons("deferred"))
        here.desk.before = lambda _: here.answer(OK)
        for _ in range(15):
            here.later(minutes=2)
        assert here.count("sent") == 240

    def test_one_merchants_account_holds_nobody_else(self, place):
        here = place(DOWN)
        here.orders(30)
        here.later(seconds=0)
        assert here.room() == 0
        other = here.house.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
        here.house.connect("sora-mail", "smtp", role="channel", merchant=other, secrets={"url": ("smtp://x:1",)})
        here.house.connect("sora", "standard", merchant=other)
        here.answer(OK)
        here.house.tell(order(), connection="sora", merchant=other)
        here.house.work()
        with here.app.store.read(other.id) as tx:
            assert list(tx.conn.exec_driver_sql("SELECT status FROM message WHERE merchant_id = 2").scalars()) == [
                "sent"
            ]

    def test_the_operators_account_is_shared(self, place):
        here = place(DOWN)
        with here.app.store.begin() as tx:
            tx.conn.exec_driver_sql("UPDATE connection SET merchant_id = NULL WHERE id = 'mail'")
        here.orders(40)
        here.later(seconds=0)
        assert len(here.desk.handed) == 20
        with here.app.store.read() as tx:
            owners = list(tx.conn.exec_driver_sql("SELECT merchant_id FROM account").scalars())
        assert owners == [None]
        other = here.house.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
        with here.app.store.read(other.id) as tx:
            assert room(here.app, tx, other.id) == 0


class TestScopes:
    @pytest.mark.parametrize(("after", "seconds"), [(None, 30), (-5, 30), (0, 1), (90, 90), (10**9, 24 * 3600)])
    def test_retry_after_holds_the_account_and_is_no_try(self, place, after, seconds):
        here = place(Failure(stage="refused", text="slow down"), OK)
        asked = timedelta(seconds=after) if after is not None else None
        speaking(here.app, **{"slow down": Deferred(scope="rate", code="429", after=asked)})
        here.orders(3)
        here.later(seconds=0)
        assert len(here.desk.handed) == 1  # the rest of the batch is not even started
        assert here.account().held_until == START + timedelta(seconds=seconds)
        here.house.clock.advance(timedelta(seconds=seconds) - timedelta(milliseconds=1))
        here.house.work()
        assert len(here.desk.handed) == 1
        if seconds < 3600:
            here.later(seconds=60)
            assert here.count("sent") == 3

    def test_however_often_it_is_too_fast_only_its_expiry_ends_a_message(self, place):
        here = place(Failure(stage="refused", code=421, command="MAIL", text="4.7.0 too fast"))
        here.orders(1)
        for _ in range(20):
            here.later(minutes=35)
        (row,) = here.house.rows("SELECT status, tries FROM message")
        assert (row.status, row.tries > 10) == ("planned", True)
        here.later(hours=20)
        assert here.count("expired") == 1

    def test_a_try_of_its_own_is_counted_apart_from_those_that_were_not(self, place):
        here = place(Failure(stage="refused", code=421, command="MAIL", text="4.7.0 too fast"))
        here.orders(1)
        for _ in range(12):
            here.later(minutes=35)
        here.answer(Failure(stage="refused", code=451, command="DATA", text="4.3.0 try again later"))
        here.later(minutes=35)
        (row,) = here.house.reports()
        assert row.status == "planned"
        assert row.due_at - here.house.clock.now() == timedelta(seconds=10)  # the first pause of the schedule

    def test_a_spent_quota_parks_until_it_resets_and_never_counts_as_done(self, place):
        here = place(SPENT)
        here.orders(25)
        here.later(seconds=0)
        here.later(minutes=30)
        assert (len(here.desk.handed), here.count("planned")) == (1, 25)
        assert (here.account().held_for, here.room()) == ("quota", 0)
        here.later(minutes=31)
        assert len(here.desk.handed) == 2  # one asks, and is told the same: two hours then
        assert here.account().trips == 2
        here.answer(OK)
        here.later(hours=2, minutes=1)
        here.later(minutes=1)
        assert here.count("sent") == 25

    def test_what_became_due_meanwhile_is_explained_though_nobody_decided_about_it(self, place):
        here = place(SPENT)
        here.orders(1)
        here.later(seconds=0)
        here.orders(1)
        here.later(minutes=1)
        (untouched,) = here.house.rows("SELECT subject_id, fence FROM message WHERE fence = 0")
        with here.app.store.read(here.house.merchant.id) as tx:
            (told,) = waiting(here.app, tx, untouched.subject_id)
        assert (told.decision, told.journey, told.step) == ("deferred", "order_confirmed", "tell")
        assert told.reason.startswith("the account is held (quota):")
        assert told.values["connection"] == "mail"
        here.answer(OK)
        here.later(hours=1, minutes=1)
        here.later(minutes=1)
        with here.app.store.read(here.house.merchant.id) as tx:
            assert waiting(here.app, tx, untouched.subject_id) == []

    def test_refused_credentials_hold_the_account_and_lose_nothing(self, place):
        here = place(DENIED)
        here.orders(25)
        here.later(seconds=5)
        assert (len(here.desk.handed), here.count("planned")) == (1, 25)
        account = here.account()
        assert (account.held_for, account.trips) == ("account", 1)
        assert "5.7.8" in (account.held_reason or "")
        here.answer(OK)
        here.later(minutes=2)
        here.later(minutes=2)
        assert here.count("sent") == 25

    def test_one_message_that_is_refused_for_the_account_does_not_stand_before_the_others(self, place):
        here = place(OK)
        here.orders(1)
        (poison,) = here.house.rows("SELECT public_id FROM message")
        here.desk.before = lambda request: here.answer(DENIED if poison.public_id.encode() in request.data else OK)
        here.later(seconds=0)
        held = 0
        for _ in range(60):  # an hour in which somebody orders every minute
            here.orders(1)
            here.later(minutes=1)
            held += here.room() == 0
        assert here.count("sent") >= 58
        assert held <= 6

    def test_what_waits_says_why_and_until_when(self, place):
        here = place(OK)
        here.orders(1)
        templates, held = here.app.templates, START + timedelta(minutes=3)

        class Slow(dict):  # the moment in which the words are looked up lies between claiming and arming
            def __getitem__(self, name):
                with here.app.store.begin(here.house.merchant.id) as tx:  # another worker has learned it meanwhile
                    known = accounts.lock(tx, {"mail": here.house.merchant.id})["mail"]
                    refused = Account(held_until=held, held_for="account", held_reason="5.7.8 no", trips=1)
                    accounts.save(tx, "mail", replace(known, account=refused))
                return templates[name]

        here.app.templates = Slow(templates)
        assert deliver(here.app) == 1
        (row,) = here.house.reports()
        assert (row.status, here.desk.handed) == ("planned", [])
        assert held <= row.due_at <= held + timedelta(seconds=5)
        (told,) = here.house.rows("SELECT * FROM ledger WHERE decision = 'deferred' ORDER BY id DESC LIMIT 1")
        assert told.reason == "the account is held (account): 5.7.8 no"
        assert "held_until" in str(told.values)


class TestRate:
    def test_a_configured_rate_is_kept_by_all_together(self, place):
        here = place(OK)
        here.configure(per_second="2", burst="5")
        here.orders(40)
        here.later(seconds=0)
        assert (len(here.desk.handed), here.room()) == (5, 0)
        for second in range(1, 11):
            here.later(seconds=1)
            assert len(here.desk.handed) <= 5 + 2 * second
        assert len(here.desk.handed) >= 20
        for _ in range(10):
            here.later(seconds=2)
        assert here.count("sent") == 40

    def test_what_has_surely_not_left_is_none_of_the_day(self, place):
        here = place(OK)
        here.configure(per_day="8")
        here.app.settings.arm_seconds = -1
        here.orders(8)
        deliver(here.app)
        assert (here.count("sent"), here.account().held_for) == (0, None)
        here.app.settings.arm_seconds = 5
        here.later(seconds=1)
        assert (here.count("sent"), here.account().held_for) == (8, "quota")

    def test_a_days_volume_is_a_quota(self, place):
        here = place(OK)
        here.configure(per_day="8")
        here.orders(12)
        here.later(minutes=1)
        assert (here.count("sent"), here.count("planned")) == (8, 4)
        midnight = (START + timedelta(days=1)).replace(hour=0, minute=0)
        assert (here.account().held_for, here.account().held_until) == ("quota", midnight)

    def test_the_channels_own_rate_holds_unless_the_connection_says_otherwise(self, place):
        here = place(OK)
        smtp = connectors.channel("smtp")
        own = replace(smtp, capabilities=replace(smtp.capabilities, per_second=3.0))
        here.app.channels = lambda name: own if name == "smtp" else connectors.channel(name)
        here.orders(10)
        here.later(seconds=0)
        assert len(here.desk.handed) == 3
        here.configure(per_second="100")
        here.later(seconds=3)
        here.later(seconds=3)
        assert here.count("sent") == 10


KEY = timedelta(hours=1)


def keyed(app, window: timedelta = KEY) -> None:
    """The mail channel as if its provider knew our key again for a while."""
    smtp = connectors.channel("smtp")
    own = replace(smtp, capabilities=replace(smtp.capabilities, idempotency=window))
    app.channels = lambda name: own if name == "smtp" else connectors.channel(name)


def asking(app, policy: str) -> None:
    """The first journey's message as a step that says what to do in doubt."""
    journeys, _ = texts()
    plain = msgspec.json.decode(journeys["order_confirmed"].canonical())
    plain["steps"][0]["on_unknown"] = policy
    app.journeys = {**journeys, "order_confirmed": Journey.model_validate(plain)}


class TestDoubt:
    def test_a_repeat_under_the_same_key_is_the_same_byte_by_byte(self, place):
        here = place(CUT, DOWN, OK)
        keyed(here.app)
        here.orders(1)
        for _ in range(3):
            here.later(seconds=45)
        first, second, third = here.desk.handed
        assert first.data == second.data == third.data
        assert here.count("sent") == 1
        assert here.house.rows("SELECT count(*) n FROM token")[0].n == 1

    @pytest.mark.parametrize("window", [timedelta(0), KEY])
    def test_what_was_surely_not_taken_is_written_anew(self, place, window):
        here = place(DOWN, OK)
        keyed(here.app, window)
        here.orders(1)
        here.later(seconds=0)
        here.later(seconds=45)
        first, second = here.desk.handed
        assert first.data != second.data  # its links and its date are new
        assert here.count("sent") == 1

    def test_a_message_is_not_armed_again_once_its_key_may_be_forgotten(self, place):
        """It was decided in time to repeat it, but the worker came late: the point of no return looks again."""
        here = place(CUT, OK)
        keyed(here.app)
        here.orders(1)
        here.later(seconds=0)
        assert here.count("planned") == 1
        assert here.reasons("sent again") == ["may or may not have left, sent again: timed out"]
        here.later(minutes=59, seconds=1)
        assert (here.count("unknown"), len(here.desk.handed)) == (1, 1)
        assert here.reasons("unknown")[-1].startswith("an earlier attempt may have left, and it is too late")

    def test_a_worker_that_died_is_repeated_only_inside_the_window(self, place):
        for wait, status in ((timedelta(minutes=5), "sent"), (KEY - timedelta(seconds=LEASE), "unknown")):
            here = place(Killed(), OK)
            keyed(here.app)
            here.orders(1)
            with pytest.raises(Killed):
                deliver(here.app)
            here.house.clock.advance(wait)
            here.house.work()
            assert here.count(status) == 1

    def test_by_another_account_or_to_another_address_it_is_not_repeated(self, place):
        here = place(CUT, OK)
        keyed(here.app)
        here.orders(1)
        here.later(seconds=0)
        here.house.connect("new", "smtp", role="channel", secrets={"url": ("smtp://127.0.0.1:2",)})
        here.later(minutes=1)
        assert (here.count("unknown"), len(here.desk.handed)) == (1, 1)

    def test_what_ends_while_it_may_have_left_is_unknown(self, place):
        here = place(CUT, OK)
        keyed(here.app, timedelta(days=30))
        here.orders(1)
        here.later(seconds=0)
        here.later(days=3)
        assert (here.count("unknown"), len(here.desk.handed)) == (1, 1)
        assert here.reasons("unknown")[-1].startswith("may have left; not repeated: it would come too late")

    def test_a_receipt_settles_what_waits_to_be_repeated(self, place):
        here = place(CUT, OK)
        keyed(here.app)
        here.orders(1)
        here.later(seconds=0)
        (row,) = here.house.rows("SELECT public_id FROM message")
        here.house.tell(Receipt(message=row.public_id, status="delivered", as_of=here.house.clock.now()))
        here.later(minutes=5)
        assert (here.count("delivered"), len(here.desk.handed)) == (1, 1)

    @pytest.mark.parametrize(("policy", "handed"), [("park", 1), ("retry_once", 2)])
    @pytest.mark.parametrize("death", [CUT, Killed()])
    def test_a_step_may_ask_for_one_more(self, place, policy, handed, death):
        here = place(death)
        asking(here.app, policy)
        here.orders(1)
        for _ in range(5):
            with suppress(Killed):
                here.house.work()
            here.house.clock.advance(timedelta(minutes=11))
        assert (here.count("unknown"), len(here.desk.handed)) == (1, handed)
        assert len({request.data for request in here.desk.handed}) == 1

    def test_an_http_request_is_stored_and_read_back_whole(self):
        first = HttpRequest(url="https://x.example/a", headers={"a": "b"}, auth={"c": "Bearer {key}"}, body=b"\x00\xff")
        other = HttpRequest(url="https://x.example/b", body=b"new")
        assert stored_request(other, msgspec.json.encode(first)) == first


class TestFuse:
    def test_nothing_over_the_cap_leaves_and_the_journey_is_paused(self, place):
        here = place(OK, settings=MerchantSettings(from_email="shop@hana.example", fuse_per_hour=45))
        here.orders(70)
        here.later(seconds=0)
        assert here.count("sent") <= 45
        assert here.count("sent") > 45 - 20
        (pause,) = here.house.rows("SELECT * FROM pause")
        assert (pause.merchant_id, pause.journey) == (here.house.merchant.id, "order_confirmed")
        assert pause.reason.startswith(f"volume fuse: {here.count('sent')} sent within the hour, and ")
        assert " more at once would have passed the limit of 45 (" in pause.reason
        assert pause.reason.endswith(f"; {70 - here.count('sent')} wait")
        waiting = here.house.rows("SELECT count(*) n FROM message WHERE awaits = 'resume'")[0].n
        assert waiting == 70 - here.count("sent")

    def test_after_a_resume_what_was_shown_leaves_and_then_the_limit_is_in_force_again(self, place):
        here = place(OK, settings=MerchantSettings(from_email="shop@hana.example", fuse_per_hour=10))
        here.orders(30)
        here.later(seconds=0)
        self.resume(here)
        here.later(seconds=1)
        assert here.count("sent") == 30
        here.orders(10)
        here.later(seconds=1)
        assert here.count("sent") == 40
        here.orders(1)
        here.later(seconds=1)
        assert (here.count("sent"), here.count("planned")) == (40, 1)
        here.later(hours=1)
        self.resume(here)
        here.later(seconds=1)
        here.orders(30)
        here.later(seconds=1)
        assert here.count("planned") == 30

    def test_what_the_provider_did_not_take_is_not_counted(self, place):
        here = place(*[BUSY] * 40, OK, settings=HANA_45)
        here.orders(30)
        for _ in range(2):
            here.later(minutes=6)
        assert (here.count("sent"), here.volume()) == (0, 0)
        for _ in range(60):
            here.later(minutes=10)
        assert here.count("sent") == 30
        assert here.house.rows("SELECT * FROM pause") == []

    def test_what_could_not_start_in_time_is_not_counted(self, place):
        here = place(OK, settings=HANA_45)
        here.app.settings.arm_seconds = -1
        here.orders(30)
        for _ in range(6):
            deliver(here.app)
        assert (here.count("sent"), here.volume()) == (0, 0)
        here.app.settings.arm_seconds = 5
        here.later(seconds=1)
        assert (here.count("sent"), here.volume()) == (30, 30)

    def test_what_may_have_left_is_counted(self, place):
        here = place(CUT, settings=HANA_45)
        here.orders(3)
        here.later(seconds=0)
        assert (here.count("unknown"), here.volume()) == (3, 3)

    def test_five_times_the_busiest_hour_blows_it_once_two_days_are_known(self, place):
        here = place(OK)
        now = hour_of(START)
        with here.app.store.begin(here.house.merchant.id) as tx:
            for hours, armed in ((170, 90_000), (50, 100), (30, 400), (2, 900)):
                volumes.count(tx, "order_confirmed", now - timedelta(hours=hours), armed)
            volumes.count(tx, "order_confirmed", now, 1_990)
        here.orders(30)
        here.later(seconds=0)
        assert here.count("sent") == 0  # the batch as a whole would be over 5 x 400; nothing of it left
        (pause,) = here.house.rows("SELECT * FROM pause")
        assert "limit of 2,000 (busiest hour of the last 7 days, without the last one: 400)" in pause.reason

    def test_a_young_journey_and_a_small_one_are_left_alone(self, place):
        here = place(OK)
        now = hour_of(START)
        with here.app.store.begin(here.house.merchant.id) as tx:
            volumes.count(tx, "order_confirmed", now - timedelta(hours=47), 1)
            volumes.count(tx, "order_confirmed", now, 5 * FLOOR)
        here.orders(30)
        here.later(seconds=0)
        assert here.count("sent") == 30

    @staticmethod
    def resume(here: Place) -> None:
        merchant, now = here.house.merchant.id, here.house.clock.now()
        with here.app.store.begin() as tx:
            waiting = pauses.would_leave(tx, now, merchant=merchant, journey="order_confirmed")
            volumes.agree(tx.of(merchant), "order_confirmed", hour_of(now), waiting)
            assert people.resume(tx, merchant=merchant, journey="order_confirmed") == 1
            messages.resumed(tx, now, merchant=merchant, journey="order_confirmed")


class TestRestore:
    def test_what_was_due_before_the_lost_database_stopped_is_never_sent_again(self, place):
        here = place(OK)
        here.orders(3)
        with here.app.store.begin() as tx:
            people.pause(tx, merchant=None, journey=None, reason="backup", now=here.house.clock.now())
        here.house.work()
        here.house.tell(order(number="#9001"))  # planned, and not yet looked at
        until = here.house.clock.now() + timedelta(hours=1)
        assert restored(here.app, until.astimezone(UTC)) == 4
        assert restored(here.app, until) == 0
        with here.app.store.begin() as tx:
            people.resume(tx, merchant=None, journey=None)
        here.later(hours=2)
        here.orders(1)
        here.house.work()
        assert (here.count("unknown"), here.count("sent"), len(here.desk.handed)) == (4, 1, 1)
        (one, *_) = here.house.rows("SELECT reason FROM message WHERE status = 'unknown'")
        assert one.reason.startswith("the database was restored from a backup; until 2026-04-08T02:00+00:00")

    def test_sending_is_paused_and_what_was_under_way_is_told(self, place):
        here = place(Killed())
        here.orders(1)
        with pytest.raises(Killed):
            deliver(here.app)
        assert restored(here.app, here.house.clock.now()) == 1
        assert [row.outcome for row in here.house.rows("SELECT outcome FROM attempt")] == ["ambiguous"]
        here.answer(OK)
        here.orders(2)
        here.later(minutes=5)
        assert (here.count("planned"), len(here.desk.handed)) == (2, 1)
        assert here.house.rows("SELECT state FROM run ORDER BY id")[0].state == "ended"


def test_scopes_decide_what_becomes_of_the_message(place):
    told = {
        "a": (Rejected(scope="recipient", code="x"), "suppressed"), "b": (Rejected(scope="message", code="x"), "dead"),
        "c": (Rejected(scope="provider", code="x"), "planned"), "d": (Rejected(scope="quota", code="x"), "planned"),
        "e": (Accepted(ref="r"), "sent"),
    }  # fmt: skip
    for text, (outcome, status) in told.items():
        here = place(Failure(stage="refused", text=text))
        speaking(here.app, **{text: outcome})
        here.orders(1)
        here.house.work()
        assert here.count(status) == 1, outcome
