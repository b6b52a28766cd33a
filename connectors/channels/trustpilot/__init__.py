"""Trustpilot: it invites the customer to review the shop
(https://developers.trustpilot.com/invitation-api, https://developers.trustpilot.com/authentication)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

import msgspec

from connectors.parts.sending import reviews
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.talk.asking import address, ask, ask_json, form, good, said
from connectors.parts.values.loose import number, rows, table, text
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
    Renewed,
    Unanswered,
)
from engine.model.message import Content, Envelope

INVITATIONS, API = "https://invitations-api.trustpilot.com", "https://api.trustpilot.com"
LOCALES = {"ja": "ja-JP", "en": "en-US"}
AUTH = {"authorization": "Bearer {access_token}"}
_ID = r"^[A-Za-z0-9_-]{1,64}(?![\s\S])"

SETTINGS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["business_unit", "template", "api_key", "api_secret"],
    "properties": {
        "business_unit": {
            "type": "string", "pattern": _ID, "title": "Business unit ID", "title_ja": "ビジネスユニットID",
        },
        "template": {
            "type": "string", "pattern": _ID,
            "title": "ID of the invitation template", "title_ja": "招待テンプレートのID",
        },
        "api_key": {**reviews.TOKEN, "pattern": r"^[!-9;-~]+(?![\s\S])", "title": "API key", "title_ja": "APIキー"},
        "api_secret": {**reviews.TOKEN, "title": "API secret", "title_ja": "APIシークレット"},
        "access_token": {**reviews.TOKEN, "title": "is got as needed"},
        "business_user": {"type": "string", "pattern": _ID, "title": "User ID that invitations are made for"},
        "locale": {
            "type": "string", "pattern": r"^[a-z]{2}-[A-Z]{2}(?![\s\S])", "title": "locale; without it ja-JP or en-US",
        },
        "redirect_url": {"type": "string", "pattern": reviews.HOST, "title": "where customers go after the review"},
        "url": {"type": "string", "pattern": reviews.HOST, "title": f"address of the API; without it {INVITATIONS}"},
        "login_url": {"type": "string", "pattern": reviews.HOST, "title": f"address of the login; without it {API}"},
    },
}  # fmt: skip

ROWS = (Row("400", "rejected", "message"), Row("409", "accepted"), Row("422", "rejected", "message"))


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One invitation, due now: when to ask has been decided by the journey. Our id is one of its tags. Raises
    BadAddress."""
    invitation: dict[str, Any] = {
        "templateId": settings["template"], "tags": ["todoke", envelope.id],
        "preferredSendTime": envelope.sent_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }  # fmt: skip
    if redirect := settings.get("redirect_url"):
        invitation["redirectUri"] = redirect
    body = {
        "type": "email", "consumerEmail": reviews.customer(envelope), "referenceNumber": reviews.number(envelope),
        "consumerName": reviews.name(envelope, content.locale),
        "locale": settings.get("locale") or LOCALES.get(content.locale, LOCALES["en"]),
        "serviceReviewInvitation": invitation,
    }  # fmt: skip
    if envelope.sender_name:
        body["senderName"] = envelope.sender_name
    if envelope.reply_to:
        body["replyTo"] = envelope.reply_to
    return HttpRequest(
        url=_place(settings, "email-invitations"), headers={"content-type": "application/json", **_user(settings)},
        auth=AUTH, body=msgspec.json.encode(body),
    )  # fmt: skip


def classify(result: Answer | Failure) -> Outcome:
    """What Trustpilot's answer, or its silence, means for the invitation."""
    return reviews.handed_over(result, rows=ROWS, ref=_ref, error=reviews.error)


def login(asking: Asking) -> Conversation[None]:
    """A token by client credentials; it lasts 100 hours and cannot be refreshed
    (https://developers.trustpilot.com/get-started/authentication/grant-type-client-credentials)."""
    base = asking.settings.get("login_url") or asking.settings.get("url") or API
    request = HttpRequest(
        url=address(base, "v1", "oauth", "oauth-business-users-for-applications", "accesstoken"),
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth={"authorization": "Basic {api_key}:{api_secret}"}, body=form({"grant_type": "client_credentials"}),
    )  # fmt: skip
    answer = yield from ask(request)
    if answer.code in {400, 401, 403}:
        raise Unanswered("login", "Trustpilot does not accept api_key and api_secret")
    told = table(said(good(answer)))
    token, lasts = text(told.get("access_token")), number(told.get("expires_in"))
    if not token:
        raise Unanswered("provider", "an answer without a token")
    until = asking.now + timedelta(seconds=int(lasts) if lasts else 3600)
    yield Renewed(secrets={"access_token": token}, until={"access_token": until})


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the login work, and is the template there?"""
    yield from login(asking)
    request = HttpRequest(
        url=_place(asking.settings, "templates"), method="GET", headers=_user(asking.settings), auth=AUTH
    )
    answer = yield from ask_json(request)
    found = rows(table(answer).get("templates") if isinstance(answer, dict) else answer)
    wanted = asking.settings["template"]
    if any(text(one.get("id")) == wanted for one in found):
        return (Finding(level="ok", what="Trustpilot knows the account and the template"),)
    do = "take the ID of a template under Get reviews > Invitation settings > Email templates"
    return (Finding(level="error", what=f"there is no template {wanted}", do=do),)


def _place(settings: Mapping[str, str], what: str) -> str:
    base = settings.get("url") or INVITATIONS
    return address(base, "v1", "private", "business-units", settings["business_unit"], what)


def _user(settings: Mapping[str, str]) -> dict[str, str]:
    user = settings.get("business_user")
    return {"x-business-user-id": user} if user else {}


def _ref(told: Said) -> str | None:
    return text(told.get("id"))


CHANNEL = Channel(
    name="trustpilot",
    title="Trustpilot (review invitations)",
    title_ja="Trustpilot（レビュー招待）",
    medium="review",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(per_second=10, purposes=frozenset({"service"})),
    prepare=prepare,
    classify=classify,
    login=login,
    check=check,
)
