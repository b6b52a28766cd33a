"""A Firebase project: its service account, and the token that it is worth
(https://developers.google.com/identity/protocols/oauth2/service-account#httprest)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.senders.jwt import rs256
from connectors.parts.sending import notification
from connectors.parts.sending.http_answer import spoken
from connectors.parts.talk.asking import ask, form
from connectors.parts.talk.oauth import granted
from connectors.parts.values.loose import text
from engine.contracts import Asking, Conversation, HttpRequest, Renewed, Unanswered

URL, TOKEN_URL = "https://fcm.googleapis.com", "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_LASTS = timedelta(hours=1)

SETTINGS = schema.settings(
    {
        "service_account": schema.file(
            "Key of a service account (JSON), as --set service_account=@key.json",
            "サービスアカウントの鍵(JSON、@ファイル)", pattern=r"^\s*\{", sealed=True,
        ),
        "project": schema.text(
            "Project; without it the key's", "プロジェクトID(通常は不要)", pattern=r"^[a-z0-9.:-]{4,60}(?![\s\S])"
        ),
        "ttl": notification.lasts("Seconds that a notification waits for its device; without it four weeks"),
        "url": schema.address(f"address of the API; without it {URL}"),
        "token_url": schema.text(f"where tokens are got; without it {TOKEN_URL}", pattern=schema.ADDRESS),
    },
    required=("service_account",),
)  # fmt: skip


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
    token, lasts = granted(answer)
    yield Renewed(secrets={"access_token": token}, until={"access_token": asking.now + (lasts or _LASTS)})
