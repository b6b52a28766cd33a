"""Twilio: what is sent, how its answers are understood, what it posts."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Deferred, Delivery, EndpointSeen, Failure, Refused, Rejected, Verified
from engine.model.message import Content
from tests.channels.answers import named, said
from tests.channels.phones import TEXT, envelope, words
from tests.connectors.playing import NOW, player

TWILIO = connectors.channel("twilio")
ACCOUNT = "AC" + "0a" * 16
SETTINGS = {"account_sid": ACCOUNT, "auth_token": "an auth token", "from": "+815012345678"}
INTAKE = "https://todoke.example.jp/in/twilio-abc"


def sent(content=None, **more):
    settings = {**SETTINGS, **more.pop("settings", {})}
    return TWILIO.prepare(envelope(**more), content or words(), settings)


def form(request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode()))


def test_a_message_is_a_form_with_our_ids_in_its_callback_and_no_secret():
    request = sent(intake=INTAKE)
    assert request == sent(intake=INTAKE)
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert form(request) == {
        "To": "+819012345678", "From": "+815012345678", "Body": TEXT,
        "StatusCallback": f"{INTAKE}?message=m_abcdefghij234567&merchant=hana",
    }  # fmt: skip
    assert request.auth == {"authorization": f"Basic {ACCOUNT}:{{auth_token}}"}
    assert b"an auth token" not in msgspec.json.encode(request)


def test_a_service_a_key_and_a_time_limit():
    service = "MG" + "0b" * 16
    more = {"messaging_service_sid": service, "api_key": "SK" + "0c" * 16, "api_secret": "x", "validity": "3600"}
    request = sent(settings={**more, "from": ""})
    assert form(request)["MessagingServiceSid"] == service
    assert form(request)["ValidityPeriod"] == "3600"
    assert "From" not in form(request)
    assert request.auth == {"authorization": "Basic {api_key}:{api_secret}"}


@pytest.mark.parametrize(
    "intake", [None, "http://todoke.example.jp/in/x", "https://127.0.0.1/in/x", "https://a_b.jp/in/x"]
)
def test_an_address_that_twilio_cannot_call_is_not_told(intake):
    assert "StatusCallback" not in form(sent(intake=intake))


@pytest.mark.parametrize(("change", "why"), [
    ({"to": "09012345678"}, "E.164"),
    ({"content": Content(text=" \n")}, "empty"),
    ({"content": Content(text="a" * 1601)}, "1600"),
    ({"settings": {"from": ""}}, "neither from"),
    ({"id": "m 1", "intake": INTAKE}, "shape"),
])  # fmt: skip
def test_what_twilio_would_refuse_is_not_sent(change, why):
    with pytest.raises(ValueError, match=why):
        sent(**change)


def test_objections_are_told_to_whoever_wrote_it():
    assert TWILIO.objections(words()) == ()
    assert "empty" in TWILIO.objections(words(""))[0]
    assert "Japanese carriers deliver 660" in TWILIO.objections(words("あ" * 661))[0]
    assert "1600" in TWILIO.objections(words("あ" * 1601))[0]


def fault(code: int, status: int = 400, text: str = "told"):
    return said(status, {"code": code, "message": text, "status": status})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(201, {"sid": "SM1", "status": "queued"}), "accepted"),
    (said(201, {"sid": "SM1", "status": "accepted", "error_code": None}), "accepted"),
    (said(201, {"sid": "SM1", "status": "failed", "error_code": 30006}), "rejected recipient"),
    (said(201, {}), "ambiguous"),
    (said(200, "<html>"), "ambiguous"),
    (fault(21211), "rejected recipient"),
    (fault(21610), "rejected recipient"),
    (fault(21612), "rejected recipient"),
    (fault(21614), "rejected recipient"),
    (fault(21617), "rejected message"),
    (fault(21408, 403), "rejected message"),
    (fault(30610), "rejected message"),
    (fault(30007), "rejected message"),
    (fault(21606), "rejected account"),
    (fault(21660), "rejected account"),
    (fault(20003, 401), "rejected account"),
    (fault(20404, 404), "rejected account"),
    (fault(30002), "rejected account"),
    (fault(21611), "deferred rate"),
    (fault(20429, 429), "deferred rate"),
    (fault(63038, 429), "deferred quota"),
    (fault(30003), "deferred recipient"),
    (said(429, ""), "deferred rate"),
    (said(401, "<html>"), "rejected account"),
    (fault(99999), "rejected message"),
    (fault(20500, 500), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="connect", text="x"), "deferred provider"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(TWILIO.classify(answer)) == expected


def test_codes_are_told_as_twilio_tells_them():
    assert TWILIO.classify(fault(21211)) == Rejected(scope="recipient", code="21211", detail="told")
    found = TWILIO.classify(said(429, {"code": 20429}, retry_after="7"))
    assert isinstance(found, Deferred)
    assert found.after.total_seconds() == 7


def signed(url: str, fields: dict[str, str], token: str = "an auth token") -> Delivery:
    text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    signature = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    return Delivery(body=urlencode(fields).encode(), headers=headers, received_at=NOW, url=url)


# https://www.twilio.com/docs/usage/security#validating-requests: the documentation's own example
EXAMPLE = {
    "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
    "To": "+18005551212",
}  # fmt: skip


def test_the_example_of_twilios_own_page_is_verified():
    delivery = Delivery(
        body=urlencode(EXAMPLE).encode(), received_at=NOW, url="https://mycompany.com/myapp.php?foo=1&bar=2",
        headers={"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
    )  # fmt: skip
    assert isinstance(TWILIO.feedback.verify(delivery, ["other", "12345"], NOW), Verified)
    assert isinstance(TWILIO.feedback.verify(delivery, ["other"], NOW), Refused)
    assert isinstance(TWILIO.feedback.verify(delivery, [], NOW), Refused)


OURS = f"{INTAKE}?message=m_abcdefghij234567&merchant=hana"


def heard(fields: dict[str, str], url: str = OURS):
    """Through verify, which alone sees the address, then read."""
    verify = TWILIO.feedback.verify
    delivery = signed(url, fields)
    found = verify(delivery, ["an auth token"], NOW)
    assert isinstance(found, Verified), found
    return found, TWILIO.feedback.read(Delivery(
        body=delivery.body, headers=delivery.headers, received_at=NOW, topic=found.topic,
    ))  # fmt: skip


@pytest.mark.parametrize(("status", "code", "expected"), [
    ("queued", None, "sent"),
    ("sent", None, "sent"),
    ("delivered", None, "delivered"),
    ("read", None, "opened"),
    ("undelivered", "30003", "undelivered"),
    ("undelivered", "30005", "bounced"),
    ("undelivered", "30006", "bounced"),
    ("undelivered", "30007", "undelivered"),
    ("failed", "21610", "bounced"),
    ("failed", None, "undelivered"),
])  # fmt: skip
def test_a_status_is_a_receipt_of_our_message(status, code, expected):
    fields = {"MessageSid": "SM1", "MessageStatus": status, "To": "+819012345678", "AccountSid": ACCOUNT}
    verified, read = heard({**fields, **({"ErrorCode": code} if code else {})})
    (receipt,) = read.receipts
    assert (receipt.message, receipt.merchant, receipt.status) == ("m_abcdefghij234567", "hana", expected)
    assert receipt.soft is (code == "30003")
    assert verified.key == f"SM1 {status} {code or ''}".strip()


def test_a_status_that_nobody_knows_is_reported_and_one_without_ids_is_not_ours():
    assert heard({"MessageSid": "SM1", "MessageStatus": "teleported"})[1].unmapped == ("teleported",)
    assert heard({"MessageSid": "SM1", "MessageStatus": "sent"}, url=INTAKE)[1].ignored


@pytest.mark.parametrize(("body", "more", "expected"), [
    ("STOP", {}, "left"),
    ("配信停止", {}, "left"),
    (" stop. ", {}, "left"),
    ("やめて", {"OptOutType": "STOP"}, "left"),
    ("START", {}, "back"),
    ("いつ届きますか", {}, None),
])  # fmt: skip
def test_people_leave_and_come_back(body, more, expected):
    fields = {"MessageSid": "SM2", "SmsStatus": "received", "From": "+819012345678", "Body": body, **more}
    read = heard(fields, url=INTAKE)[1]
    assert [one.status for one in read.endpoints] == ([expected] if expected else [])
    if expected:
        assert isinstance(read.endpoints[0], EndpointSeen)
        assert read.endpoints[0].address == "+819012345678"


def test_a_changed_body_and_a_changed_address_are_refused():
    good = signed(OURS, {"MessageSid": "SM1", "MessageStatus": "sent"})
    for changed in ({"body": good.body + b"&ErrorCode=1"}, {"url": OURS.replace("hana", "other")}):
        told = {"body": good.body, "headers": good.headers, "received_at": NOW, "url": OURS, **changed}
        assert isinstance(TWILIO.feedback.verify(Delivery(**told), ["an auth token"], NOW), Refused)


def test_a_port_that_twilio_leaves_out_does_not_matter():
    good = signed(OURS, {"MessageSid": "SM1", "MessageStatus": "sent"})
    told = Delivery(
        body=good.body, headers=good.headers, received_at=NOW, url=OURS.replace("example.jp/", "example.jp:443/")
    )
    assert isinstance(TWILIO.feedback.verify(told, ["an auth token"], NOW), Verified)


def test_json_is_covered_by_its_digest_in_the_address():
    body = json.dumps({"MessageSid": "SM1", "MessageStatus": "sent"}).encode()
    url = f"{OURS}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = base64.b64encode(hmac.new(b"an auth token", url.encode(), hashlib.sha1).digest()).decode()
    headers = {"x-twilio-signature": signature, "content-type": "application/json"}
    verify = TWILIO.feedback.verify
    assert isinstance(
        verify(Delivery(body=body, headers=headers, received_at=NOW, url=url), ["an auth token"], NOW), Verified
    )
    other = Delivery(body=body + b" ", headers=headers, received_at=NOW, url=url)
    assert isinstance(verify(other, ["an auth token"], NOW), Refused)


def test_a_check_tells_of_a_trial(httpserver: HTTPServer):
    httpserver.expect_request(f"/2010-04-01/Accounts/{ACCOUNT}.json").respond_with_json(
        {"status": "active", "type": "Trial"}
    )
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        told = one.play(TWILIO.check(one.asking()))
    assert [finding.level for finding in told.result] == ["ok", "warning"]
