"""A gateway as its description says."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import msgspec
import pytest

import connectors
from connectors.channels import sms_gateway
from engine.contracts import Accepted, Delivery, Failure, Refused, Unreadable, Verified
from engine.io.http_request import body as body_of
from tests.channels.answers import named, said
from tests.channels.phones import TEXT, envelope, words
from tests.connectors.playing import NOW

GATEWAY = connectors.channel("sms_gateway")
EXAMPLES = sorted((Path(sms_gateway.__file__).parent / "examples").glob("*.yaml"))
SMALL = """
send:
  path: /send
  body: json
  number: international
  headers: {X-Version: "1"}
  auth: {authorization: "Bearer {token}"}
  secrets: {pass: "{password}"}
  fields: {to: "{to}", content: {text: "{text}", parts: "=2"}, tags: ["{message}", "{merchant}"], note: "{order}"}
accepted:
  when: body.result == 'ok'
  id: body.id
errors:
  code: to_string(body.error.code)
  text: body.error.text
  outcomes:
    rejected recipient: {"100": bad number, "101": opted out}
    rejected account: ["200"]
    deferred quota: ["300"]
    deferred rate: ["301"]
    rejected message: ["413"]
receipts:
  each: results
  message: tags[0]
  merchant: tags[1]
  status: state
  code: detail
  at: when
  statuses: {DELIVRD: delivered, UNDELIV: undelivered, AWAY: soft, DEAD: bounced, WAIT: ignore}
replies:
  from: msisdn
  text: body
