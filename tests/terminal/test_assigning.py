"""`todoke connections assign`: whose a goods owner's records are."""

import pytest

FILE = "荷主ID,受注番号,出荷日,送り状番号\n0007,B-1,2026/11/21,401234567923\n0120,A-1,2026/11/21,401234567934\n"


@pytest.fixture
def wms(shell):
    shell.ok("merchant", "add", "tea")
    shell.ok("merchant", "add", "coffee")
    number = shell.connect("csv", "--set", "secret=x", "--set", "route=yes", "--set", "route.0120=tea")
    path = shell.folder / "shukka.csv"
    path.write_text(FILE, "utf-8")
    ran = shell("ingest", number, str(path))
    assert ran.code == 1
    assert "unknown goods owner 0007" in ran.out
    return number


def test_an_unknown_owner_is_shown_and_assigned(shell, wms):
    def health():
        return next(row["health"] for row in shell.json("connections") if row["connection"] == wms)

    assert "unknown owner 0007 (1)" in health()
    told = shell("connections", "check", wms, "--offline")
    assert told.code == 1
    assert f"todoke connections assign {wms} 0007 MERCHANT" in told.out
    assert [row["merchant"] for row in shell.json("orders", "list", "--merchant", "tea")] == ["tea"]
    ran = shell.ok("connections", "assign", wms, "0007", "coffee")
    assert "1 delivery that waited for it is worked on" in ran.out
    assert len(shell.json("orders", "list", "--merchant", "coffee")) == 1
    assert len(shell.json("orders", "list", "--merchant", "tea")) == 1
    assert "unknown owner" not in health()


def test_what_cannot_be_assigned_is_refused(shell, wms):
    assert shell("connections", "assign", wms, "0007", "cofee").lines[1] == "expected: did you mean 'coffee'?"
    shop = shell.connect("shopify", "--merchant", "tea", "--set", "secret=x")
    assert "does not tell goods owners apart" in shell("connections", "assign", shop, "0007", "tea").lines[0]
    mine = shell.connect("csv", "--merchant", "tea", "--set", "secret=x")
    assert "belongs to tea" in shell("connections", "assign", mine, "0007", "tea").lines[0]
    assert "no such connection" in shell("connections", "assign", "csv-none", "0007", "tea").lines[0]
