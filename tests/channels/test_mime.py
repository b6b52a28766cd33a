"""What we build by hand is what the standard library's own parser reads."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.parts.sending.address import BadAddress
from connectors.parts.sending.mime import build
from engine.model.message import Content, Envelope

JST = timezone(timedelta(hours=9))
ENVELOPE = Envelope(
    id="m_3kf", merchant="hanaya", purpose="transactional", to="hanako@example.jp", to_name="髙橋 花子",
    sender="shop@hanaya.example", sender_name="花屋", sent_at=datetime(2026, 11, 21, 10, 0, tzinfo=JST),
)  # fmt: skip
CONTENT = Content(subject="発送のお知らせ", text="本日発送いたしました。\n", html="<p>本日発送いたしました。</p>\n")
ODD = st.sampled_from('髙﨑①㈱ｶﾅ👨‍👩‍👧🎁é"\\<>,;:@=?_#. \t\r\n\x00\x85\u2028\u2029\u202e') | st.characters()
LINES = st.text(ODD, max_size=160)


def parsed(envelope=ENVELOPE, content=CONTENT):
    return message_from_bytes(build(envelope, content, domain="hanaya.example"), policy=policy.default)


def shown(text):
    """Line breaks become a space, what cannot be seen goes: the promise for names and subjects."""
    text = re.sub("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+", " ", text)
    return re.sub("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "", text).strip()


def decoded(header):
    """The value of a header whose bytes are given folded, by the older and plainer of the two decoders."""
    return str(make_header(decode_header(header)))


def raw_header(data, name):
    head = data.partition(b"\r\n\r\n")[0].decode()
    return re.search(rf"(?m)^{name}: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", head)[1].replace("\r\n", "")


def unixed(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


@given(subject=LINES, name=LINES, sender_name=LINES, text=LINES, html=LINES)
def test_the_stdlib_reads_back_what_was_meant(subject, name, sender_name, text, html):
    content = replace(CONTENT, subject=subject, text=text, html=html)
    data = build(replace(ENVELOPE, to_name=name, sender_name=sender_name), content, domain="hanaya.example")
    mail = message_from_bytes(data, policy=policy.default)
    assert decoded(raw_header(data, "Subject")) == shown(subject)
    assert mail["To"].addresses[0].addr_spec == "hanako@example.jp"
    assert len(mail["To"].addresses) == len(mail["From"].addresses) == 1
    for header, value in (("To", name), ("From", sender_name)):
        phrase = raw_header(data, header).rpartition("<")[0].strip()
        if phrase.startswith('"'):
            phrase = re.sub(r"\\(.)", r"\1", phrase[1:-1])
        assert decoded(phrase) == shown(value)
    if text and html:
        plain, rich = mail.iter_parts()
        assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
        assert plain.get_content().replace("\r\n", "\n") == unixed(text)
        assert rich.get_content().replace("\r\n", "\n") == unixed(html)
    assert not mail.defects


@given(subject=LINES, name=LINES, text=LINES.filter(bool))
def test_the_frame_is_always_clean(subject, name, text):
    data = build(replace(ENVELOPE, to_name=name), replace(CONTENT, subject=subject, text=text), domain="hanaya.example")
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(rb"=\?.*?\?=", data))
    names = [line.partition(b":")[0] for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "]
    assert names == [
        b"Date", b"From", b"To", b"Subject", b"Message-ID", b"Auto-Submitted", b"X-Todoke-Message",
        b"MIME-Version", b"Content-Type",
    ]  # fmt: skip


def test_a_long_japanese_subject_with_rare_characters_survives_the_stdlib():
    subject = "【花屋】髙橋様 ご注文①(2個口のうち1個目)🎁を発送いたしました" * 4
    mail = parsed(content=replace(CONTENT, subject=subject))
    assert mail["Subject"] == subject


def test_the_headers_of_a_transactional_mail():
    mail = parsed()
    assert mail["From"] == "花屋 <shop@hanaya.example>"
    assert mail["To"] == "髙橋 花子 <hanako@example.jp>"
    assert mail["Message-ID"] == "<m_3kf@hanaya.example>"
    assert mail["Date"].datetime == ENVELOPE.sent_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Todoke-Message"] == "m_3kf"
    assert mail["MIME-Version"] == "1.0"
    for absent in ("Reply-To", "References", "In-Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"):
        assert mail[absent] is None


def test_one_click_headers_reply_to_and_thread():
    mail = parsed(replace(
        ENVELOPE, purpose="service", unsubscribe_url="https://t.hanaya.example/u/abc-DEF_1",
        reply_to="help@hanaya.example", references="<m_1st@hanaya.example>",
    ))  # fmt: skip
    assert mail["List-Unsubscribe"] == "<https://t.hanaya.example/u/abc-DEF_1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Reply-To"] == "help@hanaya.example"
    assert mail["References"] == mail["In-Reply-To"] == "<m_1st@hanaya.example>"


def test_carrier_addresses_are_quoted_and_names_of_plain_ascii_too():
    mail = parsed(replace(ENVELOPE, to="foo..bar@docomo.ne.jp", to_name='Hana "Ko" \\ Inc., Ltd.'))
    (to,) = mail["To"].addresses
    assert to.display_name == 'Hana "Ko" \\ Inc., Ltd.'
    assert raw_header(build(replace(ENVELOPE, to="foo..bar@docomo.ne.jp"), CONTENT, domain="h.example"), "To").endswith(
        '<"foo..bar"@docomo.ne.jp>'
    )


def test_an_address_outside_ascii_stays_readable():
    data = build(replace(ENVELOPE, to="花子@example.jp"), CONTENT, domain="hanaya.example")
    assert "<花子@example.jp>".encode() in data


@pytest.mark.parametrize(
    ("text", "html", "kind"), [("a", None, "text/plain"), ("", "<p>", "text/html"), ("", None, "text/plain")]
)
def test_one_body_needs_no_multipart(text, html, kind):
    mail = parsed(content=Content(subject="x", text=text, html=html))
    assert mail.get_content_type() == kind
    assert mail.get_content().strip() == (html or text)


def test_equal_arguments_give_equal_bytes():
    assert build(ENVELOPE, CONTENT, domain="hanaya.example") == build(ENVELOPE, CONTENT, domain="hanaya.example")


BREAKS = ["\r\nBcc: eve@example.net", "\nBcc: x", "\r", "\x85", "\u2028", "\u2029", "\x00", "\x7f"]


@pytest.mark.parametrize("tail", BREAKS, ids=ascii)
@pytest.mark.parametrize(("field", "header", "value"), [
    ("to", "To", "hanako@example.jp"),
    ("sender", "From", "shop@hanaya.example"),
    ("reply_to", "Reply-To", "help@hanaya.example"),
    ("id", "Message-ID", "m_3kf"),
    ("references", "References", "<m_1@hanaya.example>"),
    ("unsubscribe_url", "List-Unsubscribe", "https://t.hanaya.example/u/abc"),
])  # fmt: skip
def test_no_value_can_add_a_header(field, header, value, tail):
    with pytest.raises(ValueError, match=f"^{header}: "):
        build(replace(ENVELOPE, **{field: value + tail}), CONTENT, domain="hanaya.example")


def test_the_domain_of_the_message_id_is_checked_too():
    with pytest.raises(BadAddress, match=r"^Message-ID: "):
        build(ENVELOPE, CONTENT, domain="hanaya.example>\r\nBcc: x")


def test_a_date_needs_its_zone():
    with pytest.raises(ValueError, match=r"^Date: "):
        build(
            replace(ENVELOPE, sent_at=datetime(2026, 11, 21, tzinfo=UTC).replace(tzinfo=None)),
            CONTENT,
            domain="h.example",
        )


@pytest.mark.parametrize("tail", BREAKS, ids=ascii)
def test_names_and_subjects_lose_what_breaks_lines(tail):
    data = build(
        replace(ENVELOPE, to_name="Hana" + tail),
        replace(CONTENT, subject="Hi" + tail),
        domain="hanaya.example",
    )
    assert not re.search(rb"(?m)^Bcc", data)
