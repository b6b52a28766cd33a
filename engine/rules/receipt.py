"""What a receipt means for the message it is about. Receipts come twice, late and in any order, so a message only
climbs: what was delivered is not undone by a late "sent", and a bounce after a delivery changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from engine.contracts import Receipt, ReceiptStatus
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


# Said of a message that has come to its address. Openings by machines are never asked.
ARRIVED: frozenset[ReceiptStatus] = frozenset({"delivered", "opened", "clicked", "complained", "unsubscribed"})

# Why an address is suppressed at which nothing arrives. Unlike what is said for good it is taken back by itself.
GIVEN_UP = "one message after the other did not arrive"


class Fate(Struct, frozen=True, kw_only=True):
    """What was once said of a message: it has arrived, or it has not because of its address (Receipt.soft)."""

    message: str
    at: datetime
    arrived: bool


def shuts(receipt: Receipt) -> bool:
    """May it suppress an address?"""
    return receipt.status in SUPPRESSES or receipt.soft


def missed(fates: Iterable[Fate], *, most: int, span: timedelta) -> tuple[Fate, ...]:
    """The messages for which an address is given up, in the order of time; empty while it is not: `most` messages that
    did not arrive, the first and the last `span` apart, and none that did since the first.

    A function of the set of what was said: twice, late and in any order it is the same. A message that has arrived
    after all has not been missed.
    """
    last: dict[str, Fate] = {}
    for fate in fates:
        known = last.get(fate.message)
        if known is None or (fate.arrived, fate.at) > (known.arrived, known.at):
            last[fate.message] = fate
    came = max((one.at for one in last.values() if one.arrived), default=None)
    row = [one for one in last.values() if not one.arrived and (came is None or one.at > came)]
    row.sort(key=lambda one: (one.at, one.message))
    return tuple(row) if len(row) >= most and row[-1].at - row[0].at >= span else ()


def becomes(status: MessageStatus, receipt: ReceiptStatus) -> MessageStatus | None:
    """The status of a message that was armed before, or None when the receipt changes nothing."""
    changed, new = BECOMES[receipt]
    return new if status in changed else None
