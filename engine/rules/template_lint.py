"""What a written message is found to lack before anybody gets it: for whoever writes templates, not for the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple
from unicodedata import east_asian_width

from engine.model.consent import OPTIONAL, Purpose
from engine.model.message import Content, Medium
from engine.model.segments import counted
from engine.rules.english import Count

SUBJECT = 60  # columns that a telephone's list of mails shows: 30 Japanese characters
PREHEADER = 200
CLIPPED = 102 * 1024  # bytes of HTML from which Gmail shows only the beginning
SEGMENTS = 3  # of an SMS; each is charged
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*href=[\"'](?!https://|http://|mailto:|tel:)([^\"']*)", re.IGNORECASE)


class Remark(NamedTuple):
    """`level` "error": it must not be sent like that; "warning": it will be read badly, or cost more."""

    level: Literal["error", "warning"]
    what: str


def remarks(medium: Medium, content: Content, purpose: Purpose) -> list[Remark]:
    """What there is to say of a content for a medium."""
    match medium:
        case "email":
            return list(_mail(content, purpose))
        case "sms":
            return list(_sms(content))
        case "push":
            return list(_push(content))
        case _:
            return []


def width(text: str) -> int:
    """Columns on a screen: a Japanese character takes two."""
    return sum(2 if east_asian_width(character) in "WFA" else 1 for character in text)


def _mail(content: Content, purpose: Purpose) -> Iterator[Remark]:
    html = content.html or ""
    if not content.subject.strip():
        yield Remark("error", "the subject is empty")
    elif width(content.subject) > SUBJECT:
        yield Remark("warning", f"the subject is {width(content.subject)} columns wide; telephones show {SUBJECT}")
    if not content.preheader.strip():
        yield Remark("warning", "there is no preheader: the list of mails shows the beginning of the text")
    elif len(content.preheader) > PREHEADER:
        yield Remark("warning", f"the preheader has {len(content.preheader)} characters; {PREHEADER} are enough")
    if not content.text.strip():
        yield Remark("error", "there is no text part: some programs show nothing else")
    if len(html.encode()) > CLIPPED:
        yield Remark("warning", f"the HTML has {len(html.encode())} bytes; Gmail clips mails of {CLIPPED}")
    if missing := sum(1 for image in _IMAGE.findall(html) if not _ALT.search(image)):
        yield Remark("error", f"{Count(missing):picture has|pictures have} no alt text")
    for found in _LINK.findall(html):
        yield Remark("error", f"a link leads nowhere: {found[:60]!r}")
    if purpose in OPTIONAL and "/u/" not in content.text and "unsubscribe" not in content.text.lower():
        yield Remark("error", "the text part names no way to stop these messages")


def _sms(content: Content) -> Iterator[Remark]:
    parts = counted(content.text)
    if parts.segments > SEGMENTS:
        yield Remark("warning", f"{parts.segments} parts are charged; {SEGMENTS} are usual")


def _push(content: Content) -> Iterator[Remark]:
    payload = content.payload if isinstance(content.payload, dict) else {}
    for field, most in (("title", 50), ("body", 150)):
        value = payload.get(field)
        if not isinstance(value, str) or not value.strip():
            yield Remark("error", f"{field} is missing")
        elif width(value) > most * 2:
            yield Remark("warning", f"{field} is {width(value)} columns wide; telephones show about {most * 2}")
