"""The tables. Columns named `sealed_*` hold AES-GCM ciphertext (see `sealed`); nothing personal is outside
them except blind indexes. Every row that belongs to a merchant says so and is read through that merchant.

Partial indexes keep the claims cheap: rows that wait are few, rows that are done are many.

A class says what a row is; statements are built on its table, in capitals below, for many rows at once.
"""

from sqlalchemy import Table
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from engine.store.tables.asking import Errand, Unmapped
from engine.store.tables.control import Account, AlarmRow, Rhythm, Volume, Watch
from engine.store.tables.hooks import Hook, HookCall
from engine.store.tables.instant import Instant
from engine.store.tables.journeys import Attempt, JourneySwitch, JourneyVersion, LedgerRow, MessageRow, RunRow
from engine.store.tables.orders import Alias, EventRow, ObservationRow, Subject
from engine.store.tables.people import AccessKey, ConsentRow, Endpoint, Pause, Preference, Suppression, Token
from engine.store.tables.sources import Connection, Inbox, Merchant, Stray


def _table(row: type[SQLModel]) -> Table:
    table = SQLModel.metadata.tables[str(row.__tablename__)]
    for column in table.columns:
        if isinstance(column.type, UTCDateTime):
            column.type = Instant()
    return table


MERCHANT, CONNECTION, INBOX = _table(Merchant), _table(Connection), _table(Inbox)
SUBJECT, ALIAS, OBSERVATION, EVENT = _table(Subject), _table(Alias), _table(ObservationRow), _table(EventRow)
VERSION, SWITCH, RUN = _table(JourneyVersion), _table(JourneySwitch), _table(RunRow)
MESSAGE, ATTEMPT, LEDGER = _table(MessageRow), _table(Attempt), _table(LedgerRow)
TOKEN, SUPPRESSION, CONSENT = _table(Token), _table(Suppression), _table(ConsentRow)
PAUSE, ACCESS, ENDPOINT = _table(Pause), _table(AccessKey), _table(Endpoint)
ACCOUNT, VOLUME, ALARM = _table(Account), _table(Volume), _table(AlarmRow)
RHYTHM, WATCH = _table(Rhythm), _table(Watch)
PREFERENCE = _table(Preference)
HOOK, HOOK_CALL = _table(Hook), _table(HookCall)
ERRAND, UNMAPPED, STRAY = _table(Errand), _table(Unmapped), _table(Stray)

__all__ = [
    "ACCESS",
    "ACCOUNT",
    "ALARM",
    "ALIAS",
    "ATTEMPT",
    "CONNECTION",
    "CONSENT",
    "ENDPOINT",
    "ERRAND",
    "EVENT",
    "HOOK",
    "HOOK_CALL",
    "INBOX",
    "LEDGER",
    "MERCHANT",
    "MESSAGE",
    "OBSERVATION",
    "PAUSE",
    "PREFERENCE",
    "RHYTHM",
    "RUN",
    "STRAY",
    "SUBJECT",
    "SUPPRESSION",
    "SWITCH",
    "TOKEN",
    "UNMAPPED",
    "VERSION",
    "VOLUME",
    "WATCH",
    "AccessKey",
    "Account",
    "AlarmRow",
    "Alias",
    "Attempt",
    "Connection",
    "ConsentRow",
    "Errand",
    "EventRow",
    "Hook",
    "HookCall",
    "Inbox",
    "JourneySwitch",
    "JourneyVersion",
    "LedgerRow",
    "Merchant",
    "MessageRow",
    "ObservationRow",
    "Pause",
    "Preference",
    "Rhythm",
    "RunRow",
    "Stray",
    "Subject",
    "Suppression",
    "Token",
    "Unmapped",
    "Volume",
    "Watch",
]
