"""A stored mail taken apart for the console: its headers, its HTML and text as they were sent."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

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
    """The mail in these bytes. Whatever they are, something comes back: they are shown, never trusted."""
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - policy.default makes nothing else
    return Mail(
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        html=_part(parsed, "html"),
        text=_part(parsed, "plain"),
        source=data.decode("utf-8", "replace")[:SHOWN],
        size=len(data),
    )


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
