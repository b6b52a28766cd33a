"""What stands for a yes, where; when it is quiet; what an offer has to show."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.consent import Agreed
from engine.model.event import Event
from engine.model.journey import Journey
from engine.model.message import MEDIA, Content
from engine.rules.consent import agreed, bears_on, may_ask, turns
from engine.rules.duties import lacking, unshown
from engine.rules.regions import QUIET, RULES, hours, rule
from engine.rules.timing import quiet_for_all, quiet_until
from engine.rules.zones import COUNTRIES, REGIONS, plausible

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def word(granted: bool, channel: str = "any", days: float = 0, expires: float | None = None) -> Agreed:
    return Agreed(
        purpose="promotional", channel=channel, granted=granted, at=NOW + timedelta(days=days),
        expires_at=NOW + timedelta(days=expires) if expires is not None else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "email", "sms"),
    [
        ([], None, None),
        ([word(True)], True, True),
        ([word(True, "email")], True, None),
        ([word(True, "email"), word(False, "sms")], True, False),
        ([word(True), word(False, "email")], False, True),
        ([word(False), word(True, "sms")], False, True),
        ([word(True, expires=1)], True, True),
        ([word(True, expires=0)], None, None),
        ([word(True), word(True, "email", expires=-1)], None, True),
        ([word(False), word(True, expires=-1)], None, None),
    ],
)
def test_the_last_word_on_a_medium(said, email, sms):
    assert agreed(said, "email", NOW).get("promotional") is email
    assert agreed(said, "sms", NOW).get("promotional") is sms


def basis(purpose="service", country="JP", medium="email", granted=None, ordered=NOW, strict=False):
    return may_ask(
        purpose, country=country, medium=medium, granted=granted, ordered_at=ordered, strict=strict, now=NOW
    )  # fmt: skip


@pytest.mark.parametrize("country", ["JP", "US", "DE", "GB", "BR", ""])
@pytest.mark.parametrize("medium", ["email", "sms", "line", "push"])
def test_offers_need_a_yes_everywhere(country, medium):
    assert basis("promotional", country, medium).against
    assert basis("promotional", country, medium, granted=True).basis == "consent"
    assert basis("promotional", country, medium, granted=False).against


@pytest.mark.parametrize(
    ("country", "medium", "may"),
    [("JP", "email", True), ("JP", "sms", True), ("US", "email", True), ("US", "sms", False), ("FR", "email", True),
     ("BR", "email", False), ("", "email", False)],
)  # fmt: skip
def test_a_purchase_stands_for_consent_to_service_messages_where_a_rule_says_so(country, medium, may):
    found = basis(country=country, medium=medium)
    assert bool(found.basis) is may
    assert found.source


def test_only_the_buyer_has_bought():
    assert basis(ordered=None).against.endswith("not the buyer")
    assert basis(ordered=None, granted=True).basis == "consent"


def test_a_purchase_in_canada_is_forgotten_after_two_years():
    assert basis(country="CA", ordered=NOW - timedelta(days=700)).basis == "bought"
    assert "24 months" in basis(country="CA", ordered=NOW - timedelta(days=800)).against


def test_a_merchant_is_only_stricter():
    assert basis(strict=True).against
    assert basis(strict=True, granted=True).basis == "consent"
    assert basis("promotional", strict=False).against


@pytest.mark.parametrize("purpose", ["transactional", "adjacent"])
def test_notices_ask_nobody(purpose):
    assert rule(purpose, "BR", "email") is None
    assert basis(purpose, "BR").basis


def test_every_rule_says_where_it_comes_from():
    assert all(len(one.source) > 10 for one in (*RULES, *QUIET))
    assert {one.purpose for one in RULES} == {"service"}  # none can soften what offers need


def test_every_zone_there_is():
    for name in {zone for zones in (*COUNTRIES.values(), *REGIONS.values()) for zone in zones}:
        ZoneInfo(name)


@pytest.mark.parametrize(
    ("country", "region", "zones"),
    [
        ("JP", "東京都", ("Asia/Tokyo",)), ("us", "ca", ("America/Los_Angeles",)),
        ("US", "US-HI", ("Pacific/Honolulu",)),
        ("US", "New York", ("America/New_York",)), ("GB", None, ("Europe/London",)), (None, "CA", ()), ("ZZ", None, ()),
    ],
)  # fmt: skip
def test_where_somebody_lives(country, region, zones):
    assert plausible(country, region) == zones


def test_nobody_knows_where_in_the_country_so_it_is_quiet_while_it_is_quiet_anywhere():
    zones = [ZoneInfo(name) for name in plausible("US")]
    night = [(time(21), time(8))]
    moment = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    for half_hours in range(96):
        now = moment + timedelta(minutes=30 * half_hours)
        until = quiet_for_all(now, zones, night)
        anywhere = any(quiet_until(now, zone, *night[0]) for zone in zones)
        assert (until is not None) is anywhere
        if until is not None:
            assert until > now
            assert not any(quiet_until(until, zone, *night[0]) for zone in zones)


def test_where_it_is_always_quiet_somebody_asks_again_much_later():
    until = quiet_for_all(NOW, [ZoneInfo("UTC")], [(time(8), time(21)), (time(21), time(8))])
    assert until is not None
    assert until > NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("purpose", "country", "medium", "address", "held"),
    [
        ("promotional", "US", "sms", "+14155550123", True), ("promotional", "JP", "sms", "+14155550123", True),
        ("promotional", "JP", "sms", "+819012345678", False), ("promotional", "US", "email", "a@example.com", False),
        ("service", "US", "sms", "+14155550123", False), ("promotional", "US", "whatsapp", "+819012345678", True),
    ],
)  # fmt: skip
def test_tcpa_hours_are_for_offers_by_telephone_to_the_united_states(purpose, country, medium, address, held):
    found = hours(purpose, country, medium, address)
    assert bool(found) is held
    assert all((one.start, one.end) == (time(21), time(8)) for one in found)


def test_what_an_offer_must_show():
    assert [duty.settings[0] for duty in lacking("promotional", {})] == ["company", "address", "support_email"]
    assert lacking("promotional", {"company": "c", "address": "a", "phone": "1"}) == ()
    assert lacking("service", {}) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("花と器 https://t.example/u/x", ""), ("花と器", "way out"), ("https://t.example/u/x", "seller"),
    ],
)  # fmt: skip
def test_a_text_of_ones_own_must_show_it_too(text, fault):
    told = unshown("promotional", "sms", Content(text=text), ("", "花と器"), "https://t.example/u/x")
    assert fault in told
    assert bool(told) is bool(fault)
    assert unshown("transactional", "sms", Content(text="x"), ("花と器",), None) == ""


WORDS = st.lists(
    st.builds(
        lambda at, granted, channel: word(granted, channel, days=at),
        st.integers(-30, -1), st.booleans(), st.sampled_from(["any", "email", "sms"]),
    ),
    max_size=8, unique_by=lambda one: one.at,
)  # fmt: skip


@given(said=WORDS, data=st.data())
def test_what_happens_by_words_does_not_depend_on_their_order_or_on_how_often_they_are_said(said, data):
    happened = turns([], said, NOW)
    doubled = [*said, *data.draw(st.lists(st.sampled_from(said), max_size=4) if said else st.just([]))]
    assert turns([], data.draw(st.permutations(doubled)), NOW) == happened
    assert turns(said, said, NOW) == []  # what stands is no news
    stands = {medium: agreed(sorted(said, key=lambda one: one.at), medium, NOW).get("promotional") for medium in MEDIA}
    last = happened[-1] if happened else None
    assert (last is None) is not any(value is not None for value in stands.values())
    if last is not None:
        told = last.type == "consent.granted"
        assert set(last.media) == {medium for medium, value in stands.items() if value is told}


def journey(purpose: str, *via: str) -> Journey:
    return Journey.model_validate({
        "name": "j", "title": {"ja": "j", "en": "j"}, "purpose": purpose, "once_per": "order",
        "trigger": {"event": "order.created"}, "steps": [{"id": "a", "send": "x", "via": list(via)}],
    })  # fmt: skip


@pytest.mark.parametrize(("said", "purpose", "via", "bears"), [
    (word(True), "promotional", ["email"], True), (word(True), "service", ["email"], False),
    (word(True), "transactional", ["email"], True), (word(True), "adjacent", ["email"], True),
    (word(True, "sms"), "promotional", ["email"], False), (word(True, "sms"), "promotional", ["email", "sms"], True),
    (word(False), "promotional", ["email", "sms"], True), (word(False, "sms"), "promotional", ["email", "sms"], False),
    (word(False, "email"), "promotional", ["email"], True),
])  # fmt: skip
def test_whom_a_word_concerns(said, purpose, via, bears):
    (event,) = turns([], [said], NOW)
    assert bears_on(journey(purpose, *via), event) is bears
    assert bears_on(journey(purpose, *via), Event(type="order.created", key="order.created", occurred_at=NOW))
