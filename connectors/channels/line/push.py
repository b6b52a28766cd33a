"""One push, and what LINE's answer means (https://developers.line.biz/en/reference/messaging-api/#send-push-message)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from connectors.channels.line.linking import user
from connectors.parts.sending.http_answer import Row, Said, spoken
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.line_account import URL, error
from connectors.parts.talk.asking import sending
from connectors.parts.talk.oauth import BEARER
from engine.contracts import Accepted, Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

ROWS = (
    Row("400", "rejected", "recipient", "not_a_friend"),
    Row("400", "rejected", "message"),
    # The key was used before: that request was accepted, and nothing was sent a second time.
    Row("409", "accepted"),
    Row("429", "deferred", "quota", "monthly_limit"),
    Row("429", "deferred", "rate"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One push with a retry key made of our id, so that a repeated one is not sent twice within a day. Raises
    ValueError for an address that is no user id of LINE, and for content that is no list of one to five messages."""
    body = {"to": user(envelope.to, settings), "messages": messages(content)}
    url = f"{(settings.get('url') or URL).rstrip('/')}/v2/bot/message/push"
    return sending(url, body, BEARER, more={"x-line-retry-key": str(retry_key(envelope.id))})


def messages(content: Content) -> list[object]:
    """The messages of a content. Raises ValueError unless they are one to five objects."""
    found = content.payload
    if not isinstance(found, list) or not 1 <= len(found) <= 5 or not all(isinstance(one, dict) for one in found):
        raise ValueError("the LINE edition of the template must make a list of one to five messages")
    return found


def retry_key(message: str) -> object:
    """The same key for the same message, whoever sends it."""
    return uuid5(NAMESPACE_URL, f"todoke:{message}")


def classify(result: Answer | Failure) -> Outcome:
    """What LINE's answer, or its silence, means for the message. 200 tells that it was taken, not that it arrived: for
    somebody who has blocked the account LINE says the same."""
    # Without ids, as LINE answered until 2023; its own id of the request tells that it was LINE who spoke.
    if isinstance(result, Answer) and result.code == 200 and not spoken(result.body).get("sentMessages"):
        request = result.headers.get("x-line-request-id", "")[:200]
        return Accepted(ref=request) if request else answered(result, rows=ROWS, ref=_ref, error=error)
    return answered(result, rows=ROWS, ref=_ref, error=error)


def _ref(said: Said) -> str | None:
    sent = said.get("sentMessages")
    first = sent[0] if isinstance(sent, list) and sent and isinstance(sent[0], dict) else {}
    found = first.get("id")
    return str(found)[:200] if isinstance(found, str | int) and found else None
