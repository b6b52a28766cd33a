"""WhatsApp templates by the Cloud API."""

import hashlib
import hmac
import json

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Delivery, Failure, Refused, Unreadable, Verified
from engine.model.message import Content
from tests.channels.answers import named, said
from tests.channels.phones import envelope
from tests.connectors.playing import NOW, player

WHATSAPP = connectors.channel("whatsapp")
SETTINGS = {"phone_number_id": "106540352242922", "access_token": "the token", "app_secret": "an app secret"}
PAYLOAD = {
    "name": "order_shipped", "language": "ja",
    "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "1001"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "abc"}]},
    ],
}  # fmt: skip


def sent(payload=None, to: str = "+819012345678", **settings: str):
    return WHATSAPP.prepare(envelope(to), Content(payload=payload or PAYLOAD), {**SETTINGS, **settings})


def test_a_template_is_sent_with_our_ids():
    request = sent()
    assert request.url == "https://graph.facebook.com/v23.0/106540352242922/messages"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+819012345678", "type": "template",
        "template": {**PAYLOAD, "language": {"policy": "deterministic", "code": "ja"}},
        "biz_opaque_callback_data": "m_abcdefghij234567 hana",
    }  # fmt: skip
    assert b"the token" not in msgspec.json.encode(request)
    assert sent(version="v24.0").url.startswith("https://graph.facebook.com/v24.0/")
    assert json.loads(sent({"name": "hello", "language": {"code": "en_US"}}).body)["template"] == {
        "name": "hello", "language": {"policy": "deterministic", "code": "en_US"}
    }  # fmt: skip


@pytest.mark.parametrize(("payload", "why"), [
    ("text", "an object of name"),
    ({"name": "Hello World", "language": "ja"}, "name:"),
    ({"name": "a", "language": "Japanese"}, "language:"),
    ({"name": "a", "language": "ja", "text": "x"}, "an object of name"),
    ({"name": "a", "language": "ja", "components": {}}, "components:"),
    ({"name": "a", "language": "ja", "components": [{"type": "foot"}]}, "component 1: its type"),
    ({"name": "a", "language": "ja", "components": [{"type": "button"}]}, "sub_type and index"),
    ({"name": "a", "language": "ja", "components": [{"type": "body", "parameters": [{"type": "text", "text": " "}]}]},
     "empty"),
    ({"name": "a", "language": "ja", "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "a\nb"}]}
    ]}, "line break"),
])  # fmt: skip
def test_what_whatsapp_would_refuse_is_told(payload, why):
    assert any(why in one for one in WHATSAPP.objections(Content(payload=payload)))
    with pytest.raises(ValueError, match=why):
        sent(payload)


