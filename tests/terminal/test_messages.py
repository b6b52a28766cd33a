"""Listing messages, showing one, and doing it once more."""

from datetime import datetime

import pytest
from sqlalchemy import update

import cli
from engine.store.tables import MessageRow
from tests.terminal.said import order, parcel

SHAPE = [
    "id", "merchant", "order", "journey", "step", "template", "purpose", "channel", "recipient", "subject", "status",
    "reason", "planned_at", "due_at", "sent_at",
]  # fmt: skip


def become(message, status):
    """A message whose end nobody saw, as a worker that was killed leaves it."""
    app = cli.compose()
    table = MessageRow.__table__
    with app.store.begin() as tx:
        tx.conn.execute(update(table).where(table.c.public_id == message).values(status=status, reason="lost"))
    app.store.close()


def test_rows_have_exactly_these_keys(shell, told):
    told(order())
    told(parcel())
    rows = shell.json("messages", "list")
    assert [list(row) for row in rows] == [SHAPE, SHAPE]
    row = next(row for row in rows if row["template"] == "order_confirmed")
    wanted = {
        "merchant": "tea", "order": "#1001", "journey": "order_confirmed", "purpose": "transactional",
        "channel": "email", "recipient": "naoko@customer.example", "status": "sent", "reason": None,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert row["id"].startswith("m_")
    assert "#1001" in row["subject"]
    for name in ("planned_at", "due_at", "sent_at"):
        assert datetime.fromisoformat(row[name]).utcoffset() is not None


def test_rows_of_all_merchants_or_one_by_state_and_number(shell, told):
    told(order())
    told(parcel())
    shell.ok("merchant", "add", "coffee")
    assert len(shell.json("messages", "list")) == 2
    assert len(shell.json("messages", "list", "--merchant", "tea", "--limit", "1")) == 1
    assert shell.json("messages", "list", "--merchant", "coffee") == []
    assert shell.json("messages", "list", "--state", "unknown") == []
    assert len(shell.json("messages", "list", "--state", "sent")) == 2
    lines = shell("messages", "list", "--state", "gone").lines
    assert lines[0] == "--state gone: there is no such status"
    assert "planned, leased, sending, sent, delivered" in lines[1]


def test_a_table_fits_100_columns_and_is_plain_text(shell, told):
    told(order())
    told(parcel())
    for words in (("messages", "list"), ("why", "1001"), ("orders", "list"), ("journeys", "list"), ("connections",)):
        out = shell.ok(*words).out
        assert "\x1b" not in out
        assert max(len(line) for line in out.splitlines()) <= 100
    assert "order_confirmed" in shell.ok("messages", "list").out


def test_one_message_with_its_attempts_and_bytes(shell, told):
    told(order())
    (row,) = shell.json("messages", "list")
    shown = shell.json("messages", "show", row["id"])
    (attempt,) = shown.pop("attempts")
    assert shown == row
    assert (attempt["n"], attempt["connection"], attempt["outcome"]) == (1, "mailbox-tea", "accepted")
    raw = shell.ok("messages", "show", row["id"], "--raw").out
    assert f"<{row['id']}@midori.example>" in raw
    assert shell("messages", "show", "m_none").lines[0] == "MESSAGE m_none: there is no such message"


@pytest.mark.parametrize("status", ["unknown", "dead"])
def test_a_message_once_more_is_a_message_of_its_own(shell, told, status):
    told(order())
    (first,) = shell.json("messages", "list")
    become(first["id"], status)
    asked = shell.ok("messages", "replay", first["id"]).out
    assert asked.startswith("1 message of tea would be planned once more")
    assert len(shell.json("messages", "list")) == 1
    made = shell.ok("messages", "replay", first["id"], "--yes").out.split()[-1]
    rows = {row["id"]: row["status"] for row in shell.json("messages", "list")}
    assert rows == {first["id"]: status, made: "sent"}
    planned = next(row for row in shell.json("why", "1001") if row["message"] == made)
    assert (planned["decision"], planned["values"]["instead_of"]) == ("planned", first["id"])


def test_a_message_is_planned_once_more_only_once_at_a_time_and_never_after_it_was_sent(shell, told):
    told(order())
    (first,) = shell.json("messages", "list")
    assert shell("messages", "replay", first["id"], "--yes").lines[0] == f"{first['id']}: it is sent"
    become(first["id"], "unknown")
    shell.ok("messages", "replay", first["id"], "--yes", "--no-work")
    assert shell("messages", "replay", first["id"], "--yes").lines[0].endswith("it is planned once more already")


def test_a_message_once_more_passes_the_gate_as_any_other(shell, told):
    told(order())
    told(parcel())
    told({**parcel(), "delivered_at": None, "status": "delivered", "as_of": parcel()["as_of"]})
    (first,) = [row for row in shell.json("messages", "list") if row["template"] == "shipped"]
    become(first["id"], "unknown")
    made = shell.ok("messages", "replay", first["id"], "--yes").out.split()[-1]
    (again,) = [row for row in shell.json("messages", "list") if row["id"] == made]
    assert (again["status"], again["reason"]) == ("cancelled", "superseded by shipment.delivered")


def test_dead_deliveries_are_worked_on_again(shell, shop):
    number = shell.connect("csv", "--set", "secret=x", "--set", "header=yes", "--set", "column.order_number=Bestellung")
    path = shell.folder / "a.csv"
    path.write_text("Nummer,order date,quantity\n1001,2026/11/01,1\n", encoding="utf-8")
    assert shell("ingest", number, str(path)).code == 1
    shell.ok("connections", "set", number, "column.order_number=Nummer")
    counted = shell.ok("messages", "replay", "--connection", number).out.splitlines()
    assert counted == [
        "1 delivery that is dead or parked would be worked on again",
        f"type: todoke messages replay --connection {number} --yes",
    ]
    assert shell.json("orders", "list") == []
    assert shell.ok("messages", "replay", "--state", "parked", "--yes").out == "0 deliveries reopened\n"
    assert shell.ok("messages", "replay", "--connection", number, "--yes").out == "1 delivery reopened\n"
    assert [row["order"] for row in shell.json("orders", "list")] == ["1001"]
    assert shell("messages", "replay").lines[0] == "what is to be done once more?"


def test_messages_of_a_journey_once_more_with_the_count_first(shell, told):
    told(order())
    told(parcel())
    shipped, confirmed = shell.json("messages", "list")
    for row, status in ((shipped, "unknown"), (confirmed, "dead")):
        become(row["id"], status)
    assert shell.ok("messages", "replay", "--state", "unknown").out.splitlines() == [
        "tea: 1 unknown",
        "1 message would be planned once more; of the unknown, those that have left arrive twice",
        "type: todoke messages replay --state unknown --yes",
    ]
    dead = ("messages", "replay", "--journey", "order_confirmed", "--state", "dead", "--merchant", "tea")
    asked = shell.ok(*dead).out.splitlines()
    assert asked[0] == "tea: 1 dead"
    assert len(shell.json("messages", "list")) == 2
    assert shell.ok(*asked[-1].removeprefix("type: todoke ").split()).out == "1 message planned once more\n"
    assert shell.ok("messages", "replay", "--state", "unknown", "--yes").out == "1 message planned once more\n"
    # What was asked for once is not asked for again by the heap, whatever became of it.
    for row in shell.json("messages", "list"):
        become(row["id"], "unknown")
    left = shell.ok("messages", "replay", "--state", "unknown").out
    assert left.startswith("0 messages")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--journey", "shiped"), "--journey shiped: there is no such journey"),
        (("--journey", "shipped", "--state", "parked"), "--state parked: such messages of a journey are not replayed"),
        (("--state", "sent"), "--state sent: such deliveries are not replayed"),
        (("--state", "unknown", "--connection", "c"), "--connection is about deliveries, the rest about messages"),
        (("m_x", "--journey", "shipped"), "what is to be done once more?"),
    ],
)
def test_what_cannot_be_done_once_more_is_told(shell, shop, words, what):
    assert shell("messages", "replay", *words).lines[0] == what
