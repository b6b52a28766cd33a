"""Asking a connection's system from the command line, against a server that plays it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug import Response

import cli
import connectors
from engine.flow.ask.errand import ask
from engine.store import errands, merchants
from tests.flow.orders import order
from tests.flow.vendor import Vendor, serving

NOW = datetime.now(UTC)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def oms(shell: Any, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A connection to the vendor's system."""
    monkeypatch.setitem(connectors.SOURCES, "vendor", "tests.flow.vendor")  # type: ignore[arg-type]
    monkeypatch.setenv("TODOKE_HTTP_PRIVATE", "127.0.0.0/8")
    shell.ok("merchant", "add", "tea", "--from-email", "shop@midori.example")
    with serving(vendor) as url:
        yield shell.connect("vendor", "--set", f"url={url}", "--set", f"access_token={vendor.access}",
                            "--set", f"refresh_token={vendor.refresh}")  # fmt: skip


def planned(connection: str) -> dict[str, Any]:
    app = cli.compose()
    with app.store.read() as tx:
        found = {one.kind: one for one in errands.of(tx, connection)}
    app.store.close()
    return found


def later(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def said(row: dict[str, Any]) -> dict[str, str]:
    return {one["about"]: one["level"] for one in row["findings"]}


def test_connecting_plans_the_first_poll(oms: str) -> None:
    assert planned(oms).keys() == {"poll"}
    assert planned(oms)["poll"].due_at <= datetime.now(UTC)


def test_a_poll_by_hand_brings_what_is_new_and_works_on_it(shell: Any, oms: str, vendor: Vendor) -> None:
    at = later(1)
    known = order(placed_at=at)
    vendor.put(at, type(known)(ref=known.ref, as_of=at, placed_at=at, payment="paid", orderer=known.orderer,
                               lines=known.lines), name="1001")  # fmt: skip
    told = shell.json("connections", "poll", oms)
    assert (told["accepted"], told["processed"], told["messages"]) == (1, 1, {"sent": 1})
    assert shell.json("connections", "poll", oms)["accepted"] == 0


def test_a_poll_says_what_its_system_answered_and_what_to_do(shell: Any, oms: str, vendor: Vendor) -> None:
    vendor.access = vendor.refresh = "changed there"
    refused = shell("connections", "poll", oms).lines
    assert refused[0] == f"{oms}: login: the refresh token is refused"
    vendor.before = lambda _: Response("{}", 429, headers={"Retry-After": "600"})
    assert "rate: status 429" in shell("connections", "poll", oms).lines[0]
    asked = len(vendor.asked)
    assert "asked to be left alone (rate)" in shell("connections", "poll", oms).lines[0]
    assert len(vendor.asked) == asked


def test_what_cannot_be_asked_says_so(shell: Any, oms: str) -> None:
    shell.ok("connections", "set", oms, "refresh_token=")
    assert shell("connections", "poll", oms).lines[2] == f"type: todoke connections set {oms} refresh_token=..."
    channel = shell.connect("smtp", "--set", "url=smtp://mail.example:25")
    assert "it is a channel" in shell("connections", "backfill", channel, "--days", "3").lines[0]


def test_a_backfill_is_planned_for_the_workers(shell: Any, oms: str) -> None:
    shell.ok("connections", "backfill", oms, "--days", "30")
    found = planned(oms)["backfill"]
    assert found.backfill
    assert timedelta(days=29) < datetime.now(UTC) - found.since < timedelta(days=31)


def test_a_check_asks_and_tells_the_worst_first(shell: Any, oms: str, vendor: Vendor) -> None:
    told = shell.json("connections", "check", oms)[0]
    assert (told["level"], said(told)) == ("ok", {"told": "ok", "waits": "ok", "unheard": "ok", "mails": "ok"})
    vendor.access = vendor.refresh = "changed there"
    ran = shell("connections", "check", oms, "--json")
    assert ran.code == 1
    told = ran.json[0]
    assert told["findings"][0]["about"] == "failing"
    assert told["findings"][0]["do"] == f"todoke connections set {oms} KEY=VALUE"
    vendor.access, vendor.refresh = "first access", "first refresh"
    shell.ok("connections", "set", oms, "refresh_token=first refresh")
    assert shell.json("connections", "check")[0]["level"] == "ok"
    assert shell.ok("connections", "check", oms, "--offline").out.count("\n") >= 3


def test_the_list_shows_the_worst(shell: Any, oms: str, vendor: Vendor) -> None:
    app = cli.compose()
    vendor.access = vendor.refresh = "changed there"
    assert ask(app) == 1
    with app.store.begin() as tx:
        merchants.refused(tx, {oms: 3}, datetime.now(UTC))
    app.store.close()
    rows = {row["connection"]: row["health"] for row in shell.json("connections")}
    assert rows[oms] == "polling fails (credentials refused), signatures refused"


def test_what_a_thin_delivery_names_is_fetched_by_the_ingest(shell: Any, oms: str, vendor: Vendor) -> None:
    vendor.put(later(0), order(), name="1001")
    shell.ok("ingest", oms, shell.jsonl("thin.jsonl", [{"headers": {}, "body": {"changed": ["1001"]}}]))
    assert [row["order"] for row in shell.json("orders", "list", "--merchant", "tea")] == ["#1001"]
    vendor.before = lambda _: Response("{}", 503)
    ran = shell.ok("ingest", oms, shell.jsonl("more.jsonl", [{"headers": {}, "body": {"changed": ["1002"]}}]))
    assert "not everything was fetched (status 503)" in ran.err
    assert planned(oms)["fetch"].ref == "1002"


def test_a_status_that_is_mapped_is_read_as_it_was_meant(shell: Any, oms: str) -> None:
    scan = {"kind": "scan", "ref": {"order_number": "#1", "tracking_number": "4"}, "as_of": later(0).isoformat(),
            "status": "At the corner shop"}  # fmt: skip
    file = shell.jsonl("scan.jsonl", [{"headers": {}, "body": [scan]}])
    shell.ok("ingest", oms, file)
    found = [one for one in shell.json("connections", "check", oms)[0]["findings"] if one["about"] == "unmapped"]
    assert len(found) == 1
    assert found[0]["do"].startswith(f"todoke connections set {oms} 'status.")
    raw = found[0]["do"].partition("status.")[2].partition("=")[0]
    shell.ok("connections", "set", oms, f"status.{raw}=ready_for_pickup")
    assert "unmapped" not in said(shell.json("connections", "check", oms)[0])
