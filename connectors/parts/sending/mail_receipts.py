"""Receipts of mail providers: our id out of the correlation slot, and what a bounce says of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast, get_args

from connectors.parts.sending.http_answer import unnamed
from connectors.parts.sending.mail_api import TAG
from connectors.parts.values.loose import text
from engine.contracts import EndpointSeen, Reading, Receipt, ReceiptStatus

_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")  # RFC 3463, not part of an IP address
# Refused for good, but not because the address is dead: full, too large, what it holds, who we are (RFC 3463, 3.3-3.8).
_NOT_THE_ADDRESS = ("5.2.2", "5.2.3", "5.3.", "5.4.5", "5.5.", "5.6.", "5.7.")
# Of the mailbox or its server, and it may pass: full, away, not answering. Then what is about us, or the message.
_MAY_PASS = ("4.1.", "4.2.", "4.3.", "4.4.", "5.2.2")
_NOT_ITS_DOING = ("4.2.3", "4.3.4", "4.4.3", "4.4.5", "4.4.6", "4.5.", "4.6.", "4.7.", *_NOT_THE_ADDRESS[1:])
SOFT = "soft"  # a word of our tables: undelivered because of the address, which may be well again
STATUSES: frozenset[str] = frozenset((*get_args(ReceiptStatus), SOFT))


def receipt(
    told: Mapping[str, Any], status: str | None, at: datetime | None, *, code: str | None = None,
    detail: str | None = None, machine: bool = False,
) -> Receipt | None:  # fmt: skip
    """The receipt of what came back with our correlation (`told`: message, merchant); None without our id, a time or
    a status of ours. A bounce whose reply is about us or the message is "undelivered": it says nothing of the address.
    What is undelivered for the address's sake, by our table (SOFT) or by the reply, is soft.
    """
    message, merchant = text(told.get("message")), text(told.get("merchant"))
    if message is None or not TAG.fullmatch(message) or at is None or status not in STATUSES:
        return None
    reply = f"{code} {detail}"
    ends = "undelivered" if status == SOFT or (status == "bounced" and _not_the_address(reply)) else status
    return Receipt(
        message=message, merchant=merchant if merchant and TAG.fullmatch(merchant) else None, as_of=at, machine=machine,
        status=cast(ReceiptStatus, ends), code=(unnamed(code or "") or "")[:100] or None,
        detail=unnamed(detail or ""), soft=ends == "undelivered" and soft(reply, told=status == SOFT),
    )  # fmt: skip


def about_one(found: Receipt | None, otherwise: str, unmapped: tuple[str, ...] = ()) -> Reading:
    """The reading of an event about one message; `otherwise` says why it is about none of ours."""
    return Reading(receipts=(found,) if found else (), unmapped=unmapped, ignored=None if found else otherwise)


def about_many(receipts: Sequence[Receipt], endpoints: Sequence[EndpointSeen], unmapped: Sequence[str]) -> Reading:
    """The reading of a post about any number of messages, and of what people have written back."""
    nothing = not (receipts or endpoints or unmapped)
    return Reading(
        receipts=tuple(receipts), endpoints=tuple(endpoints), unmapped=tuple(dict.fromkeys(unmapped)),
        ignored="nothing about a message of ours" if nothing else None,
    )  # fmt: skip


def soft(reply: str, *, told: bool = False) -> bool:
    """Was it not delivered because of the address, which may be well again, by the statuses in the reply (RFC 3463)?
    `told`: somebody's own word says so. A status that is about us or the message outweighs it: whoever is blocked for a
    week must not take every mailbox for dead."""
    codes = _ENHANCED.findall(reply)
    if any(one.startswith(_NOT_ITS_DOING) for one in codes):
        return False
    return told or any(one.startswith(_MAY_PASS) for one in codes)


def _not_the_address(text: str) -> bool:
    told = _ENHANCED.findall(text)
    return any(one.startswith(_NOT_THE_ADDRESS) for one in told) and not any(one.startswith("5.1.") for one in told)


def enhanced(*texts: str | None) -> str:
    """The enhanced status (RFC 3463) that stands first in these texts; empty when there is none."""
    found = (_ENHANCED.search(one) for one in texts if one)
    return next((match[0] for match in found if match), "")
