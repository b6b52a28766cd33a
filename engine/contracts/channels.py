"""What a channel must offer: `CHANNEL: Channel`, and the outcomes an attempt can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from msgspec import Struct

from engine.contracts.exchange import Answer, Failure, Request
from engine.model.consent import Purpose
from engine.model.message import Content, Envelope

FailureScope = Literal["recipient", "message", "account", "rate", "quota", "provider"]


class Accepted(Struct, frozen=True, kw_only=True):
    """The provider took the message. `ref` is the provider's id."""

    ref: str | None = None
    detail: str | None = None


class Rejected(Struct, frozen=True, kw_only=True):
    """It was surely not taken and will not be, for a reason of this scope."""

    scope: FailureScope
    code: str
    detail: str | None = None


class Deferred(Struct, frozen=True, kw_only=True):
    """It was surely not taken; try again, not before `after` when the provider named a pause."""

    scope: FailureScope
    code: str
    after: timedelta | None = None
    detail: str | None = None


class Ambiguous(Struct, frozen=True, kw_only=True):
    """It may or may not have been taken: the answer was lost after the message was handed over."""

    reason: str


Outcome = Accepted | Rejected | Deferred | Ambiguous


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a channel can promise. `idempotency` is how long the provider recognises our key again
    (zero: not at all, so an ambiguous send is never repeated blindly). `per_second` is what one account may send
    unless its connection says otherwise; None: no limit is known."""

    idempotency: timedelta = timedelta(0)
    receipts: bool = False
    per_second: float | None = None
    purposes: frozenset[Purpose] = frozenset({"transactional", "adjacent", "service", "promotional"})


@dataclass(frozen=True, kw_only=True)
class Channel:
    """`prepare` (pure) makes the exact bytes; `classify` (pure) reads the answer. `medium` is what a
    journey's `via` names: "email", "line", "sms". `transport` names the engine's transport that carries
    the Request: "smtp", "mailbox", "http"."""

    name: str
    title: str
    title_ja: str
    medium: Literal["email", "line", "sms", "push"]
    transport: Literal["smtp", "mailbox", "http"]
    settings: Mapping[str, Any]
    capabilities: Capabilities
    prepare: Callable[[Envelope, Content, Mapping[str, str]], Request]
    classify: Callable[[Answer | Failure], Outcome]
