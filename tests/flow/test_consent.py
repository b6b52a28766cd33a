"""Consent: what was agreed to and taken back decides, at the last moment; the preference page and its second yes."""

from __future__ import annotations

import email
import threading
from contextlib import nullcontext
from datetime import timedelta
from email.policy import default

import msgspec
import pytest
from sqlalchemy import select

from engine.flow import preferences
from engine.flow.consenting import named, record
from engine.flow.preferences import Wish, choose, confirm
from engine.model.customer import Address, Party
from engine.model.journey import Journey
from engine.model.merchant import MerchantSettings
from engine.model.preference import Preference
from engine.store import consents, people
from engine.store.consents import Consent
from engine.store.people import Link
from engine.store.tables import SUPPRESSION
from tests.flow.house import House
from tests.flow.orders import NAOKO, order, parcel, scan

SHOP = MerchantSettings(
    from_email="shop@hana.example", address="東京都", company="花と器株式会社", support_email="help@hana.example"
)


@pytest.fixture
def house(tmp_path, database):
    made = House(tmp_path, settings=SHOP)
    yield made
    made.close()


def delivered(house: House, agreed: bool | None = None, number: str = "#1001", who: Party = NAOKO, since: float = 0):
    party = replace_party(who, agreed)
    house.tell(order(since - 5, number, orderer=party), parcel(since - 3, number), scan(since - 1, "delivered", number))
    house.work()


def replace_party(who: Party, agreed: bool | None) -> Party:
    return Party(name=who.name, email=who.email, phone=who.phone, address=who.address, accepts_marketing=agreed)


def index(house: House, address: str = NAOKO.email or "") -> str:
    with house.app.store.read(house.merchant.id) as tx:
        found = named(tx, address, "JP")
    assert found
    return found


def say(house: House, granted: bool, purpose: str = "promotional", channel: str = "any", **more) -> None:
    said = Consent(
        person=index(house), channel=channel, purpose=purpose, granted=granted, basis="at the till", source="test",
        at=house.clock.now(), wording="v1", **more,
    )  # fmt: skip
    record(house.app, house.merchant.id, [said])


def status(house: House, journey: str = "reorder") -> tuple[str, str | None]:
    (one,) = house.reports(journey=journey)
    return one.status, one.reason


def by_the_gate_alone(house: House) -> None:
    """Withdrawals end no run from now on: whatever is planned is stopped when it is due, or never."""
    deaf = house.app.journeys["reorder"].model_dump(mode="json")
    deaf["exit_on"].remove("consent.withdrawn")
    for step in deaf["steps"]:
        step["superseded_by"] = [one for one in step.get("superseded_by", ()) if one != "consent.withdrawn"]
    deaf["steps"] = [{name: value for name, value in step.items() if value not in (None, [])} for step in deaf["steps"]]
    house.app.journeys = {**house.app.journeys, "reorder": Journey.model_validate(deaf)}


class TestRecords:
    def test_the_proof_is_sealed_and_comes_back(self, house):
        say(house, True, proof={"shown_by": "form 12"})
        with house.app.store.read(house.merchant.id) as tx:
            (one,) = consents.records(tx, [index(house)])
        assert (one.granted, one.wording, one.proof) == (True, "v1", {"shown_by": "form 12"})
        assert b"form 12" not in bytes(house.rows("SELECT sealed_proof FROM consent")[0].sealed_proof)

    def test_the_newest_word_counts(self, house):
        by_the_gate_alone(house)
        delivered(house)
        for granted in (True, False, True):
            house.clock.advance(timedelta(minutes=1))
            say(house, granted)
        house.later(days=32)
        assert status(house)[0] == "sent"

    @pytest.mark.parametrize(("channel", "wanted"), [("email", "sent"), ("any", "sent"), ("sms", "suppressed")])
    def test_consent_is_for_the_medium_it_was_given_for(self, house, channel, wanted):
        delivered(house)
        say(house, True, channel=channel)
        house.later(days=32)
        assert status(house)[0] == wanted

    def test_a_consent_runs_out(self, house):
        delivered(house)
        say(house, True, expires_at=house.clock.now() + timedelta(days=20))
        house.later(days=32)
        assert status(house) == ("suppressed", "no consent to promotional messages")

    def test_a_withdrawal_for_another_medium_leaves_this_one(self, house):
        delivered(house)
        say(house, True)
        house.clock.advance(timedelta(minutes=1))
        say(house, False, channel="sms")
        house.later(days=32)
        assert status(house)[0] == "sent"


