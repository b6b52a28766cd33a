"""What a channel must offer: `CHANNEL: Channel`, and the outcomes an attempt can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from engine.contracts.api import Api, Asking, Conversation, Finding
from engine.contracts.exchange import Answer, Failure, HttpRequest, Request
from engine.contracts.linking import Linking
from engine.contracts.sources import Delivery, Reading, Refused, Verified
from engine.model.consent import Purpose
from engine.model.message import Content, Envelope, Medium

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
class Batch:
    """How one request carries several messages, each with a text of its own. All of it is pure.

    `join` makes one out of the requests of messages that go to the same address: `most` of them at most, their bodies
    together not above `largest` bytes. If the channel has a key (`Capabilities.idempotency`), equal requests in the
    same order give one equal to the byte, and others another key. `split` is given a good answer (2xx) and the number
    of messages, and tells for each of them in turn what the provider would have answered to it alone; a Failure where
    nobody can know that; None for one that surely was not taken and is best asked about alone. `by_request`: the
    provider counts requests where it limits how many come in a second, not messages.
    """

    most: int
    largest: int
    join: Callable[[Sequence[HttpRequest]], HttpRequest]
    split: Callable[[Answer, int], Sequence[Answer | Failure | None]]
    by_request: bool = False


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What a provider posts to the channel's own intake address: the same functions as a source's. `read` gives
    receipts and endpoints. `secret` names the setting by whose values `verify` judges. `greet` answers a provider that
    asks by GET whether the address is ours: the text to say, None when it is not; it is handed the active secrets by
    their names. `mailed` names a delivery that came as a mail, through a pipe or out of a mailbox, where nothing can be
    verified but what it says itself; only a channel that has it is told things in this way."""

    verify: Callable[[Delivery, Sequence[str], datetime], Verified | Refused]
    read: Callable[[Delivery], Reading]
    identify: Callable[[Delivery], Verified] | None = None
    greet: Callable[[Delivery, Mapping[str, Sequence[str]]], str | None] | None = None
    mailed: Callable[[Delivery, Sequence[str]], Verified] | None = None
    secret: str = "secret"  # noqa: S105 - the name of a setting


@dataclass(frozen=True, kw_only=True)
class MailDns:
    """What the DNS of a sender's domain has to say for mails that leave by this channel. `spf` is the term that names
    the provider; `selectors` where its key of DKIM is published by default, if it has such names."""

    spf: str | None = None
    selectors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Channel:
    """`prepare` (pure) makes the exact bytes; `classify` (pure) reads the answer. `transport` names the engine's
    transport that carries the Request: "smtp", "mailbox", "http".

    Where what an answer means stands in the connection's settings, `classify_by` reads it instead of `classify`, and
    `misset` says what is wrong with settings that their schema lets through, without a value.

    `objections` (pure) says what of a content the channel cannot carry or the provider forbids, in words for whoever
    wrote the template; empty when all is well. `login` is a conversation that gets a token which runs out; it is held
    when one of the secrets that `prepare` or `auth` needs has run out (`Renewed.until`) or was refused. `check` looks
    at the account and changes nothing. `api` is asked beside the messages, as a source's is, by errands: its `fetch`
    gets what feedback names (`Reading.fetch`) and keys that the provider publishes (`Refused.ask`). `find` is for a
    provider that knows no key of ours again: it looks whether a request that may have been taken was, and gives the
    provider's id, or None; `Capabilities.idempotency` then is for how long it finds what was taken. `batch` is for a
    provider that takes several messages in one request. `linking` is for addresses that people make known themselves.
    """

    name: str
    title: str
    title_ja: str
    medium: Medium
    transport: Literal["smtp", "mailbox", "http"]
    settings: Mapping[str, Any]
    capabilities: Capabilities
    prepare: Callable[[Envelope, Content, Mapping[str, str]], Request]
    classify: Callable[[Answer | Failure], Outcome]
    classify_by: Callable[[Answer | Failure, Mapping[str, str]], Outcome] | None = None
    misset: Callable[[Mapping[str, str]], str | None] | None = None
    objections: Callable[[Content], tuple[str, ...]] | None = None
    feedback: Feedback | None = None
    api: Api | None = None
    login: Callable[[Asking], Conversation[None]] | None = None
    check: Callable[[Asking], Conversation[tuple[Finding, ...]]] | None = None
    find: Callable[[Asking, HttpRequest], Conversation[str | None]] | None = None
    batch: Batch | None = None
    linking: Linking | None = None

    mail_dns: MailDns = MailDns()

    def outcome(self, result: Answer | Failure, settings: Mapping[str, str]) -> Outcome:
        """What the answer means for a connection with these settings."""
        return self.classify_by(result, settings) if self.classify_by else self.classify(result)
