"""`todoke suppressions`: what is not sent to an address, and taking it up again."""

from __future__ import annotations

from tests.terminal.said import ago, order, parcel

PERSON = "naoko@customer.example"


def heard(shell, told, status: str) -> None:
    told(order())
    (message,) = shell.json("messages", "list")
    told({"kind": "receipt", "message": message["id"], "status": status, "as_of": ago(minutes=1), "code": "5.1.1"})


def test_a_dead_address_is_shown_and_taken_up_again(shell, told):
    heard(shell, told, "bounced")
    (row,) = shell.json("suppressions", "show", PERSON)
    assert (row["channel"], row["scope"], row["reason"]) == ("email", "all", "bounced: 5.1.1")
    assert "bounced: 5.1.1" in shell.ok("suppressions", "show", PERSON.upper()).out
    assert "lifted for email: bounced: 5.1.1" in shell.ok("suppressions", "lift", PERSON).out
    assert shell.json("suppressions", "show", PERSON) == []
    assert "taken up again by an operator" in {row["reason"] for row in shell.json("why", "1001", "--merchant", "tea")}
    told(parcel())
    assert {row["status"] for row in shell.json("messages", "list", "--state", "sent")} == {"sent"}


def test_what_people_said_themselves_is_not_lifted(shell, told):
    heard(shell, told, "complained")
    assert {row["scope"] for row in shell.json("suppressions", "show", PERSON)} == {"service", "promotional"}
    assert "only the person takes it back" in shell("suppressions", "lift", PERSON).lines[1]
    assert len(shell.json("suppressions", "show", PERSON)) == 2


def test_who_has_nothing_held_back(shell, shop):
    assert shell.json("suppressions", "show", "090-1234-5678") == []
    assert "nothing was lifted" in shell("suppressions", "lift", "a@example.jp").lines[0]
    assert "neither a mail address nor a number" in shell("suppressions", "show", "hanako").lines[0]
