"""Pause and resume, by a person and by the volume fuse; the fence after a restore; rates of connections."""

from datetime import UTC, datetime

import pytest

import cli
from engine.rules.fuse import hour_of
from engine.store import merchants, volumes
from tests.terminal.said import order


def many(told, count: int) -> None:
    for n in range(count):
        told(order(ref={"order_id": f"9{n}", "order_number": f"#9{n}"}))


def states(shell) -> list[str]:
    return sorted(row["status"] for row in shell.json("messages", "list"))


def test_what_the_fuse_has_paused_is_resumed_only_by_whoever_means_it(shell, told):
    shell.ok("merchant", "set", "tea", "fuse_per_hour=2")
    many(told, 3)
    assert states(shell) == ["planned", "sent", "sent"]
    reach = ("--merchant", "tea", "--journey", "order_confirmed")
    what, expected, then = shell("resume", *reach).err.splitlines()[-3:]
    assert what == "the volume fuse has paused tea, order_confirmed; 1 message would leave"
    assert expected == "expected: --yes, if so many are meant"
    assert then == "type: todoke resume --merchant tea --journey order_confirmed --yes"
    assert states(shell) == ["planned", "sent", "sent"]
    ran = shell.ok("resume", *reach, "--yes")
    assert "paused: volume fuse: 2 sent within the hour, and 1 more at once would have passed the limit of 2" in ran.err
    assert "1 message that waited is due now" in ran.out
    app = cli.compose()
    with app.store.begin(1) as tx:
        assert volumes.count(tx, "order_confirmed", hour_of(app.clock.now()), 0) == (2, 3)
    app.store.close()


def test_what_a_person_has_paused_is_resumed_as_before(shell, told):
    shell.ok("pause", "--reason", "stock count")
    many(told, 2)
    ran = shell.ok("resume")
    assert "2 messages that waited are due now" in ran.out
    assert ran.err.splitlines() == ["paused: stock count", "2 messages would leave"]


def test_after_a_restore_what_may_have_left_is_unknown(shell, told):
    shell.ok("pause", "--reason", "backup")
    many(told, 2)
    what, expected, _ = shell("db", "restored", "--at", "2999-01-01T00:00+09:00").lines
    assert what == "--at 2999-01-01T00:00+09:00: that is still to come"
    assert expected == "expected: when the lost database last worked; now, if unknown"
    assert states(shell) == ["planned", "planned"]
    ran = shell.ok("db", "restored", "--at", datetime.now(UTC).isoformat())
    assert ran.out == "sending is paused for all; 2 messages that may have left are unknown\n"
    assert states(shell) == ["unknown", "unknown"]
    assert shell.ok("db", "restored", "--at", datetime.now(UTC).isoformat()).out.startswith(
        "sending is paused for all; 0 "
    )
    for wrong in ("2026-04-08T10:00", "yesterday"):
        assert shell("db", "restored", "--at", wrong).lines[1].startswith("expected: an ISO time with its zone")


def test_a_merchants_fuse_is_a_number(shell, shop):
    assert shell("merchant", "set", "tea", "fuse_per_hour=many").lines[1] == "expected: a whole number, as 5000"
    shell.ok("merchant", "set", "tea", "fuse_per_hour=500")
    assert shell.json("merchant", "list")[0]["fuse_per_hour"] == 500
    shell.ok("merchant", "set", "tea", "fuse_per_hour=")
    assert shell.json("merchant", "list")[0]["fuse_per_hour"] is None


@pytest.mark.parametrize("wrong", ["per_second=0", "per_second=fast", "per_second=-1", "burst=0", "per_day=1.5"])
def test_every_channel_takes_a_rate_and_no_source_does(shell, shop, wrong):
    made = shell.connect("smtp", "--set", "url=smtp://127.0.0.1:9", "--set", "per_second=0.5", "--set", "per_day=200")
    app = cli.compose()
    with app.store.read() as tx:
        connection = merchants.connection(tx, made)
    app.store.close()
    assert connection is not None
    assert connection.config == {"per_second": "0.5", "per_day": "200"}
    assert shell("connect", "mailbox", "--merchant", "tea", "--set", wrong).code == 1
    assert (
        shell("connect", "standard", "--set", "secret=x", "--set", "per_second=1")
        .lines[0]
        .startswith("--set per_second: unknown setting")
    )
