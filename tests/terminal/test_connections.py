"""Connecting sources and channels, and what is listed of them."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


def public_half(key):
    """The point of a private key in base64url, uncompressed (RFC 8292)."""
    number = int.from_bytes(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    octets = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


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


@pytest.fixture
def push(shell, tea):
    """Connects browsers' notifications; returns what the command answers."""

    def connect(*words):
        return shell.json("connect", "webpush", "--set", "subject=mailto:ops@todoke.example", *words)

    return connect


def test_a_key_that_nobody_gives_is_made_and_its_public_half_shown(shell, push):
    made, other = push(), push()
    kept = stored(made["connection"]).secrets["vapid_key"][0]
    assert made["public_key"] == public_half(kept)
    assert made["public_key"] != other["public_key"]
    for_people = shell.ok("connect", "webpush", "--set", "subject=mailto:ops@todoke.example")
    number = for_people.out.split()[1]
    kept = stored(number).secrets["vapid_key"][0]
    assert for_people.out.splitlines()[2] == f"public key  {public_half(kept)}"
    assert "made vapid_key" in for_people.err
    assert kept not in for_people.out + for_people.err


def test_a_key_that_is_given_is_kept(shell, push):
    key = base64.urlsafe_b64encode(bytes(31) + b"\x05").decode()
    made = push("--set", f"vapid_key={key}")
    assert stored(made["connection"]).secrets == {"vapid_key": (key,)}
    assert made["public_key"] == public_half(key)


@pytest.mark.parametrize("octets", [bytes(32), b"\xff" * 32])
def test_a_key_that_is_none_of_its_curve_is_refused(shell, push, octets):
    number, key = push()["connection"], base64.urlsafe_b64encode(octets).decode()
    before = stored(number)
    for words in (("connect", "webpush", "--set", "subject=mailto:a@b.example", "--set", f"vapid_key={key}"),
                  ("connections", "set", number, f"vapid_key={key}")):  # fmt: skip
        what, *_ = shell(*words).lines
        assert what == "vapid_key is no private key of the curve P-256"
    assert stored(number) == before
    assert shell("connections", "set", number, "vapid_key=").lines[0] == "--set vapid_key: missing"


def test_settings_are_set_as_they_are_when_connecting(shell, tea):
    number = shell.connect("shopify", "--set", "secret=old")
    shell.ok("connections", "set", number, "--set", "secret=new", "shop=midori.myshopify.com")
    assert stored(number).secrets == {"secret": ("new", "old")}
    assert stored(number).config == {"shop": "midori.myshopify.com"}
    assert shell("connections", "set", number).code == 2
