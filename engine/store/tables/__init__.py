"""The tables. Columns named `sealed_*` hold AES-GCM ciphertext (see `sealed`); nothing personal is outside
them except blind indexes. Every row that belongs to a merchant says so and is read through that merchant.

Partial indexes keep the claims cheap: rows that wait are few, rows that are done are many.

A class says what a row is; statements are built on its table, in capitals below, for many rows at once.
"""

from sqlalchemy import Table
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from engine.store.tables.control import Account, AlarmRow, Rhythm, Volume, Watch
from engine.store.tables.instant import Instant
from engine.store.tables.journeys import Attempt, JourneySwitch, JourneyVersion, LedgerRow, MessageRow, RunRow
from engine.store.tables.orders import Alias, EventRow, ObservationRow, Subject
from engine.store.tables.people import AccessKey, ConsentRow, Pause, Suppression, Token
from engine.store.tables.sources import Connection, Inbox, Merchant


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
PAUSE, ACCESS = _table(Pause), _table(AccessKey)
ACCOUNT, VOLUME, ALARM = _table(Account), _table(Volume), _table(AlarmRow)
RHYTHM, WATCH = _table(Rhythm), _table(Watch)

__all__ = [
    "ACCESS",
    "ACCOUNT",
    "ALARM",
    "ALIAS",
    "ATTEMPT",
    "CONNECTION",
    "CONSENT",
    "EVENT",
    "INBOX",
    "LEDGER",
    "MERCHANT",
    "MESSAGE",
    "OBSERVATION",
    "PAUSE",
    "RHYTHM",
    "RUN",
    "SUBJECT",
    "SUPPRESSION",
    "SWITCH",
    "TOKEN",
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
    "EventRow",
    "Inbox",
    "JourneySwitch",
    "JourneyVersion",
    "LedgerRow",
    "Merchant",
    "MessageRow",
    "ObservationRow",
    "Pause",
    "Rhythm",
    "RunRow",
    "Subject",
    "Suppression",
    "Token",
    "Volume",
    "Watch",
]
