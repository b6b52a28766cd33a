"""What the tests of channels for telephones share: an envelope, an answer, and the name of an outcome."""

import json

from engine.contracts import Answer, Deferred, Rejected
from engine.model.message import Content, Envelope
from tests.connectors.playing import NOW

TEXT = "【花と器】ご注文の商品を発送しました。 https://t.example.jp/abc"


def envelope(to: str = "+819012345678", **more) -> Envelope:
    told = {"id": "m_abcdefghij234567", "merchant": "hana", "purpose": "transactional", "sender": "", "sent_at": NOW}
    return Envelope(to=to, **{**told, **more})


def words(text: str = TEXT) -> Content:
    return Content(text=text)


def said(status: int, body: object = None, **headers: str) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else b""
    return Answer(code=status, body=raw, headers={name.replace("_", "-"): value for name, value in headers.items()})


def named(outcome) -> str:
    match outcome:
        case Rejected(scope=scope) | Deferred(scope=scope):
            return f"{type(outcome).__name__.lower()} {scope}"
        case _:
            return type(outcome).__name__.lower()
