"""What the SMTP channel sends and how it understands the answers."""

import json
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

import connectors.channels.smtp
from connectors.channels.smtp import CHANNEL
from connectors.parts.sending.address import BadAddress
from engine.contracts import Accepted, Ambiguous, Answer, Deferred, Failure
from engine.model.message import Content, Envelope

FIXTURES = Path(connectors.channels.smtp.__file__).parent / "fixtures"
REPLIES = yaml.safe_load((FIXTURES / "replies.yaml").read_text(encoding="utf-8"))
CONTENT = Content(subject="発送のお知らせ", text="本日発送いたしました。")


def envelope(**changes):
    return Envelope(**{
        "id": "m_1", "merchant": "hanaya", "purpose": "transactional", "to": "hanako@example.jp",
        "sender": "shop@hanaya.example", "sent_at": datetime.fromisoformat("2026-11-21T10:00:00+09:00"),
        **changes,
    })  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply[0]} {reply[1]} {reply[2]:.30}")
def test_a_refusal_is_understood(reply):
    command, code, text, expected, expected_code = reply
    result = CHANNEL.classify(Failure(stage="refused", code=code, command=command, text=text))
    assert f"{type(result).__name__.lower()} {result.scope}" == expected
    assert result.code == expected_code
    assert "@" not in (result.detail or "")


def test_every_refusal_has_an_outcome():
    for code in range(400, 600):
        for command in ("CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", ".", None):
            result = CHANNEL.classify(Failure(stage="refused", code=code, command=command))
            assert isinstance(result, Deferred) == (code < 500)


def test_silence_after_the_dot_is_ambiguous_and_before_it_harmless():
    assert isinstance(CHANNEL.classify(Failure(stage="handed_over", text="no reply in time")), Ambiguous)
    result = CHANNEL.classify(Failure(stage="connect", text="refused"))
    assert result == Deferred(scope="provider", code="connect", detail="refused")


@pytest.mark.parametrize(("text", "ref"), [
    ("2.0.0 Ok: queued as 4Xk2Jq1zY", "4Xk2Jq1zY"),
    ("OK id=1rABcd-0003xY-2Z", "1rABcd-0003xY-2Z"),
    ("Ok 0102018f3c5d-7a1b-000000", "0102018f3c5d-7a1b-000000"),
    ("2.0.0 OK  1763683200 d9443c01a7336-29b5b sm1234567 - gsmtp", None),
    ("OK", None),
    ("", None),
])  # fmt: skip
def test_the_servers_own_id_is_kept(text, ref):
    assert CHANNEL.classify(Answer(code=250, text=text)) == Accepted(ref=ref, detail=text or None)


def test_no_address_is_kept_from_what_a_server_says():
    text = "2.1.5 <naoko@example.com>: queued for naoko@example.com"
    for said in (
        CHANNEL.classify(Answer(code=250, text=text)).detail,
        CHANNEL.classify(Failure(stage="handed_over", text=text)).reason,
        CHANNEL.classify(Failure(stage="connect", text=text)).detail,
        CHANNEL.classify(Failure(stage="refused", code=550, command="RCPT", text=text)).detail,
    ):
        assert "queued for <address>" in said
        assert "naoko" not in said


def test_the_bytes_are_those_of_the_fixture():
    given = json.loads((FIXTURES / "review_request.in.json").read_text(encoding="utf-8"))
    request = CHANNEL.prepare(
        msgspec.convert(given["envelope"], Envelope),
        msgspec.convert(given["content"], Content),
        given["settings"],
    )
    assert (request.mail_from, request.rcpt_to) == ("bounce@mail.hanaya.example", '"hanako..h"@docomo.ne.jp')
    assert request.data.replace(b"\r\n", b"\n") == (FIXTURES / "review_request.eml").read_bytes()
    mail = message_from_bytes(request.data, policy=policy.default)
    assert mail["From"] == "花屋 <news@mail.hanaya.example>"
    assert mail["Message-ID"] == "<m_3kf9@id.hanaya.example>"


def test_without_settings_the_envelope_decides():
    request = CHANNEL.prepare(envelope(reply_to="help@hanaya.example"), CONTENT, {"url": "smtp://127.0.0.1"})
    mail = message_from_bytes(request.data, policy=policy.default)
    assert request.mail_from == "shop@hanaya.example"
    assert mail["From"] == "shop@hanaya.example"
    assert mail["Reply-To"] == "help@hanaya.example"
    assert mail["Message-ID"] == "<m_1@hanaya.example>"


@pytest.mark.parametrize(("changes", "settings", "header"), [
    ({"to": "nobody"}, {}, "To"),
    ({}, {"from": "a@b"}, "From"),
    ({}, {"bounce": "a\r\nRCPT TO:<b>@example.jp"}, "bounce"),
])  # fmt: skip
def test_an_address_that_cannot_be_used_names_its_place(changes, settings, header):
    with pytest.raises(BadAddress) as refused:
        CHANNEL.prepare(envelope(**changes), CONTENT, settings)
    assert refused.value.header == header


def test_the_settings_are_a_schema_and_the_url_is_secret():
    jsonschema.Draft202012Validator.check_schema(CHANNEL.settings)
    jsonschema.validate({"url": "smtp://u:p%40@mx.example.jp:587", "tls": "starttls"}, CHANNEL.settings)
    for wrong in (
        {},
        {"url": "http://x"},
        {"url": "smtp://x", "tls": "maybe"},
        {"url": "smtp://x", "user": "u"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, CHANNEL.settings)
    assert CHANNEL.settings["properties"]["url"]["secret"] is True


def test_the_enhanced_status_is_told_once():
    result = CHANNEL.classify(Failure(stage="refused", code=550, command="RCPT", text="5.1.1 user unknown"))
    assert (result.code, result.detail) == ("5.1.1", "user unknown")
