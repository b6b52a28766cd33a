"""When a source's system is asked again, as data: after it has answered, and after it has not.

Times are real time: a system counts by its own clock, however fast business time runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from engine.contracts import Api, Found, Source
from engine.rules import owners, silence, source_mails
from engine.rules.drop import SETTINGS as DROP
from engine.rules.mapping import PATTERNS

Kind = Literal["poll", "backfill", "fetch", "subscribe", "check", "collect"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STANDING: tuple[Kind, ...] = ("poll", "subscribe", "collect")  # come again by themselves
Why = Literal["login", "rate", "quota", "provider", "request", "transport", "bug", "endless", "needs"]


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One thing to ask. `holder` is set while somebody is at it; times are real time, but for `since`."""

    connection: str
    kind: Kind
    ref: str = ""
    merchant: int | None = None
    due_at: datetime | None = None
    lease_until: datetime | None = None
    holder: str | None = None
    tries: int = 0
    asked: int = 1
    latest_at: datetime
    since: datetime
    backfill: bool = False
    cursor: str | None = None
    held_for: Why | None = None
    why: Why | None = None
    reason: str | None = None
    failing_since: datetime | None = None
    ok_at: datetime | None = None
    found: int = 0
    findings: Sequence[Mapping[str, Any]] | None = None


# All that is asked of a connection rests: the next request would meet the same.
HOLDS: frozenset[Why] = frozenset({"login", "rate", "quota"})
PAUSES = (
    timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30),
    timedelta(hours=1),
)  # fmt: skip
REFUSED = timedelta(hours=1)  # credentials or a request that were refused: somebody must do something
QUOTA = timedelta(hours=6)  # at most: a quota of a day ends with the day of a time zone that nobody has told us
LONGEST_ASKED = timedelta(days=1)  # a longer pause that a system asks for is cut
SUBSCRIBED = timedelta(days=1)  # until webhooks are looked at again
SETTLES = 5  # times as long as `Api.settle` what keeps changing is waited for at most
GIVE_UP = 24  # tries after which what a system refuses to give is left alone
BACKFILL_DAYS = 7

# Settings that every connection of a source with an API takes, beside the source's own schema.
SETTINGS: Mapping[str, Any] = {
    "poll_minutes": {
        "title": "minutes between two polls, as 5", "title_ja": "取得の間隔（分。例: 5）", "pattern": r"^[1-9]\d{0,3}$",
    },
    "backfill_days": {
        "title": f"days the first poll reaches back, without notifying anybody; {BACKFILL_DAYS} unless set",
        "title_ja": f"最初の取得でさかのぼる日数（通知はしません。既定は{BACKFILL_DAYS}）", "pattern": r"^\d{1,3}$",
    },
    "webhooks": {
        "title": "no: never register webhooks in that system", "title_ja": "Webhookを自動登録するか（no: しない）",
        "enum": ["yes", "no"],
    },
}  # fmt: skip


def of_source(source: Source) -> dict[str, Any]:
    """The JSON Schema of the settings of a source's connection: its own, and what the engine knows for all sources."""
    own = source.manifest.settings
    routed, files = "routing" in source.manifest.capabilities, "file" in source.manifest.modes
    general = {
        **silence.SETTINGS,
        **source_mails.SETTINGS,
        **(SETTINGS if source.api and source.api.poll else {}),
        **(DROP if files else {}),
    }
    return {
        **own, "properties": {**own.get("properties", {}), **(owners.SETTINGS if routed else {}), **general},
        "patternProperties": {
            **(owners.PATTERNS if routed else {}), **own.get("patternProperties", {}), **PATTERNS,
        },
        # Files may come out of a folder; a post to a connection without a secret is refused.
        "required": [name for name in own.get("required", ()) if not (files and name == "secret")],
    }  # fmt: skip


def every(api: Api, config: Mapping[str, str], chance: float) -> timedelta:
    """Until the next poll: what the connection says, else the source, a tenth less or more."""
    minutes = config.get("poll_minutes", "")
    pause = timedelta(minutes=int(minutes)) if minutes.isdecimal() and int(minutes) else api.every
    return pause * (0.9 + 0.2 * chance)


def reach(config: Mapping[str, str]) -> timedelta:
    """How far the first poll reaches back."""
    days = config.get("backfill_days", "")
    return timedelta(days=int(days) if days.isdecimal() else BACKFILL_DAYS)


def pause(why: Why, tries: int, after: timedelta | None, now: datetime, chance: float) -> timedelta | None:
    """How long to wait after the try number `tries` has failed; `after` is what the system itself has asked for, a
    lower bound. None: until a setting is changed. `now` is in UTC, `chance` in [0, 1) the jitter."""
    growing = PAUSES[min(max(tries, 1), len(PAUSES)) - 1] * (0.75 + 0.5 * chance)
    asked = min(max(after, timedelta(seconds=1)), LONGEST_ASKED) if after is not None else None
    match why:
        case "needs":
            return None
        case "login" | "request":
            return REFUSED
        case "rate":
            return growing if asked is None else asked * (1 + 0.1 * chance)
        case "quota":
            tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now
            return min(tomorrow + PAUSES[0], QUOTA) if asked is None else asked
    return min(max(growing, asked or growing), max(PAUSES[-1], asked or PAUSES[-1]))


def given_up(kind: Kind, why: Why, tries: int) -> bool:
    """Is it left alone until somebody asks for it again? What is polled never is."""
    return kind not in STANDING and why in {"request", "bug", "endless"} and tries >= GIVE_UP


def is_history(found: Found, since: datetime, *, first: bool) -> bool:
    """Did the record last change before `since`? One that does not say is history in the `first` poll, which brings
    whatever there is."""
    return first if found.changed_at is None else found.changed_at < since


def missing(api: Api | None, settings: Mapping[str, str]) -> tuple[str, ...]:
    """The settings that must be made before anything can be asked."""
    return tuple(name for name in api.needs if not settings.get(name)) if api else ()


def webhooks_wanted(config: Mapping[str, str], address: str) -> bool:
    """May webhooks be registered that post to `address`? Where that is this machine only a system on it can."""
    if config.get("webhooks") == "no":
        return False
    return not this_machine(address) or this_machine(config.get("url", ""))


def this_machine(url: str) -> bool:
    """Does the address lead to the machine that asks, for whoever asks?"""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
