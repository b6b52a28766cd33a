"""Bounces and complaints: mails about our mails, posted to the intake address, piped in, or read from a mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import Message
from hashlib import sha256

from connectors.channels.smtp import report, verp, wording
from connectors.channels.smtp.verp import About
from connectors.channels.smtp.wording import Meaning
from connectors.parts.senders.signing import token_in_url
from engine.contracts import Delivery, Reading, Receipt, Refused, Unreadable, Verified

FORGED = "forged"
_TO = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Return-Path")
_ANSWERS = ("auto-replied", "auto-generated", "auto-notified")  # RFC 3834, section 5


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """One mail, posted as it is. Nobody signs such a mail, so the address must bring the token."""
    refused = token_in_url(delivery.url, secrets)
    return refused or mailed(delivery, secrets)


def identify(delivery: Delivery) -> Verified:
    """A recorded mail of a trusted operator: its address of bounces is believed."""
    return mailed(delivery, ())


def mailed(delivery: Delivery, secrets: Sequence[str]) -> Verified:
    """A mail that came as one. Anybody may write to the address of bounces, so what it says of a message counts only if
    it names the message's id, or came to an address that one of the secrets has made: the topic says which.
    A mail is known again by its Message-ID and what it says, whichever way it comes."""
    try:
        mail = report.mail_of(delivery.body)
    except Unreadable:
        return Verified(by="mail")  # `read` says what is wrong with it
    said = delivery.body.replace(b"\r\n", b"\n").partition(b"\n\n")[2].rstrip(b"\n")
    name = str(mail.get("Message-ID", "")).strip().encode("utf-8", "replace")
    key = "mail-" + sha256(name + b"\0" + said).hexdigest()
    return Verified(key=key, topic=_topic(mail, delivery.config.get("bounces", ""), secrets), by="mail")


def read(delivery: Delivery) -> Reading:
    """A delivery report, a complaint, or a mail that tells of a failed delivery in its own words; nothing else is
    used. Raises Unreadable for what is no mail."""
    mail = report.mail_of(delivery.body)
    if delivery.topic == FORGED:
        return Reading(ignored="it came to an address of bounces that was not made by us")
    known = _known(delivery.topic)
    match report.kind(mail):
        case "delivery-status":
            return _report(mail, known, delivery.received_at)
        case "feedback-report":
            return _complaint(mail, known, delivery.received_at)
        case "disposition-notification":
            return Reading(ignored="a note that a mail was shown, which says nothing sure")
    if "X-Todoke-Message" in mail:
        return Reading(ignored="a mail of ours, come back to us")
    return _notice(mail, known, delivery.received_at)


def _report(mail: Message, known: About | None, came: datetime) -> Reading:
    whole, groups = report.delivery_report(mail)
    about = known or report.about(mail, envelope_id=whole.get("original-envelope-id", ""))
    if about is None:
        return Reading(ignored="a delivery report about no message of ours")
    told, sent = report.text(mail), str(mail.get("Date", ""))
    return Reading(receipts=tuple(dict.fromkeys(
        _receipt(about, report.meaning(one, told), report.moment(one.get("last-attempt-date") or sent, came))
        for one in groups
    )), ignored=None if groups else "a delivery report that names no recipient")  # fmt: skip


def _complaint(mail: Message, known: About | None, came: datetime) -> Reading:
    fields = next(iter(report.blocks(mail, "message/feedback-report")), {})
    kind = fields.get("feedback-type", "").lower()
    about = known or report.about(mail, envelope_id=fields.get("original-envelope-id", ""))
    status = report.COMPLAINTS.get(kind)
    if about is None or status is None:
        return Reading(ignored=f"a feedback report ({kind[:40] or 'without type'}) about no message of ours"
                       if about is None else f"feedback of type {kind[:40]} says nothing of the person")  # fmt: skip
    at = report.moment(fields.get("arrival-date") or fields.get("received-date") or str(mail.get("Date", "")), came)
    return Reading(receipts=(_receipt(about, Meaning(status, kind, None), at),))


def _notice(mail: Message, known: About | None, came: datetime) -> Reading:
    if not wording.is_notice(mail):
        automatic = str(mail.get("Auto-Submitted", "")).lower().startswith(_ANSWERS)
        return Reading(ignored="an automatic reply" if automatic else "no bounce: perhaps written by a person")
    about = known or report.about(mail)
    if about is None:
        return Reading(ignored="a bounce about no message of ours")
    at = tuple(str(mail.get("From", "")).rpartition("@")[2].strip(" <>").lower().split())
    filtered = str(mail.get("X-SPASIGN", "")).strip().upper() == "NG"  # au's filter against unwanted mail
    meaning = wording.of_notice(report.text(mail), at=at, filtered=filtered)
    return Reading(receipts=(_receipt(about, meaning, report.moment(str(mail.get("Date", "")), came)),))


def _receipt(about: About, meaning: Meaning, at: datetime) -> Receipt:
    return Receipt(
        message=about.message, merchant=about.merchant, as_of=at, status=meaning.status, code=meaning.code,
        detail=meaning.detail, soft=meaning.soft,
    )  # fmt: skip


def _topic(mail: Message, bounces: str, secrets: Sequence[str]) -> str | None:
    """`message` or `message.merchant` by an address that was made by us; FORGED by one that looks so and was not."""
    told = [str(value) for name in _TO for value in mail.get_all(name, ())]
    groups = report.blocks(mail, "message/delivery-status", "message/feedback-report")
    told += [one.get(name, "") for one in groups for name in ("x-postfix-sender", "original-mail-from")]
    claims = list(verp.claimed([*told, *report.returned(mail)], bounces))
    for about, code in claims:
        if not any(secrets) or verp.genuine(about, code, secrets):
            return about.message + (f".{about.merchant}" if about.merchant else "")
    return FORGED if claims else None


def _known(topic: str | None) -> About | None:
    message, _, merchant = (topic or "").partition(".")
    return About(message, merchant or None) if message.startswith("m_") else None
