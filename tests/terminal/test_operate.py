"""Pauses, keys, schemas, journeys, templates, and installations that cannot be put together."""

import base64
import json
from pathlib import Path

import pytest

import cli
from engine.store import access
from tests.terminal.said import delivery, order

ROOT = Path(cli.__file__).parent


def test_a_pause_holds_messages_until_it_is_taken_back(shell, told):
    shell.ok("pause", "--merchant", "tea", "--journey", "order_confirmed", "--reason", "stock count")
    told(order())
    assert [row["status"] for row in shell.json("messages", "list")] == ["planned"]
    assert shell("resume", "--merchant", "tea").code == 1
    assert (
        "1 message that waited is due now"
        in shell.ok("resume", "--merchant", "tea", "--journey", "order_confirmed").out
    )
    told(order(total={"amount": "2500", "currency": "JPY"}))
    assert [row["status"] for row in shell.json("messages", "list")] == ["sent"]
    assert shell("pause", "--reason", "x", "--journey", "shiped").lines[1] == "expected: did you mean 'shipped'?"


def test_a_key_is_shown_once_and_known_by_its_hash(shell, shop):
    key = shell.ok("keys", "create", "warehouse", "--merchant", "tea").out.strip()
    app = cli.compose()
    with app.store.begin() as tx:
        assert access.key_holder(tx, key, app.clock.now()) == access.Holder(name="warehouse", merchant=1)
    app.store.close()


def test_a_master_key_can_be_used(shell, monkeypatch):
    key = shell.ok("keys", "master").out.strip()
    assert len(base64.b64decode(key, validate=True)) == 32
    monkeypatch.setenv("TODOKE_SECRET_KEYS", key)
    shell.ok("merchant", "add", "tea")
    monkeypatch.setenv("TODOKE_SECRET_KEYS", "short")
    assert shell("merchant", "list").lines[2] == "type: todoke keys master"


def test_schemas_are_those_we_publish(shell):
    published = json.loads((ROOT / "journeys" / "schema.json").read_text("utf-8"))
    assert json.loads(shell.ok("schema", "journey").out) == published
    assert shell.ok("schema", "observation").out == (
        ROOT / "connectors/sources/standard/observation.schema.json"
    ).read_text("utf-8")
    assert shell("schema", "else").code == 2


def test_the_database_is_upgraded_once(shell):
    assert shell.ok("db", "upgrade").out.endswith(", before empty\n")
    assert shell.ok("db", "upgrade").out.endswith(" already\n")


def test_journeys_are_switched_for_a_merchant(shell, shop):
    shell.ok("journeys", "disable", "shipped")
    rows = {row["journey"]: row for row in shell.json("journeys", "list")}
    assert rows["shipped"]["enabled"] is False
    assert rows["delivered"]["enabled"] is True
    assert rows["shipped"]["templates"] == ["shipped"]
    shell.ok("journeys", "enable", "shipped", "--merchant", "tea")
    assert all(row["enabled"] for row in shell.json("journeys", "list") if row["journey"] == "shipped")
    assert shell("journeys", "enable", "shiped").lines[1] == "expected: did you mean 'shipped'?"
    assert shell.json("journeys", "show", "shipped")["trigger"]["event"] == ["shipment.dispatched"]
    assert shell.ok("journeys", "show", "shipped").out == (ROOT / "journeys/shipped.yaml").read_text("utf-8")


def test_journey_files_are_checked_without_a_database(shell):
    assert shell.ok("journeys", "check").out.endswith(" journeys, no problems\n")
    assert shell.ok("journeys", "check", "--json").json == []
    bad = shell.folder / "shipped.yaml"
    text = (ROOT / "journeys/shipped.yaml").read_text("utf-8")
    bad.write_text(text.replace("send: shipped", "send: shiped"), encoding="utf-8")
    line = text.splitlines().index("    send: shipped") + 1
    ran = shell("journeys", "check", str(bad), "--json")
    assert (ran.code, len(ran.lines)) == (1, 3)
    (problem,) = ran.json
    assert (problem["file"], problem["line"], problem["step"]) == (str(bad), line, "tell")
    assert "did you mean 'shipped'?" in problem["hint"]
    assert shell("journeys", "check", str(bad)).out.startswith(f"{bad}:{line}, step 'tell': ")
    assert not (shell.folder / "var").exists()


def test_a_broken_journey_stops_what_needs_it_before_anything_is_stored(shell, shop, monkeypatch):
    (shell.folder / "shipped.yaml").write_text("name: shipped\n", encoding="utf-8")
    monkeypatch.setenv("TODOKE_JOURNEYS", str(shell.folder))
    for words in (("journeys", "list"), ("ingest", shop, shell.jsonl("a.jsonl", [delivery(order())]))):
        what, _, then = shell(*words).lines
        assert what.startswith(f"{shell.folder}/shipped.yaml")
        assert then == "type: todoke journeys check"
    (row,) = [row for row in shell.json("connections") if row["connection"] == shop]
    assert row["deliveries"] == {}


