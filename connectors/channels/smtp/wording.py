"""What a refusal, or a mail about one, means for the address: by its status where it has one, else by its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from connectors.channels.smtp.replies import outcome, unnamed
from connectors.parts.sending.mail_receipts import SOFT, soft
from engine.contracts import ReceiptStatus, Rejected

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_BASIC = re.compile(r"(?<![\d.])([45]\d\d)(?=[ \-:])")
_REPLY_TO = re.compile(r"in reply to (end of )?([A-Z]{4})", re.IGNORECASE)  # Postfix tells which command was refused
_SENT = re.compile(r">>> ?(RCPT|DATA)\b", re.IGNORECASE)  # sendmail and au show it
_DIFFER_BY_SPACES = re.compile(r"\s+")
LONGEST = 200  # characters that are kept of what a server said

# Refused because of the recipient, and yet no reason to give the address up: 5.4.4 is what the sending server's own
# name server said, and 5.6.7 that no way to it carries the characters of the address.
_NOT_DEAD = frozenset({"5.4.4", "5.6.7"})


@dataclass(frozen=True)
class Meaning:
    """What became of the mail, the code that says so, and the server's words without an address. `soft`: undelivered
    because of the address, which may be well again."""

    status: ReceiptStatus
    code: str | None
    detail: str | None
    soft: bool = False


def of_refusal(status: str, said: str, *, told: str = "", at: tuple[str, ...] = ()) -> Meaning:
    """A delivery that was given up: `status` is the report's (RFC 3463; empty when it has none), `said` the server's
    reply, `told` the text for people, `at` the domains of the recipient and of the server that refused.

    The status decides, for Postfix calls every end "failed": an address is dead only by the rows of `replies.ROWS`
    that are about the recipient, and never by a status 4.x.x, whose mail has only been tried for too long.
    """
    found = _STATUS.search(said)
    if (not status or status.endswith(".0.0")) and found is not None and not found[0].endswith(".0.0"):
        status = found[0]
    specific = bool(status) and not status.endswith(".0.0")
    basic = _BASIC.search(said)
    code = status or (basic[1] if basic else None)
    detail = (unnamed(_DIFFER_BY_SPACES.sub(" ", said).strip()) or "")[:LONGEST] or None
    command = _command(f"{said}\n{told}")
    if _filtered(status, command, said, at):
        return Meaning("undelivered", code, detail)
    if not specific and basic is None:
        return _meant(by_words(said), code, detail, never="bounced" if status[:1] == "4" else None)
    try:
        if specific:
            end = outcome(None, command, f"{status} {said}")
        else:
            end = outcome(int(basic[1]) if basic else None, command, _STATUS.sub("", said))
    except ValueError:  # 2.x.x, which refuses nothing
        return Meaning("undelivered", code, detail)
    theirs = end.scope == "recipient" and status not in _NOT_DEAD
    if theirs and isinstance(end, Rejected):
        return Meaning("bounced", code, detail)
    may_pass = end.scope in {"recipient", "provider"} and soft(f"{status} {said}", told=theirs)
    return Meaning("undelivered", code, detail, soft=may_pass)


def of_notice(text: str, *, at: tuple[str, ...] = (), filtered: bool = False) -> Meaning:
    """A mail about a failed delivery that is no report."""
    code = next((match[0] for pattern in (_STATUS, _BASIC) if (match := pattern.search(text))), None)
    if filtered:
        return Meaning("undelivered", code, "filtered")
    if _filtered("", _command(text), text, at):
        return Meaning("undelivered", code, None)
    by = by_words(text)
    if by is not None:
        return _meant(by, code, None)
    line = next((line for line in text.splitlines() if _STATUS.search(line) or _BASIC.search(line)), "")
    return of_refusal("", line, told=text, at=at) if line else Meaning("undelivered", None, None)


def by_words(text: str) -> str | None:
    """What the first row that occurs in it says: a status, or SOFT."""
    text = _DIFFER_BY_SPACES.sub(" ", text)
    return next((status for words, status in _table().notices if words.search(text)), None)


def _meant(word: str | None, code: str | None, detail: str | None, *, never: str | None = None) -> Meaning:
    """A word of the table; none, or the one that cannot be, is a mail that did not arrive."""
    if word == SOFT:
        return Meaning("undelivered", code, detail, soft=soft(f"{code}", told=True))
    return Meaning(cast(ReceiptStatus, word) if word and word != never else "undelivered", code, detail)


def is_notice(mail: Message) -> bool:
    """Does it look like a mail about a delivery, by who wrote it and what they called it?"""
    table = _table()
    name, sender = parseaddr(str(mail.get("From", "")))
    if "X-Failed-Recipients" in mail:  # Exim
        return True
    if table.sender.search(sender) or table.sender.search(name):
        return True
    null = str(mail.get("Return-Path", "")).replace(" ", "") == "<>"
    return null and table.subject.search(str(mail.get("Subject", ""))) is not None


def _filtered(status: str, command: str, said: str, at: tuple[str, ...]) -> bool:
    return any(
        words.search(said) and (when != "filtered" or status == "5.2.0" or command in {"DATA", "."})
        for place, words, when in _table().replies
        if any(place.search(one) for one in at)
    )


def _command(text: str) -> str:
    """The command that was refused; "" when nothing tells."""
    if found := _REPLY_TO.search(text):
        return "." if found[1] else found[2].upper()
    sent = _SENT.findall(text)
    return sent[-1].upper() if sent else "?"


@dataclass(frozen=True)
class _Table:
    replies: tuple[tuple[re.Pattern[str], re.Pattern[str], str | None], ...]
    notices: tuple[tuple[re.Pattern[str], str], ...]
    sender: re.Pattern[str]
    subject: re.Pattern[str]


@cache
def _table() -> _Table:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "notices.yaml").read_text("utf-8"))

    def words(text: str) -> re.Pattern[str]:
        return re.compile(text, re.IGNORECASE)

    return _Table(
        replies=tuple((words(row["at"]), words(row["words"]), row.get("when")) for row in found["replies"]),
        notices=tuple((words(row["words"]), row["status"]) for row in found["notices"]),
        sender=words(found["from"]), subject=words(found["subject"]),
    )  # fmt: skip
