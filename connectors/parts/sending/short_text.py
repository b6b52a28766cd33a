"""What every channel for text messages shares: numbers, what cannot be carried, and words by which people leave."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal
from unicodedata import normalize

from engine.contracts import EndpointSeen, Reading
from engine.model.message import Content, Medium
from engine.model.segments import JAPAN, counted

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MARKS = re.compile(r"[\s。、.!,~「」『』\"']+")
# What carriers and providers take for leaving (CTIA's list; Twilio's default words), and what people write in Japan.
_LEAVE = frozenset({
    "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "配信停止", "停止", "配信解除",
    "解除", "配信停止希望", "ストップ",
})  # fmt: skip
_COME_BACK = frozenset({"START", "UNSTOP", "配信再開", "再開", "スタート"})


def number(to: str) -> str:
    """The number, as it is. Raises ValueError for what is not E.164."""
    if not E164.fullmatch(to):
        raise ValueError("the address is no telephone number in E.164")
    return to


def text_of(content: Content, most: int) -> str:
    """The text that is sent. Raises ValueError when there is none, or more than the provider takes."""
    text = content.text.strip()
    if not text:
        raise ValueError("the text is empty")
    if len(text) > most:
        raise ValueError(f"the text has {len(text)} characters, {most} is the most")
    return text


def objections(content: Content, most: int) -> tuple[str, ...]:
    """What cannot be carried, in words: `most` characters by this provider, JAPAN by Japanese carriers."""
    text = content.text.strip()
    if not text:
        return ("the text is empty",)
    found = []
    if len(text) > most:
        found.append(f"the text has {len(text)} characters; the provider takes {most}")
    elif len(text) > JAPAN and counted(text).encoding == "ucs2":
        parts = counted(text).segments
        found.append(f"the text has {len(text)} characters in {parts} parts; Japanese carriers deliver {JAPAN}")
    if "\0" in text:
        found.append("the text holds a NUL character")
    return tuple(found)


def wish(text: str | None) -> Literal["left", "back"] | None:
    """What somebody wants who writes this and nothing else: no more messages, or messages again."""
    word = _MARKS.sub("", normalize("NFKC", text or "")[:100]).upper()
    if word in _LEAVE:
        return "left"
    return "back" if word in _COME_BACK else None


def wished(medium: Medium, address: str, said: str | None, at: datetime) -> EndpointSeen | None:
    """What somebody wants who has written back from this number; None for what asks for nothing."""
    want = wish(said) if E164.fullmatch(address) else None
    if want is None:
        return None
    detail = "STOP" if want == "left" else "START"
    return EndpointSeen(medium=medium, address=address, as_of=at, status=want, detail=detail)


def answered(address: str, said: str | None, at: datetime) -> Reading:
    """The reading of an SMS that somebody has written back."""
    if seen := wished("sms", address, said, at):
        return Reading(endpoints=(seen,))
    return Reading(ignored="a message that asks for nothing")
