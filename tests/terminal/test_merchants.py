"""Merchants as an operator adds and changes them."""

import pytest


def test_adding_a_merchant_says_who_it_is_and_gives_it_a_mailbox(shell):
    assert shell.json("merchant", "add", "tea", "--name", "みどり茶舗", "--locale", "ja") == {
        "merchant": "tea",
        "id": 1,
    }
    box = next(row for row in shell.json("connections") if row["merchant"] == "tea")
    assert (box["connection"], box["connector"], box["role"]) == ("mailbox-tea", "mailbox", "channel")
    row = next(row for row in shell.json("merchant", "list") if row["merchant"] == "tea")
    assert (row["merchant"], row["name"], row["timezone"]) == ("tea", "みどり茶舗", "Asia/Tokyo")


def test_settings_are_changed_and_taken_back(shell):
    shell.ok("merchant", "add", "tea", "--set", "accent=#aa0000", "--set", "company=みどり茶舗 株式会社")
    shell.ok("merchant", "set", "tea", "accent=", "quiet_start=20:30", "locale=en")
    (row,) = shell.json("merchant", "list")
    wanted = {"accent": "#0b6b57", "quiet_start": "20:30", "locale": "en", "company": "みどり茶舗 株式会社"}
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "first", "expected"),
    [
        (("add", "Tea!"), "SLUG 'Tea!' cannot be used", "letters a-z"),
        (("add", "te2", "--name", "a\nb"), "--name: it holds a line break or a control character", "one line"),
        (("add", "te2", "--timezone", "Asia/Tokio"), "timezone: 'Asia/Tokio' cannot be used", "Asia/Tokyo"),
        (("add", "te2", "--from-email", "nobody"), "from_email: 'nobody' cannot be used", "shop@example.jp"),
        (("add", "tea"), "SLUG tea: there is such a merchant", "another slug"),
        (("set", "tea", "accnt=#000000"), "accnt: unknown setting", "did you mean 'accent'? settings are locale, "),
        (("set", "tea", "accent=red"), "accent: 'red' cannot be used", "#0b6b57"),
        (("set", "tea", "url=javascript:alert(1)"), "url: 'javascript:alert(1)' cannot be used", "https://"),
        (("set", "tea", "company=a\nb"), "company: 'a\\nb' cannot be used", "one line"),
        (("set", "tea", "accent"), "'accent' is no setting", "key=value"),
        (("set", "te", "accent=#000000"), "--merchant te: there is no such merchant", "did you mean 'tea'?"),
    ],
)
def test_refusals_say_what_is_wrong_what_was_expected_and_what_to_type(shell, words, first, expected):
    shell.ok("merchant", "add", "tea")
    what, then_expected, then_type = shell("merchant", *words).lines
    assert what == first
    assert then_expected.startswith("expected: ")
    assert expected in then_expected
    assert then_type.startswith("type: todoke merchant ")
    assert len(shell.json("merchant", "list")) == 1


def test_a_merchant_may_be_left_out_only_when_there_is_one(shell):
    assert shell("orders", "show", "1001").lines[2] == "type: todoke merchant add SLUG --name NAME"
    shell.ok("merchant", "add", "tea")
    assert shell("orders", "show", "1001").lines[0] == "ORDER 1001: tea has no such order"
    shell.ok("merchant", "add", "coffee")
    lines = shell("orders", "show", "1001").lines
    assert lines[:2] == ["--merchant is missing: there are 2 merchants", "expected: coffee, tea"]
