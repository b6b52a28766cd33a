"""A stored message taken apart for the console: its headers, its HTML and text as they were sent, whether they left
as a mail or inside the JSON of a provider's API."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec

from engine.contracts import HttpRequest

SHOWN = 200_000  # characters of a source that a page shows


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The parts of one mail. `source` is what left, for reading, not for sending again."""

    headers: tuple[tuple[str, str], ...] = ()
    html: str | None = None
    text: str | None = None
    source: str = ""
    size: int = 0

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def opened(data: bytes) -> Mail:
    """The message in these bytes. Whatever they are, something comes back: they are shown, never trusted."""
    if data.startswith(b"{") and (asked := _request(data)) is not None:
        return asked
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - policy.default makes nothing else
    return Mail(
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        html=_part(parsed, "html"),
        text=_part(parsed, "plain"),
        source=data.decode("utf-8", "replace")[:SHOWN],
        size=len(data),
    )


def _request(data: bytes) -> Mail | None:
    """A stored HTTP request, whose body names the parts of the mail as all mail APIs do; None when it is none."""
    try:
        asked = msgspec.json.decode(data, type=HttpRequest)
        said: dict[str, Any] = msgspec.json.decode(asked.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    html, text, more = said.pop("html", None), said.pop("text", None), said.pop("headers", None)
    named = {**asked.headers, **said, **(more if isinstance(more, dict) else {})}
    return Mail(
        headers=tuple((name, _shown(value)) for name, value in named.items()),
        html=html if isinstance(html, str) else None,
        text=text if isinstance(text, str) else None,
        source=f"{asked.method} {asked.url}\n\n{asked.body.decode()}"[:SHOWN],
        size=len(asked.body),
    )


def _shown(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def framed(html: str) -> str:
    """The HTML with links that open in a new tab: the frame it stands in goes nowhere."""
    return html.replace("<head>", '<head><base target="_blank">', 1)


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else None
    return text.replace("\r\n", "\n") if text else None
