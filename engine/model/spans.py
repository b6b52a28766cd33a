"""Spans and clock times as people write them in a journey: "90m", "12h", "7d", "10:00"."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

SPAN = r"^[1-9][0-9]{0,4}[mhd]$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
LONGEST = timedelta(days=400)

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def span(value: Any) -> timedelta:
    """Return "90m", "12h" or "7d" as a span of more than nothing and at most LONGEST.

    Raises ValueError. A day is 24 hours; a wait that should end at a local hour says `until`.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(SPAN, value, re.ASCII):
        raise ValueError(f"{value!r} is not a span: write minutes, hours or days, such as 90m, 12h or 7d")
    length = int(value[:-1]) * _UNITS[value[-1]]
    if length > LONGEST:
        raise ValueError(f"{value} is longer than {LONGEST.days}d")
    return length


def clock(value: Any) -> time:
    """Return "10:00" as a time of the day. Raises ValueError."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(CLOCK, value, re.ASCII):
        raise ValueError(f"{value!r} is not a time of the day: write hours and minutes, such as 10:00 or 09:30")
    return time(int(value[:2]), int(value[3:]))


def written(length: timedelta) -> str:
    """Return the shortest way to write a span: the inverse of `span`, so 24h and 1d are one."""
    for unit in ("d", "h"):
        if not length % _UNITS[unit]:
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length // _UNITS['m']}m"


Span = Annotated[
    timedelta,
    BeforeValidator(span),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "pattern": SPAN, "examples": ["90m", "12h", "7d"]}),
]
Clock = Annotated[
    time,
    BeforeValidator(clock),
    PlainSerializer(lambda at: at.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": CLOCK, "examples": ["10:00"]}),
]
