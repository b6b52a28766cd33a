"""What is known of an order, and why it led to what it led to."""

from datetime import datetime

import pytest

from tests.terminal.said import ago, order, parcel

WHY = {"at", "journey", "step", "decision", "reason", "values", "message"}


def test_orders_are_listed(shell, told):
    told(order("#1001"), order("#1002", as_of=ago(minutes=20)))
    rows = shell.json("orders", "list")
    assert {row["order"] for row in rows} == {"#1001", "#1002"}
    assert rows[0].keys() == {"order", "id", "merchant", "stage", "placed_at", "updated_at", "name", "messages"}
    assert {(row["merchant"], row["stage"], row["name"]) for row in rows} == {("tea", "confirmed", "髙橋 直子")}
    assert len(shell.json("orders", "list", "--limit", "1")) == 1
    assert shell.json("orders", "list", "--stage", "delivered") == []


def test_facts_stage_and_units_of_an_order(shell, told):
    told(order(), parcel(contents=[{"line_id": "1", "quantity": 1}]))
    known = shell.json("orders", "show", "#1001", "--merchant", "tea")
    assert known["stage"] == "shipped"
    assert known["order"]["orderer"]["name"] == "髙橋 直子"
    assert known["shipments"].keys() == {"441200001113"}
    assert known["units"] == {
        "1": {"ordered": 2, "unshipped": 1, "shipped": {"441200001113": 1}, "cancelled": 0, "returned": 0}
    }  # fmt: skip
    for_people = shell.ok("orders", "show", "1001").out
    assert "玄米茶" in for_people
    assert "441200001113" in for_people


@pytest.mark.parametrize("typed", ["#1001", "1001"])
def test_why_tells_every_decision_in_the_order_of_time(shell, told, typed):
    told(order())
    told(parcel())
    rows = shell.json("why", typed, "--merchant", "tea")
    assert all(row.keys() == WHY for row in rows)
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), key=datetime.fromisoformat)
    sent = {row["message"] for row in rows if row["decision"] == "sent"}
    assert sent == {row["id"] for row in shell.json("messages", "list")}
    assert {row["journey"] for row in rows if row["decision"] == "planned"} == {"order_confirmed", "shipped"}


def test_why_tells_what_was_not_sent(shell, told):
    shell.ok("pause", "--reason", "stock count")
    told(order())
    deferred = [row for row in shell.json("why", "1001") if row["decision"] == "deferred"]
    assert [row["reason"] for row in deferred] == ["paused: stock count"]
    assert "stock count" in shell.ok("why", "1001").out


def test_a_number_that_fits_two_orders_tells_of_both(shell, told):
    told(order())
    other = shell.connect("standard", "--set", "secret=b3RoZXItc2hvcA==")
    same = order(ref={"order_id": "gid-77", "order_number": "#1001"}, placed_at=ago(days=2), as_of=ago(minutes=3))
    same["orderer"] = {"name": "鈴木 一郎", "email": "ichiro@customer.example"}
    shell.ok("ingest", other, shell.jsonl("b.jsonl", [{"headers": {}, "body": same}]))
    ids = {row["id"] for row in shell.json("orders", "list")}
    assert len(ids) == 2
    rows = shell.json("why", "1001")
    assert all(row.keys() == WHY | {"order_id"} for row in rows)
    assert {row["order_id"] for row in rows} == ids
    assert {one["order_id"] for one in shell.json("orders", "show", "1001")} == ids


def test_a_number_that_fits_no_order_says_what_to_type(shell, shop):
    assert shell("why", "4711").lines == [
        "ORDER 4711: tea has no such order",
        "expected: the number as the shop shows it",
        "type: todoke orders list --merchant tea",
    ]
