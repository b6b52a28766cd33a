"""One mail for Mailgun, and what its answer means
(https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from connectors.parts import settings as schema
from connectors.parts.sending.http_answer import Row, Said, named
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import bodies, mail, mailbox, settings
from connectors.parts.talk.asking import form
from engine.contracts import Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

URL = "https://api.mailgun.net"

SETTINGS = settings(URL, ["api_key", "domain"], {
    "api_key": schema.credential("Sending key of the domain, or an API key", "ドメインの送信キーまたはAPIキー"),
    "domain": schema.text(
        "Sending domain, as mg.example.jp", "送信ドメイン(例: mg.example.jp)",
        pattern=r"^(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}(?![\s\S])",
    ),
    "webhook_key": schema.credential("HTTP webhook signing key: checks what Mailgun posts", "HTTP webhook signing key"),
})  # fmt: skip

# Mailgun has no codes: its words decide. The first that fits names the error.
_WORDS = (
    ("quota", re.compile(r"quota|(daily|monthly|custom|plan).{0,40}limit|limit.{0,60}\b(day|month|plan)",
                         re.IGNORECASE)),
    ("rate", re.compile(r"(hourly|recipient|request|rate|sending|message) limit|limit exceeded|too many requests|"
                        r"try again (after|in|later)", re.IGNORECASE)),
    ("to", re.compile(r"'?\bto'? parameter is not a valid address|\bto: .{0,40}not a valid address|"
                      r"recipient address is not valid", re.IGNORECASE)),
    ("from", re.compile(r"'?\bfrom'? parameter|sender address is not valid", re.IGNORECASE)),
    ("domain", re.compile(r"domain not found|not allowed to send|activate|disabled|sandbox|authorized recipients|"
                          r"unverified|verify (your|the) domain|suspended", re.IGNORECASE)),
)  # fmt: skip
_ROWS = (
    Row("4", "deferred", "quota", "quota"),
    Row("4", "deferred", "rate", "rate"),
    Row("400", "rejected", "recipient", "to"),
    Row("4", "rejected", "account", "from"),
    Row("4", "rejected", "account", "domain"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST /v3/{domain}/messages to one person: a form. Our id is a variable, which comes back with every event.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header.
    """
    one, (html, text) = mail(envelope, content, settings), bodies(content)
    fields = {"from": mailbox(one.sender, one.sender_name), "to": one.to, "subject": one.subject}
    if text is not None:
        fields["text"] = text
    if html is not None:
        fields["html"] = html
    if one.reply_to:
        fields["h:Reply-To"] = one.reply_to
    fields |= {f"h:{name}": value for name, value in one.headers.items()}
    fields |= {f"v:{name}": value for name, value in one.told.items()}
    base = (settings.get("url") or URL).rstrip("/")
    return HttpRequest(
        url=f"{base}/v3/{quote(settings['domain'], safe='')}/messages",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth={"authorization": "Basic api:{api_key}"},
        body=form(fields),
    )


def classify(result: Answer | Failure) -> Outcome:
    """What Mailgun's answer, or its silence, means for the message."""
    return answered(result, rows=_ROWS, ref=named("id"), error=_error)


def _error(said: Said) -> tuple[str, str]:
    found = said.get("message")
    text = found if isinstance(found, str) else ""
    return next((name for name, words in _WORDS if words.search(text)), ""), text
