"""Slack: notices to the merchant's own staff, by an incoming webhook
(https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from connectors.parts.sending import team_post
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.sending.http_answer import outcome as answered
from engine.contracts import Accepted, Answer, Capabilities, Channel, Failure, FailureScope, HttpRequest, Outcome
from engine.model.message import Content, Envelope

# Characters: https://docs.slack.dev/reference/block-kit/blocks/header-block, .../blocks/section-block, .../messaging
HEADER, SECTION, BLOCKS, TEXT = 150, 3_000, 50, 4_000
_LINK = re.compile(r"https?://[^\s<>|]+")
_WORD = re.compile(r"[a-z][a-z_]*")

SETTINGS = team_post.settings("Webhook URL of the channel", "Incoming WebhookのURL")

# Slack says what is wrong in one word of plain text, under statuses that differ from page to page: the word decides.
WORDS: Mapping[str, FailureScope] = {
    "action_prohibited": "account", "channel_is_archived": "account", "channel_not_found": "account",
    "invalid_token": "account", "no_active_hooks": "account", "no_service": "account", "no_service_id": "account",
    "no_team": "account", "posting_to_general_channel_denied": "account", "team_disabled": "account",
    "user_not_found": "account", "invalid_auth": "account", "token_revoked": "account", "account_inactive": "account",
    "is_archived": "account", "org_login_required": "account", "team_access_not_granted": "account",
    "invalid_payload": "message", "invalid_blocks": "message", "invalid_blocks_format": "message",
    "missing_text_or_fallback_or_attachments": "message", "msg_blocks_too_long": "message", "msg_too_long": "message",
    "no_text": "message", "too_many_attachments": "message", "invalid_attachments": "message",
    "invalid_json": "message", "json_not_object": "message", "missing_charset": "message",
}  # fmt: skip
ROWS = (
    *(Row("4", "rejected", scope, word) for word, scope in WORDS.items()),
    *(Row("200", "rejected", scope, word) for word, scope in WORDS.items()),
    Row("", "deferred", "rate", "rate_limited"),
    Row("", "deferred", "rate", "ratelimited"),
    Row("400", "rejected", "account"),  # of something that is not Slack's word: the address is another's
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One message of blocks, with the same as plain text for notifications. What customers have typed cannot format
    anything, mention anybody or make a link; our own links are. Raises ValueError for a message without text.

    The address is the secret, so it is not in the request. Slack keeps no id of ours but that of a block.
    """
    if problems := objections(content):
        raise ValueError(problems[0])
    subject = " ".join(content.subject.split())
    body = {
        "text": _escaped(subject or content.text)[:TEXT],
        "blocks": [*_header(envelope, subject), *_sections(content.text)][:BLOCKS],
        "unfurl_links": False, "unfurl_media": False,
    }  # fmt: skip
    return team_post.request(msgspec.json.encode(body))


def objections(content: Content) -> tuple[str, ...]:
    """What Slack would refuse of this content, in words."""
    found = [] if content.text.strip() else ["a message to the team needs a text"]
    if len(content.text) > 10_000:
        found.append("a message to the team has at most 10,000 characters")
    return tuple(found)


def classify(result: Answer | Failure) -> Outcome:
    """What Slack's word, or its silence, means. It gives no id: "ok" is all there is."""
    if not isinstance(result, Answer):
        return _judged(result)
    word = result.body.decode("utf-8", "replace").strip()
    if result.code == 200 and word == "ok":
        return Accepted()
    name = word if len(word) < 80 and _WORD.fullmatch(word) else ""
    if result.code == 200 and name in WORDS:  # never seen, but an error is no success
        return _judged(replace(result, code=400, body=msgspec.json.encode({"word": name})))
    return _judged(replace(result, body=msgspec.json.encode({"word": name})))


def _judged(result: Answer | Failure) -> Outcome:
    return answered(result, rows=ROWS, error=_error)


def _error(said: Said) -> tuple[str, str]:
    return str(said.get("word", "")), ""


def _header(envelope: Envelope, subject: str) -> list[dict[str, Any]]:
    if not subject:
        return []
    short = subject if len(subject) <= HEADER else f"{subject[: HEADER - 1]}…"
    return [{
        "type": "header", "block_id": envelope.id, "text": {"type": "plain_text", "text": short, "emoji": False},
    }]  # fmt: skip


def _sections(text: str) -> list[dict[str, Any]]:
    """The text in as many sections as it needs. `verbatim`: nothing in it is taken for a mention."""
    parts: list[str] = []
    for line in text.strip().splitlines():
        wire = _wire(line)
        if parts and len(parts[-1]) + len(wire) < SECTION:
            parts[-1] += f"\n{wire}"
        elif len(wire) <= SECTION:
            parts.append(wire)
        else:
            plain = [line[at : at + SECTION // 6] for at in range(0, len(line), SECTION // 6)]
            parts += [_escaped(one) for one in plain]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}
        for part in parts
        if part.strip()
    ]


def _wire(line: str) -> str:
    return _LINK.sub(lambda found: f"<{found[0]}>", _escaped(line))


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


CHANNEL = Channel(
    name="slack",
    title="Slack (incoming webhook)",
    title_ja="Slack（Incoming Webhook）",
    medium="team",
    transport="http",
    settings=SETTINGS,
    # https://docs.slack.dev/apis/web-api/rate-limits: one a second, short bursts
    capabilities=Capabilities(per_second=1),
    prepare=prepare,
    classify=classify,
    objections=objections,
)
