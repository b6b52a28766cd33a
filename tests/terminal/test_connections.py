"""Connecting sources and channels, and what is listed of them."""

import re

import pytest

import cli
from engine.store import merchants

KEYS = {
    "connection", "merchant", "connector", "role", "name", "intake", "last_delivery_at", "deliveries", "attempts",
    "health",
}  # fmt: skip


def stored(number):
    app = cli.compose()
    with app.store.read() as tx:
        found = merchants.connection(tx, number)
    app.store.close()
    return found


@pytest.fixture
def tea(shell):
    shell.ok("merchant", "add", "tea")


def test_a_source_gets_an_id_and_an_intake_address(shell, tea, monkeypatch):
    monkeypatch.setenv("TODOKE_BASE_URL", "https://todoke.example/")
    made = shell.json("connect", "shopify", "--merchant", "tea", "--set", "secret=one", "--set", "secret=two")
    assert made.keys() == {"connection", "intake"}
    assert re.fullmatch(r"shopify-[a-z2-7]{8}", made["connection"])
    assert made["intake"] == f"https://todoke.example/in/{made['connection']}"
    assert stored(made["connection"]).secrets == {"secret": ("one", "two")}
    assert stored(made["connection"]).config == {}


def test_a_channel_has_no_intake_and_its_password_is_a_secret(shell, tea):
    made = shell.json("connect", "smtp", "--set", "url=smtp://user:pass@mail.example:587", "--set", "tls=starttls")
    assert made["intake"] is None
    found = stored(made["connection"])
    assert (found.role, found.config) == ("channel", {"tls": "starttls"})
    assert found.secrets == {"url": ("smtp://user:pass@mail.example:587",)}
    assert "pass" not in shell.ok("connections", "--json").out + shell.ok("connections").out


def test_the_list_tells_health(shell, tea):
    number = shell.connect("standard", "--set", "secret=c2VjcmV0")
    shell("ingest", number, shell.jsonl("bad.jsonl", [{"headers": {}, "body": "not json"}]))
    rows = {row["connection"]: row for row in shell.json("connections")}
    assert all(row.keys() == KEYS for row in rows.values())
    assert rows[number]["deliveries"] == {"dead": 1}
    assert rows[number]["health"] == "1 dead"
    assert rows[number]["last_delivery_at"].endswith("+00:00")
    assert rows["mailbox-tea"]["health"] == "not used yet"
    assert len(shell.json("connections", "--limit", "1")) == 1


def test_an_operators_file_routes_owners_to_merchants(shell, tea):
    shell.ok("merchant", "add", "coffee")
    number = shell.connect("csv", "--set", "secret=x", "--set", "route=yes", "--set", "route.K-77=tea")
    found = stored(number)
    assert (found.merchant, found.config) == (None, {"route": "yes", "route.K-77": "tea"})
    shell.ok("connections", "set", number, "route.K-78=coffee", "route.K-77=", "column.owner=荷主コード")
    assert stored(number).config == {"route": "yes", "route.K-78": "coffee", "column.owner": "荷主コード"}
    assert stored(number).secrets == {"secret": ("x",)}


def test_a_new_secret_comes_before_those_there_are(shell, tea):
    number = shell.connect("shopify", "--set", "secret=old")
    shell.ok("connections", "set", number, "secret=new", "shop=midori.myshopify.com")
    assert stored(number).secrets == {"secret": ("new", "old")}
    assert stored(number).config == {"shop": "midori.myshopify.com"}


@pytest.mark.parametrize(
    ("words", "first", "expected"),
    [
        (("shopfy",), "CONNECTOR 'shopfy' is not known", "did you mean 'shopify'?"),
        (("shopify",), "--set secret: missing", "settings are secret, shop"),
        (("shopify", "--set", "secrt=x"), "--set secrt: unknown setting", "did you mean 'secret'? settings are secret"),
        (("shopify", "--set", "secret="), "--set secret: not a value it can have", "Signing secret"),
        (("shopify", "--set", "secret=x", "--set", "shop=midori"), "--set shop: not a value it can have", "myshopify"),
        (("csv", "--set", "encoding=utf8"), "--set encoding: not a value it can have", "(auto, utf-8, cp932)"),
        (("csv", "--set", "colum.owner=3"), "--set colum.owner: unknown setting", "column.<name>, route, notify"),
        (("csv", "--set", "secret=x", "--set", "route.A=te"), "--set route.A: there is no merchant 'te'", "'tea'"),
        (("smtp", "--set", "url=mail.example"), "--set url: not a value it can have", "smtp://user:password@"),
        (("shopify", "--set", "secret=x", "--shared"), "--shared: a source of all merchants must", "route=yes"),
        (("smtp", "--set", "url=smtp://h", "--shared", "--merchant", "tea"), "--shared and --merchant", "one of"),
    ],
)
def test_refusals_connect_nothing(shell, tea, words, first, expected):
    what, then_expected, then_type = shell("connect", *words).lines
    assert what.startswith(first)
    assert expected in then_expected
    assert then_type.startswith("type: ")
    assert len(shell.json("connections")) == 1


def test_a_secret_that_cannot_be_used_is_not_repeated(shell, tea):
    ran = shell("connect", "smtp", "--set", "url=imap://user:hunter2@mail.example")
    assert ran.code == 1
    assert "hunter2" not in ran.err + ran.out
