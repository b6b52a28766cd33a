"""Which way to a person is taken, and what keeps it from the others."""

from datetime import UTC, datetime, timedelta

from engine.rules.phone import mobile
from engine.rules.policy import Allow, Defer, Refuse
from engine.rules.route import NO_WAY, pick

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
UNKNOWN = Defer(NOW + timedelta(days=3), "no address is known yet", awaits="contact")
QUIET = Defer(NOW + timedelta(hours=9), "quiet hours")
GONE = Refuse("suppressed", "the address is suppressed")


def test_the_first_open_way_is_taken_and_says_what_kept_it_from_the_others():
    place, verdict = pick([("line", UNKNOWN), ("sms", GONE), ("email", Allow())])
    assert place == 2
    assert verdict == Allow({
        "by": "email", "not by line": "no address is known yet", "not by sms": "the address is suppressed"
    })  # fmt: skip


def test_an_only_way_that_is_open_says_nothing():
    assert pick([("email", Allow())]) == (0, Allow())


def test_what_opens_by_itself_is_waited_for_before_a_no_counts():
    assert pick([("sms", GONE), ("line", QUIET)]) == (None, QUIET)


def test_a_no_counts_more_than_an_address_that_may_never_come():
    assert pick([("line", UNKNOWN), ("email", GONE)]) == (None, GONE)
    assert pick([("line", UNKNOWN), ("email", UNKNOWN)]) == (None, UNKNOWN)


def test_without_any_way_it_is_said_so():
    assert pick([]) == (None, Refuse("suppressed", NO_WAY))


def test_mobile_numbers_as_people_write_them():
    for written in ("090-1234-5678", "０９０（１２３４）５６７８", "+81 90 1234 5678"):
        assert mobile(written) == "+819012345678"
    assert mobile("020 1234 5678") is None  # a pager
    assert mobile("03-1234-5678") is None  # a landline in Tokyo
    assert mobile("0120-123-456") is None
    assert mobile("(201) 555-0123", "US") == "+12015550123"
    assert mobile("07400 123456", "GB") == "+447400123456"
    for nonsense in (None, "", "なし", "090", "0" * 60, "+", "０"):
        assert mobile(nonsense) is None
