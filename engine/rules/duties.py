"""What a message that advertises has to say of its sender, and where it comes from.

Japan asks for it of mails and SMS (特定電子メール法 Art. 4 with its ordinance, 特定商取引法 Art. 11), the United
States for the postal address (CAN-SPAM, 15 USC 7704(a)(5)), Europe for the sender and the way out (2002/58/EC
Art. 13(4)). One list serves all: who meets it, meets each. In an SMS address and contact may stand on the page that
its link leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from msgspec import Struct

from engine.model.consent import OPTIONAL, Purpose
from engine.model.message import REACHED_BY, Content, Medium
from engine.rules.wording import clean


class Duty(Struct, frozen=True, kw_only=True):
    """Something of the merchant that has to be shown; any of `settings` will do."""

    what: str
    settings: tuple[str, ...]
    example: str  # what to type


DUTIES: tuple[Duty, ...] = (
    Duty(what="the seller's legal name", settings=("company",), example="company=..."),
    Duty(what="the seller's postal address", settings=("address",), example="address=..."),
    Duty(
        what="where complaints and questions go", settings=("support_email", "support_url", "phone", "reply_to"),
        example="support_email=shop@example.jp",
    ),
)  # fmt: skip


def lacking(purpose: Purpose, merchant: Mapping[str, Any]) -> tuple[Duty, ...]:
    """What the merchant has not told that a message of this purpose must show. `merchant`: its settings by name."""
    if purpose != "promotional":
        return ()
    return tuple(duty for duty in DUTIES if not any(merchant.get(name) for name in duty.settings))


def to_set(slug: str, duties: tuple[Duty, ...]) -> str:
    """The command that mends it."""
    return f"todoke merchant set {slug} {' '.join(duty.example for duty in duties)}"


def unshown(purpose: Purpose, medium: Medium, content: Content, seller: tuple[str, ...], way_out: str | None) -> str:
    """What a written mail or SMS of an optional purpose fails to show, in words for whoever wrote the template; empty
    when it shows all. `seller`: names it may go by; `way_out`: the address by which people stop it."""
    if purpose not in OPTIONAL or REACHED_BY[medium] not in ("email", "phone") or medium in ("review", "whatsapp"):
        return ""
    texts = [text for text in (unescape(content.html or ""), content.text) if text]
    if not way_out or any(way_out not in text for text in texts):
        return "it does not show the way out: put {{ links.unsubscribe }} into the text"
    if any(not any(clean(name) in text for name in seller if name) for text in texts):
        return "it does not name the seller: put {{ merchant.company }} or {{ merchant.name }} into the text"
    return ""
