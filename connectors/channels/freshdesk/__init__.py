"""Freshdesk: a ticket for the merchant's staff about a customer (https://developers.freshdesk.com/api/#create_ticket).

Freshdesk knows no key of ours again, so a ticket that may be there already is looked for before it is made once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any

import msgspec

from connectors.parts import settings as schema
from connectors.parts.sending import tickets
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.talk.asking import address, ask_json, sending
from connectors.parts.values.loose import rows, table, text
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

HOST = "freshdesk.com"
OPEN, LOW, PORTAL = 2, 1, 2
PRIORITIES = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
OURS = frozenset({"subject", "description", "email", "name", "tags"})  # what a message decides; the rest is settings
AUTH = {"authorization": "Basic {api_key}:X"}
LOOKED_AT = 30  # tickets of the customer, the newest first
ASKED_ONE_BY_ONE = 5  # of those, where the list does not tell their tags

SETTINGS = schema.settings(
    {
        "subdomain": tickets.subdomain(HOST),
        "api_key": schema.credential(
            "API key of an agent (Profile settings)", "APIキー（プロフィール設定）", r"^[!-9;-~]+(?![\s\S])"
        ),
        "priority": schema.choice("priority of the tickets", None, *PRIORITIES),
        "type": schema.text("type of the tickets, as the account names it (Question)"),
        **tickets.FIELDS,
    },
    required=("subdomain", "api_key"),
)

# https://developers.freshdesk.com/api/#error
ROWS = (
    Row("400", "rejected", "account", "settings"),
    Row("400", "rejected", "account", "invalid_credentials"),
    Row("403", "rejected", "account"),
    Row("406", "rejected", "account"),
    Row("409", "rejected", "message"),
    Row("415", "rejected", "account"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One open ticket; the customer is its requester. A tag made of our id tells it from any other. Raises ValueError,
    also where nobody's mail address is known: Freshdesk files a ticket under one."""
    email = tickets.customer(envelope, settings)
    if email is None:
        raise ValueError("the customer has no mail address; set requester to one that stands for such customers")
    ticket: dict[str, Any] = {
        "subject": tickets.subject(content), "description": _html(content.text), "email": email,
        "status": OPEN, "priority": PRIORITIES.get(settings.get("priority", ""), LOW), "source": PORTAL,
        "tags": tickets.tags(envelope, settings),
    }  # fmt: skip
    if envelope.customer and (name := " ".join((envelope.to_name or "").split())):
        ticket["name"] = name[:200]
    ticket |= tickets.group(settings)
    if kind := settings.get("type"):
        ticket["type"] = kind
    return sending(address(tickets.base(settings, HOST), "api", "v2", "tickets"), ticket, AUTH)


def classify(result: Answer | Failure) -> Outcome:
    """What Freshdesk's answer, or its silence, means for the ticket."""
    return answered(result, rows=ROWS, ref=tickets.number, error=_error)


def find(asking: Asking, request: HttpRequest) -> Conversation[str | None]:
    """The number of the ticket that an earlier try of this request has made; None when there is none. Lists a
    customer's tickets, for the search of Freshdesk knows a new one only minutes later. Raises Unanswered."""
    wanted = msgspec.json.decode(request.body, type=dict[str, Any])
    mine = next((tag for tag in wanted["tags"] if tag.startswith("todoke-m-")), None)
    base = request.url.removesuffix("/api/v2/tickets")
    query = {"email": wanted["email"], "per_page": LOOKED_AT, "order_by": "created_at", "order_type": "desc"}
    listed = HttpRequest(url=address(base, "api", "v2", "tickets", **query), method="GET", auth=AUTH)
    untold = 0
    for ticket in rows((yield from ask_json(listed))):
        number, told = text(ticket.get("id")), ticket
        if number and not isinstance(ticket.get("tags"), list) and ticket.get("subject") == wanted["subject"]:
            untold += 1
            if untold > ASKED_ONE_BY_ONE:
                break
            one = HttpRequest(url=address(base, "api", "v2", "tickets", number), method="GET", auth=AUTH)
            told = table((yield from ask_json(one)))
        if mine and mine in (told.get("tags") or ()):
            return number
    return None


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the key an agent's?"""
    base = tickets.base(asking.settings, HOST)
    request = HttpRequest(url=address(base, "api", "v2", "agents", "me"), method="GET", auth=AUTH)
    agent = table((yield from ask_json(request)))
    name = text(table(agent.get("contact")).get("name")) or "an agent"
    return (Finding(level="ok", what=f"signed in as {name}"),)


def _html(written: str) -> str:
    """Freshdesk takes HTML: the text as it is, with its lines."""
    return "<br>\n".join(escape(line) for line in written.strip().splitlines())


def _error(said: Said) -> tuple[str, str]:
    """Field errors name the field; one that no message decides is a matter of the settings, and all tickets meet it."""
    errors = rows(said.get("errors"))
    if not errors:
        return str(said.get("code") or "")[:100], str(said.get("message") or said.get("description") or "")
    told = "; ".join(f"{one.get('field', '')}: {one.get('message', '')}" for one in errors)
    settings = any(one.get("field") not in OURS for one in errors)
    return "settings" if settings else str(errors[0].get("code") or "")[:100], told


CHANNEL = Channel(
    name="freshdesk",
    title="Freshdesk (tickets)",
    title_ja="Freshdesk（チケット）",
    medium="ticket",
    transport="http",
    settings=SETTINGS,
    # What may be there is looked for; a customer's tickets of the last 30 days are listed, and a day is enough.
    capabilities=Capabilities(idempotency=timedelta(hours=24), per_second=1),
    prepare=prepare,
    classify=classify,
    objections=tickets.objections,
    find=find,
    check=check,
)
