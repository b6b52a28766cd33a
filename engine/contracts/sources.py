"""What a source must offer: `SOURCE: Source`, a manifest and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.contracts.api import Api
from engine.contracts.observations import EndpointSeen, Observation, Receipt


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Raw bytes as a source gave them. Header names are lower case. `config` is the connection's."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    topic: str | None = None  # from a header, or told by the operator for a recorded body
    config: Mapping[str, str] = field(default_factory=dict)
    url: str = ""  # where it was posted, as the outside knows it, with the query: only for `verify`, and never kept


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The delivery is genuine. `key` is unique per delivery within the connection and makes a repeated
    delivery recognisable; None lets the engine use a digest of topic and body."""

    key: str | None = None
    topic: str | None = None
    by: str = "signature"
    ignore: str | None = None  # a reason to acknowledge without storing work: "ping"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The delivery is not genuine: 401 with `reason`, nothing stored. `stale` says that keys which the source
    publishes may have changed: 503, so that it comes again, and the source is asked: by `Api.fetch` for what `ask`
    names, where the delivery tells which key it was signed with, else by `Api.subscribe`."""

    reason: str
    stale: bool = False
    ask: str | None = None


class Unreadable(Exception):
    """The payload cannot be understood. The raw delivery stays in the inbox and can be replayed.

    The message says what was wrong and where (a field, a line), never the value itself.
    """


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """One row of a file that could not be understood; the rest of the file goes in."""

    number: int  # line number in the file, counted from 1
    reason: str


@dataclass(frozen=True, kw_only=True)
class Routed:
    """Observations that belong to a goods owner named in the payload (one connection, many merchants)."""

    route: str
    observations: tuple[Observation, ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one delivery says. `routed` is used when the connection serves several merchants."""

    observations: tuple[Observation, ...] = ()
    routed: tuple[Routed, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    endpoints: tuple[EndpointSeen, ...] = ()
    bad_rows: tuple[BadRow, ...] = ()
    unmapped: tuple[str, ...] = ()  # raw statuses missing in status_map.yaml, for the operator to map
    fetch: tuple[str, ...] = ()  # what a thin delivery names without telling: handed to `Api.fetch`, each once
    ignored: str | None = None  # why there is nothing in it: "topic customers/update is not used"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a source is; read by the console, the conformance suite and `todoke connect`.

    `settings` is a JSON Schema of the connection's config; properties with "secret": true are sealed.
    `capabilities` are claims proven by fixtures: items, contact, tracking, scans, partial_shipments,
    returns, cancellation, routing, delivery_id, eta.
    """

    name: str
    title: str
    title_ja: str
    modes: tuple[Literal["webhook", "poll", "file"], ...]
    capabilities: frozenset[str]
    settings: Mapping[str, Any]
    time_zone: str | None = None  # zone assumed for times that carry none
    notifies_customer: Literal["yes", "no", "maybe"] = "maybe"
    notify: Literal["yes", "no"] = "yes"  # may journeys write to its customers? The connection's `notify` outweighs it


@dataclass(frozen=True, kw_only=True)
class Source:
    """`verify` and `read` are pure. `read` is total: unknown topics give an empty Reading with a reason,
    an unknown status is kept raw; only a broken payload raises Unreadable. `secrets` are all active
    ones (rotation: any may match); `now` is real time, for signatures that carry a timestamp. `identify`
    tells key and topic without checking anything, for recorded deliveries of a trusted operator. `misset` says what is
    wrong with settings that their schema lets through; `remarks` what whoever sets the connection up should know of
    how a delivery was read (Unreadable as `read`). Both hold names and places, never a value."""

    manifest: Manifest
    verify: Callable[[Delivery, Sequence[str], datetime], Verified | Refused]
    read: Callable[[Delivery], Reading]
    identify: Callable[[Delivery], Verified] | None = None
    api: Api | None = None
    misset: Callable[[Mapping[str, str]], str | None] | None = None
    remarks: Callable[[Delivery], tuple[str, ...]] | None = None
    judged_by: tuple[str, ...] = ("secret",)  # the secret settings whose values `verify` is handed
