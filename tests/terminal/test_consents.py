"""`todoke consent`, and what offers must show before they are switched on."""

from __future__ import annotations

import pytest


def test_what_is_recorded_is_shown_with_its_proof(shell, shop):
    said = ("--purpose", "promotional", "--basis", "ticked at the till", "--source", "shop 3", "--wording", "2026-04")
    shell.ok("consent", "record", "hanako@example.jp", *said, "--proof", "scan 77", "--at", "2026-01-02T10:00+09:00")
    shell.ok("consent", "record", "hanako@example.jp", "--purpose", "promotional", "--basis", "by telephone",
             "--source", "desk", "--withdraw", "--channel", "sms")  # fmt: skip
    first, second = shell.json("consent", "show", "hanako@example.jp")
    assert (first["granted"], first["channel"], first["wording"], first["proof"]) == (
        True, "any", "2026-04", {"shown_by": "scan 77"}
    )  # fmt: skip
    assert first["at"] == "2026-01-02T01:00:00+00:00"
    assert (second["granted"], second["channel"]) == (False, "sms")
    assert "ticked at the till" in shell.ok("consent", "show", "HANAKO@example.jp").out
    assert shell.json("consent", "show", "other@example.jp") == []


def test_a_number_is_one_however_it_is_written(shell, shop):
    said = ("--purpose", "service", "--basis", "b", "--source", "s", "--wording", "1")
    shell.ok("consent", "record", "090-1234-5678", *said)
    assert len(shell.json("consent", "show", "+819012345678")) == 1


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("hanako",), "neither a mail address nor a number"),
        (("a@example.jp", "--channel", "smoke"), "no such medium"),
        (("a@example.jp", "--at", "yesterday"), "no time"), (("a@example.jp", "--at", "2099-01-01T00:00Z"), "to come"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_refused(shell, shop, words, what):
    said = ("--purpose", "promotional", "--basis", "b", "--source", "s", "--wording", "1")
    assert what in shell("consent", "record", *words, *said).lines[0]


def test_a_grant_needs_its_wording(shell, shop):
    refused = shell("consent", "record", "a@example.jp", "--purpose", "promotional", "--basis", "b", "--source", "s")
    assert refused.lines[0] == "--wording is missing"


def test_offers_are_not_switched_on_for_who_cannot_show_who_sends_them(shell, shop):
    what, _, then = shell("journeys", "enable", "reorder").lines
    assert "the seller's legal name" in what
    assert then == "type: todoke merchant set tea company=... address=... support_email=shop@example.jp"
    told = shell("journeys", "check", "--merchant", "tea", "--json")
    assert told.code == 1
    assert [one["what"] for one in told.json] == [
        "it is on for tea, who has not told the seller's legal name and the seller's postal address and where "
        "complaints and questions go"
    ]
    shell.ok("merchant", "set", "tea", "company=株式会社みどり", "address=東京都", "phone=03-0000-0000")
    shell.ok("journeys", "enable", "reorder")
    shell.ok("journeys", "check", "--merchant", "tea")


@pytest.mark.parametrize(
    "setting", ["country=ZZ", "service_consent=never", "mail_charset=utf-16", "click_links=maybe", "mail_markup=all"]
)
def test_settings_that_cannot_be_are_refused(shell, shop, setting):
    assert shell("merchant", "set", "tea", setting).code == 1
