"""Zendesk: a ticket for the merchant's staff about a customer
(https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending import tickets
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.talk.asking import address, ask_json, sending
from connectors.parts.values.loose import table, text
from engine.contracts import (
    Answer,
    Asking,
    Capabilities,
    Channel,
    Conversation,
    Failure,
    Finding,
    HttpRequest,
    Outcome,
)
from engine.model.message import Content, Envelope

HOST = "zendesk.com"

SETTINGS = schema.settings(
    {
        "subdomain": tickets.subdomain(HOST),
        "email": schema.text(
            "mail address of the agent whose API token it is", "APIトークンのエージェントのメールアドレス",
            pattern=r"^[^@\s:]+@[^@\s:]+(?![\s\S])",
        ),
        "api_token": schema.credential("API token", "APIトークン", schema.PRINTABLE),
        "access_token": schema.credential(
            "OAuth access token, instead of email and api_token", "OAuthのアクセストークン", schema.PRINTABLE
        ),
        "priority": schema.choice("priority of the tickets", None, "low", "normal", "high", "urgent"),
        "public": schema.yes_or_no(
            "yes: a public comment, which Zendesk mails to the customer; otherwise an internal note",
            "yes: 公開コメントにする（Zendeskからお客様へメールが届きます）。既定は社内メモ",
        ),
        **tickets.FIELDS,
    },
    required=("subdomain",),
    either=(("email", "api_token"), ("access_token",)),
)  # fmt: skip

# https://developer.zendesk.com/api-reference/ticketing/introduction/#response-format, #idempotency
ROWS = (
    # The key was used for another ticket's bytes. Ours are stored before they leave, so it was this one's, by an
    # older version of them: it was taken.
    Row("400", "accepted", name="IdempotentRequestError"),
    Row("404", "rejected", "account", "InvalidEndpoint"),
    Row("404", "rejected", "account", "RecordNotFound"),
    Row("409", "ambiguous"),  # the first one of the same key is still under way, or two wrote at once
    Row("422", "rejected", "account", "AccountSuspended"),
    Row("422", "rejected", "message"),
    Row("423", "rejected", "account"),
    Row("503", "deferred", "provider", "DatabaseUnavailable"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One ticket; the customer is its requester. Our id is the key by which Zendesk knows a repeated request, and the
    ticket's external id. Raises ValueError, and BadAddress for the customer's address."""
    ticket: dict[str, Any] = {
        "subject": tickets.subject(content),
        "comment": {"body": content.text.strip(), "public": settings.get("public") == "yes"},
        "external_id": envelope.id, "tags": tickets.tags(envelope, settings),
    }  # fmt: skip
    if email := tickets.customer(envelope, settings):
        ticket["requester"] = {"name": _name(envelope) or email, "email": email}
    if priority := settings.get("priority"):
        ticket["priority"] = priority
    ticket |= tickets.group(settings)
    url = address(tickets.base(settings, HOST), "api", "v2", "tickets.json")
    return sending(url, {"ticket": ticket}, _auth(settings), more={"idempotency-key": envelope.id})


def classify(result: Answer | Failure) -> Outcome:
    """What Zendesk's answer, or its silence, means for the ticket."""
    return answered(result, rows=ROWS, ref=_ref, error=_error)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Are the credentials an agent's, who may make tickets?"""
    settings = asking.settings
    url = address(tickets.base(settings, HOST), "api", "v2", "users", "me.json")
    request = HttpRequest(url=url, method="GET", auth=_auth(settings))
    user = table(table((yield from ask_json(request))).get("user"))
    role, name = text(user.get("role")), text(user.get("name")) or "nobody"
    if role in {"agent", "admin"}:
        return (Finding(level="ok", what=f"signed in as {name} ({role})"),)
    do = "make an API token for an agent under Apps and integrations > Zendesk API, and set email to that agent's"
    return (Finding(level="error", what=f"signed in as {name}, who is no agent", do=do),)


def _auth(settings: Mapping[str, str]) -> dict[str, str]:
    known = "Bearer {access_token}" if settings.get("access_token") else "Basic {email}/token:{api_token}"
    return {"authorization": known}


def _name(envelope: Envelope) -> str:
    return " ".join((envelope.to_name or "").split())[:200] if envelope.customer else ""


def _ref(said: Said) -> str | None:
    return tickets.number(table(said.get("ticket")))


def _error(said: Said) -> tuple[str, str]:
    error = said.get("error")
    if isinstance(error, Mapping):  # {"error": {"title": ..., "message": ...}}, of a subdomain that is nobody's
        return str(error.get("title") or "")[:100], str(error.get("message") or "")
    told = [str(said.get("description") or said.get("message") or "")]
    details = said.get("details")
    for field, some in details.items() if isinstance(details, Mapping) else ():
        told += [f"{field}: {one.get('description', '')}" for one in some or () if isinstance(one, Mapping)]
    return str(error or "")[:100], "; ".join(filter(None, told))


CHANNEL = Channel(
    name="zendesk",
    title="Zendesk (tickets)",
    title_ja="Zendesk（チケット）",
    medium="ticket",
    transport="http",
    settings=SETTINGS,
    # Keys are remembered for two hours (introduction/#idempotency); 200 requests a minute on the smallest plan.
    capabilities=Capabilities(idempotency=timedelta(hours=2), per_second=3),
    prepare=prepare,
    classify=classify,
    objections=tickets.objections,
    check=check,
)
