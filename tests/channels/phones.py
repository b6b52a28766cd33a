"""What the tests of channels for telephones share: an envelope and a text."""

from engine.model.message import Content, Envelope
from tests.connectors.playing import NOW

TEXT = "【花と器】ご注文の商品を発送しました。 https://t.example.jp/abc"


def envelope(to: str = "+819012345678", **more) -> Envelope:
    told = {"id": "m_abcdefghij234567", "merchant": "hana", "purpose": "transactional", "sender": "", "sent_at": NOW}
    return Envelope(to=to, **{**told, **more})


def words(text: str = TEXT) -> Content:
    return Content(text=text)
