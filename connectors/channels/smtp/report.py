"""The machine's parts of a mail about a mail: delivery reports (RFC 3464), complaints (RFC 5965), what they quote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime

from connectors.channels.smtp.verp import About
from connectors.channels.smtp.wording import Meaning, of_refusal
from engine.contracts import ReceiptStatus, Unreadable

Fields = Mapping[str, str]

MOST_PARTS = 200
LONGEST_TEXT = 20_000  # characters that are looked at of a text
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_QUOTED = frozenset(
    {"message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers", "message/rfc822-headers"}
)
_ID = re.compile(r"m_[A-Za-z0-9_-]{1,60}")
_MESSAGE_ID = re.compile(r"<(m_[A-Za-z0-9_-]{1,60})@[^<>\s]{1,255}>")
_IN_TEXT = re.compile(
    r"^[ \t>|]*(?:X-Todoke-Message:[ \t]*(m_[A-Za-z0-9_-]{1,60})[ \t]*\r?$|Message-ID:\s*<(m_[A-Za-z0-9_-]{1,60})@)",
    re.IGNORECASE | re.MULTILINE,
)
_BESIDE: Mapping[str, ReceiptStatus] = {
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "sent",
    "expanded": "sent",
}
_HEX = re.compile(r"\+([0-9A-F]{2})")

# Feedback-Type (RFC 5965 section 3.1, RFC 6430): what else than a complaint it is.
COMPLAINTS: Mapping[str, ReceiptStatus] = {
    "abuse": "complained", "fraud": "complained", "virus": "complained", "other": "complained",
    "opt-out": "unsubscribed", "opt-out-list": "unsubscribed",
}  # fmt: skip


def mail_of(body: bytes) -> Message:
    """The mail, whatever its line ends; a line that a mailbox file puts before it is left out. Raises Unreadable."""
    if body.startswith((b"From ", b">From ")):
        body = body.partition(b"\n")[2]
    try:
        mail = message_from_bytes(body)
        list(parts(mail))
    except (RecursionError, MessageError, ValueError, LookupError):
        raise Unreadable("the body is not a mail that can be taken apart") from None
    if not mail.keys():
        raise Unreadable("the body is not a mail: it has no header")
    return mail


def parts(mail: Message) -> Iterator[Message]:
    """The parts, without those of a mail that is quoted as a whole."""
    waiting, seen = [mail], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        if part.get_content_maintype() == "multipart" and isinstance(part.get_payload(), list):
            waiting = [one for one in part.get_payload() if isinstance(one, Message)] + waiting


def kind(mail: Message) -> str:
    """ "delivery-status", "feedback-report", "disposition-notification"; "" for a mail that is no report."""
    for part in parts(mail):
        told = part.get_content_type()
        if told in _REPORTS:
            return "delivery-status"
        if told in {"message/feedback-report", "message/disposition-notification"}:
            return told.partition("/")[2]
    return ""


def blocks(mail: Message, *types: str) -> list[Fields]:
    """The groups of fields of the parts of these types; names in lower case."""
    found: list[Fields] = []
    for part in parts(mail):
        if part.get_content_type() in types:
            for block in _text_of(part).replace("\r\n", "\n").strip("\n").split("\n\n"):
                fields = message_from_string(block.strip("\n") + "\n\n")
                found.append({name.lower(): " ".join(str(value).split()) for name, value in fields.items()})
    return [one for one in found if one]


def delivery_report(mail: Message) -> tuple[Fields, list[Fields]]:
    """What concerns the mail, and a group of fields for every recipient."""
    groups = blocks(mail, *_REPORTS)
    mine = [one for one in groups if "action" in one or "final-recipient" in one or "status" in one]
    return next((one for one in groups if one not in mine), {}), mine


def meaning(fields: Fields, told: str) -> Meaning:
    """What became of one recipient's mail."""
    action = fields.get("action", "").lower().partition(" ")[0]
    status = (re.search(r"[245]\.\d{1,3}\.\d{1,3}", fields.get("status", "")) or [""])[0]
    said = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get("diagnostic-code", "")
    if action in _BESIDE:
        return Meaning(_BESIDE[action], status or None, None)
    if status.startswith("2."):
        return Meaning("sent", status, None)
    return of_refusal(status, said, told=told, at=places(fields))


def places(fields: Fields) -> tuple[str, ...]:
    """The domains of the recipient and of the server that refused, in lower case."""
    ends = (fields.get(name, "").rpartition(";")[2] for name in ("final-recipient", "original-recipient", "remote-mta"))
    return tuple(end.strip(" <>").rpartition("@")[2].partition(" ")[0].lower() for end in ends if end)


def text(mail: Message) -> str:
    """What people read of it, up to what it quotes."""
    for part in parts(mail):
        if part.get_content_type() == "text/plain":
            return _text_of(part)[:LONGEST_TEXT]
    return ""


def about(mail: Message, *, envelope_id: str = "") -> About | None:
    """Which message of ours it quotes: the id that the sending server was given with it, then the headers of the mail
    that came back, then those that stand in a text. Ids are long and random: whoever knows one has seen the mail."""
    if given := _ID.match(_unxtexted(envelope_id)):
        merchant = _unxtexted(envelope_id)[given.end() :].removeprefix(".")
        return About(given[0], merchant or None)
    for part in parts(mail):
        if part is not mail and part.get_content_type() in _QUOTED and (found := _quoted(part)):
            return About(found)
    for part in parts(mail):
        if part.get_content_maintype() == "text" and (match := _IN_TEXT.search(_text_of(part)[:LONGEST_TEXT])):
            return About(match[1] or match[2])
    told = " ".join(str(mail.get(name, "")) for name in ("In-Reply-To", "References"))
    answered = _MESSAGE_ID.search(told)
    return About(answered[1]) if answered else None


def returned(mail: Message) -> Iterator[str]:
    """The envelope senders that the mail that came back shows."""
    for part in parts(mail):
        if part.get_content_type() in _QUOTED:
            yield str(_inner(part).get("Return-Path", ""))


def moment(value: str | None, latest: datetime) -> datetime:
    """When it happened: not after it came. A date that is none, or far away, is the moment when it came."""
    try:
        at = parsedate_to_datetime(value or "")
    except (TypeError, ValueError, OverflowError, IndexError):
        return latest
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return min(at.astimezone(UTC), latest)
    except (OverflowError, ValueError):
        return latest


def _quoted(part: Message) -> str | None:
    inner = _inner(part)
    own = _ID.fullmatch(str(inner.get("X-Todoke-Message", "")).strip())
    if own:
        return own[0]
    match = _MESSAGE_ID.search(str(inner.get("Message-ID", "")))
    return match[1] if match else None


def _inner(part: Message) -> Message:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    return message_from_string(_text_of(part)[:LONGEST_TEXT])


def _text_of(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):  # the parser takes what is of type message/... for mails
        return "\n\n".join(one.as_string() if isinstance(one, Message) else str(one) for one in payload)
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return str(payload or "")
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _unxtexted(given: str) -> str:
    """xtext (RFC 3461 section 4), as servers give an envelope id back."""
    return _HEX.sub(lambda code: chr(int(code[1], 16)), given.strip())
