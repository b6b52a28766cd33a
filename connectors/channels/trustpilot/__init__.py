"""Trustpilot: it invites the customer to review the shop
(https://developers.trustpilot.com/invitation-api, https://developers.trustpilot.com/authentication)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending import reviews
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.talk.asking import address, ask, ask_json, form, sending
from connectors.parts.talk.oauth import BEARER, granted
from connectors.parts.values.loose import rows, table, text
from engine.contracts import (
    Answer,
    Asking,
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
_ID = r"^[A-Za-z0-9_-]{1,64}(?![\s\S])"

SETTINGS = schema.settings(
    {
        "business_unit": schema.text("Business unit ID", "ビジネスユニットID", pattern=_ID),
        "template": schema.text("ID of the invitation template", "招待テンプレートのID", pattern=_ID),
        "api_key": schema.credential("API key", "APIキー", r"^[!-9;-~]+(?![\s\S])"),
        "api_secret": schema.credential("API secret", "APIシークレット", schema.PRINTABLE),
        "access_token": schema.credential("is got as needed", pattern=schema.PRINTABLE),
        "business_user": schema.text("User ID that invitations are made for", pattern=_ID),
        "locale": schema.text("locale; without it ja-JP or en-US", pattern=r"^[a-z]{2}-[A-Z]{2}(?![\s\S])"),
        "redirect_url": schema.text("where customers go after the review", pattern=schema.UNBRACED),
        "url": schema.address(f"address of the API; without it {INVITATIONS}", pattern=schema.UNBRACED),
        "login_url": schema.text(f"address of the login; without it {API}", pattern=schema.UNBRACED),
    },
    required=("business_unit", "template", "api_key", "api_secret"),
)

ROWS = (Row("409", "accepted"), *reviews.ROWS)


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
    return sending(_place(settings, "email-invitations"), body, BEARER, more=_user(settings))


def classify(result: Answer | Failure) -> Outcome:
    """What Trustpilot's answer, or its silence, means for the invitation."""
    return reviews.handed_over(result, rows=ROWS, ref=_ref)


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
    token, lasts = granted(answer)
    until = asking.now + (lasts or timedelta(hours=1))
    yield Renewed(secrets={"access_token": token}, until={"access_token": until})


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the login work, and is the template there?"""
    yield from login(asking)
    request = HttpRequest(
        url=_place(asking.settings, "templates"), method="GET", headers=_user(asking.settings), auth=BEARER
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
    capabilities=reviews.capabilities(10),
    prepare=prepare,
    classify=classify,
    login=login,
    check=check,
)
