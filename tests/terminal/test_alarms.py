"""`todoke alarms`: what an operator types first in the morning."""

import json

import cli
from engine.flow.watch.alert import look
from engine.store import people


def raise_one(journey: str = "shipped") -> None:
    app = cli.compose()
    with app.store.begin() as tx:
        people.pause(tx, merchant=1, journey=journey, reason="volume fuse: 900 in an hour", now=app.clock.now())
    look(app)
    app.store.close()


def test_nothing_is_said_in_one_line(shell, shop):
    ran = shell.ok("alarms")
    assert ran.out == ""
    assert shell.json("alarms") == []


def test_an_open_alarm_says_what_to_type(shell, shop):
    raise_one()
    (row,) = shell.json("alarms")
    assert row.keys() == {
        "id", "kind", "about", "merchant", "state", "text", "next", "values", "opened_at", "seen_at", "closed_at",
        "told", "told_at",
    }  # fmt: skip
    assert (row["kind"], row["about"], row["merchant"], row["state"]) == ("volume_fuse", "tea/shipped", "tea", "open")
    assert row["next"] == "todoke resume --merchant tea --journey shipped"
    shown = shell.ok("alarms").out
    assert "volume_fuse" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert json.dumps(row["values"])
    assert shell.json("alarms", "--merchant", "tea") == [row]
    again = shell(*row["next"].split()[1:])  # what it says can be typed, and asks in words before it acts
    assert "would leave" in again.err
    shell.ok(*row["next"].split()[1:], "--yes")
    assert shell("alarms", "--merchant", "te").lines[1] == "expected: did you mean 'tea'?"


def test_the_limit_holds_and_open_ones_come_first(shell, shop):
    raise_one("shipped")
    assert len(shell.json("alarms", "--limit", "1")) == 1
