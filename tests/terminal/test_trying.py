"""`todoke connections try`, and settings that are files."""

import json

import pytest

import cli
from engine.store import merchants
from tests.terminal.said import delivery, order, parcel

MAPPING = """\
format: json
time_zone: Asia/Tokyo
owner: owner
records:
  - each: orders[]
    order_number: number
    order:
      placed_at: placed
      orderer: {email: mial}
      status: state
    shipment:
      tracking_number: waybill
      carrier: carrier
      dispatched_at: shipped
statuses:
  order: {open: nothing}
"""
BODY = {
    "orders": [
        {"number": "A-1", "owner": "0120", "placed": "2026-11-01 10:00", "mail": "n@customer.example", "state": "open",
         "waybill": "4412", "carrier": "ヤマト", "shipped": "2026-11-02T10:00:00+09:00"},
        {"number": "A-2", "owner": "0007", "placed": "yesterday", "state": "moon", "waybill": "4413"},
    ]
}  # fmt: skip


@pytest.fixture
def files(shell):
    mapping, body = shell.folder / "m.yaml", shell.folder / "body.json"
    mapping.write_text(MAPPING, "utf-8")
    body.write_text(json.dumps(BODY, ensure_ascii=False), "utf-8")
    return str(body), str(mapping)


def test_a_file_is_shown_as_what_it_would_become_and_nothing_is_stored(shell, files):
    body, mapping = files
    told = shell.json("connections", "try", body, "--mapping", mapping)
    assert told["becomes"] == {"order": 1, "shipment": 2}
    first = told["rows"][0]
    assert (first["order"], first["missing"], first["no_zone"]) == ("A-1", ["lines", "orderer.email"], ["placed_at"])
    assert told["unmapped"] == {"moon": 1}
    assert told["no_zone"] == {"order placed_at": 1}
    assert [(bad["number"], "placed_at: expected a time" in bad["reason"]) for bad in told["bad_rows"]] == [(2, True)]
    assert any("mial finds nothing in 2 records; did you mean mail?" in remark for remark in told["remarks"])
    shown = shell.ok("connections", "try", body, "--mapping", mapping).out
    assert "unmapped  moon (1)" in shown
    assert "no zone   taken as Asia/Tokyo: order placed_at (1)" in shown
    assert shell.json("connections") == []


def test_owners_are_shown_when_the_connection_would_route(shell, files):
    body, mapping = files
    told = shell.json("connections", "try", body, "--mapping", mapping, "--set", "route=yes")
    assert {row["owner"] for row in told["rows"]} == {"0120", "0007"}
    assert "OWNER" in shell.ok("connections", "try", body, "--mapping", mapping, "--set", "route=yes").out


def test_a_mapping_with_a_mistake_is_refused_with_its_line(shell, files):
    body, mapping = files
    (shell.folder / "m.yaml").write_text(MAPPING.replace("placed_at", "plcaed_at"), "utf-8")
    first, *_ = shell("connections", "try", body, "--mapping", mapping).lines
    assert first == "mapping line 8: there is no key 'plcaed_at' here; did you mean placed_at?"


def test_nothing_usable_is_exit_code_1(shell, files):
    _, mapping = files
    other = shell.folder / "other.json"
    other.write_text('{"stock": []}', "utf-8")
    ran = shell("connections", "try", str(other), "--mapping", mapping)
    assert ran.code == 1
    assert "each: orders[] finds nothing; at the top there is: stock" in ran.out
    other.write_text("{", "utf-8")
    ran = shell("connections", "try", str(other), "--mapping", mapping)
    assert ran.code == 1
    assert "unreadable: the body is not JSON" in ran.out


def test_any_source_or_connection_can_be_tried(shell, shop):
    file = shell.jsonl("two.jsonl", [delivery(order()), delivery(parcel()), "no json"])
    for words in (("--connector", "standard"), ("--connection", shop)):
        told = shell.json("connections", "try", file, *words)
        assert told["becomes"] == {"order": 1, "shipment": 1}
        assert told["no_zone"] == {}
        assert len(told["bad_rows"]) == 1
    assert shell.json("orders", "list") == []


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("x.json",), "who is to read it?"),
        (("x.json", "--connector", "csv", "--mapping", "m"), "who is to read it?"),
        (("x.json", "--connector", "csv"), "x.json: there is no such file"),
        (("m.yaml", "--connector", "csvv"), "'csvv' is no source"),
        (("m.yaml", "--connector", "smtp"), "'smtp' is no source"),
        (("m.yaml", "--connection", "none"), "none: there is no such connection"),
    ],
)
def test_what_cannot_be_tried_is_refused(shell, files, words, first, monkeypatch):
    monkeypatch.chdir(shell.folder)
    assert shell("connections", "try", *words).lines[0] == first


def test_a_mapping_is_read_from_its_file_and_checked_before_it_is_kept(shell, files):
    _, mapping = files
    shell.ok("merchant", "add", "tea")
    number = shell.connect("mapped", "--merchant", "tea", "--set", f"mapping=@{mapping}", "--set", "secret=@x")
    app = cli.compose()
    with app.store.read() as tx:
        found = merchants.connection(tx, number)
    app.store.close()
    assert found.config["mapping"] == MAPPING
    assert found.secrets == {"secret": ("@x",)}  # only settings that are files are read from files
    (shell.folder / "m.yaml").write_text("format: jsn\n", "utf-8")
    first, *_ = shell("connections", "set", number, f"mapping=@{mapping}").lines
    assert first == "mapping line 1: format: 'jsn' is none of json, csv, xml; did you mean json?"
    first, *_ = shell("connections", "set", number, "mapping=@nowhere.yaml").lines
    assert first == "--set mapping: there is no file nowhere.yaml"
    assert "mapping:" in shell("connect", "mapped", "--merchant", "tea").lines[1]
