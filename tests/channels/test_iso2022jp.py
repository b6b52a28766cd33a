"""ISO-2022-JP on request: where it carries the whole mail, and UTF-8 where it would lose a character."""

from __future__ import annotations

import email
import re
from base64 import b64decode
from datetime import UTC, datetime
from email.policy import default

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.parts.sending import iso2022jp
from connectors.parts.sending.mime import build
from engine.model.message import Content, Envelope

ENVELOPE = Envelope(
    id="m_1", merchant="hana", purpose="transactional", to="taro..yamada@docomo.ne.jp", to_name="山田 太郎",
    sender="shop@hana.example", sender_name="花と器", sent_at=datetime(2026, 11, 22, tzinfo=UTC), charset="iso-2022-jp",
)  # fmt: skip
CONTENT = Content(
    subject="商品を発送しました(2個口のうち1個目)。お届け予定は11月24日(火)の午後です #1001",
    html='<html><head><meta charset="utf-8"></head><body><p>ヤマト運輸でお届けします〜</p></body></html>',
    text="商品を発送しました。\nお届けまで今しばらくお待ちください。\n" * 40,
)


def built(content: Content = CONTENT, envelope: Envelope = ENVELOPE):
    data = build(envelope, content, domain="hana.example")
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert data.isascii()
    return data, email.message_from_bytes(data, policy=default)


def charsets(mail) -> set[str]:
    return {part.get_content_charset() for part in mail.walk() if part.get_content_maintype() == "text"}


def test_a_mail_that_it_carries():
    data, mail = built()
    assert charsets(mail) == {"iso-2022-jp"}
    assert mail["Subject"] == CONTENT.subject
    assert mail["To"].addresses[0].display_name == "山田 太郎"
    assert b'"taro..yamada"@docomo.ne.jp' in data  # quoted, or no server takes it
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == CONTENT.text.strip()
    assert 'charset="iso-2022-jp"' in mail.get_body(("html",)).get_content()
    assert b"UTF-8" not in data


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to_name", "髙橋 直子"), ("to_name", "﨑山 一郎"), ("subject", "①ご注文"), ("text", "ﾔﾏﾄ運輸です"),
        ("text", "ありがとうございます🎁"), ("html", "<p>(株)ではなく㈱</p>"), ("sender_name", "はなとうつわ®"),
    ],
)  # fmt: skip
def test_what_it_would_lose_leaves_as_utf_8(field, value):
    content, envelope = CONTENT, ENVELOPE
    if field in ("to_name", "sender_name"):
        envelope = msgspec.structs.replace(ENVELOPE, **{field: value})
    else:
        content = msgspec.structs.replace(CONTENT, **{field: value})
    data, mail = built(content, envelope)
    assert charsets(mail) == {"utf-8"}
    assert b"iso-2022-jp" not in data.lower()
    shown = {"to_name": mail["To"].addresses[0].display_name, "sender_name": mail["From"].addresses[0].display_name,
             "subject": mail["Subject"]}  # fmt: skip
    if field in shown:
        assert shown[field] == value


def test_without_asking_it_is_utf_8():
    assert charsets(built(envelope=msgspec.structs.replace(ENVELOPE, charset="utf-8"))[1]) == {"utf-8"}


@given(st.text("あいう漢字カタカナAZ az09、。・〜※→¥‾", max_size=120))
def test_every_word_begins_and_ends_in_ascii_and_comes_back(text):
    line = iso2022jp.words(text, len("Subject: "))
    assert all(len(one) <= 76 for one in f"Subject: {line}".split("\r\n"))
    for word in re.findall(r"=\?ISO-2022-JP\?B\?([^?]*)\?=", line):
        raw = b64decode(word)
        assert b"\x1b" not in raw or raw.rfind(b"\x1b(B") > raw.rfind(b"\x1b$")
    assert str(email.header.make_header(email.header.decode_header(line))) == text


@given(st.text(max_size=60))
def test_it_says_that_it_carries_only_what_comes_back(text):
    if iso2022jp.carries(text):
        assert iso2022jp.encoded(text).decode("iso2022_jp") == text
