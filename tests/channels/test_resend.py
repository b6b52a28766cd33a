"""What the Resend channel sends and how it understands the answers."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

import connectors.channels.resend
from connectors.channels.resend import CHANNEL
from connectors.parts.sending.address import BadAddress
from engine.contracts import Accepted, Ambiguous, Answer, Deferred, Failure, HttpRequest
from engine.model.message import Content, Envelope
from tests.channels.mails import named

FIXTURES = Path(connectors.channels.resend.__file__).parent / "fixtures"
ANSWERS = yaml.safe_load((FIXTURES / "answers.yaml").read_text(encoding="utf-8"))
GIVEN = json.loads((FIXTURES / "review_request.in.json").read_text(encoding="utf-8"))


def prepared(envelope=None, content=None, settings=None) -> HttpRequest:
    return CHANNEL.prepare(
        msgspec.convert({**GIVEN["envelope"], **(envelope or {})}, Envelope),
        msgspec.convert({**GIVEN["content"], **(content or {})}, Content),
        {**GIVEN["settings"], **(settings or {})},
    )


@pytest.mark.parametrize(("status", "body", "expected", "code"), ANSWERS, ids=lambda value: str(value)[:50])
def test_an_answer_is_understood(status, body, expected, code):
    outcome = CHANNEL.classify(Answer(code=status, body=body.encode()))
    assert named(outcome) == (expected, code)
    assert "@" not in str(outcome)


@pytest.mark.parametrize("status", range(200, 600))
def test_only_what_the_provider_documents_is_believed(status):
    """No status by itself says accepted, and 5xx never says that the message was not taken."""
    for body in (b"", b"null", b"\xff\xfe", b"[" * 100_000, b'{"name":7,"message":{}}', b'{"error":{"name":"x"}}'):
        outcome = CHANNEL.classify(Answer(code=status, body=body))
        assert not isinstance(outcome, Accepted)
        assert isinstance(outcome, Ambiguous) == (status < 300 or status >= 500 or status == 409)


def test_silence_is_ambiguous_only_after_it_was_handed_over():
    assert isinstance(CHANNEL.classify(Failure(stage="handed_over", text="no reply in time")), Ambiguous)
    for stage in ("connect", "refused"):
        assert CHANNEL.classify(Failure(stage=stage, text="no")) == Deferred(scope="provider", code=stage, detail="no")


@pytest.mark.parametrize(("asked", "pause"), [
    ("30", 30),
    (" 30 ", 30),
    ("1.5", 1),
    ("0", 0),
    ("1000000000", 10**9),
    ("9" * 5000, 10**9),
    ("Sun, 22 Nov 2026 00:02:00 GMT", 120),
    ("Sunday, 22-Nov-26 00:02:00 GMT", 120),
    ("Sun, 22 Nov 2026 09:02:00 +0900", 120),
    ("Sat, 21 Nov 2026 23:00:00 GMT", 0),
    ("Sun, 22 Nov 9999 00:02:00 GMT", 10**9),
    ("-5", None),
    ("", None),
    ("soon", None),
    ("5, 10", None),
    ("Sun, 99 Nov 2026 00:02:00 GMT", None),
    ("١٢", None),
    ("\x00" * 5000, None),
])  # fmt: skip
def test_the_pause_that_is_asked_for(asked, pause):
    answer = Answer(code=429, headers={"retry-after": asked, "date": "Sun, 22 Nov 2026 00:00:00 GMT"})
    assert CHANNEL.classify(answer).after == (None if pause is None else timedelta(seconds=pause))


@pytest.mark.parametrize("date", ["", "now", "Sun, 22 Nov 2026 99:00:00 GMT"])
def test_a_date_counts_only_by_the_clock_of_the_one_who_said_it(date):
    headers = {"retry-after": "Sun, 22 Nov 2026 00:02:00 GMT", "date": date}
    assert CHANNEL.classify(Answer(code=429, headers=headers)).after is None


def test_the_request_is_that_of_the_fixture():
    request = prepared()
    expected = json.loads((FIXTURES / "review_request.json").read_text(encoding="utf-8"))
    assert json.loads(request.body) == expected["body"]
    assert {"method": request.method, "url": request.url, "headers": request.headers, "auth": request.auth} == {
        name: expected[name] for name in ("method", "url", "headers", "auth")
    }
    assert prepared() == request, "an attempt repeated is the same request to the byte"


def test_nothing_of_the_secret_is_in_what_is_stored():
    kept = msgspec.json.encode(prepared())
    assert GIVEN["settings"]["api_key"].encode() not in kept
    assert msgspec.json.decode(kept, type=HttpRequest) == prepared()


def test_without_settings_the_envelope_decides():
    request = prepared({"sender_name": None, "unsubscribe_url": None, "references": None}, {"html": None},
                       {"from": "", "url": "http://127.0.0.1:9/base/"})  # fmt: skip
    body = json.loads(request.body)
    assert (request.url, body["from"]) == ("http://127.0.0.1:9/base/emails", "shop@hanaya.example")
    assert body["headers"].keys() == {"X-Todoke-Message", "Auto-Submitted"}
    assert "html" not in body


@pytest.mark.parametrize(("changes", "settings", "header"), [
    ({"to": "nobody"}, {}, "To"),
    ({"to": "a@b.example, c@d.example"}, {}, "To"),
    ({}, {"from": "a@b"}, "From"),
    ({}, {"reply_to": "a@b.example\r\nBcc: c@d.example"}, "Reply-To"),
])  # fmt: skip
def test_an_address_that_cannot_be_used_names_its_place(changes, settings, header):
    with pytest.raises(BadAddress) as refused:
        prepared(changes, None, settings)
    assert refused.value.header == header


@pytest.mark.parametrize("changes", [
    {"id": "m 1"}, {"id": "m_1\r\nX: y"}, {"id": ""}, {"unsubscribe_url": "https://x.example/>\r\nBcc: a@b.example"},
])  # fmt: skip
def test_nothing_can_end_a_header(changes):
    with pytest.raises(ValueError, match="shape"):
        prepared(changes)


def test_names_and_subjects_stay_on_one_line():
    body = json.loads(prepared({"sender_name": 'A "B"\r\nBcc: c@d.example\\'}, {"subject": "a\r\nb\u202e"}).body)
    assert body["from"] == '"A \\"B\\" Bcc: c@d.example\\\\" <news@mail.hanaya.example>'
    assert body["subject"] == "a b"


def test_the_settings_are_a_schema_and_the_key_is_secret():
    jsonschema.Draft202012Validator.check_schema(CHANNEL.settings)
    jsonschema.validate({"api_key": "re_12345678", "url": "http://127.0.0.1:8025"}, CHANNEL.settings)
    for wrong in (
        {}, {"api_key": "short"}, {"api_key": "re_12345678\n"}, {"api_key": "re_12345678", "url": "ftp://x"},
        {"api_key": "re_12345678", "url": "https://user:password@x.example"},
        {"api_key": "re_12345678", "url": "https://x.example/?to=y"}, {"api_key": "re_12345678", "key": "x"},
    ):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, CHANNEL.settings)
    assert CHANNEL.settings["properties"]["api_key"]["secret"] is True
    assert CHANNEL.capabilities.idempotency == timedelta(hours=24)


def test_the_date_of_sending_changes_nothing():
    """The key is the same, so the bytes must be: Resend compares them."""
    later = datetime.fromisoformat("2026-11-22T10:00:00+09:00").isoformat()
    assert prepared({"sent_at": later}) == prepared()