"""
SETTINGS = {"gateway": SMALL, "url": "https://sms.example.jp", "token": "a token", "password": "a password"}


def sent(gateway: str = SMALL, to: str = "+819012345678", text: str = TEXT, **more: str):
    return GATEWAY.prepare(envelope(to, order="#1001"), words(text), {**SETTINGS, "gateway": gateway, **more})


def example(name: str) -> str:
    return next(one for one in EXAMPLES if one.stem == name).read_text()


def test_a_request_is_made_as_it_is_described_and_holds_no_secret():
    request = sent()
    assert request.url == "https://sms.example.jp/send"
    assert request.headers == {"content-type": "application/json", "x-version": "1"}
    assert request.auth == {"authorization": "Bearer {token}"}
    assert json.loads(request.body) == {
        "to": "819012345678", "content": {"text": TEXT, "parts": 2}, "tags": ["m_abcdefghij234567", "hana"],
        "note": "#1001",
    }  # fmt: skip
    assert b"a password" not in msgspec.json.encode(request)
    assert json.loads(body_of(request, SETTINGS))["pass"] == "a password"
    assert isinstance(body_of(request, {}), Failure)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_used(path):
    gateway = path.read_text()
    assert GATEWAY.misset({"gateway": gateway}) is None
    assert "m_abcdefghij234567" in sent(gateway, user="u").body.decode()
    with pytest.raises(ValueError, match="is the most"):
        sent(gateway, text="あ" * 671)


def test_what_karaden_is_told():
    request = sent(example("karaden"))
    assert parse_qs(request.body.decode()) == {
        "service_id": ["1"], "to": ["09012345678"], "body": [TEXT], "tags[]": ["m_abcdefghij234567", "hana"],
    }  # fmt: skip
    assert request.headers["karaden-version"] == "2023-01-01"
    with pytest.raises(ValueError, match="Japanese numbers"):
        sent(example("karaden"), to="+12015550123")


def test_a_token_inside_a_form_is_put_in_when_it_leaves():
    request = sent(example("aos"))
    assert b"token" not in request.body
    assert parse_qs(body_of(request, SETTINGS).decode())["token"] == ["a token"]


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"result": "ok", "id": "g-1"}), "accepted"),
    (said(200, {"result": "ok"}), "ambiguous"),
    (said(200, {"result": "ng", "error": {"code": 100}}), "rejected recipient"),
    (said(200, {"result": "ng", "error": {"code": "101"}}), "rejected recipient"),
    (said(400, {"error": {"code": 200}}), "rejected account"),
    (said(200, {"result": "ng", "error": {"code": 300}}), "deferred quota"),
    (said(429, {"error": {"code": 301}}), "deferred rate"),
    (said(200, {"result": "ng", "error": {"code": 999}}), "ambiguous"),
    (said(200, "<html>"), "ambiguous"),
    (said(204), "ambiguous"),
    (said(400, {"error": {"code": 999}}), "rejected message"),
    (said(413, ""), "rejected message"),
    (said(401, ""), "rejected account"),
    (said(429, ""), "deferred rate"),
    (said(500, ""), "ambiguous"),
    (Failure(stage="connect", text="x"), "deferred provider"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(GATEWAY.outcome(answer, SETTINGS)) == expected


def test_the_gateways_id_is_kept_and_its_words_are_told():
    assert GATEWAY.outcome(said(200, {"result": "ok", "id": 7}), SETTINGS) == Accepted(ref="7")
    found = GATEWAY.outcome(said(200, {"error": {"code": 100, "text": "no such number"}}), SETTINGS)
    assert (found.code, found.detail) == ("100", "no such number")


@pytest.mark.parametrize(("status", "expected"), [
    (200, "accepted"), (402, "deferred quota"), (560, "rejected recipient"), (550, "rejected message"),
    (555, "rejected account"), (503, "deferred rate"), (599, "ambiguous"),
])  # fmt: skip
def test_a_gateway_that_answers_by_its_status_alone(status, expected):
    assert named(GATEWAY.outcome(said(status, ""), {"gateway": example("mediasms")})) == expected


@pytest.mark.parametrize(("change", "why"), [
    ("send: []", "line 1: send: expected a mapping"),
    ("send:\n  field: {a: b}", "line 2: there is no key 'field' here; did you mean fields"),
    ("send:\n  fields: {a: '{too}'}", "there is no {too} here; there are to, text"),
    ("send:\n  auth: {a: 'x {secret}'}\n  fields: {a: b}", "there is no {secret} here"),
    ("send:\n  number: 81\n  fields: {a: b}", "number: '81' is none of e164"),
    ("send:\n  fields: {a: b}\naccepted:\n  id: '[['", "line 4: id: '[[' is no JMESPath"),
    ("send:\n  fields: {a: b}\nerrors:\n  outcomes: {accepted all: ['1']}", "is no outcome"),
    ("send:\n  fields: {a: b}\nreceipts:\n  message: a\n  status: b\n  statuses: {x: arrived}", "'arrived' is none of"),
    ("send:\n  fields: {a: b}\nreceipts:\n  message: a", "receipts need message, status"),
    ("send: &a\n  fields: {a: b}", "anchors"),
    ("", "no gateway"),
])  # fmt: skip
def test_a_mistake_is_told_with_its_line(change, why):
    assert why in (GATEWAY.misset({"gateway": change}) or "")


def posted(body: bytes, url: str = "https://t.example.jp/in/g?token=a+secret") -> Delivery:
    return Delivery(body=body, headers={}, received_at=NOW, url=url, config={"gateway": SMALL})


def test_only_the_secret_in_the_address_opens():
    assert isinstance(GATEWAY.feedback.verify(posted(b"{}"), ["a secret"], NOW), Verified)
    assert isinstance(GATEWAY.feedback.verify(posted(b"{}"), ["another"], NOW), Refused)
    assert isinstance(GATEWAY.feedback.verify(posted(b"{}", "https://t.example.jp/in/g"), ["a secret"], NOW), Refused)
    assert isinstance(GATEWAY.feedback.verify(posted(b"{}"), [], NOW), Refused)


def test_results_are_receipts():
    results = [
        {"tags": ["m_abcdefghij234567", "hana"], "state": state, "when": "2026/11/24 20:00:00", "detail": 7}
        for state in ("DELIVRD", "undeliv", "AWAY", "DEAD", "WAIT", "LOST")
    ]
    read = GATEWAY.feedback.read(posted(json.dumps({"results": results}).encode()))
    assert [one.status for one in read.receipts] == ["delivered", "undelivered", "undelivered", "bounced"]
    assert [one.soft for one in read.receipts] == [False, False, True, False]
    assert {(one.message, one.merchant, one.code) for one in read.receipts} == {("m_abcdefghij234567", "hana", "7")}
    assert read.receipts[0].as_of.isoformat() == "2026-11-24T20:00:00+09:00"
    assert read.unmapped == ("lost",)


def test_a_form_and_a_reply():
    told = posted(urlencode({"msisdn": "090-1234-5678", "body": "配信停止"}).encode())
    (seen,) = GATEWAY.feedback.read(told).endpoints
    assert (seen.address, seen.status) == ("+819012345678", "left")
    assert GATEWAY.feedback.read(posted(b'{"msisdn": "819012345678", "body": "thanks"}')).ignored
    with pytest.raises(Unreadable):
        GATEWAY.feedback.read(posted(b""))