class TestShop:
    def test_a_withdrawal_at_the_shop_waits_for_an_arming_and_an_arming_for_it(self, house):
        """On SQLite there is one writer. On PostgreSQL nothing but the gate makes them wait for each other."""
        by_the_gate_alone(house)
        delivered(house, agreed=True)
        done: list[str] = []

        def withdraw() -> None:
            house.tell(order(1, orderer=replace_party(NAOKO, False)))
            done.append("withdrawn")

        with house.app.store.begin(house.merchant.id) as arming:
            arming.pass_gate()
            other = threading.Thread(target=withdraw)
            other.start()
            other.join(0.5)
            done.append("armed")
        other.join(10)
        assert done == ["armed", "withdrawn"]
        house.later(days=32)
        assert status(house) == ("suppressed", "consent to promotional messages was withdrawn")

    def test_what_takes_nothing_back_does_not_stop_arming(self, house):
        delivered(house, agreed=False)
        done: list[str] = []

        def tell() -> None:
            house.tell(order(2, orderer=replace_party(NAOKO, False)))
            done.append("told")

        one_writer = house.app.store.engine.dialect.name == "sqlite"
        with nullcontext() if one_writer else house.app.store.begin(house.merchant.id) as arming:
            if arming is not None:
                arming.pass_gate()
            other = threading.Thread(target=tell)
            other.start()
            other.join(10)
            assert done == ["told"]

    @pytest.mark.parametrize("deaf", [True, False])
    def test_a_withdrawal_between_writing_and_arming_keeps_it_back(self, house, deaf):
        if deaf:
            by_the_gate_alone(house)
        delivered(house, agreed=True)
        house.clock.advance(timedelta(days=32))
        writing = house.app.templates
        said: list[bool] = []

        class Interrupts(dict):
            def __getitem__(self, name):
                if name == "reorder" and not said:
                    said.append(True)
                    house.tell(order(3, orderer=replace_party(NAOKO, False)))
                return writing[name]

        house.app.templates = Interrupts(writing)
        house.work()
        assert said
        assert status(house)[0] == ("suppressed" if deaf else "cancelled")
        assert not [mail for mail in house.reports(journey="reorder") if mail.status == "sent"]


class TestRegions:
    @pytest.mark.parametrize(
        ("country", "wanted"),
        [("JP", "sent"), ("DE", "sent"), ("US", "sent"), ("CA", "sent"), ("BR", "suppressed"), (None, "sent")],
    )
    def test_having_bought_stands_for_consent_where_the_law_says_so(self, house, country, wanted):
        home = Address(country=country, region="東京都" if country == "JP" else None) if country else None
        delivered(house, who=Party(name=NAOKO.name, email=NAOKO.email, address=home))
        house.later(days=9)
        for _ in range(20):
            house.later(hours=1)  # until it is day where they live, wherever that may be
        assert status(house, "review_request")[0] == wanted

    def test_a_merchant_may_be_stricter(self, tmp_path):
        strict = MerchantSettings(from_email="shop@hana.example", service_consent="always")
        house = House(tmp_path, settings=strict)
        delivered(house)
        house.later(days=9)
        assert status(house, "review_request") == ("suppressed", "no consent to service messages")
        house.close()

    def test_quiet_hours_hold_where_the_person_lives(self, house):
        home = Address(country="US", region="CA")
        delivered(house, who=Party(name=NAOKO.name, email=NAOKO.email, address=home))
        house.later(days=7)  # ten in the morning in Tokyo is five in the afternoon in California, the day before
        house.later(days=1)
        (asked,) = house.reports(journey="review_request")
        assert asked.status == "sent"
        hour = (asked.sent_at - timedelta(hours=7)).hour
        assert 8 <= hour < 21


def link(house: House, kind: str = "unsubscribe") -> Link:
    (one,) = house.reports(journey="review_request")
    return Link(kind=kind, merchant=house.merchant.id, subject=one.subject_id, message=one.number)


def wish(**more) -> Wish:
    usual = {
        "service": True,
        "promotional": False,
        "preference": Preference(),
        "proof": {"agent": "t"},
        "wording": "w1",
    }
    return Wish(**usual | more)


