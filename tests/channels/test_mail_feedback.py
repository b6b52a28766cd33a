"""What Resend, SendGrid, Postmark and Mailgun post about mails: who is believed, and what it means."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import receipt
from engine.contracts import Delivery, Reading, Receipt, Refused, Unreadable, Verified
from tests.channels.mails import MESSAGE, TOLD, channel, posted
from tests.connectors.playing import NOW

RESEND, SENDGRID, POSTMARK, MAILGUN = (
    channel(name).feedback for name in ("resend", "sendgrid", "postmark", "mailgun")
)  # fmt: skip
ALL = (RESEND, SENDGRID, POSTMARK, MAILGUN)
AT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
ISO, UNIX = "2026-11-24T11:00:00.000Z", int(AT.timestamp())
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def meant(reading: Reading) -> list[tuple[str, bool]]:
    for one in reading.receipts:
        assert (one.message, one.merchant, one.as_of) == (TOLD["message"], TOLD["merchant"], AT)
    return [(one.status, one.machine) for one in reading.receipts]


# Resend

RAW = base64.b64encode(bytes(range(32))).decode()


def svix(body: bytes, *, secret: str = RAW, at: datetime = NOW, names: str = "svix") -> Delivery:
    stamp = str(int(at.timestamp()))
    made = hmac.digest(base64.b64decode(secret), b"msg_1." + stamp.encode() + b"." + body, "sha256")
    headers = {"id": "msg_1", "timestamp": stamp, "signature": f"v1,{base64.b64encode(made).decode()} v1,AAAA"}
    return posted(body, {f"{names}-{name}": value for name, value in headers.items()})


def test_resend_is_known_by_svix():
    assert RESEND.verify(svix(b"{}"), ["AAAA", f"whsec_{RAW}"], NOW) == Verified(key="msg_1")
    assert RESEND.verify(svix(b"{}", names="webhook"), [RAW], NOW) == Verified(key="msg_1")
    assert RESEND.identify(svix(b"{}")) == Verified(key="msg_1")
    other = base64.b64encode(b"x" * 32).decode()
    for delivery, secrets in (
        (svix(b"{}", secret=other), [RAW]), (svix(b"{}", at=NOW - timedelta(minutes=6)), [RAW]), (svix(b"{}"), []),
        (posted(b"{}"), [RAW]), (Delivery(body=b"{ }", headers=svix(b"{}").headers, received_at=NOW), [RAW]),
    ):  # fmt: skip
        assert isinstance(RESEND.verify(delivery, secrets, NOW), Refused)


def resend(kind: str, **data: Any) -> Reading:
    told = {"email_id": "e_1", "created_at": "2026-11-24 10:59:00+00", "tags": TOLD, **data}
    return RESEND.read(posted({"type": kind, "created_at": ISO, "data": told}))


@pytest.mark.parametrize(("kind", "data", "status", "by_machine"), [
    ("email.sent", {}, "sent", False),
    ("email.scheduled", {}, "sent", False),
    ("email.delivered", {}, "delivered", False),
    ("email.delivery_delayed", {}, "deferred", False),
    ("email.complained", {}, "complained", False),
    ("email.opened", {}, "opened", False),
    ("email.opened", {"open": {"userAgent": GMAIL}}, "opened", True),
    ("email.clicked", {"click": {"userAgent": BROWSER, "link": "https://x.jp"}}, "clicked", False),
    ("email.clicked", {"click": {"userAgent": "BarracudaCentral/1.0"}}, "clicked", True),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "NoEmail", "message": "gone"}}, "bounced", False),
    ("email.bounced", {"bounce": {"type": "Permanent", "subType": "General", "diagnosticCode": ["550 5.7.1 no"]}},
     "undelivered", False),
    ("email.bounced", {"bounce": {"type": "Transient", "subType": "MailboxFull"}}, "undelivered", False),
    ("email.bounced", {"bounce": {"type": "Undetermined"}}, "undelivered", False),
    ("email.bounced", {}, "undelivered", False),
    ("email.failed", {"failed": {"reason": "reached_daily_quota"}}, "undelivered", False),
    ("email.suppressed", {"suppressed": {"type": "OnAccountSuppressionList", "message": "x"}}, "undelivered", False),
    ("email.delivered", {"tags": [{"name": name, "value": value} for name, value in TOLD.items()]}, "delivered", False),
])  # fmt: skip
def test_what_resend_tells(kind, data, status, by_machine):
    assert meant(resend(kind, **data)) == [(status, by_machine)]


def test_what_resend_tells_of_others_is_ignored():
    for reading in (resend("contact.created"), resend("email.received"), resend("email.delivered", tags={})):
        assert reading.ignored
        assert not reading.unmapped
    assert resend("email.evaporated").unmapped == ("evaporated",)


# SendGrid

SIGNING = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    SIGNING.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()  # fmt: skip
STAMP = "1795518000"


def signed(body: bytes, key: ec.EllipticCurvePrivateKey = SIGNING) -> Delivery:
    made = base64.b64encode(key.sign(STAMP.encode() + body, ec.ECDSA(SHA256()))).decode()
    names = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")
    return posted(body, dict(zip(names, (made, STAMP), strict=True)))


def test_sendgrid_is_known_by_its_key():
    body = b'[{"sg_event_id":"a"},{"sg_event_id":"b"}]\r\n'
    assert SENDGRID.verify(signed(body), ["AAAA", PUBLIC], NOW) == Verified(key="a b")
    other = ec.generate_private_key(ec.SECP256R1())
    for delivery, secrets in (
        (signed(body, other), [PUBLIC]), (signed(body), []), (signed(body), ["AAAA"]), (posted(body), [PUBLIC]),
        (Delivery(body=body.strip(), headers=signed(body).headers, received_at=NOW), [PUBLIC]),
        (posted(body, {**signed(body).headers, "x-twilio-email-event-webhook-timestamp": "1795518001"}), [PUBLIC]),
        (posted(body, {**signed(body).headers, "x-twilio-email-event-webhook-signature": "?"}), [PUBLIC]),
    ):  # fmt: skip
        assert isinstance(SENDGRID.verify(delivery, secrets, NOW), Refused)


def sendgrid(kind: str, **more: Any) -> Reading:
    return SENDGRID.read(posted([{"event": kind, "timestamp": UNIX, "email": "h@x.jp", **TOLD, **more}]))


@pytest.mark.parametrize(("kind", "more", "status", "by_machine"), [
    ("processed", {}, "sent", False),
    ("delivered", {"response": "250 OK"}, "delivered", False),
    ("deferred", {"response": "451 try later", "attempt": "5"}, "deferred", False),
    ("bounce", {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown"}, "bounced", False),
    ("bounce", {"type": "bounce", "status": "5.0.0", "reason": "550 5.7.26 unauthenticated"}, "undelivered", False),
    ("bounce", {"type": "bounce", "status": "5.7.1", "reason": "550 5.7.1 policy"}, "undelivered", False),
    ("bounce", {"type": "blocked", "status": "5.7.1", "reason": "blocked"}, "undelivered", False),
    ("bounce", {"status": "5.1.1"}, "bounced", False),
    ("bounce", {"status": "5.0.0"}, "undelivered", False),
    ("bounce", {"type": "newfangled"}, "undelivered", False),
    ("dropped", {"reason": "Bounced Address"}, "bounced", False),
    ("dropped", {"reason": "Invalid"}, "bounced", False),
    ("dropped", {"reason": "Unsubscribed Address"}, "undelivered", False),
    ("dropped", {"reason": "Spam Reporting Address"}, "undelivered", False),
    ("dropped", {"reason": "Recipient List over Package Quota"}, "undelivered", False),
    ("open", {"useragent": BROWSER}, "opened", False),
    ("open", {"useragent": BROWSER, "sg_machine_open": True}, "opened", True),
    ("open", {"useragent": GMAIL, "sg_machine_open": False}, "opened", True),
    ("click", {"useragent": BROWSER, "url": "https://x.jp"}, "clicked", False),
    ("spamreport", {}, "complained", False),
    ("unsubscribe", {}, "unsubscribed", False),
    ("group_unsubscribe", {"asm_group_id": 1}, "unsubscribed", False),
])  # fmt: skip
def test_what_sendgrid_tells(kind, more, status, by_machine):
    assert meant(sendgrid(kind, **more)) == [(status, by_machine)]


def test_many_events_of_sendgrid_come_at_once():
    events = [
        {"event": "processed", "timestamp": UNIX, **TOLD},
        {"event": "delivered", "timestamp": UNIX, **TOLD},
        {"event": "delivered", "timestamp": UNIX},
        {"event": "group_resubscribe", "timestamp": UNIX, **TOLD},
        7,
    ]
    reading = SENDGRID.read(posted(events))
    assert meant(reading) == [("sent", False), ("delivered", False)]
    assert reading.ignored is None
    assert SENDGRID.read(posted([])).ignored == "no events"
    assert sendgrid("newfangled").unmapped == ("newfangled",)


# Postmark


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def test_postmark_is_known_by_what_it_knows():
    body = {"RecordType": "Delivery", "MessageID": "883953f4", "DeliveredAt": ISO}
    secrets = ["old", "todoke:pass:word"]
    one = POSTMARK.verify(posted(body, basic("todoke:pass:word")), secrets, NOW)
    assert isinstance(one, Verified)
    assert POSTMARK.verify(posted(body, basic("anybody:old")), secrets, NOW) == one
    assert POSTMARK.verify(posted(body, url="https://t.example/in/c?token=old"), secrets, NOW) == one
    assert one.key
    assert one.key != POSTMARK.identify(posted({**body, "DeliveredAt": "2026-11-24T11:00:01Z"})).key
    for headers, url in (
        (basic("todoke:wrong"), ""), (basic("todoke"), ""), ({"authorization": "Basic ?"}, ""), ({}, ""),
        ({}, "https://t.example/in/c?token=wrong"), (basic("todoke:wrong"), "https://t.example/in/c?token=old"),
    ):  # fmt: skip
        assert isinstance(POSTMARK.verify(posted(body, headers, url), secrets, NOW), Refused)
    assert isinstance(POSTMARK.verify(posted(body, basic(":")), [""], NOW), Refused)


def postmark(kind: str, time: str = "ReceivedAt", **more: Any) -> Reading:
    return POSTMARK.read(posted({"RecordType": kind, "MessageID": "883953f4", time: ISO, "Metadata": TOLD, **more}))


@pytest.mark.parametrize(("kind", "more", "status", "by_machine"), [
    ("Delivery", {"Details": "250 ok"}, "delivered", False),
    ("Open", {"UserAgent": BROWSER}, "opened", False),
    ("Open", {"UserAgent": "Mozilla/5.0"}, "opened", True),
    ("Click", {"UserAgent": BROWSER, "OriginalLink": "https://x.jp"}, "clicked", False),
    ("SpamComplaint", {"Type": "SpamComplaint"}, "complained", False),
    ("Bounce", {"Type": "HardBounce", "TypeCode": 1, "Details": "smtp;550 5.1.1 unknown"}, "bounced", False),
    ("Bounce", {"Type": "BadEmailAddress"}, "bounced", False),
    ("Bounce", {"Type": "HardBounce", "Details": "550 5.7.1 our policy"}, "undelivered", False),
    ("Bounce", {"Type": "Transient"}, "deferred", False),
    ("Bounce", {"Type": "DnsError"}, "deferred", False),
    ("Bounce", {"Type": "SoftBounce"}, "undelivered", False),
    ("Bounce", {"Type": "Blocked"}, "undelivered", False),
    ("Bounce", {"Type": "DMARCPolicy"}, "undelivered", False),
    ("Bounce", {"Type": "SpamNotification"}, "complained", False),
    ("Bounce", {"Type": "AutoResponder"}, "delivered", False),
    ("Bounce", {"Type": "Newfangled"}, "undelivered", False),
    ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "ManualSuppression"}, "unsubscribed", False),
    ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "HardBounce"}, "bounced", False),
    ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "SpamComplaint"}, "complained", False),
])  # fmt: skip
def test_what_postmark_tells(kind, more, status, by_machine):
    times = {"Bounce": "BouncedAt", "Delivery": "DeliveredAt", "SubscriptionChange": "ChangedAt"}
    assert meant(postmark(kind, times.get(kind, "ReceivedAt"), **more)) == [(status, by_machine)]


def test_what_postmark_tells_of_others_is_ignored():
    for reading in (
        postmark("SubscriptionChange", "ChangedAt", SuppressSending=False, SuppressionReason=None),
        postmark("Inbound"), postmark("Delivery", "DeliveredAt", Metadata={}), postmark("Delivery", "other"),
    ):  # fmt: skip
        assert reading.ignored
        assert not reading.unmapped
    assert postmark("Newfangled").unmapped == ("newfangled",)


# Mailgun


def mailgun(kind: str, **more: Any) -> dict[str, Any]:
    return {"event-data": {"event": kind, "timestamp": UNIX, "user-variables": TOLD, **more}}


def signature(key: str = "a signing key", at: datetime = NOW, token: str = "t0k3n") -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    made = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": made}


def test_mailgun_is_known_by_its_signature_and_a_replay_by_its_token():
    verify, secrets = MAILGUN.verify, ["old", "a signing key"]

    def told(**changes: Any) -> Delivery:
        return posted({**mailgun("delivered"), "signature": signature(**changes)})

    assert verify(told(), secrets, NOW) == Verified(key="t0k3n", topic="delivered")
    forged = posted({**mailgun("failed"), "signature": signature()})
    assert verify(forged, secrets, NOW).key == "t0k3n", "the body is not covered: the inbox knows the token again"
    assert isinstance(verify(told(at=NOW - timedelta(hours=8)), secrets, NOW), Verified)
    for delivery in (
        told(key="other"), told(at=NOW - timedelta(hours=25)), told(at=NOW + timedelta(hours=1)), posted(b"[]"),
        posted(b"event=delivered"), posted(mailgun("delivered")), posted({"signature": {**signature(), "token": ""}}),
        posted({"signature": {**signature(), "timestamp": "soon"}}), posted({"signature": {**signature(), "token": 7}}),
    ):  # fmt: skip
        assert isinstance(verify(delivery, secrets, NOW), Refused)
    assert isinstance(verify(told(), [], NOW), Refused)


@pytest.mark.parametrize(("kind", "more", "status", "by_machine"), [
    ("accepted", {}, "sent", False),
    ("delivered", {"delivery-status": {"code": 250, "message": "OK"}}, "delivered", False),
    ("failed", {"severity": "permanent", "reason": "bounce", "delivery-status": {
        "code": 550, "enhanced-code": "5.1.1", "message": "5.1.1 unknown"}}, "bounced", False),
    ("failed", {"severity": "permanent", "reason": "suppress-bounce", "delivery-status": {"code": 605}},
     "bounced", False),
    ("failed", {"severity": "permanent", "reason": "generic", "delivery-status": {
        "code": 550, "message": "550 5.7.1 policy"}}, "undelivered", False),
    ("failed", {"severity": "permanent", "reason": "suppress-unsubscribe"}, "undelivered", False),
    ("failed", {"severity": "permanent", "reason": "old"}, "undelivered", False),
    ("failed", {"severity": "temporary", "reason": "generic"}, "deferred", False),
    ("failed", {}, "undelivered", False),
    ("rejected", {"reject": {"reason": "Sandbox"}}, "undelivered", False),
    ("opened", {"client-info": {"user-agent": BROWSER, "bot": ""}}, "opened", False),
    ("opened", {"client-info": {"user-agent": BROWSER, "bot": "apple"}}, "opened", True),
    ("opened", {"client-info": {"user-agent": GMAIL}}, "opened", True),
    ("clicked", {"client-info": {"user-agent": BROWSER}}, "clicked", False),
    ("complained", {}, "complained", False),
    ("unsubscribed", {}, "unsubscribed", False),
])  # fmt: skip
def test_what_mailgun_tells(kind, more, status, by_machine):
    assert meant(MAILGUN.read(posted(mailgun(kind, **more)))) == [(status, by_machine)]


def test_mailgun_tells_parts_of_a_second():
    (one,) = MAILGUN.read(posted(mailgun("delivered", timestamp=UNIX + 0.25))).receipts
    assert one.as_of == AT + timedelta(seconds=0.25)


# all of them


@pytest.mark.parametrize("feedback", ALL)
@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'"x"', b"7", b"[[[" * 50])
def test_what_cannot_be_read_says_so(feedback, body):
    with pytest.raises(Unreadable):
        feedback.read(posted(body))
    feedback.identify(posted(body))


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], {"type": {}}])
def test_odd_values_are_no_receipts(odd):
    for reading in (
        resend("email.bounced", bounce=odd, tags=odd), RESEND.read(posted({"type": odd, "data": odd})),
        sendgrid("bounce", type=odd, status=odd, reason=odd, message=""), SENDGRID.read(posted([{"event": odd}])),
        postmark("Bounce", Type=odd, Metadata=odd), POSTMARK.read(posted({"RecordType": odd})),
        MAILGUN.read(posted({"event-data": odd})),
        MAILGUN.read(posted(mailgun("failed", severity=odd, reason=odd, **{"user-variables": odd}))),
    ):  # fmt: skip
        assert not reading.receipts
        assert reading.ignored


def test_a_receipt_names_no_address_and_only_what_can_be_ours():
    one = receipt(TOLD, "delivered", AT, code="a@b.example", detail="to a@b.example")
    assert one == Receipt(message=MESSAGE, merchant="hanaya", as_of=AT, status="delivered", code="<address>",
                          detail="to <address>")  # fmt: skip
    assert receipt({"message": "m_1\n"}, "delivered", AT) == receipt({"message": "m_1"}, "delivered", AT)
    for told in ({}, {"message": "m 1"}, {"message": "x" * 81}, {"message": ["m_1"]}, {"message": None}):
        assert receipt(told, "delivered", AT) is None
    assert receipt(TOLD, "delivered", None) is None
    assert receipt(TOLD, "evaporated", AT) is None
    odd = receipt({**TOLD, "merchant": "a/b"}, "delivered", AT)
    assert odd is not None
    assert odd.merchant is None


@pytest.mark.parametrize(("agent", "expected"), [
    ("Mozilla/5.0", True), (" mozilla/5.0 ", True), (BROWSER, False), (GMAIL, True), ("YahooMailProxy; x", True),
    ("python-requests/2.32", True), ("", False), (None, False), (7, False),
    ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", False),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
     "Safari/537.36 Edge/12.246 Mozilla/5.0", True),
])  # fmt: skip
def test_machines_are_known_by_a_table(agent, expected):
    assert machine(agent) is expected
    assert machine(agent, after=timedelta(seconds=2))
    assert machine(agent, after=timedelta(minutes=2)) is expected


# What may pass: the address is counted against, and given up only after several in a row.


def of_postmark(kind: str, details: str = "") -> Reading:
    return POSTMARK.read(posted({
        "RecordType": "Bounce", "MessageID": "x", "Type": kind, "Details": details, "BouncedAt": ISO, "Metadata": TOLD,
    }))  # fmt: skip


def of_mailgun(severity: str, reason: str, code: str = "") -> Reading:
    return MAILGUN.read(posted({"event-data": {
        "event": "failed", "severity": severity, "reason": reason, "timestamp": UNIX, "user-variables": TOLD,
        "delivery-status": {"enhanced-code": code, "message": "x"},
    }}))  # fmt: skip


def bounced(kind: str, subtype: str = "", reply: str = "") -> Reading:
    return resend(
        "email.bounced", bounce={"type": kind, "subType": subtype, "diagnosticCode": [reply] if reply else []}
    )


@pytest.mark.parametrize(("reading", "status", "soft"), [
    (bounced("Transient", "MailboxFull"), "undelivered", True),
    (bounced("Transient", "General"), "undelivered", False),  # out of office, too
    (bounced("Transient", "General", "smtp; 452 4.2.2 full"), "undelivered", True),
    (bounced("Transient", "MailboxFull", "smtp; 421 4.7.0 too many from your address"), "undelivered", False),
    (bounced("Permanent", "General", "smtp; 552 5.2.2 over quota"), "undelivered", True),
    (bounced("Permanent", "General", "smtp; 550 5.7.1 policy"), "undelivered", False),
    (bounced("Permanent", "NoEmail", "smtp; 550 5.1.1 unknown"), "bounced", False),
    (resend("email.failed", failed={"reason": "reached_daily_quota"}), "undelivered", False),
    (sendgrid("bounce", type="blocked", status="4.2.2", reason="452 4.2.2 full"), "undelivered", True),
    (sendgrid("bounce", type="blocked", status="5.7.1", reason="550 5.7.1 blocked"), "undelivered", False),
    (sendgrid("bounce", type="blocked", status="", reason="rejected"), "undelivered", False),
    (sendgrid("bounce", type="bounce", status="5.2.2", reason="552 5.2.2 full"), "undelivered", True),
    (sendgrid("bounce", type="blocked", status="4.4.1", reason="no answer from host"), "undelivered", True),
    (sendgrid("bounce", type="blocked", status="4.4.3", reason="our own name server"), "undelivered", False),
    (of_postmark("SoftBounce"), "undelivered", True),
    (of_postmark("SoftBounce", "smtp;451 4.7.650 The mail server has been temporarily rate limited"), "undelivered",
     False),
    (of_postmark("Blocked"), "undelivered", False),
    (of_postmark("DMARCPolicy"), "undelivered", False),
    (of_mailgun("permanent", "old"), "undelivered", True),
    (of_mailgun("permanent", "old", "4.7.28"), "undelivered", False),
    (of_mailgun("permanent", "suppress-complaint"), "undelivered", False),
    (of_mailgun("temporary", "generic", "4.2.2"), "deferred", False),  # it goes on trying
])  # fmt: skip
def test_what_may_pass_is_told_from_what_is_about_us(reading, status, soft):
    (one,) = reading.receipts
    assert (one.status, one.soft) == (status, soft)
