"""OAuth 2.0 (RFC 6749) inside a conversation: a token that runs out, and one that is worth a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from connectors.parts.talk.asking import ask, form, good, said
from connectors.parts.values.loose import number, table, text
from engine.contracts import Answer, Asking, Conversation, HttpRequest, Renewed, Unanswered

EARLY = timedelta(minutes=2)  # clocks differ, and a poll takes its time
BEARER = {"authorization": "Bearer {access_token}"}

# What systems answer to a token that they do not take (RFC 6749 §5.2, RFC 6750 §3.1 and common variants).
DEAD = frozenset({400, 401, 403})


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """Where a new access token is to be had. `fields` are settings that the system wants beside the refresh token,
    by their own names; `lifetime` is how long a refresh token lives from the day it is handed out. `judge` raises
    Unanswered for an answer that says something else of the system than "this token is dead"."""

    url: str
    fields: tuple[str, ...] = ("client_id", "client_secret")
    lifetime: timedelta | None = None
    judge: Callable[[Answer], None] = lambda answer: None


def _answered_401(answer: Answer) -> bool:
    return answer.code == 401


def put(
    asking: Asking, renewal: Renewal, request: HttpRequest, refused: Callable[[Answer], bool] = _answered_401
) -> Conversation[Answer]:
    """The answer to a request whose `auth` is BEARER, of any status. The access token is renewed before it when it is
    missing or has run out, and once after an answer that `refused` it. Raises Unanswered("login")."""
    renewable = bool(asking.settings.get("refresh_token"))
    if renewable and _is_spent(asking):
        yield from renew(asking, renewal)
        renewable = False
    if not asking.settings.get("access_token"):
        raise Unanswered("login", "there is no access token: set refresh_token as the README of the source says")
    answer = yield from ask(request)
    if not (renewable and refused(answer)):
        return answer
    yield from renew(asking, renewal)
    return (yield from ask(request))


def renew(asking: Asking, renewal: Renewal) -> Conversation[None]:
    """Exchange the refresh token. What came of it is told by Renewed before anything else, since the old refresh
    token may be dead from the moment that the system gave a new one."""
    fields = {name: asking.settings.get(name, "") for name in (*renewal.fields, "refresh_token")}
    answer = yield from ask(
        HttpRequest(
            url=renewal.url,
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            body=form({"grant_type": "refresh_token", **{name: value for name, value in fields.items() if value}}),
        )
    )
    renewal.judge(answer)
    if answer.code in DEAD:
        raise Unanswered("login", f"status {answer.code}: the refresh token is not taken; authorise anew")
    told = table(said(good(answer)))
    access = text(told.get("access_token"))
    if access is None:
        raise Unanswered("login", "the answer to the refresh token holds no access token; authorise anew")
    secrets, until, seconds = {"access_token": access}, {}, number(told.get("expires_in"))
    if seconds and 0 < seconds < 10**9:
        until["access_token"] = asking.now + timedelta(seconds=int(seconds))
    if refresh := text(told.get("refresh_token")):
        secrets["refresh_token"] = refresh
        if renewal.lifetime:
            until["refresh_token"] = asking.now + renewal.lifetime
    yield Renewed(secrets=secrets, until=until)


def granted(answer: Answer) -> tuple[str, timedelta | None]:
    """The access token of a good answer, and how long it lasts where that is told. Raises Unanswered."""
    told = table(said(good(answer)))
    token, seconds = text(told.get("access_token")), number(told.get("expires_in"))
    if not token:
        raise Unanswered("provider", "an answer without a token")
    return token, timedelta(seconds=int(seconds)) if seconds is not None and 0 <= seconds < 10**9 else None


def _is_spent(asking: Asking) -> bool:
    until = asking.until.get("access_token")
    return not asking.settings.get("access_token") or (until is not None and until <= asking.now + EARLY)
