"""Microsoft Teams: notices to the merchant's own staff, by a workflow "Post to a channel when a webhook request is
received" (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.parts.sending import team_post
from connectors.parts.sending.http_answer import Row, Said, unnamed
from connectors.parts.sending.http_answer import outcome as answered
from engine.contracts import Accepted, Ambiguous, Answer, Capabilities, Channel, Deferred, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

MOST = 28 * 1024  # bytes of the whole request
LINES = 60  # of a card that somebody still reads
_OPEN = {"ja": "注文の状況を見る", "en": "See the order"}

SETTINGS = team_post.settings("URL of the workflow, with its signature (&sig=...)", "ワークフローのURL（&sig=…まで）")

# Azure Logic Apps names its errors in {"error": {"code": ...}}
# (https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration, workflow trigger errors).
ROWS = (
    Row("400", "rejected", "message", "TriggerInputSchemaMismatch"),
    Row("400", "rejected", "message", "InvalidRequestContent"),
    Row("400", "rejected", "message", "MalformedJson"),
    Row("400", "rejected", "account", "WorkflowTriggerIsNotEnabled"),
    Row("400", "rejected", "account", "TriggerRequestMethodNotValid"),
    Row("400", "rejected", "account", "InvalidApiVersion"),
    Row("400", "rejected", "account", "MissingApiVersionParameter"),
    Row("409", "rejected", "account", "WorkflowDisabled"),
    Row("", "rejected", "account", "WorkflowTriggerIsNotEnabled"),
    Row("", "rejected", "account", "WorkflowNotFound"),
    Row("", "rejected", "account", "WorkflowSuspended"),
    Row("", "rejected", "account", "DirectApiAuthorizationRequired"),
    Row("", "rejected", "account", "MisMatchingOAuthClaims"),
    Row("429", "deferred", "quota", "ActionsQuotaExceeded"),
    Row("", "deferred", "rate", "WorkflowRunInProgress"),
)
_RELAYED = (  # what the connectors of Office 365 wrote into a 200 until they were taken away
    ("HTTP error 429", Deferred(scope="rate", code="429")),
    ("HTTP error 503", Deferred(scope="provider", code="503")),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One Adaptive Card. Its texts are runs, which format nothing, so that what customers have typed cannot. Raises
    ValueError for a message without text, or larger than Teams takes.

    The address is the secret, so it is not in the request. Teams keeps no id of ours but that of an element.
    """
    if problems := objections(content):
        raise ValueError(problems[0])
    body = msgspec.json.encode(_message(envelope, content))
    if len(body) > MOST:
        raise ValueError(f"the message has {len(body)} bytes, and Teams takes {MOST}")
    return team_post.request(body, "application/json; charset=utf-8")


def objections(content: Content) -> tuple[str, ...]:
    """What Teams would refuse of this content, in words."""
    found = [] if content.text.strip() else ["a message to the team needs a text"]
    if len(content.text.encode()) > MOST - 4_096:
        found.append(f"a message to the team has at most {MOST - 4_096} bytes")
    return tuple(found)


def classify(result: Answer | Failure) -> Outcome:
    """What the answer, or its absence, means. 202 tells that the workflow has begun, not that it has posted: whether it
    did stands in its run history, under the id that comes with the answer."""
    if not isinstance(result, Answer) or not 200 <= result.code < 300:
        return answered(result, rows=ROWS, error=_error)
    run = result.headers.get("x-ms-workflow-run-id", "")[:200]
    text = result.body.decode("utf-8", "replace").strip()
    if result.code == 202 or run:
        return Accepted(ref=run or None, detail="the workflow has begun")
    if text == "1":
        return Accepted(detail="a connector of Office 365 has taken it")
    for words, outcome in _RELAYED:
        if words in text:
            return outcome
    return Ambiguous(
        reason=f"a reply with status {result.code} that no workflow gives: {unnamed(text[:100]) or 'empty'}"
    )


def _error(said: Said) -> tuple[str, str]:
    error = said.get("error")
    error = error if isinstance(error, Mapping) else {}
    name, text = error.get("code"), error.get("message")
    return (name if isinstance(name, str) else "")[:100], text if isinstance(text, str) else ""


def _message(envelope: Envelope, content: Content) -> dict[str, Any]:
    lines = [line for line in content.text.strip().splitlines() if line.strip()][:LINES]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": [*_title(envelope, content.subject), *(_run(line) for line in lines)],
        "fallbackText": (content.subject or content.text)[:500],
    }  # fmt: skip
    if envelope.url and envelope.url.startswith("https://"):
        title = _OPEN.get(content.locale, _OPEN["en"])
        card["actions"] = [{"type": "Action.OpenUrl", "title": title, "url": envelope.url}]
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attached]}


def _title(envelope: Envelope, subject: str) -> list[dict[str, Any]]:
    return [{**_run(subject.strip(), weight="Bolder", size="Medium"), "id": envelope.id}] if subject.strip() else []


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


CHANNEL = Channel(
    name="teams",
    title="Microsoft Teams (workflow)",
    title_ja="Microsoft Teams（ワークフロー）",
    medium="team",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(per_second=4),
    prepare=prepare,
    classify=classify,
    objections=objections,
)
