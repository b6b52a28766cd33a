"""Vonage by both of its APIs."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from functools import cache
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Delivery, Failure, Refused, Unanswered, Verified
from tests.channels.answers import named, said
from tests.channels.phones import TEXT, envelope, words
from tests.connectors.playing import NOW, player

VONAGE = connectors.channel("vonage")
APPLICATION = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
BY_KEY = {"api_key": "abcd1234", "api_secret": "the secret", "from": "Hanaya"}
SMS = {**BY_KEY, "api": "sms"}
SECRET = "a signature secret"


@cache
def private_key() -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_the_messages_api_is_told_in_json():
    request = VONAGE.prepare(envelope(), words(), {**BY_KEY, "ttl": "600"})
    assert request.url == "https://api.nexmo.com/v1/messages"
    assert json.loads(request.body) == {
        "channel": "sms", "message_type": "text", "to": "819012345678", "from": "Hanaya", "text": TEXT,
        "client_ref": "m_abcdefghij234567 hana", "ttl": 600,
    }  # fmt: skip
    assert request.auth == {"authorization": "Basic {api_key}:{api_secret}"}
    assert b"the secret" not in msgspec.json.encode(request)


def test_an_application_logs_in_by_its_key():
    request = VONAGE.prepare(envelope(), words(), {**BY_KEY, "application_id": APPLICATION, "private_key": "x"})
    assert request.auth == {"authorization": "Bearer {access_token}"}
    key, pem = private_key()
    with player({"application_id": APPLICATION, "private_key": pem}) as one:
        told = one.play(VONAGE.login(one.asking()))
        assert told.secrets == one.play(VONAGE.login(one.asking())).secrets, "the same moment gives the same token"
    assert told.asked == []
    assert told.until["access_token"] - NOW == timedelta(hours=6)
    head, claims, signature = told.secrets["access_token"].split(".")
    key.public_key().verify(_raw(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    assert json.loads(_raw(head)) == {"typ": "JWT", "alg": "RS256"}
    assert json.loads(_raw(claims))["application_id"] == APPLICATION


def test_a_key_that_is_none_is_told():
    settings = {"application_id": APPLICATION, "private_key": "-----BEGIN nothing"}
    with player(settings) as one, pytest.raises(Unanswered, match="private_key is no RSA key"):
        one.play(VONAGE.login(one.asking()))


def test_the_sms_api_is_told_in_a_form_with_the_secret_apart():
    request = VONAGE.prepare(envelope(), words(), {**SMS, "ttl": "600"})
    assert request.url == "https://rest.nexmo.com/sms/json"
    assert dict(parse_qsl(request.body.decode())) == {
        "api_key": "abcd1234", "to": "819012345678", "from": "Hanaya", "text": TEXT, "type": "unicode",
        "client-ref": "m_abcdefghij234567 hana", "ttl": "600000",
    }  # fmt: skip
    assert request.fields == {"api_secret": "{api_secret}"}
    assert b"the secret" not in msgspec.json.encode(request)
    assert b"type=text" in VONAGE.prepare(envelope(), words("Shipped"), SMS).body


def test_a_long_merchant_leaves_room_for_our_id():
    request = VONAGE.prepare(envelope(merchant="a" * 40), words(), BY_KEY)
    assert json.loads(request.body)["client_ref"] == "m_abcdefghij234567"


def wrong(status: int, code: str, **more):
    kind = f"https://developer.vonage.com/api-errors/messages#{code}"
    return said(status, {"type": kind, "title": "told", "detail": "in words", "instance": "i", **more})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(202, {"message_uuid": "u-1"}), "accepted"),
    (said(202, {}), "ambiguous"),
    (wrong(401, "unauthorized"), "rejected account"),
    (wrong(402, "low-balance"), "rejected account"),
    (wrong(402, "1070"), "rejected account"),
    (wrong(429, "1000"), "deferred rate"),
    (said(429, ""), "deferred rate"),
    (wrong(422, "1170"), "rejected recipient"),
    (wrong(422, "1430"), "rejected recipient"),
    (wrong(422, "1240"), "rejected recipient"),
    (wrong(422, "1420"), "rejected account"),
    (wrong(422, "1120"), "rejected account"),
    (wrong(422, "1450"), "rejected message"),
    (wrong(422, "1020", invalid_parameters=[{"name": "to", "reason": "x"}]), "rejected recipient"),
    (wrong(422, "invalid", invalid_parameters=[{"name": "from", "reason": "x"}]), "rejected account"),
    (wrong(422, "invalid", invalid_parameters=[{"name": "text", "reason": "x"}]), "rejected message"),
    (said(422, {"type": "x", "title": "1170", "detail": "x"}), "rejected recipient"),
    (wrong(500, "1030"), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_the_messages_api_answers(answer, expected):
    assert named(VONAGE.classify(answer)) == expected


def parts(*states: str):
    told = [{"status": one, "message-id": f"id-{n}", "error-text": "words"} for n, one in enumerate(states)]
    return said(200, {"message-count": str(len(told)), "messages": told})


@pytest.mark.parametrize(("states", "expected"), [
    (["0"], "accepted"), (["0", "0"], "accepted"), (["0", "1"], "ambiguous"), ([], "ambiguous"),
    (["1"], "deferred rate"), (["2"], "rejected message"), (["3"], "rejected message"), (["4"], "rejected account"),
    (["5"], "deferred provider"), (["6"], "rejected recipient"), (["7"], "rejected recipient"),
    (["8"], "rejected account"), (["9"], "deferred quota"), (["10"], "deferred rate"), (["11"], "rejected account"),
    (["12"], "rejected message"), (["14"], "rejected account"), (["15"], "rejected account"),
    (["22"], "rejected message"), (["23"], "rejected account"), (["29"], "rejected account"),
    (["32"], "rejected account"), (["33"], "rejected recipient"), (["99"], "ambiguous"),
])  # fmt: skip
def test_the_sms_api_says_200_to_everything(states, expected):
    assert named(VONAGE.classify(parts(*states))) == expected


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def posted(body: dict, secret: str = SECRET, **claims) -> Delivery:
    raw = json.dumps(body).encode()
    told = {"iat": int(NOW.timestamp()), "jti": "j", "payload_hash": hashlib.sha256(raw).hexdigest(), **claims}
    text = ".".join(_url64(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, told))
    signature = _url64(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())
    return Delivery(body=raw, headers={"authorization": f"Bearer {text}.{signature}"}, received_at=NOW)


STATUS = {
    "message_uuid": "u-1", "to": "819012345678", "from": "Hanaya", "timestamp": "2026-11-24T11:00:00.000Z",
    "status": "delivered", "client_ref": "m_abcdefghij234567 hana", "channel": "sms",
}  # fmt: skip


def test_vonage_is_known_by_its_token():
    verify = VONAGE.feedback.verify
    assert verify(posted(STATUS), ["old", SECRET], NOW) == Verified(key="u-1 delivered", topic="delivered")
    for bad in (
        posted(STATUS, "x"), posted(STATUS, payload_hash="0" * 64),
        posted(STATUS, iat=int(NOW.timestamp()) - 5 * 86400),
    ):  # fmt: skip
        assert isinstance(verify(bad, [SECRET], NOW), Refused)
    assert isinstance(verify(posted(STATUS), [], NOW), Refused)
    none = _url64(b'{"alg":"none"}') + "." + _url64(b"{}") + "."
    unsigned = Delivery(body=b"{}", headers={"authorization": f"Bearer {none}"}, received_at=NOW)
    assert isinstance(verify(unsigned, [SECRET], NOW), Refused)


def test_an_account_that_does_not_sign_brings_the_secret_in_the_address():
    body = urlencode({"messageId": "0A", "status": "delivered", "client-ref": "m_1"}).encode()
    for url, kind in (("https://t.example.jp/in/v?token=a+signature+secret", Verified), ("https://t.jp/in/v", Refused)):
        told = Delivery(body=body, headers={}, received_at=NOW, url=url)
        assert isinstance(VONAGE.feedback.verify(told, [SECRET], NOW), kind)


@pytest.mark.parametrize(("change", "expected", "code"), [
    ({"status": "submitted"}, "sent", "submitted"),
    ({}, "delivered", "delivered"),
    ({"status": "read"}, "opened", "read"),
    ({"status": "undeliverable", "error": {"type": "https://x/messages#1260", "title": "x"}}, "undelivered", "1260"),
    ({"status": "rejected", "error": {"type": "https://x/messages-olympus#1190", "title": "x"}}, "bounced", "1190"),
    ({"status": "rejected", "error": {"title": "1240", "detail": "x"}}, "bounced", "1240"),
])  # fmt: skip
def test_a_status_is_a_receipt(change, expected, code):
    (receipt,) = VONAGE.feedback.read(posted({**STATUS, **change})).receipts
    assert (receipt.message, receipt.merchant, receipt.status) == ("m_abcdefghij234567", "hana", expected)
    assert receipt.code == code
    assert receipt.as_of.isoformat() == "2026-11-24T11:00:00+00:00"


@pytest.mark.parametrize(("status", "code", "expected"), [
    ("delivered", "0", "delivered"), ("expired", "1", "undelivered"), ("failed", "3", "bounced"),
    ("rejected", "6", "undelivered"), ("accepted", "0", "sent"), ("buffered", "0", "sent"),
    ("failed", "2", "undelivered"),
])  # fmt: skip
def test_a_delivery_receipt_of_the_sms_api(status, code, expected):
    fields = {
        "msisdn": "819012345678", "to": "Hanaya", "messageId": "0A", "status": status, "err-code": code,
        "scts": "2611241100", "client-ref": "m_abcdefghij234567 hana",
    }  # fmt: skip
    (receipt,) = VONAGE.feedback.read(Delivery(body=urlencode(fields).encode(), headers={}, received_at=NOW)).receipts
    assert receipt.status == expected
    assert receipt.soft is (code == "2")
    assert receipt.as_of.isoformat() == "2026-11-24T11:00:00+00:00"


@pytest.mark.parametrize("body", [
    {"channel": "sms", "message_uuid": "u-2", "to": "Hanaya", "from": "819012345678", "text": "STOP",
     "timestamp": "2026-11-24T11:00:00Z"},
    {"msisdn": "819012345678", "to": "815012345678", "messageId": "0B", "text": "stop", "type": "text",
     "keyword": "STOP", "message-timestamp": "2026-11-24 11:00:00"},
])  # fmt: skip
def test_people_leave(body):
    (seen,) = VONAGE.feedback.read(posted(body)).endpoints
    assert (seen.medium, seen.address, seen.status) == ("sms", "+819012345678", "left")


def test_a_check_asks_for_the_balance(httpserver: HTTPServer):
    httpserver.expect_request("/account/get-balance").respond_with_json({"value": 0.0, "autoReload": False})
    with player({**BY_KEY, "url": httpserver.url_for("")}) as one:
        (finding,) = one.play(VONAGE.check(one.asking())).result
    assert finding.level == "error"
