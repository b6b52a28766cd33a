"""One question to Next Engine and its answer.

https://developer.next-engine.com/api/param/common: a form with both tokens; the answer is JSON with `result` success,
error or redirect, whatever its HTTP status. When the access token has run out, the answer carries a new pair, and the
old one is dead: so the pair is saved before anything else of the answer is used, also of one that tells an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.parts.talk.asking import address, ask, form, good, said
from connectors.parts.values import days
from connectors.parts.values.loose import table, text
from connectors.sources.next_engine.words import ZONE
from engine.contracts import Answer, Asking, Conversation, HttpRequest, Renewed, Unanswered

URL = "https://api.next-engine.org"
TOKENS = ("access_token", "refresh_token")
AGAIN = timedelta(minutes=5)  # after "overloaded"; Next Engine names no pause

# By the beginning of the code; what no row fits is the fault of the question.
CODES: tuple[tuple[str, Literal["login", "rate", "provider", "request"], str], ...] = (
    ("002", "login", "the tokens are no longer accepted"),
    ("003", "rate", "it is overloaded"),
    ("999", "provider", "it has a fault"),
)

Reply = Conversation[Mapping[str, Any]]


def post(asking: Asking, path: str, fields: Mapping[str, str]) -> Reply:
    """The answer of success. Raises Unanswered.

    `wait_flag` is not set: with it an overloaded Next Engine holds the answer back for up to an hour, and a new pair
    of tokens would be lost with an answer that nobody waits for; without it, it says 003002 at once.
    """
    given = {name: asking.settings.get(name, "") for name in TOKENS}
    if not all(given.values()):
        raise Unanswered("login", "there is no access token and refresh token yet")
    answer = yield from ask(
        HttpRequest(
            url=address(asking.settings.get("url") or URL, *path.split("/")),
            headers={"content-type": "application/x-www-form-urlencoded"},
            body=form({**given, **fields}),
        )
    )
    reply = table(said(answer if answer.code < 500 else good(answer)))
    if renewed := _renewed(asking, reply):
        yield renewed
    if text(reply.get("result")) == "success":
        return reply
    raise _refused(answer, reply)


def _renewed(asking: Asking, reply: Mapping[str, Any]) -> Renewed | None:
    """The pair of the answer, when it is another or its end is not known yet."""
    secrets = {name: found for name in TOKENS if (found := text(reply.get(name)))}
    until: dict[str, datetime] = {
        name: at for name in TOKENS if (at := days.at(reply.get(f"{name}_end_date"), ZONE)) and name in secrets
    }
    new = {name: value for name, value in secrets.items() if asking.settings.get(name) != value}
    later = {name: at for name, at in until.items() if asking.until.get(name) != at}
    return Renewed(secrets=new, until=later) if new or later else None


def _refused(answer: Answer, reply: Mapping[str, Any]) -> Unanswered:
    result, code = text(reply.get("result")), text(reply.get("code")) or ""
    if result == "redirect":
        return Unanswered("login", f"it asks for a new login (code {code[:12] or 'none'})")
    if result is None:
        good(answer)  # another status than 2xx speaks for itself
        return Unanswered("provider", "an answer without a result")
    for start, why, words in CODES:
        if code.startswith(start):
            return Unanswered(why, f"{words} (code {code[:12]})", AGAIN if why == "rate" else None)
    return Unanswered("request", f"it does not accept the question (code {code[:12] or 'none'})")
