"""What leaves and what comes back: requests, answers, failures. Values; the engine does the IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class MailRequest:
    """One SMTP transaction: exact bytes that are stored before they are sent. Where the server offers DSN (RFC 3461),
    it is asked to report what `notify` names (SUCCESS, FAILURE, DELAY), under the name `envid`."""

    mail_from: str
    rcpt_to: str
    data: bytes
    envid: str = ""
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FileRequest:
    """One message to keep under TODOKE_HOME/mailbox instead of sending it."""

    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request: what is stored before it is sent, and sent again as it was stored.

    Header names are in lower case. `auth` are the headers that carry a secret, with the setting's name in
    braces where its value belongs ("Bearer {api_key}"; "Basic {user}:{password}" is encoded, ESA too): they are filled
    in from the connection when the request leaves, so that no secret is ever stored with a message. `fields` are the
    same for a provider that wants its secret inside the body, a form or a JSON object. `url_slots` names the settings
    that belong into the url: its path or query holds "{name}" for a value of unreserved characters, or the url is
    nothing but "{name}" for a setting that is an address; a brace of any other name stays what it is, for parts of a
    url may come from strangers. `sign` names one of the engine's signers (`engine.io.signers`), for headers that
    depend on the moment at which it leaves.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url_slots: tuple[str, ...] = ()
    sign: Literal["aws4:ses", "aws4:sms-voice", "vapid", "standard_webhooks"] | None = None


Request = MailRequest | FileRequest | HttpRequest


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What the transport met instead of an answer. `stage` tells whether the message can have been taken:
    "connect" and "refused" happen before it was handed over, "handed_over" after. `code` and `command` are SMTP's:
    over HTTP every reply that can be read is an Answer, whatever its status."""

    stage: Literal["connect", "refused", "handed_over"]
    code: int | None = None  # SMTP reply code where there was one
    command: str | None = None  # SMTP command it answers: CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, "."
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A provider's reply: of a mail server only the positive one, over HTTP any, with its status as `code`,
    its headers (names in lower case, several of one name joined by ", ") and its body."""

    code: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
