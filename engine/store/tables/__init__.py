"""The tables. Columns named `sealed_*` hold AES-GCM ciphertext (see `sealed`); nothing personal is outside
them except blind indexes. Every row that belongs to a merchant says so and is read through that merchant.

Partial indexes keep the claims cheap: rows that wait are few, rows that are done are many.
"""

from engine.store.tables.journeys import Attempt, JourneySwitch, JourneyVersion, LedgerRow, MessageRow, RunRow
from engine.store.tables.orders import Alias, EventRow, ObservationRow, Subject
from engine.store.tables.people import AccessKey, ConsentRow, Pause, Suppression, Token
from engine.store.tables.sources import Connection, Inbox, Merchant

__all__ = [
    "AccessKey",
    "Alias",
    "Attempt",
    "Connection",
    "ConsentRow",
    "EventRow",
    "Inbox",
    "JourneySwitch",
    "JourneyVersion",
    "LedgerRow",
    "Merchant",
    "MessageRow",
    "ObservationRow",
    "Pause",
    "RunRow",
    "Subject",
    "Suppression",
    "Token",
]
