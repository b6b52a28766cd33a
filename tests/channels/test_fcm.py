"""Firebase Cloud Messaging."""

import json
from functools import cache
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Failure, Unanswered
from engine.model.message import Content
from tests.channels.answers import named, said
from tests.channels.phones import envelope
from tests.connectors.playing import NOW, player

FCM = connectors.channel("fcm")
SHOWN = Content(payload={"title": "花と器", "body": "発送しました", "url": "https://t.example.jp/abc"})
TOKEN, FID = "a" * 40 + ":APA91b" + "x" * 100, "cAbCdEfGhIjKlMnOpQrStU"


@cache
def service_account() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps({
        "type": "service_account", "project_id": "hana-app", "client_email": "push@hana-app.example.com",
        "private_key": pem, "token_uri": "https://evil.example/token",
    })  # fmt: skip


def sent(to: str = TOKEN, content: Content = SHOWN, **settings: str):
    return FCM.prepare(envelope(to), content, {"service_account": service_account(), **settings})


def test_a_notification_goes_to_one_device_and_replaces_itself():
    request = sent(ttl="600")
    assert request.url == "https://fcm.googleapis.com/v1/projects/hana-app/messages:send"
    message = json.loads(request.body)["message"]
    assert message["token"] == TOKEN
    assert message["notification"] == {"title": "花と器", "body": "発送しました"}
    assert message["data"] == {"message": "m_abcdefghij234567", "merchant": "hana", "url": "https://t.example.jp/abc"}
    assert message["android"] == {
        "priority": "HIGH", "notification": {"tag": "m_abcdefghij234567"}, "ttl": "600s"
    }  # fmt: skip
    assert message["webpush"]["fcmOptions"] == {"link": "https://t.example.jp/abc"}
    assert b"PRIVATE KEY" not in msgspec.json.encode(request)


@pytest.mark.parametrize(("to", "kind", "value"), [
    (FID, "fid", FID), (f"fid:{FID}", "fid", FID), (f"token:{FID}", "token", FID), (TOKEN, "token", TOKEN),
])  # fmt: skip
def test_installations_and_tokens_are_told_apart(to, kind, value):
    message = json.loads(sent(to).body)["message"]
    assert message[kind] == value
    assert {"fid", "token"} & message.keys() == {kind}


@pytest.mark.parametrize(("to", "payload", "why"), [
    ("", SHOWN.payload, "neither an installation"),
    ('{"endpoint": "https://x"}', SHOWN.payload, "neither an installation"),
    (TOKEN, {"body": "x"}, "title"),
    (TOKEN, {"title": "x", "url": "javascript:alert(1)"}, "url"),
    (TOKEN, {"title": "x" * 4000}, "larger"),
])  # fmt: skip
def test_what_fcm_would_refuse_is_not_sent(to, payload, why):
    with pytest.raises(ValueError, match=why):
        sent(to, Content(payload=payload))


def wrong(code: int, status: str, fcm: str | None = None, field: str | None = None):
    details: list[dict] = []
    if fcm:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": fcm})
    if field:
        details.append({
            "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}],
        })  # fmt: skip
    return said(code, {"error": {"code": code, "message": "words", "status": status, "details": details}})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"name": "projects/hana-app/messages/0:1"}), "accepted"),
    (said(200, {}), "ambiguous"),
    (wrong(404, "NOT_FOUND", "UNREGISTERED"), "rejected recipient"),
    (wrong(404, "NOT_FOUND"), "rejected account"),
    (wrong(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), "rejected recipient"),
    (wrong(400, "INVALID_ARGUMENT", field="message.data[0].value"), "rejected message"),
    (wrong(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.android.ttl"), "rejected message"),
    (wrong(400, "INVALID_ARGUMENT", field="message.token"), "rejected recipient"),
    (wrong(400, "INVALID_ARGUMENT"), "rejected message"),
    (wrong(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "rejected account"),
    (wrong(403, "PERMISSION_DENIED"), "rejected account"),
    (wrong(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "rejected account"),
    (wrong(401, "UNAUTHENTICATED"), "rejected account"),
    (wrong(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "deferred rate"),
    (wrong(503, "UNAVAILABLE", "UNAVAILABLE"), "deferred provider"),
    (wrong(500, "INTERNAL", "INTERNAL"), "ambiguous"),
    (said(502, "<html>"), "ambiguous"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(FCM.classify(answer)) == expected


def test_a_quota_of_a_minute_is_waited_for():
    assert FCM.classify(wrong(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")).after.total_seconds() == 60
    told = wrong(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
    assert FCM.classify(again(told, {"retry-after": "7"})).after.total_seconds() == 7


def again(answer, headers):
    return type(answer)(code=answer.code, body=answer.body, headers=headers)


def test_a_token_is_got_at_googles_address_and_not_at_the_one_in_the_file(httpserver: HTTPServer):
    httpserver.expect_request("/token", method="POST").respond_with_json({"access_token": "t", "expires_in": 3599})
    with player({"service_account": service_account(), "token_url": httpserver.url_for("/token")}) as one:
        told = one.play(FCM.login(one.asking()))
    assert told.secrets == {"access_token": "t"}
    assert (told.until["access_token"] - NOW).total_seconds() == 3599
    asked = parse_qs(told.asked[0].body.decode())
    assert asked["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert asked["assertion"][0].count(".") == 2


@pytest.mark.parametrize(("account", "why"), [("{}", "client_email"), ("nonsense", "client_email"), (
    '{"client_email": "a@b.example", "private_key": "x"}', "no RSA key"
)])  # fmt: skip
def test_a_file_that_is_no_key_is_told(account, why):
    with player({"service_account": account}) as one, pytest.raises(Unanswered, match=why):
        one.play(FCM.login(one.asking()))


def test_a_refused_account_is_told(httpserver: HTTPServer):
    httpserver.expect_request("/token").respond_with_json({"error": "invalid_grant"}, status=400)
    settings = {"service_account": service_account(), "token_url": httpserver.url_for("/token")}
    with player(settings) as one, pytest.raises(Unanswered, match="invalid_grant"):
        one.play(FCM.login(one.asking()))


def test_a_check_sends_nothing(httpserver: HTTPServer):
    httpserver.expect_request("/token").respond_with_json({"access_token": "t", "expires_in": 3599})
    httpserver.expect_request("/v1/projects/hana-app/messages:send").respond_with_json({}, status=403)
    settings = {"service_account": service_account(), "token_url": httpserver.url_for("/token")}
    with player({**settings, "url": httpserver.url_for("")}) as one:
        told = one.play(FCM.check(one.asking()))
    assert [finding.level for finding in told.result] == ["error"]
    assert json.loads(told.asked[-1].body)["validateOnly"] is True
