"""What a receipt means for the message it is about. Receipts come twice, late and in any order, so a message only
climbs: what was delivered is not undone by a late "sent", and a bounce after a delivery changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from engine.contracts import ReceiptStatus
from engine.model.consent import Scope
from engine.model.message import MessageStatus

# Armed once: it may have left, whatever we believed; also when it waits to be sent again.
NOT_YET_SURE: frozenset[MessageStatus] = frozenset({"planned", "leased", "sending", "unknown", "dead"})

# Receipt -> statuses of a message that it changes, and what it becomes.
BECOMES: Mapping[ReceiptStatus, tuple[frozenset[MessageStatus], MessageStatus]] = {
    "sent": (NOT_YET_SURE, "sent"),
    "deferred": (NOT_YET_SURE, "sent"),  # whoever still tries to deliver it has taken it
    "delivered": (NOT_YET_SURE | {"sent"}, "delivered"),
    "opened": (NOT_YET_SURE | {"sent"}, "delivered"),
    "clicked": (NOT_YET_SURE | {"sent"}, "delivered"),
    "complained": (NOT_YET_SURE | {"sent"}, "delivered"),  # whoever complains has got it
    "unsubscribed": (NOT_YET_SURE | {"sent"}, "delivered"),
    "undelivered": (NOT_YET_SURE - {"dead"} | {"sent"}, "dead"),
    "bounced": (NOT_YET_SURE - {"dead"} | {"sent"}, "dead"),
}

# What the address is suppressed for. A complaint is about being written to, not about the order.
SUPPRESSES: Mapping[ReceiptStatus, tuple[Scope, ...]] = {
    "bounced": ("all",), "complained": ("service", "promotional"), "unsubscribed": ("service", "promotional"),
}  # fmt: skip


def becomes(status: MessageStatus, receipt: ReceiptStatus) -> MessageStatus | None:
    """The status of a message that was armed before, or None when the receipt changes nothing."""
    changed, new = BECOMES[receipt]
    return new if status in changed else None
