"""Signed deliveries in over HTTP, mails out over SMTP: one message a stage, to the right person."""

from __future__ import annotations

import email
import email.policy
import gzip
import re
import time
from collections import Counter

import pytest

from tests.channels.servers import real
from tests.e2e import payloads
from tests.e2e.installation import Installation, csv, shopify, standard, woocommerce

SMALL = 200_000


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A running installation and the SMTP server that it writes to."""
    with real() as (inbox, place):
        here = Installation(tmp_path_factory.mktemp("e2e") / "home", max_body=SMALL, sweep_seconds=0.2)
        here.todoke("merchant", "add", "hana", "--name", "花と器", "--from-email", "shop@hana.example", "--json")
        here.todoke("connect", "smtp", "--merchant", "hana", "--set", f"url=smtp://{place}", "--json")
        here.paths = {name: here.connect(name) for name in ("shopify", "woocommerce", "standard", "csv")}
        here.start()
        try:
            yield here, inbox
        finally:
            here.stop()


def subjects(inbox, word: str) -> list[tuple[str, str]]:
    """(recipient, subject) of the mails that hold the word."""
    mails = [(to, email.message_from_bytes(data, policy=email.policy.default)) for _, to, data in inbox.messages]
    texts = [(to, mail["subject"], mail.get_body(("plain",)).get_content()) for to, mail in mails]
    return [(to, str(subject)) for to, subject, text in texts if word in text or word in str(subject)]


def post(here, name: str, body: bytes, headers: dict[str, str]) -> int:
    return here.http.post(here.paths[name], content=body, headers=headers).status_code


def told(here, order: str) -> dict[tuple[str, str], int]:
    """(journey, step) -> how many messages of the order have been sent, once nothing is due any more."""
    here.quiet()
    sent = here.rows(
        "SELECT journey, step, count(*) FROM message JOIN subject ON subject.id = subject_id"
        " WHERE number = ? AND status = 'sent' GROUP BY 1, 2", order,
    )  # fmt: skip
    return {(journey, step): count for journey, step, count in sent}


def of(here, order: str) -> list[dict]:
    return [row for row in here.messages() if row["order"] == order]


def test_a_shopify_order_from_payment_to_refund(house):
    here, inbox = house

    def tell(topic: str, number: str, body: bytes) -> None:
        for _ in range(2):  # every webhook comes twice
            assert post(here, "shopify", body, shopify(topic, number, body)) in {200, 202}

    wanted = Counter()
    for topic, number, body, stage in (
        ("orders/paid", "w1", payloads.shop_order(1001), ("order_confirmed", "tell")),
        ("fulfillments/create", "w2", payloads.shop_parcel(1001, 801, 30), ("shipped", "tell")),
        ("fulfillments/create", "w3", payloads.shop_parcel(1001, 802, 29), ("shipped", "tell")),
        ("fulfillment_events/create", "w4", payloads.shop_scan(1001, 801, "attempted_delivery", 20),
         ("delivery_trouble", "failed")),
        ("fulfillment_events/create", "w5", payloads.shop_scan(1001, 801, "delivered", 10), ("delivered", "tell")),
        ("refunds/create", "w6", payloads.shop_refund(1001), ("return", "refunded")),
    ):  # fmt: skip
        tell(topic, number, body)
        wanted[stage] += 1
        assert told(here, "1001") == wanted
    rows = of(here, "#1001")
    assert {row["recipient"] for row in rows} == {payloads.NAOKO}
    mails = subjects(inbox, "1001")
    assert len(mails) == 6
    assert {to for to, _ in mails} == {payloads.NAOKO}
    why = here.todoke("why", "1001", "--merchant", "hana", "--json")
    assert {row["id"] for row in rows} <= {entry["message"] for entry in why}
    assert all(entry["reason"] or entry["values"] for entry in why)


def test_a_woocommerce_order(house):
    here, _ = house
    for body, stage in (
        (payloads.woo_order(2001, "processing"), ("order_confirmed", "tell")),
        (payloads.woo_order(2001, "completed", "3600-1111-2222"), ("shipped", "tell")),
    ):
        assert post(here, "woocommerce", body, woocommerce("order.updated", body)) in {200, 202}
        assert told(here, "2001")[stage] == 1
    assert {(row["journey"], row["status"]) for row in of(here, "2001")} == {
        ("order_confirmed", "sent"), ("shipped", "sent"),
    }  # fmt: skip
    assert {row["recipient"] for row in of(here, "2001")} == {"aiko@example.com"}


def test_cloud_events_under_standard_webhooks(house):
    here, _ = house
    order = payloads.event("order.paid", {
        "order_id": "e1", "order_number": "#3001", "placed_at": payloads.ago(20), "payment": "paid",
        "lines": [{"id": "a", "name": "皿", "quantity": 1}],
        "orderer": {"name": "Emily Stone", "email": payloads.TARO, "locale": "en"},
    }, 15)  # fmt: skip
    sent = payloads.event("shipment.dispatched", {"order_id": "e1", "shipment_id": "p1", "tracking_number": "77"}, 5)
    for number, body, journey in (("m1", order, "order_confirmed"), ("m2", sent, "shipped")):
        assert post(here, "standard", body, standard(number, body)) in {200, 202}
        assert post(here, "standard", body, standard(number, body)) in {200, 202}
        assert told(here, "3001")[(journey, "tell")] == 1
    rows = of(here, "#3001")
    assert Counter(row["status"] for row in rows) == {"sent": 2}
    assert {row["recipient"] for row in rows} == {payloads.TARO}
    assert all(row["subject"].isascii() for row in rows)


def test_a_cp932_file(house):
    here, inbox = house
    now = time.strftime("%Y/%m/%d %H:%M")
    body = (
        "受注番号,注文者名,メールアドレス,商品名,数量,出荷日,配送業者,送り状番号\r\n"
        f"４００１,﨑山 花,hana-s@example.com,急須,1,{now},佐川急便,3600-2222-3333\r\n"
    ).encode("cp932")
    assert post(here, "csv", body, csv(body)) in {200, 202}
    here.quiet()
    rows = [row for row in here.messages() if row["recipient"] == "hana-s@example.com"]
    assert [row["journey"] for row in rows] == ["shipped"]
    (mail,) = [email.message_from_bytes(m, policy=email.policy.default) for _, to, m in inbox.messages
               if to == "hana-s@example.com"]  # fmt: skip
    assert "﨑山" in mail.get_body(("plain",)).get_content()


def test_nobody_waits_for_a_parcel_of_what_does_not_travel(house):
    here, _ = house
    card = {**payloads.CUPS, "id": 72, "title": "ギフトカード", "quantity": 1, "requires_shipping": False}
    both = payloads.shop_order(1010, line_items=[payloads.CUPS, card])
    issued = payloads.shop_parcel(1010, 811, 58, line_items=[card], tracking_number=None)
    sent = payloads.shop_parcel(1010, 812, 30, line_items=[payloads.CUPS])
    till = payloads.shop_order(1011, source_name="pos", shipping_address=None, shipping_lines=[])
    carried = payloads.shop_parcel(1011, 813, 58, line_items=[payloads.CUPS], tracking_number=None)
    for number, (topic, body) in enumerate((
        ("fulfillments/create", issued), ("orders/paid", both), ("fulfillments/create", sent),
        ("fulfillment_events/create", payloads.shop_scan(1010, 812, "delivered", 5)),
        ("orders/paid", till), ("fulfillments/create", carried),
    )):  # fmt: skip
        assert post(here, "shopify", body, shopify(topic, f"card-{number}", body)) in {200, 202}
        here.quiet()
    confirmed = {("order_confirmed", "tell"): 1}
    assert told(here, "1010") == {**confirmed, ("shipped", "tell"): 1, ("delivered", "tell"): 1}
    rows = [(row["journey"], row["status"], row["subject"]) for row in of(here, "#1010")]
    assert ("shipped", "sent", "商品を発送しました #1010") in rows
    assert ("review_request", "planned", None) in rows
    assert told(here, "1011") == confirmed


def test_the_link_in_the_mail_opens(house):
    here, inbox = house
    body = payloads.shop_order(5001)
    assert post(here, "shopify", body, shopify("orders/paid", "links", body)) == 202
    assert told(here, "5001") == {("order_confirmed", "tell"): 1}
    mails = [email.message_from_bytes(data, policy=email.policy.default) for _, _, data in inbox.messages]
    text = next(mail.get_body(("plain",)).get_content() for mail in mails if "5001" in mail["subject"])
    link = re.search(rf"{here.url}(/t/[a-z0-9]+)", text)[1]
    page = here.http.get(link)
    assert page.status_code == 200
    assert "5001" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert payloads.NAOKO not in page.text
    assert here.http.get(f"{link[:-4]}aaaa").status_code == 404


class TestRefusals:
    def test_a_changed_body(self, house):
        here, _ = house
        body = payloads.shop_order(6001)
        headers = shopify("orders/paid", "t1", body)
        assert post(here, "shopify", body.replace(b"8800", b"8801"), headers) == 401
        assert post(here, "shopify", body, {"x-shopify-topic": "orders/paid"}) == 401

    def test_an_old_stamp(self, house):
        here, _ = house
        body = payloads.event("order.paid", {"order_id": "x"})
        assert post(here, "standard", body, standard("old", body, time.time() - 3600)) == 401

    def test_too_large(self, house):
        here, _ = house
        body = b'{"id": 1, "note": "' + b"x" * SMALL + b'"}'
        assert post(here, "shopify", body, shopify("orders/paid", "t2", body)) == 413
        chunks = here.http.post(here.paths["shopify"], content=iter([body]), headers=shopify("orders/paid", "t2", body))
        assert chunks.status_code == 413  # no Content-Length to go by

    def test_nobody_there(self, house):
        here, _ = house
        assert here.http.post("/in/nobody", content=b"{}").status_code == 404

    def test_an_encoded_body(self, house):
        here, _ = house
        body = gzip.compress(payloads.shop_order(6002))
        headers = shopify("orders/paid", "t3", body) | {"content-encoding": "gzip"}
        assert post(here, "shopify", body, headers) == 415


HOSTILE = {
    "not json": b"{",
    "depth": b'{"id": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "nan": b'{"id": NaN}',
    "twice": b'{"id": 1, "id": 2}',
    "nul": b'{"id": "a\\u0000b", "name": "\\u0000"}',
    "digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "surrogate": b'{"id": 1, "name": "\\ud800"}',
    "not a text": b"\xff\xfe\x00\x80",
    "empty": b"",
    "a list": b"[1, 2]",
}


@pytest.mark.parametrize("source", ["shopify", "woocommerce", "standard", "csv"])
def test_hostile_bodies_are_kept_and_hurt_nobody(house, source):
    here, _ = house
    sign = {
        "shopify": lambda name, body: shopify("orders/paid", f"h-{name}", body),
        "woocommerce": lambda _, body: woocommerce("order.updated", body),
        "standard": lambda name, body: standard(f"h-{name}", body),
        "csv": lambda _, body: csv(body),
    }[source]
    answers = {name: post(here, source, body, sign(name, body)) for name, body in HOSTILE.items()}
    assert {name: status for name, status in answers.items() if status >= 500} == {}
    assert set(answers.values()) <= {200, 202, 400, 401, 413}
    number = here.paths[source].rpartition("/")[2]

    here.quiet()
    rows = kept(here, number)
    stored = sum(status == 202 for status in answers.values())
    assert len(rows) >= stored
    assert all(reason for state, reason in rows if state in {"dead", "parked", "ignored"})
    if source == "shopify":
        assert [reason for state, reason in rows if state == "dead"]


def kept(here, connection: str) -> list[tuple[str, str]]:
    return here.rows("SELECT state, reason FROM inbox WHERE connection_id = ?", connection)


def test_what_was_unreadable_can_be_worked_on_again(house):
    here, _ = house
    body = b'{"id": "unreadable'
    assert post(here, "shopify", body, shopify("orders/paid", "again", body)) == 202
    number = here.paths["shopify"].rpartition("/")[2]
    here.quiet()
    ended = "SELECT state, processed_at FROM inbox WHERE dedupe_key = 'again'"
    ((state, at),) = here.rows(ended)
    assert state == "dead"
    here.todoke("messages", "replay", "--connection", number, "--yes")
    here.quiet()
    ((state, later),) = here.rows(ended)
    assert (state, later > at) == ("dead", True)
