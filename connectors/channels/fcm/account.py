"""A Firebase project: its service account, and the token that it is worth
(https://developers.google.com/identity/protocols/oauth2/service-account#httprest)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from connectors.parts.senders.jwt import rs256
from connectors.parts.sending.http_answer import spoken
from connectors.parts.sending.mail_api import HOST
from connectors.parts.talk.asking import ask, form, good, said
from connectors.parts.values.loose import number, table, text
from engine.contracts import Asking, Conversation, HttpRequest, Renewed, Unanswered

URL, TOKEN_URL = "https://fcm.googleapis.com", "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_LASTS = timedelta(hours=1)

SETTINGS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["service_account"],
    "properties": {
        "service_account": {
            "type": "string", "file": True, "secret": True, "pattern": r"^\s*\{",
            "title": "Key of a service account (JSON), as --set service_account=@key.json",
            "title_ja": "サービスアカウントの鍵(JSON、@ファイル)",
        },
        "project": {
            "type": "string", "pattern": r"^[a-z0-9.:-]{4,60}(?![\s\S])", "title": "Project; without it the key's",
            "title_ja": "プロジェクトID(通常は不要)",
        },
        "ttl": {
            "type": "string", "pattern": r"^(0|[1-9]\d{0,6})(?![\s\S])",
            "title": "Seconds that a notification waits for its device; without it four weeks",
            "title_ja": "保持時間(秒)",
        },
        "url": {"type": "string", "pattern": HOST, "title": f"address of the API; without it {URL}"},
        "token_url": {"type": "string", "pattern": HOST, "title": f"where tokens are got; without it {TOKEN_URL}"},
    },
}  # fmt: skip


def project(settings: Mapping[str, str]) -> str:
    """The project of the connection. Raises ValueError."""
    found = settings.get("project") or key(settings.get("service_account", "")).get("project_id")
    if not isinstance(found, str) or not found:
        raise ValueError("service_account names no project_id")
    return found


@lru_cache(maxsize=64)
def key(setting: str) -> Mapping[str, Any]:
    """The key of the service account; empty for what is none."""
    return spoken(setting.encode(errors="replace"))


def login(asking: Asking) -> Conversation[None]:
    """A token of an hour, for a token that the service account has signed. Google's address is ours to know: what the
    key's file says of it is not followed."""
    known = key(asking.settings.get("service_account", ""))
    mail, pem = text(known.get("client_email")), known.get("private_key")
    if not mail or not isinstance(pem, str):
        raise Unanswered(
            "login", "service_account is no key of a service account: client_email or private_key is missing"
        )
    since, url = int(asking.now.timestamp()), asking.settings.get("token_url") or TOKEN_URL
    claims = {"iss": mail, "scope": SCOPE, "aud": TOKEN_URL, "iat": since, "exp": since + int(_LASTS.total_seconds())}
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": rs256(claims, pem, "private_key of service_account"),
    }
    answer = yield from ask(
        HttpRequest(url=url, headers={"content-type": "application/x-www-form-urlencoded"}, body=form(fields))
    )
    if answer.code == 400:
        why = text(spoken(answer.body).get("error")) or "invalid_grant"
        raise Unanswered("login", f"Google does not accept the service account ({why[:40]})")
    told = table(said(good(answer)))
    token, lasts = text(told.get("access_token")), number(told.get("expires_in"))
    if not token:
        raise Unanswered("provider", "an answer without a token")
    span = timedelta(seconds=int(lasts)) if lasts else _LASTS
    yield Renewed(secrets={"access_token": token}, until={"access_token": asking.now + span})
