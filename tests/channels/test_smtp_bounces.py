"""What mails about our mails mean: reports, complaints, carriers' own words; and what signs and addresses ours."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

import connectors.channels.smtp
from connectors.channels.smtp import CHANNEL, feedback
from connectors.channels.smtp.dkim import BadKey
from connectors.parts.sending.address import BadAddress
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified
from engine.io.smtp_session import commands_of
from engine.model.message import Content, Envelope
from tests.channels import dkim

FIXTURES = Path(connectors.channels.smtp.__file__).parent / "fixtures"
CASES = yaml.safe_load((FIXTURES / "bounces.yaml").read_text(encoding="utf-8"))
CAME = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-tests"
BOUNCES = "bounce@b.hanaya.example"
ENVELOPE = Envelope(
    id="m_3kf9abcdefghijkl", merchant="hanaya", purpose="service", to="hanako@docomo.ne.jp", sender_name="花屋",
    sender="shop@hanaya.example", sent_at=datetime(2026, 11, 21, 1, 0, tzinfo=UTC),
    unsubscribe_url="https://t.hanaya.example/u/abc",
)  # fmt: skip
CONTENT = Content(subject="発送のお知らせ", text="本日発送いたしました。\n\n", html="<p>本日発送いたしました。</p>")


def delivery(body: bytes | str, topic: str | None = None, **config: str) -> Delivery:
    raw = body.encode() if isinstance(body, str) else body
    return Delivery(body=raw, headers={}, received_at=CAME, topic=topic, config=config)


def heard(body: bytes | str, *secrets: str, **config: str) -> Reading:
    """The mail, named and read as the engine does."""
    name = feedback.mailed(delivery(body, **config), secrets)
    return feedback.read(delivery(body, name.topic, **config))


def report(status: str, said: str = "", *, action: str = "failed", to: str = "x@example.jp", told: str = "",
           quoted: str = "X-Todoke-Message: m_1", envelope: str = "", headers: str = "") -> str:  # fmt: skip
    return (
        f"From: MAILER-DAEMON@mx.example.jp\nDate: Sat, 21 Nov 2026 10:00:00 +0900\nMessage-ID: <1@mx>\n{headers}"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\nMIME-Version: 1.0\n\n'
        f"--b\nContent-Type: text/plain\n\n{told}\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.jp\n{envelope}\nFinal-Recipient: rfc822; {to}\nAction: {action}\n"
        f"Status: {status}\nDiagnostic-Code: smtp; {said}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nSubject: hello\n{quoted}\n\n--b--\n"
    )


@pytest.mark.parametrize("case", CASES["reports"], ids=lambda case: f"{case['status']} {case.get('said', '')}"[:50])
def test_a_report_is_judged_by_its_status(case):
    more = {name: case[name] for name in ("action", "to", "told") if name in case}
    (found,) = heard(report(case["status"], case.get("said", ""), **more)).receipts
    assert (found.message, found.status) == ("m_1", case["is"])
    assert found.as_of == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    assert "@" not in (found.detail or "")
    if "code" in case:
        assert found.code == case["code"]


@pytest.mark.parametrize(("status", "said", "soft"), [
    ("5.2.2", "552 5.2.2 mailbox full", True),
    ("5.0.0", "552 over quota", True),
    ("4.2.2", "452 4.2.2 The email account that you tried to reach is over quota", True),
    ("4.4.1", "connect to mx.example.jp: Connection timed out", True),
    ("4.4.7", "delivery time expired", True),
    ("4.3.1", "452 4.3.1 Insufficient system storage", True),
    ("4.4.7", "421 4.7.0 Our system has detected an unusual rate of unsolicited mail", False),
    ("4.7.1", "450 4.7.1 greylisted", False),
    ("4.4.3", "Host or domain name not found. Name service error", False),
    ("4.2.1", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that ...", False),
    ("5.3.4", "552 5.3.4 message too big", False),
    ("5.7.1", "550 5.7.1 policy", False),
    ("5.1.1", "550 5.1.1 no such user", False),
])  # fmt: skip
def test_a_mailbox_that_may_be_well_again_is_told_from_what_is_about_us(status, said, soft):
    (found,) = heard(report(status, said)).receipts
    assert found.soft is soft
    assert (found.status == "bounced") is (status == "5.1.1")
    for going_on in ("delayed", "relayed"):
        (found,) = heard(report(status, said, action=going_on)).receipts
        assert not found.soft


@pytest.mark.parametrize(("text", "soft"), [
    ("あて先のメールボックスがいっぱいです", True), ("The user's mailbox is full", True),
    ("552 5.7.1 quota exceeded: your mails are unwanted", False), ("迷惑メールとして拒否されました", False),
])  # fmt: skip
def test_words_about_a_full_mailbox_are_soft(text, soft):
    mail = f"From: MAILER-DAEMON@mx.jp\nSubject: failure notice\n\n{text}\n\nMessage-ID: <m_7@hanaya.example>\n"
    (found,) = heard(mail).receipts
    assert (found.status, found.soft) == ("undelivered", soft)


@pytest.mark.parametrize("case", CASES["notices"], ids=lambda case: case["text"][:40])
def test_a_mail_that_is_no_report_is_judged_by_its_words(case):
    mail = (
        f"From: {case['from']}\nSubject: {case.get('subject', 'failure notice')}\nMIME-Version: 1.0\n"
        f"{case.get('headers', '')}Content-Type: text/plain; charset=utf-8\n\n{case['text']}\n\n"
        "--- Below this line is a copy of the message.\n\nMessage-ID: <m_7@hanaya.example>\n"
    )
    reading = heard(mail)
    if case["is"] == "ignored":
        assert reading.ignored
        assert not reading.receipts
    else:
        assert [(one.message, one.status) for one in reading.receipts] == [("m_7", case["is"])]


COMPLAINT = (
    "From: <feedback@isp.example>\nDate: Sat, 21 Nov 2026 10:00:00 +0900\nMIME-Version: 1.0\n"
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
    "--b\nContent-Type: text/plain\n\nThis is an abuse report.\n\n--b\nContent-Type: message/feedback-report\n\n"
    "Feedback-Type: {kind}\nUser-Agent: Some/1.0\nVersion: 1\nOriginal-Mail-From: <{sender}>\n\n"
    "--b\nContent-Type: message/rfc822\n\nFrom: shop@hanaya.example\n{quoted}Subject: x\n\nbody\n--b--\n"
)


@pytest.mark.parametrize(("kind", "status"), [
    ("abuse", "complained"), ("fraud", "complained"), ("opt-out", "unsubscribed"),
    ("not-spam", None), ("auth-failure", None), ("", None),
])  # fmt: skip
def test_a_complaint_says_who_complains_by_what_it_quotes(kind, status):
    mail = COMPLAINT.format(kind=kind, sender="redacted", quoted="Message-ID: <m_9@hanaya.example>\n")
    assert [(one.message, one.status) for one in heard(mail).receipts] == ([("m_9", status)] if status else [])


def test_a_complaint_that_quotes_nothing_is_known_by_the_envelope_sender():
    sender = CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": BOUNCES, "secret": SECRET}).mail_from
    mail = COMPLAINT.format(kind="abuse", sender=sender, quoted="")
    (found,) = heard(mail, SECRET, bounces=BOUNCES).receipts
    assert (found.message, found.merchant) == (ENVELOPE.id, "hanaya")
    assert heard(mail, "another-secret-of-ours", bounces=BOUNCES).ignored


def test_the_address_of_bounces_outweighs_what_is_quoted_and_survives_capitals():
    sender = CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": BOUNCES, "secret": SECRET}).mail_from
    for to in (sender, sender.upper()):
        mail = report("5.1.1", quoted="", headers=f"To: <{to}>\n")
        for secrets in ((SECRET,), ("a-new-secret-of-ours", SECRET)):
            (found,) = heard(mail, *secrets, bounces=BOUNCES).receipts
            assert (found.message, found.merchant) == (ENVELOPE.id, "hanaya")


def test_every_character_of_the_address_counts():
    sender = CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": BOUNCES, "secret": SECRET}).mail_from
    local, _, host = sender.partition("@")
    for place in range(len("bounce+m_"), len(local)):
        changed = local[:place] + ("a" if local[place] != "a" else "b") + local[place + 1 :]
        reading = heard(report("5.1.1", headers=f"To: <{changed}@{host}>\n"), SECRET, bounces=BOUNCES)
        if "+" in changed and changed.count(".") == 2:
            assert not [one for one in reading.receipts if one.message != "m_1"], changed


def test_a_long_name_of_a_merchant_is_left_out_of_the_address():
    long = msgspec.structs.replace(ENVELOPE, merchant="a-shop-with-a-very-long-name-indeed")
    sender = CHANNEL.prepare(long, CONTENT, {"bounces": BOUNCES, "secret": SECRET}).mail_from
    assert len(sender.partition("@")[0]) <= 64
    (found,) = heard(report("5.1.1", headers=f"To: {sender}\n"), SECRET, bounces=BOUNCES).receipts
    assert (found.message, found.merchant) == (ENVELOPE.id, None)


def test_the_envelope_id_comes_back_in_xtext():
    (found,) = heard(report("5.1.1", quoted="", envelope="Original-Envelope-Id: m_5.hana+2Dya\n")).receipts
    assert (found.message, found.merchant) == ("m_5", "hana-ya")


def test_a_report_in_unicode_and_one_as_base64_are_read():
    mail = report("5.1.1", "550 5.1.1 unknown").replace("message/delivery-status", "message/global-delivery-status")
    assert [one.status for one in heard(mail).receipts] == ["bounced"]


@pytest.mark.parametrize("mail", [
    "From: naoko@example.jp\nAuto-Submitted: auto-replied\nSubject: away\nIn-Reply-To: <m_1@h.example>\n\nI am away",
    "From: naoko@example.jp\nSubject: Re: your mail\nReferences: <m_1@hanaya.example>\n\nThank you. user unknown?",
    "From: MAILER-DAEMON@mx.example.jp\nX-Todoke-Message: m_1\nMessage-ID: <m_1@hanaya.example>\n\nuser unknown",
    "From: MAILER-DAEMON@mx.example.jp\nSubject: failure notice\n\nuser unknown",
    report("5.1.1", quoted=""),
])  # fmt: skip
def test_what_is_no_bounce_of_ours_changes_nothing(mail):
    reading = heard(mail, SECRET, bounces=BOUNCES)
    assert reading.ignored
    assert not reading.receipts


def test_a_post_needs_the_token_and_names_the_mail():
    mail = delivery(report("5.1.1"))
    good = replace(mail, url="https://t.example.jp/in/smtp-1?token=" + SECRET)
    assert isinstance(feedback.verify(mail, [SECRET], CAME), Refused)
    assert isinstance(feedback.verify(good, [], CAME), Refused)
    named = feedback.verify(good, [SECRET], CAME)
    assert isinstance(named, Verified)
    traced = replace(good, body=b"Received: from somewhere\r\n" + good.body.replace(b"\n", b"\r\n"))
    assert feedback.verify(traced, [SECRET], CAME).key == named.key, "its way here is no part of what it says"
    assert feedback.verify(replace(good, body=good.body.replace(b"5.1.1", b"4.2.2")), [SECRET], CAME).key != named.key


def test_a_date_to_come_is_the_moment_when_it_came():
    mail = report("5.1.1").replace("2026", "2031")
    assert heard(mail).receipts[0].as_of == CAME
    assert heard(mail.replace("Date: ", "Date: x")).receipts[0].as_of == CAME


def test_no_mail_at_all_is_unreadable():
    for body in (b"", b"\n\nhello", b"\x00\xff\xfe"):
        with pytest.raises(Unreadable):
            heard(body)


@given(st.binary(max_size=400), st.integers(0, 900))
def test_whatever_comes_is_read_or_unreadable(noise, place):
    mail = report("5.1.1", "550 5.1.1 unknown").encode()
    for body in (noise, mail[:place] + noise + mail[place:], mail[:place] + noise, mail.replace(b"smtp;", noise)):
        try:
            heard(body, SECRET, bounces=BOUNCES)
        except Unreadable:
            continue


def test_parts_within_parts_without_end_are_no_danger():
    body = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000))
    with pytest.raises(Unreadable):
        heard(b"From: a@b\n" + body)


# What leaves


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def record(key) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        kind, raw = "rsa", key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, raw = "ed25519", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}".encode()


RSA = rsa.generate_private_key(65537, 2048)
SIGNING = {"dkim_selector": "s2026", "dkim_domain": "hanaya.example"}


@pytest.mark.parametrize("key", [RSA, ed25519.Ed25519PrivateKey.generate()], ids=["rsa", "ed25519"])
def test_another_implementation_finds_the_signature_good(key):
    asked = []

    def dns(name, timeout=5):
        asked.append(name)
        return record(key)

    settings = {**SIGNING, "dkim_key": pem(key)}
    data = CHANNEL.prepare(ENVELOPE, CONTENT, settings).data
    assert dkim.verify(data, dnsfunc=dns)
    assert asked == [b"s2026._domainkey.hanaya.example."]
    assert CHANNEL.prepare(ENVELOPE, CONTENT, settings).data == data, "the same bytes whenever it is prepared"
    assert max(map(len, data.split(b"\r\n"))) <= 78
    told = message_from_bytes(data, policy=policy.default)["DKIM-Signature"].replace(" ", "")
    for name in ("list-unsubscribe", "list-unsubscribe-post", "x-todoke-message", "content-type"):
        assert f":{name}:" in told
    for was, now in (
        (b"List-Unsubscribe: <https://t", b"List-Unsubscribe: <https://x"),
        (b"X-Todoke-Message: m_", b"X-Todoke-Message: n_"),
        (b"\r\nSubject:", b"\r\nSubject: another\r\nSubject:"),
        (b"\r\nMIME-Version", b"\r\nReply-To: eve@example.net\r\nMIME-Version"),
        (b"text/html", b"text/plain"),
    ):
        assert was in data
        assert not dkim.verify(data.replace(was, now, 1), dnsfunc=dns), was


@given(text=st.text(max_size=60), subject=st.text(max_size=60))
def test_any_content_is_signed_well(text, subject):
    settings = {**SIGNING, "dkim_key": pem(RSA)}
    content = Content(subject=subject, text=text, html=text)
    data = CHANNEL.prepare(msgspec.structs.replace(ENVELOPE, to_name=subject), content, settings).data
    assert dkim.verify(data, dnsfunc=lambda name, timeout=5: record(RSA))


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN nothing", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_cannot_sign_is_told_without_its_value(key):
    with pytest.raises(BadKey) as refused:
        CHANNEL.prepare(ENVELOPE, CONTENT, {**SIGNING, "dkim_key": key})
    assert key not in str(refused.value)
    with pytest.raises(BadKey, match="dkim_selector"):
        CHANNEL.prepare(ENVELOPE, CONTENT, {"dkim_key": pem(RSA)})


def test_a_server_that_offers_reports_is_asked_for_them():
    request = CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": BOUNCES, "secret": SECRET})
    mail, rcpt, _ = (line.decode() for _, line in commands_of(request, dsn=True))
    assert mail == f"MAIL FROM:<{request.mail_from}> RET=HDRS ENVID={ENVELOPE.id}.hanaya\r\n"
    assert rcpt == "RCPT TO:<hanako@docomo.ne.jp> NOTIFY=FAILURE,DELAY ORCPT=rfc822;hanako@docomo.ne.jp\r\n"
    assert [line for _, line in commands_of(request)][1] == b"RCPT TO:<hanako@docomo.ne.jp>\r\n"
    asked = CHANNEL.prepare(ENVELOPE, CONTENT, {"dsn": "delivery"})
    assert b"NOTIFY=SUCCESS,FAILURE,DELAY" in commands_of(asked, dsn=True)[1][1]
    silent = CHANNEL.prepare(msgspec.structs.replace(ENVELOPE, to="a+b=c@example.jp"), CONTENT, {"dsn": "no"})
    assert commands_of(silent, dsn=True) == commands_of(silent)
    odd = replace(asked, rcpt_to="a+b=c@example.jp")
    assert b"ORCPT=rfc822;a+2Bb+3Dc@example.jp" in commands_of(odd, dsn=True)[1][1]


def test_settings_of_bounces_are_checked():
    for wrong in ({"bounces": "nobody"}, {"secret": "short"}, {"imap": "imaps://mail.example.jp"}, {"dsn": "all"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"url": "smtp://x", **wrong}, CHANNEL.settings)
    assert CHANNEL.misset
    assert CHANNEL.misset({"bounces": "a-very-long-name-for-bounces@b.example.jp"})
    assert CHANNEL.misset({"bounces": "bounce+x@b.example.jp"})
    assert CHANNEL.misset({"bounces": BOUNCES}) is None
    assert CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": BOUNCES}).mail_from == BOUNCES, "no secret, no own address"
    with pytest.raises(BadAddress, match=r"^bounces: "):
        CHANNEL.prepare(ENVELOPE, CONTENT, {"bounces": "a b@c", "secret": SECRET})