def wrong(code: int, status: int = 400, details: str = "words"):
    told = {"message": f"(#{code}) x", "type": "OAuthException", "code": code, "fbtrace_id": "f"}
    return said(status, {"error": {**told, "error_data": {"messaging_product": "whatsapp", "details": details}}})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.x"}]}), "accepted"),
    (said(200, {"messages": []}), "ambiguous"),
    (wrong(0, 401), "rejected account"), (wrong(3, 500), "rejected account"), (wrong(10, 403), "rejected account"),
    (wrong(190, 401), "rejected account"), (wrong(200, 403), "rejected account"), (wrong(294, 403), "rejected account"),
    (wrong(368, 403), "rejected account"), (wrong(131031, 403), "rejected account"),
    (wrong(131042), "rejected account"),
    (wrong(131048), "rejected account"), (wrong(133010), "rejected account"),
    (wrong(131026), "rejected recipient"), (wrong(131021), "rejected recipient"), (wrong(131047), "rejected recipient"),
    (wrong(131049), "rejected recipient"), (wrong(131050), "rejected recipient"),
    (wrong(100), "rejected message"), (wrong(131008), "rejected message"), (wrong(131009), "rejected message"),
    (wrong(132000), "rejected message"), (wrong(132001, 404), "rejected message"), (wrong(132015), "rejected message"),
    (wrong(132068), "rejected message"), (wrong(135000), "rejected message"), (wrong(139999), "rejected message"),
    (wrong(4), "deferred rate"), (wrong(80007), "deferred rate"), (wrong(130429, 429), "deferred rate"),
    (wrong(131056), "deferred rate"),
    (wrong(131000, 500), "deferred provider"), (wrong(131016, 500), "deferred provider"),
    (wrong(133004, 503), "deferred provider"), (wrong(2, 503), "deferred provider"),
    (wrong(999999, 500), "ambiguous"), (said(502, "<html>"), "ambiguous"), (said(401, ""), "rejected account"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(WHATSAPP.classify(answer)) == expected


def posted(value: dict, secret: str = "an app secret") -> Delivery:
    change = {"value": {"messaging_product": "whatsapp", **value}, "field": "messages"}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Delivery(body=body, headers={"x-hub-signature-256": f"sha256={signature}"}, received_at=NOW)


def status(word: str, **more) -> dict:
    return {
        "id": "wamid.x", "status": word, "timestamp": "1795521600", "recipient_id": "819012345678",
        "biz_opaque_callback_data": "m_abcdefghij234567 hana", **more,
    }  # fmt: skip


def test_whatsapp_is_known_by_its_signature():
    verify = WHATSAPP.feedback.verify
    found = verify(posted({"statuses": [status("sent")]}), ["old", "an app secret"], NOW)
    assert found == Verified(key="wamid.x sent", topic="messages")
    assert isinstance(verify(posted({}, "x"), ["an app secret"], NOW), Refused)
    assert isinstance(verify(posted({}), [], NOW), Refused)
    assert isinstance(verify(Delivery(body=b"{}", headers={}, received_at=NOW), ["an app secret"], NOW), Refused)


@pytest.mark.parametrize(("told", "expected"), [
    (status("sent"), "sent"), (status("delivered"), "delivered"), (status("read"), "opened"),
    (status("failed", errors=[{"code": 131026, "title": "x"}]), "bounced"),
    (status("failed", errors=[{"code": 131049, "title": "x"}]), "undelivered"),
    (status("failed", errors=[{"code": 131047, "title": "x"}]), "undelivered"),
    (status("failed"), "undelivered"),
])  # fmt: skip
def test_a_status_is_a_receipt(told, expected):
    (receipt,) = WHATSAPP.feedback.read(posted({"statuses": [told]})).receipts
    assert (receipt.message, receipt.merchant, receipt.status) == ("m_abcdefghij234567", "hana", expected)
    assert receipt.as_of.timestamp() == 1_795_521_600


def test_people_leave_by_a_text_and_by_a_button():
    by_text = {"from": "819012345678", "id": "wamid.1", "timestamp": "1795521600", "type": "text"}
    read = WHATSAPP.feedback.read(posted({"messages": [
        {**by_text, "text": {"body": "stop"}}, {**by_text, "type": "button", "button": {"text": "配信停止"}},
        {**by_text, "text": {"body": "いつ届きますか"}},
    ]}))  # fmt: skip
    assert [(one.medium, one.address, one.status) for one in read.endpoints] == [
        ("whatsapp", "+819012345678", "left")
    ] * 2


def test_what_is_not_used_says_so_and_what_is_broken_is_unreadable():
    assert WHATSAPP.feedback.read(posted({"contacts": []})).ignored
    assert WHATSAPP.feedback.read(posted({"statuses": [status("teleported")]})).unmapped == ("teleported",)
    with pytest.raises(Unreadable):
        WHATSAPP.feedback.read(Delivery(body=b"[]", headers={}, received_at=NOW))


@pytest.mark.parametrize(("query", "expected"), [
    ("hub.mode=subscribe&hub.verify_token=a+word&hub.challenge=1158201444", "1158201444"),
    ("hub.mode=subscribe&hub.verify_token=other&hub.challenge=1158201444", None),
    ("hub.mode=unsubscribe&hub.verify_token=a+word&hub.challenge=1", None),
    ("hub.mode=subscribe&hub.verify_token=a+word&hub.challenge=%3Cscript%3E", None),
    ("hub.mode=subscribe&hub.verify_token=&hub.challenge=1", None),
])  # fmt: skip
def test_the_challenge_is_said_back_to_whoever_knows_the_word(query, expected):
    asked = Delivery(body=b"", headers={}, received_at=NOW, url=f"https://t.example.jp/in/w?{query}")
    assert WHATSAPP.feedback.greet(asked, {"verify_token": ("a word",)}) == expected
    assert WHATSAPP.feedback.greet(asked, {}) is None


def test_a_check_tells_of_the_number(httpserver: HTTPServer):
    httpserver.expect_request("/v23.0/106540352242922").respond_with_json(
        {"verified_name": "花と器", "quality_rating": "RED"}
    )
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        told = one.play(WHATSAPP.check(one.asking()))
    assert [finding.level for finding in told.result] == ["ok", "warning", "error"]
