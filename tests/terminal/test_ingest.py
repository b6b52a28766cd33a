"""Files and recorded deliveries, from the command line to the mailbox."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

from engine.terminal.ingest import BATCH
from tests.terminal.said import ago, delivery, order, parcel

SUMMARY = {
    "accepted", "known", "processed", "ignored", "parked", "dead", "waiting", "refused", "messages", "not_sent",
    "history_only",
}  # fmt: skip


def mails(shell) -> list[Path]:
    return sorted((shell.folder / "var" / "mailbox").glob("*.eml"))


def test_recorded_deliveries_lead_to_messages(shell, told):
    told(order())
    ran = told(parcel(), order())
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:3] == [
        "deliveries  2 accepted, 0 known already",
        "            2 processed, 0 ignored, 0 parked, 0 dead",
        "messages    1 planned: 1 sent",
    ]
    assert Counter(row["template"] for row in shell.json("messages", "list")) == {"order_confirmed": 1, "shipped": 1}
    assert len(mails(shell)) == 2


def test_the_same_file_again_changes_nothing(shell, shop):
    path = shell.jsonl("a.jsonl", [delivery(order(), "id-1"), delivery(order(as_of=ago(minutes=1)), "id-1")])
    first = shell.json("ingest", shop, path)
    assert first.keys() == SUMMARY
    assert (first["accepted"], first["known"], first["messages"]) == (1, 1, {"sent": 1})
    again = shell.json("ingest", shop, path)
    assert (again["accepted"], again["known"], again["processed"], again["messages"]) == (0, 2, 0, {})
    assert len(mails(shell)) == 1


def test_a_bad_line_is_named_and_the_rest_goes_in(shell, shop):
    lines = [
        delivery(order()),
        "nonsense",
        "",
        {"headers": {}},
        {"headers": 1, "body": {}},
        delivery({"kind": "order"}),
    ]
    path = shell.jsonl("a.jsonl", lines)
    ran = shell("ingest", shop, path, "--json")
    assert ran.code == 1
    assert (ran.json["accepted"], ran.json["processed"], ran.json["dead"]) == (2, 1, 1)
    assert [(row["where"], row["state"]) for row in ran.json["refused"]] == [
        (f"{path}:2", "refused"), (f"{path}:4", "refused"), (f"{path}:5", "refused"), (f"{path}:6", "dead"),
    ]  # fmt: skip
    assert ran.json["refused"][1]["reason"] == "it has no field `body`"
    assert "ref" in ran.json["refused"][3]["reason"]
    for_people = shell("ingest", shop, path)
    assert for_people.code == 1
    assert "a.jsonl:2" in for_people.out
    assert "it is not JSON" in for_people.out


def test_a_backfill_is_remembered_and_starts_nothing(shell, told):
    ran = told(order(), parcel(), words=("--backfill",))
    assert ran.code == 0, ran.err
    assert "start nothing (backfill: history only)" in ran.out
    assert shell.json("messages", "list") == []
    rows = shell.json("why", "1001")
    assert {row["decision"] for row in rows} == {"muted"}
    assert {row["reason"] for row in rows} == {"backfill: history only"}
    assert "order.confirmed" in {row["values"]["event"] for row in rows}


def test_old_news_says_why_nothing_was_sent(shell, told):
    old = {"placed_at": ago(days=40), "paid_at": ago(days=40), "as_of": ago(days=40)}
    ran = told(order(**old), words=("--json",))
    assert ran.code == 0
    assert ran.json["messages"] == {}
    (row,) = ran.json["not_sent"]
    assert (row["decision"], row["journey"], row["count"]) == ("not started", "order_confirmed", 1)
    assert row["reason"]


def test_without_work_deliveries_wait_for_a_worker(shell, told):
    ran = told(order(), words=("--no-work",))
    assert ran.code == 0
    assert "1 waiting for a worker (todoke up)" in ran.out
    assert shell.json("orders", "list") == []


def test_the_topic_comes_from_the_line_the_headers_or_the_command(shell, shop):
    number = shell.connect("shopify", "--set", "secret=x")
    body = {"id": 5501}
    lines = [
        {"headers": {"X-Shopify-Topic": "customers/update"}, "body": body},
        {"headers": {"X-Shopify-Topic": "orders/paid"}, "topic": "carts/update", "body": body},
        {"headers": {}, "body": json.dumps(body)},
    ]
    ran = shell("ingest", number, shell.jsonl("a.jsonl", lines), "--topic", "products/update", "--json")
    assert (ran.json["accepted"], ran.json["ignored"]) == (3, 3)
    path = shell.folder / "body.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    assert shell.json("ingest", number, str(path), "--topic", "themes/publish")["ignored"] == 1
    ran = shell("ingest", number, str(path), "--json")
    assert ran.code == 1
    assert "--topic" in ran.json["refused"][0]["reason"]


def test_a_ping_is_not_stored(shell, shop):
    number = shell.connect("woocommerce", "--set", "secret=x")
    ran = shell.json("ingest", number, shell.jsonl("a.jsonl", [{"headers": {}, "body": "webhook_id=12"}]))
    assert (ran["accepted"], ran["ignored"]) == (0, 1)


def test_a_csv_file_is_one_body_and_its_bad_rows_are_told(shell, shop):
    number = shell.connect("csv", "--set", "secret=x")
    path = shell.folder / "出荷.csv"
    today = ago(hours=1)[:10].replace("-", "/")
    rows = ["受注番号,注文日,出荷日,送り状番号", f"1001,{today},{today},441200001113", f"1002,{today},いつか,4412"]
    path.write_bytes("\r\n".join(rows).encode("cp932"))
    ran = shell("ingest", number, str(path), "--json")
    assert ran.code == 1
    assert (ran.json["accepted"], ran.json["processed"]) == (1, 1)
    assert ran.json["refused"][0]["reason"].startswith("1 lines left out: line 3: ")
    assert [row["order"] for row in shell.json("orders", "list")] == ["1001"]


def test_more_lines_than_one_commit_holds(shell, shop):
    old = {"placed_at": ago(days=40), "paid_at": ago(days=40), "as_of": ago(days=40)}
    lines = [delivery(order(f"#{n}", **old)) for n in range(BATCH + 3)]
    ran = shell.json("ingest", shop, shell.jsonl("a.jsonl", lines), "--backfill")
    assert (ran["accepted"], ran["processed"]) == (BATCH + 3, BATCH + 3)


def test_refusals(shell, shop):
    assert shell("ingest", "standard-x", __file__).lines[0] == "standard-x: there is no such connection"
    assert shell("ingest", "mailbox-tea", __file__).lines[0] == "mailbox-tea is a channel that is told nothing"
    assert shell("ingest", shop, "nowhere.jsonl").lines[0] == "nowhere.jsonl: there is no such file"


def test_a_body_that_is_too_large_is_left_out(shell, shop, monkeypatch):
    monkeypatch.setenv("TODOKE_MAX_BODY", "500")
    ran = shell("ingest", shop, shell.jsonl("a.jsonl", [delivery({"kind": "x" * 500})]), "--json")
    assert ran.code == 1
    assert ran.json["refused"][0]["reason"] == "the body is larger than 500 bytes"


def test_it_may_run_beside_a_worker(shell, shop):
    lines = [delivery(order(f"#{n}"), f"id-{n}") for n in range(60)]
    command = [sys.executable, "-c", "import cli; cli.app()", "worker"]
    worker = subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "started: worker\n"
        ran = shell.json("ingest", shop, shell.jsonl("a.jsonl", lines))
        assert (ran["accepted"], ran["processed"], ran["waiting"]) == (60, 60, 0)
        until = monotonic() + 30
        while (states := Counter(row["status"] for row in shell.json("messages", "list", "--limit", "99"))) != {
            "sent": 60
        }:
            assert monotonic() < until, states
            sleep(0.2)
    finally:
        worker.terminate()
        worker.wait(30)
    assert len(mails(shell)) == 60
