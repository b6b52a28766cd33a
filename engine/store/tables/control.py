"""What holds sending back, and what an operator is told: accounts at providers, volumes, alarms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from engine.store.tables.columns import json, partial, ref, row_id


class Account(SQLModel, table=True):
    """How the account behind a channel's connection stands, shared by all workers. Without a row nothing is
    known against it. Times are real time."""

    connection_id: str = Field(primary_key=True)
    merchant_id: int | None = ref(optional=True)  # empty: the operator's, which serves every merchant
    tokens: float = 0.0  # of the bucket at `filled_at`
    filled_at: datetime | None = None
    day: datetime | None = None  # start of the day in UTC of which `used` messages have left
    used: int = 0
    held_until: datetime | None = None  # nothing is armed before
    held_for: str | None = None  # rate | quota | account | provider
    held_reason: str | None = None
    trips: int = 0  # how often in a row the breaker has opened
    probing_until: datetime | None = None  # somebody tries whether it works again
    window_at: datetime | None = None  # since when the figures below are counted: the first failure
    tries: int = 0
    failures: int = 0
    repeats: int = 0  # of the tries, those of messages that had been tried before


class Volume(SQLModel, table=True):
    """How many messages of a journey were armed in an hour of business time."""

    merchant_id: int = ref("merchant", key=True)
    journey: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True)
    armed: int = 0
    agreed: int = 0  # an operator has looked at so many: the limit begins after them


class AlarmRow(SQLModel, table=True):
    """Something an operator should know. Open until `closed_at`; there is something to tell while `tell_at` is
    set. Times are real time."""

    __tablename__ = "alarm"
    __table_args__ = (
        partial("alarm_open", "kind", "about", where="closed_at IS NULL", unique=True),
        partial("alarm_untold", "tell_at", where="tell_at IS NOT NULL"),
    )
    id: int | None = row_id()
    key: str  # names it outside, for good
    merchant_id: int | None = ref(optional=True)
    kind: str  # engine.rules.alarm.Kind
    about: str  # which connection, journey, lane: with the kind it names the alarm while it is open
    values: dict[str, Any] = json()
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    told: str | None = None  # opened | closed: what the endpoint has taken
    told_at: datetime | None = None
    tell_at: datetime | None = None
    tries: int = 0  # of what is to be told next


class Watch(SQLModel, table=True):
    """Who looked last, so that of many processes one does: a watch is taken by moving `at` on."""

    name: str = Field(primary_key=True)  # look | worker
    at: datetime  # real time when it was last taken
    seen: datetime | None = None  # business time then


class Rhythm(SQLModel, table=True):
    """In which hours a connection delivered something, as engine.rules.rhythm reads them."""

    connection_id: str = Field(primary_key=True)
    since: datetime
    last: datetime
    hours: str  # hexadecimal: bit n is the hour n before `last`