class TestPreferences:
    @pytest.fixture(autouse=True)
    def _asked(self, house):
        delivered(house)
        house.later(days=8)

    def person(self, house):
        with house.app.store.read(house.merchant.id) as tx:
            return preferences.person(house.app, tx, link(house), house.clock.now())

    def test_what_stands_is_shown(self, house):
        assert self.person(house).granted == {"service": True, "promotional": False}

    def test_service_messages_stop_and_come_back(self, house):
        assert choose(house.app, link(house), wish(service=False)) is False
        delivered(house, number="#1002", since=10 * 24 * 60)
        house.later(days=10)
        last = house.reports(journey="review_request")[0]
        assert (last.order, last.status) == ("#1002", "suppressed")
        with house.app.store.begin(house.merchant.id) as tx:
            way = tx.vault.index(house.merchant.id, "email", NAOKO.email)
            people.suppress(tx, way, "service", "unsubscribed by the customer", house.clock.now())
        assert self.person_of(house, "#1002").granted["service"] is False
        choose(house.app, link_of(house, "#1002"), wish(service=True))
        assert self.person_of(house, "#1002").granted["service"] is True
        with house.app.store.read(house.merchant.id) as tx:
            assert not tx.conn.execute(select(SUPPRESSION.c.scope)).all()

    def person_of(self, house, number):
        with house.app.store.read(house.merchant.id) as tx:
            return preferences.person(house.app, tx, link_of(house, number), house.clock.now())

    def test_offers_need_a_second_yes_from_the_person(self, house):
        assert choose(house.app, link(house), wish(promotional=True)) is True
        assert choose(house.app, link(house), wish(promotional=True)) is True
        house.work()
        (asked,) = house.reports(journey="confirm_consent")  # one, however often it was pressed
        assert asked.status == "sent"
        assert self.person(house).granted["promotional"] is False
        again = Link(kind="confirm", merchant=house.merchant.id, subject=asked.subject_id, message=asked.number)
        assert confirm(house.app, again, {"agent": "t"}, "w1")
        assert confirm(house.app, again, {"agent": "t"}, "w1")
        assert self.person(house).granted["promotional"] is True
        with house.app.store.read(house.merchant.id) as tx:
            said = consents.records(tx, [index(house)])
        assert [(one.basis, one.channel, one.proof["asked_by"]) for one in said] == [
            ("double opt-in", "email", asked.id)
        ]
        house.later(days=25)
        assert status(house)[0] == "sent"
        choose(house.app, link(house), wish(promotional=False))
        assert self.person(house).granted["promotional"] is False

    def test_a_pause_holds_optional_messages_and_no_others(self, house):
        choose(house.app, link(house), wish(rest_days=90))
        delivered(house, number="#1002", since=9 * 24 * 60)
        house.later(days=8)
        found = {(one.order, one.journey): one.status for one in house.reports()}
        assert found["#1002", "delivered"] == "sent"
        assert found["#1002", "review_request"] == "planned"
        assert ("deferred", "the person wants no such messages for a while") in house.why()

    def test_language_and_quiet_hours_are_the_persons(self, house):
        wanted = Preference(locale="en", quiet=("09:00", "12:00"))
        choose(house.app, link(house), wish(preference=wanted))
        delivered(house, number="#1002", since=9 * 24 * 60)
        house.later(days=9)
        asked = next(one for one in house.reports(journey="review_request") if one.order == "#1002")
        assert asked.status in {"sent", "planned"}
        house.later(hours=3)
        asked = next(one for one in house.reports(journey="review_request") if one.order == "#1002")
        assert asked.status == "sent"
        assert asked.subject.startswith("How is it so far?")
        assert not 9 <= (asked.sent_at + timedelta(hours=9)).hour < 12

    def test_a_notice_takes_a_refused_medium_when_there_is_no_other(self, house):
        choose(house.app, link(house), wish(preference=Preference(without=("email",))))
        delivered(house, number="#1002", since=9 * 24 * 60)
        house.later(days=9)
        found = {(one.order, one.journey): one for one in house.reports()}
        assert found["#1002", "delivered"].status == "sent"
        assert found["#1002", "review_request"].reason == "the person wants no messages by email"


def link_of(house: House, number: str) -> Link:
    one = next(one for one in house.reports(journey="review_request") if one.order == number)
    return Link(kind="unsubscribe", merchant=house.merchant.id, subject=one.subject_id, message=one.number)


class TestDuties:
    def test_an_offer_that_cannot_show_who_sends_it_is_not_sent(self, tmp_path):
        house = House(tmp_path, settings=replace_settings(company=None, support_email=None))
        delivered(house, agreed=True)
        house.later(days=32)
        state, reason = status(house)
        assert state == "suppressed"
        assert "the seller's legal name and where complaints and questions go" in reason
        assert "todoke merchant set hana company=... support_email=shop@example.jp" in reason
        house.close()

    def test_an_offer_shows_all_of_it(self, house):
        delivered(house, agreed=True)
        house.later(days=32)
        mail = next(
            one for one in house.mails() if b"/u/" in decoded(one) and "花と器株式会社".encode() in decoded(one)
        )
        text = decoded(mail).decode()
        for shown in ("東京都", "help@hana.example", "/u/", "/p/"):
            assert shown in text


def replace_settings(**changes) -> MerchantSettings:
    return msgspec.structs.replace(SHOP, **changes)


def decoded(mail: bytes) -> bytes:
    parsed = email.message_from_bytes(mail, policy=default)
    return parsed.get_body(("plain",)).get_content().encode()
