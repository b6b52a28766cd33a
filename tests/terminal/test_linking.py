"""`todoke link`: what waited for a LINE account leaves when it is known."""

from __future__ import annotations

from tests.terminal.said import order


def test_an_account_is_linked_to_the_person_behind_an_order(shell, shop, told):
    told(order())
    assert shell.ok("link", "#1001", "U" + "0a" * 16).out == "linked line to the person behind #1001\n"
    assert [row["decision"] for row in shell.json("why", "#1001") if row["decision"] == "linked"] == ["linked"]


def test_what_cannot_be_linked_is_said(shell, shop, told):
    told(order(orderer={"name": "名無し"}))
    assert shell("link", "#9", "U1").lines[0] == "tea has no order #9"
    assert shell("link", "#1001", "U1").lines[0].startswith("of the person behind #1001 neither")
    assert shell("link", "#1001", "U1", "--channel", "fax").lines[1] == "expected: line or push"


def test_an_address_is_judged_by_the_channel_that_would_use_it(shell, shop, told):
    told(order())
    given = ("--set", "access_token=a", "--set", "channel_secret=b")
    shell.ok("connect", "line", "--merchant", "tea", *given)
    assert shell("link", "#1001", "hanako").lines[0] == "ADDRESS: the address is no user id of LINE"
    assert shell.ok("link", "#1001", " U" + "0a" * 16).out == "linked line to the person behind #1001\n"
