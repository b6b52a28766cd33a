"""Receipts of mail providers: our id out of the correlation slot, and what a bounce says of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast, get_args

from connectors.parts.sending.http_answer import unnamed
from connectors.parts.sending.mail_api import TAG
from connectors.parts.values.loose import text
from engine.contracts import Receipt, ReceiptStatus

_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")  # RFC 3463, not part of an IP address
# Refused for good, but not because the address is dead: full, too large, what it holds, who we are (RFC 3463, 3.3-3.8).
_NOT_THE_ADDRESS = ("5.2.2", "5.2.3", "5.3.", "5.4.5", "5.5.", "5.6.", "5.7.")
STATUSES: frozenset[str] = frozenset(get_args(ReceiptStatus))


def receipt(
    told: Mapping[str, Any], status: str | None, at: datetime | None, *, code: str | None = None,
    detail: str | None = None, machine: bool = False,
) -> Receipt | None:  # fmt: skip
    """The receipt of what came back with our correlation (`told`: message, merchant); None without our id, a time or
    a status of ours. A bounce whose reply is about us or the message is "undelivered": it says nothing of the address.
    """
    message, merchant = text(told.get("message")), text(told.get("merchant"))
    if message is None or not TAG.fullmatch(message) or at is None or status not in STATUSES:
        return None
    if status == "bounced" and _not_the_address(f"{code} {detail}"):
        status = "undelivered"
    return Receipt(
        message=message, merchant=merchant if merchant and TAG.fullmatch(merchant) else None, as_of=at, machine=machine,
        status=cast(ReceiptStatus, status), code=(unnamed(code or "") or "")[:100] or None,
        detail=unnamed(detail or ""),
    )  # fmt: skip


def _not_the_address(text: str) -> bool:
    told = _ENHANCED.findall(text)
    return any(one.startswith(_NOT_THE_ADDRESS) for one in told) and not any(one.startswith("5.1.") for one in told)


def enhanced(*texts: str | None) -> str:
    """The enhanced status (RFC 3463) that stands first in these texts; empty when there is none."""
    found = (_ENHANCED.search(one) for one in texts if one)
    return next((match[0] for match in found if match), "")