@pytest.mark.parametrize(
    ("name", "value", "first"),
    [
        ("TODOKE_BATCH", "many", "TODOKE_BATCH: Input should be a valid integer"),
        ("TODOKE_HOME", "/proc/nowhere", "/proc/nowhere: "),
        ("TODOKE_DATABASE_URL", "mysql://db.example/todoke", "TODOKE_DATABASE_URL: mysql is no database of ours"),
        ("TODOKE_DATABASE_URL", "sqlite:////proc/nowhere/todoke.db", "/proc/nowhere: "),
    ],
)
def test_an_installation_that_cannot_be_put_together_is_told_in_three_lines(shell, monkeypatch, name, value, first):
    monkeypatch.setenv(name, value)
    lines = shell("merchant", "list").lines
    assert len(lines) == 3
    assert lines[0].startswith(first)
    assert lines[2].startswith("type: export TODOKE_")


def test_a_wrong_setting_is_told_with_what_it_is_for(shell, monkeypatch):
    monkeypatch.setenv("TODOKE_ALERT_SECRET", "not base64!")
    what, expected, _ = shell("merchant", "list").lines
    assert what == "TODOKE_ALERT_SECRET: Only base64 data is allowed"
    assert expected == "expected: whsec_ and base64: signs generic alerts; empty: unsigned."
    monkeypatch.setenv("TODOKE_ALERT_SECRET", "")
    monkeypatch.setenv("TODOKE_WORKER_THREADS", "0")
    assert shell("merchant", "list").lines[0] == "TODOKE_WORKER_THREADS: Input should be greater than or equal to 1"


@pytest.mark.parametrize(("lease", "send"), [("19", "15"), ("60", "56")])
def test_a_lease_that_a_send_may_outlast_is_refused(shell, monkeypatch, lease, send):
    monkeypatch.setenv("TODOKE_SEND_SECONDS", send)
    monkeypatch.setenv("TODOKE_LEASE_SECONDS", lease)
    longest = int(send) + 5
    what, expected, typed = shell("merchant", "list").lines
    assert what == (f"TODOKE_LEASE_SECONDS: {lease} is too short: a send may end {longest} seconds after it is armed")
    assert expected.startswith("expected: How long a claimed row belongs to one worker; at least arm_seconds and")
    assert typed == "type: export TODOKE_LEASE_SECONDS=..."
    monkeypatch.setenv("TODOKE_LEASE_SECONDS", str(longest))
    shell.ok("merchant", "list")
    if lease == "60":
        monkeypatch.delenv("TODOKE_LEASE_SECONDS")
        assert shell("merchant", "list").lines[0].startswith("TODOKE_LEASE_SECONDS: 60 is too short")


def test_a_template_is_shown_with_its_sample(shell):
    shown = shell.json("preview", "shipped")
    parts = {"subject", "preheader", "text", "html", "payload"}
    assert shown.keys() == {"template", "sample", "locale", "channel", "remarks", *parts}
    assert shell.ok("preview", "shipped").out.startswith(f"{shown['subject']}\n{shown['preheader']}\n\n")
    english = shell.ok("preview", "shipped", "--locale", "en", "--html", str(shell.folder / "a.html"))
    assert english.out != shell.ok("preview", "shipped").out
    assert 'lang="en"' in (shell.folder / "a.html").read_text("utf-8")
    assert shell("preview", "shippd").lines[1] == "expected: did you mean 'shipped'?"
    assert shell("preview", "shipped", "--sample", "none").lines[0] == "--sample none: shipped has no such sample"
    assert shell("preview", "shipped", "--locale", "de").lines[1] == "expected: ja or en"


def test_a_sample_is_sent_by_the_merchants_channel(shell, shop):
    ran = shell.ok("send-test", "review_request", "--to", "me@midori.example")
    assert ran.out.startswith("sent by mailbox-tea to me@midori.example: ")
    (mail,) = (shell.folder / "var" / "mailbox").glob("t_*.eml")
    assert b"me@midori.example" in mail.read_bytes()
    assert shell.json("messages", "list") == []
    shell.connect("smtp", "--set", "url=smtp://127.0.0.1:9", "--set", "tls=none")
    what = shell("send-test", "review_request", "--to", "me@midori.example").lines[0]
    assert what.startswith("smtp-")
    assert "deferred" in what
    assert shell("send-test", "review_request", "--to", "nobody").code == 1
