"""How a LINE account comes to belong to a customer: by LINE's account link, or by a code that is sent to us in a talk
(https://developers.line.biz/en/docs/messaging-api/linking-accounts/, .../using-line-url-scheme/)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.channels.line.words import WORDS, Language, invitation, plain
from connectors.parts.sending import line_account
from connectors.parts.sending.http_answer import spoken
from connectors.parts.talk.asking import address, ask, ask_json, good, said, sending
from connectors.parts.talk.oauth import BEARER
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Linking, Talk

USER = re.compile(r"U[0-9a-f]{32}")
DIALOG = "https://access.line.me/dialog/bot/accountLink"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,200}")
_SOON = timedelta(minutes=1)


def user(given: str, settings: Mapping[str, str]) -> str:
    """A user id of LINE. Raises ValueError."""
    if not USER.fullmatch(given.strip()):
        raise ValueError("the address is no user id of LINE")
    return given.strip()


def talk(words: str, settings: Mapping[str, str]) -> Talk | None:
    """Where LINE opens a talk with the account, `words` typed in already."""
    account = settings.get("bot_id")
    url = f"https://line.me/R/oaMessage/{quote(account or '', safe='')}/?{quote(words, safe='')}"
    return Talk(account, url) if account else None


def dialog(token: str, nonce: str) -> str:
    """Where LINE asks whoever got this link token whether they are to be linked. Raises ValueError."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("no link token of LINE")
    return f"{DIALOG}?{urlencode({'linkToken': token, 'nonce': nonce})}"


LINKING = Linking(address=user, talk=talk, asked_as="linkToken", dialog=dialog)


def answer(asking: Asking, ref: str) -> Conversation[None]:
    """Answer somebody in the talk: a stranger with a link by which their account becomes known, others with what came
    of it. A reply costs nothing, and LINE takes it once and not for long: when the reply token is no good any more it
    has been said, or is too late to be said."""
    what, person, token = ref.split(":", 2)
    yield from _signed_in(asking)
    language = yield from _language(asking, person)
    if what == "stranger":
        link = yield from _link_token(asking, person)
        if link is None:
            return
        page = f"{asking.link_page}?{urlencode({LINKING.asked_as: link, 'lang': language})}"
        message = invitation(language, page)
    else:
        message = plain(WORDS[language]["linked" if what == "linked" else "refused"])
    body = {"replyToken": token, "messages": [message]}
    reply = yield from ask(sending(_at(asking, "message", "reply"), body, BEARER))
    if reply.code != 400 or "reply token" not in str(spoken(reply.body).get("message")).lower():
        good(reply)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """What is to be known of the account, and whether customers find it from their own pages."""
    findings = yield from line_account.check(asking)
    if asking.settings.get("bot_id"):
        return findings
    bot = table((yield from ask_json(HttpRequest(url=_at(asking, "info"), method="GET", auth=BEARER))))
    what = "customers cannot link their LINE account from their own pages: the setting bot_id is missing"
    do = f"set bot_id={text(bot.get('premiumId')) or text(bot.get('basicId')) or '@...'}"
    return (*findings, Finding(level="warning", what=what, do=do))


def _signed_in(asking: Asking) -> Conversation[None]:
    until = asking.until.get("access_token")
    if not asking.settings.get("access_token") or (until is not None and until < asking.now + _SOON):
        yield from line_account.login(asking)


def _language(asking: Asking, person: str) -> Conversation[Language]:
    """The language that they use LINE in; Japanese where LINE does not say."""
    answered = yield from ask(HttpRequest(url=_at(asking, "profile", person), method="GET", auth=BEARER))
    told: Any = table(said(answered)) if answered.code == 200 else {}
    tongue = text(told.get("language")) or "ja"
    return "ja" if tongue.lower().startswith("ja") else "en"


def _link_token(asking: Asking, person: str) -> Conversation[str | None]:
    """Good for ten minutes and one use; None where there is nobody to give it to any more."""
    answered = yield from ask(HttpRequest(url=_at(asking, "user", person, "linkToken"), auth=BEARER))
    if answered.code in {400, 404}:
        return None
    return text(table(said(good(answered))).get("linkToken"))


def _at(asking: Asking, *path: str) -> str:
    return address(asking.settings.get("url") or line_account.URL, "v2", "bot", *path)
