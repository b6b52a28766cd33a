"""Amazon's ways: how requests are signed, how SNS signs, where its certificates come from, what SES tells by it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer

from connectors.parts.senders import sns, sns_keys
from engine.contracts import Delivery, HttpRequest, Reading, Receipt, Refused, Unanswered, Unreadable, Verified
from engine.io.signers import aws4
from tests.channels.mails import MESSAGE, SETTINGS, TOLD, channel, posted, prepared
from tests.connectors.playing import NOW, player

SES = channel("ses")
TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:todoke"
HOST = "https://sns.ap-northeast-1.amazonaws.com"
NAME = "SimpleNotificationService-0a0b0c.pem"
KEYS = {"access_key_id": "ANACCESSKEYOFTESTS", "secret_access_key": "k3y/of+tests", "region": "ap-northeast-1"}


@pytest.mark.parametrize(("method", "path", "body", "content_type", "token"), [
    ("POST", "/v2/email/outbound-emails", b'{"a":"\xe9\xab\x99"}', "application/json", ""),
    ("POST", "/v2/email/outbound-emails", b"", "application/json", "a session token"),
    ("GET", "/v2/email/account", b"", "", ""),
    ("GET", "/v2/email/identities/a%40b.example?PageSize=1&NextToken=a%20b%2B", b"", "", ""),
])  # fmt: skip
def test_a_request_is_signed_as_botocore_signs_it(monkeypatch, method, path, body, content_type, token):
    url = f"https://email.ap-northeast-1.amazonaws.com{path}"
    headers = {"content-type": content_type} if content_type else {}
    at = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    ours = aws4(
        HttpRequest(url=url, method=method, headers=headers, body=body), httpx.URL(url),
        {**KEYS, "session_token": token}, at, "ses",
    )  # fmt: skip
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at.replace(tzinfo=None), raising=False)
    theirs = AWSRequest(method=method, url=url, headers=headers, data=body)
    credentials = Credentials(KEYS["access_key_id"], KEYS["secret_access_key"], token or None)
    SigV4Auth(credentials, "ses", KEYS["region"]).add_auth(theirs)
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"] == "20261122T010203Z"
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token", "") == token


def test_the_body_is_one_that_botocore_would_send():
    operation = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail")
    for changes in ({}, {"unsubscribe_url": None, "references": None, "reply_to": None, "sender_name": None}):
        body = json.loads(prepared("ses", changes).body)
        report = ParamValidator().validate(body, operation.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert _unknown(operation.input_shape, body) == []
    assert operation.http["requestUri"] == "/v2/email/outbound-emails"
    assert operation.http["method"] == "POST"


def _unknown(shape: Any, value: Any) -> list[str]:
    match shape.type_name:
        case "structure":
            strange = [name for name in value if name not in shape.members]
            return strange + [
                one for name in value if name not in strange for one in _unknown(shape.members[name], value[name])
            ]
        case "list":
            return [one for part in value for one in _unknown(shape.member, part)]
    return []


def test_every_error_that_botocore_knows_of_sending_has_a_scope():
    operation = botocore.session.get_session().get_service_model("sesv2").operation_model("SendEmail")
    known = {one.name for one in operation.error_shapes}
    assert known
    ours = set(" ".join(names for *_, names in _kinds()).split()) | {"BadRequestException", "MessageRejected"}
    assert known <= ours


def _kinds() -> Any:
    from connectors.channels.ses import send

    return send._KINDS


def test_a_name_travels_in_encoded_words():
    body = json.loads(prepared("ses", {"sender_name": "長い名前の店" * 20}).body)
    name, _, rest = body["FromEmailAddress"].rpartition(" ")
    assert rest == "<shop@hanaya.example>"
    assert all(word.startswith("=?utf-8?b?") and len(word) <= 75 for word in name.split(" "))


def certificate(key: Any, *, days: int = 36_500) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=400)).not_valid_after(NOW + timedelta(days=days))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = certificate(KEY)
KNOWN = json.dumps({NAME: PEM})


def from_sns(message: object, kind: str = "Notification", *, version: str = "2", **changes: object) -> Delivery:
    """As SNS signs it: names and values of some fields, a line each."""
    told: dict[str, Any] = {
        "Type": kind, "MessageId": "22b80b92-fdea", "TopicArn": TOPIC, "Timestamp": "2026-11-24T12:00:00.000Z",
        "Message": message if isinstance(message, str) else json.dumps(message), "SignatureVersion": version,
        "SigningCertURL": f"{HOST}/{NAME}",
    }  # fmt: skip
    if kind != "Notification":
        told |= {"Token": "2336412f37fb", "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription"}
    forged = changes.pop("forged", {})
    told |= changes
    signed = {
        "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    }.get(kind, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"))
    text = "".join(f"{name}\n{told[name]}\n" for name in signed if name in told)
    made = KEY.sign(text.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
    told["Signature"] = base64.b64encode(made).decode()
    return posted({**told, **forged}, topic_arn=TOPIC)


def verdict(delivery: Delivery, *secrets: str) -> Verified | Refused:
    return SES.feedback.verify(delivery, secrets or (KNOWN,), NOW)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_both_signatures_of_sns_are_known(version, kind):
    assert verdict(from_sns({}, kind, version=version)) == Verified(key="22b80b92-fdea", topic=kind)
    assert isinstance(verdict(from_sns({}, kind, version=version, forged={"Message": "{ }"})), Refused)


def test_a_subject_is_signed_too():
    assert isinstance(verdict(from_sns({}, Subject="Amazon SES Email Event Notification")), Verified)
    assert isinstance(verdict(from_sns({}, forged={"Subject": "put in"})), Refused)


@pytest.mark.parametrize("url", [
    f"http://sns.ap-northeast-1.amazonaws.com/{NAME}",
    f"https://sns.ap-northeast-1.amazonaws.com.evil.example/{NAME}",
    f"https://evil.example/{NAME}",
    f"https://evil.example/sns.ap-northeast-1.amazonaws.com/{NAME}",
    f"https://sns.ap-northeast-1.amazonaws.com@evil.example/{NAME}",
    f"https://sns.ap-northeast-1.amazonaws.com:444/{NAME}",
    f"https://sns.us-east-1.amazonaws.com/{NAME}",
    f"https://sns.ap-northeast-1.amazonaws.com/{NAME}?x=.pem",
    "https://sns.ap-northeast-1.amazonaws.com/SimpleNotificationService-/../x.pem",
    "https://bucket.s3.amazonaws.com/SimpleNotificationService-0a.pem",
    "", None, 7,
])  # fmt: skip
def test_a_certificate_comes_from_amazons_own_host_or_not_at_all(url):
    answer = verdict(from_sns({}, SigningCertURL=url))
    assert isinstance(answer, Refused)
    assert not answer.stale


def test_a_certificate_that_is_not_known_yet_is_asked_for():
    answer = verdict(from_sns({}), "{}")
    assert answer == Refused(reason=answer.reason, stale=True, ask=f"certificate/{NAME}")
    assert SES.feedback.verify(from_sns({}), (), NOW) == answer


def test_nothing_is_asked_for_another_topic():
    for delivery in (from_sns({}, TopicArn=TOPIC + "2"), from_sns({}, forged={"TopicArn": TOPIC + "2"})):
        answer = verdict(delivery, "{}")
        assert isinstance(answer, Refused)
        assert not answer.stale
    bare = Delivery(body=from_sns({}).body, headers={}, received_at=NOW)
    assert "topic_arn" in verdict(bare).reason


def test_a_certificate_that_has_run_out_or_holds_another_kind_of_key_proves_nothing():
    over = json.dumps({NAME: certificate(KEY, days=-1)})
    elliptic = json.dumps({NAME: certificate(ec.generate_private_key(ec.SECP256R1()))})
    for secret in (over, elliptic, json.dumps({NAME: "no certificate"}), json.dumps({NAME: PEM.replace("A", "B")})):
        assert isinstance(verdict(from_sns({}), secret), Refused)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b"{}", b'{"TopicArn":' + json.dumps(TOPIC).encode() + b"}"]
)
def test_what_is_not_from_sns_is_refused(body):
    assert isinstance(verdict(posted(body, topic_arn=TOPIC)), Refused)
    for changes in ({"SignatureVersion": "3"}, {"Type": "Other"}, {"Signature": "?"}, {"Signature": None}):
        assert isinstance(verdict(from_sns({}, forged=changes)), Refused)


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, str]:
    return {**SETTINGS["ses"], "topic_arn": TOPIC, "sns_url": httpserver.url_for("/").rstrip("/")}


def test_certificates_are_fetched_and_the_newest_kept(httpserver: HTTPServer, settings):
    httpserver.expect_ordered_request(f"/{NAME}", method="GET").respond_with_data(PEM)
    httpserver.expect_ordered_request("/SimpleNotificationService-1.pem").respond_with_data(PEM)
    with player(
        {**settings, "sns_certificates": json.dumps({f"SimpleNotificationService-{n}.pem": "old" for n in range(9)})}
    ) as one:
        one.play(SES.api.fetch(one.asking(), f"certificate/{NAME}"))
        one.play(SES.api.fetch(one.asking(), "certificate/SimpleNotificationService-1.pem"))
        kept = sns.known(one.settings["sns_certificates"])
    assert list(kept)[:2] == ["SimpleNotificationService-1.pem", NAME]
    assert len(kept) == sns_keys.KEPT
    assert isinstance(verdict(from_sns({}), json.dumps(kept)), Verified)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_certificate_that_is_not_there_is_forgotten(httpserver: HTTPServer, settings, status):
    httpserver.expect_request(f"/{NAME}").respond_with_data("", status)
    with player(settings) as one:
        assert one.play(SES.api.fetch(one.asking(), f"certificate/{NAME}")).secrets == {}


@pytest.mark.parametrize(("status", "body"), [(500, ""), (200, "<html>"), (200, "x" * 50_000)])
def test_what_is_no_certificate_is_not_kept(httpserver: HTTPServer, settings, status, body):
    httpserver.expect_request(f"/{NAME}").respond_with_data(body, status)
    with player(settings) as one, pytest.raises(Unanswered):
        one.play(SES.api.fetch(one.asking(), f"certificate/{NAME}"))
    assert "sns_certificates" not in one.settings


def test_nothing_else_is_ever_fetched(settings):
    with player(settings) as one:
        for ref in ("certificate/../x", "certificate/https://evil.example/x.pem", "other/x", "", "certificate/"):
            assert one.play(SES.api.fetch(one.asking(), ref)).asked == []


def test_a_subscription_of_our_topic_is_confirmed(httpserver: HTTPServer, settings):
    reading = SES.feedback.read(from_sns("You have chosen to subscribe", "SubscriptionConfirmation"))
    assert reading == Reading(fetch=("confirm/2336412f37fb",))
    query = {"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "2336412f37fb", "Version": "2010-03-31"}
    httpserver.expect_request("/", method="GET", query_string=query).respond_with_data("<ConfirmSubscriptionResponse/>")
    with player(settings) as one:
        told = one.play(SES.api.fetch(one.asking(), *reading.fetch))
    assert len(told.asked) == 1
    assert len(httpserver.log) == 1
    assert httpserver.log[0][1].status_code == 200


def test_a_subscription_of_another_topic_or_with_a_strange_token_is_not():
    for changes in ({"TopicArn": TOPIC + "2"}, {"Token": "a&TopicArn=other"}, {"Token": ""}):
        reading = SES.feedback.read(from_sns("", "SubscriptionConfirmation", **changes))
        assert not reading.fetch
        assert reading.ignored
    assert SES.feedback.read(from_sns("", "UnsubscribeConfirmation")).ignored


SENT = "2026-11-24T12:00:00.000Z"
AT = datetime(2026, 11, 24, 12, 1, 2, 300000, tzinfo=UTC)
MAIL = {"timestamp": SENT, "messageId": "0106-a", "tags": {
    "message": [MESSAGE], "merchant": ["hanaya"], "ses:configuration-set": ["todoke"],
}}  # fmt: skip


def told(kind: str, part: object = None, mail: object = None, **more: object) -> Reading:
    name = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return SES.feedback.read(from_sns({"eventType": kind, "mail": mail or MAIL, name: part or {}, **more}))


def bounce(kind: str, sub: str, status: str = "5.1.1", text: str = "smtp; 550 5.1.1 user unknown") -> dict[str, object]:
    return {
        "bounceType": kind, "bounceSubType": sub, "timestamp": "2026-11-24T12:01:02.300Z",
        "bouncedRecipients": [{"emailAddress": "h@x.jp", "action": "failed", "status": status, "diagnosticCode": text}],
    }  # fmt: skip


STAMP = {"timestamp": "2026-11-24T12:01:02.300Z"}
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(("kind", "part", "status", "machine"), [
    ("Send", {}, "sent", False),
    ("Delivery", {**STAMP, "smtpResponse": "250 ok"}, "delivered", False),
    ("DeliveryDelay", {**STAMP, "delayType": "MailboxFull"}, "deferred", False),
    ("Bounce", bounce("Permanent", "NoEmail"), "bounced", False),
    ("Bounce", bounce("Permanent", "General"), "bounced", False),
    ("Bounce", bounce("Permanent", "OnAccountSuppressionList", "", ""), "bounced", False),
    ("Bounce", bounce("Permanent", "UnsubscribedRecipient", "", ""), "undelivered", False),
    ("Bounce", bounce("Permanent", "General", "5.7.26", "550 5.7.26 unauthenticated"), "undelivered", False),
    ("Bounce", bounce("Transient", "MailboxFull", "5.2.2", "full"), "undelivered", False),
    ("Bounce", bounce("Undetermined", "Undetermined", "", ""), "undelivered", False),
    ("Bounce", bounce("Newfangled", "?", "", ""), "undelivered", False),
    ("Complaint", {**STAMP, "complaintFeedbackType": "abuse"}, "complained", False),
    ("Complaint", {**STAMP, "complaintSubType": "OnAccountSuppressionList"}, "undelivered", False),
    ("Subscription", {**STAMP, "source": "UnsubscribeHeader"}, "unsubscribed", False),
    ("Reject", {"reason": "Bad content"}, "undelivered", False),
    ("Rendering Failure", {"errorMessage": "x", "templateName": "y"}, "undelivered", False),
    ("Open", {**STAMP, "userAgent": BROWSER}, "opened", False),
    ("Open", {**STAMP, "userAgent": "Mozilla/5.0"}, "opened", True),
    ("Open", {"timestamp": "2026-11-24T12:00:01.000Z", "userAgent": BROWSER}, "opened", False),
    ("Click", {**STAMP, "userAgent": BROWSER, "link": "https://x.jp"}, "clicked", False),
    ("Click", {"timestamp": "2026-11-24T12:00:02.000Z", "userAgent": BROWSER}, "clicked", True),
])  # fmt: skip
def test_what_ses_tells(kind, part, status, machine):
    (receipt,) = told(kind, part).receipts
    at = datetime.fromisoformat(part.get("timestamp", SENT))
    assert (receipt.message, receipt.merchant) == (TOLD["message"], TOLD["merchant"])
    assert (receipt.status, receipt.as_of, receipt.machine) == (status, at, machine)


@pytest.mark.parametrize(("part", "soft"), [
    (bounce("Transient", "MailboxFull", "", ""), True), (bounce("Transient", "General", "", ""), False),
    (bounce("Transient", "General", "4.4.7", "expired"), True), (bounce("Transient", "ContentRejected", "", ""), False),
    (bounce("Permanent", "General", "5.2.2", "full"), True), (bounce("Permanent", "NoEmail", "5.1.1", "no"), False),
])  # fmt: skip
def test_a_full_mailbox_counts_against_the_address(part, soft):
    (receipt,) = told("Bounce", part).receipts
    assert receipt.soft is soft


def test_a_bounce_says_why_without_the_address():
    text = "smtp; 550 5.1.1 <hanako@docomo.ne.jp>: unknown"
    assert told("Bounce", bounce("Permanent", "NoEmail", text=text)).receipts == (Receipt(
        message=MESSAGE, merchant="hanaya", as_of=AT, status="bounced", code="5.1.1",
        detail="smtp; 550 5.1.1 <address>: unknown",
    ),)  # fmt: skip


def test_feedback_of_an_identity_has_our_id_among_the_headers():
    mail = {"timestamp": SENT, "headers": [{"name": "X-Todoke-Message", "value": MESSAGE}]}
    said = from_sns({"notificationType": "Delivery", "mail": mail, "delivery": STAMP})
    (receipt,) = SES.feedback.read(said).receipts
    assert (receipt.message, receipt.merchant, receipt.status) == (MESSAGE, None, "delivered")


def test_what_tells_nothing_of_a_message_of_ours_is_ignored():
    assert told("Delivery", STAMP, {"timestamp": SENT, "tags": {"other": ["x"]}}).ignored
    assert told("Complaint", {**STAMP, "complaintFeedbackType": "not-spam"}).ignored
    assert told("Newfangled").unmapped == ("newfangled",)
    assert SES.feedback.read(from_sns("Successfully validated SNS topic for Amazon SES event publishing.")).ignored
    with pytest.raises(Unreadable):
        SES.feedback.read(from_sns('{"eventType":'))
    for odd in (None, [], "x", 7):
        assert SES.feedback.read(from_sns({"eventType": "Bounce", "mail": odd, "bounce": odd})).ignored


def test_a_check_tells_what_is_missing(httpserver: HTTPServer, settings):
    httpserver.expect_request("/v2/email/account").respond_with_json({
        "SendingEnabled": True, "ProductionAccessEnabled": False,
        "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 190.0},
    })  # fmt: skip
    with player({**settings, "url": httpserver.url_for("")}) as one:
        found = one.play(SES.check(one.asking())).result
    assert [finding.level for finding in found] == ["error", "ok", "warning", "warning"]
    assert httpserver.log[0][0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
