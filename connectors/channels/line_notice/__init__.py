"""LINE notification messages (LINE通知メッセージ): to a telephone number, by a template that LINE keeps
(https://developers.line.biz/en/docs/partner-docs/line-notification-messages/template/)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from connectors.parts.sending.http_answer import Row
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.line_account import URL, check, error, login, settings_with
from connectors.parts.sending.line_events import FEEDBACK
from connectors.parts.talk.asking import sending
from connectors.parts.talk.oauth import BEARER
from engine.contracts import Accepted, Answer, Capabilities, Channel, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

_NUMBER = re.compile(r"\+(81|66|886)\d{6,12}")  # Japan, Thailand, Taiwan
_TAG = re.compile(r"[!-~]{16,100}")
EMPHASIZED, ITEM, ITEMS, BUTTONS, BUTTON_URL = 15, 300, 15, 2, 1_000

# 422: the number is not known to LINE, belongs elsewhere, or its owner has refused: all of them the recipient's affair.
_ROWS = (
    Row("400", "rejected", "message"),
    Row("422", "rejected", "recipient"),
    Row("429", "deferred", "quota", "monthly_limit"),
    Row("429", "deferred", "rate"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One message to the SHA-256 of the number in E.164. Our id is the delivery tag, which comes back when it has
    arrived. There is no retry key here: LINE answers 400 to one. Raises ValueError for a number that LINE's
    notification messages do not reach, and for content that is no template."""
    if not _NUMBER.fullmatch(envelope.to):
        raise ValueError("LINE notification messages reach numbers of Japan, Thailand and Taiwan only")
    if problems := objections(content):
        raise ValueError("; ".join(problems))
    tag = {"x-line-delivery-tag": envelope.id} if _TAG.fullmatch(envelope.id) else {}
    body = {"to": sha256(envelope.to.encode()).hexdigest(), **content.payload}
    return sending(
        f"{(settings.get('url') or URL).rstrip('/')}/v2/bot/message/pnp/templated/push", body, BEARER, more=tag
    )


def classify(result: Answer | Failure) -> Outcome:
    """What LINE's answer means. 202 tells that it was taken; that it arrived is told by the webhook, or never."""
    if isinstance(result, Answer) and result.code in {200, 202}:
        return Accepted(ref=result.headers.get("x-line-request-id", "")[:200] or None)
    return answered(result, rows=_ROWS, error=error)


def objections(content: Content) -> tuple[str, ...]:
    """What LINE would refuse of the template's fields, in words."""
    return tuple(_all(content.payload))


def _all(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict) or not payload.get("templateKey") or payload.keys() - {"templateKey", "body"}:
        yield "it must be an object of templateKey and body, as LINE's list of templates says"
        return
    body = payload.get("body") or {}
    emphasized, items, buttons = body.get("emphasizedItem"), body.get("items") or [], body.get("buttons") or []
    if emphasized and len(str(emphasized.get("content", ""))) > EMPHASIZED:
        yield f"emphasizedItem: at most {EMPHASIZED} characters"
    if len(items) > ITEMS or any(len(str(one.get("content", ""))) > ITEM for one in items):
        yield f"items: at most {ITEMS}, of {ITEM} characters each"
    if len(buttons) > BUTTONS or any(len(str(one.get("url", ""))) > BUTTON_URL for one in buttons):
        yield f"buttons: at most {BUTTONS}, with addresses of {BUTTON_URL} characters each"


CHANNEL = Channel(
    name="line_notice",
    title="LINE notification messages",
    title_ja="LINE通知メッセージ",
    medium="line_notice",
    transport="http",
    settings=settings_with(),
    # Advertising is forbidden there: LINE switches off accounts that do it.
    capabilities=Capabilities(receipts=True, per_second=2_000, purposes=frozenset({"transactional"})),
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=FEEDBACK,
    login=login,
    check=check,
)
