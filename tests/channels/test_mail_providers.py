"""What the mail providers' channels send, and how they understand the answers: what holds for all of them."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import parse_qsl

import jsonschema
import msgspec
import pytest

from connectors.parts.sending.address import BadAddress
from engine.contracts import Accepted, Ambiguous, Answer, Deferred, Failure, HttpRequest
from engine.model.message import Content
from tests.channels.mails import FOLDER, GIVEN, MESSAGE, NAMES, SETTINGS, answers, channel, named, prepared

ANSWERS = [row for name in NAMES for row in answers(name)]


def body_of(name: str, request: HttpRequest) -> object:
    if name == "mailgun":
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
    return json.loads(request.body)


def shown(name: str, request: HttpRequest) -> dict[str, object]:
    names = ("method", "url", "headers", "auth", "sign")
    return {**{one: getattr(request, one) for one in names}, "body": body_of(name, request)}


@pytest.mark.parametrize("name", NAMES)
def test_the_request_is_that_of_the_fixture(name):
    request = prepared(name)
    expected = json.loads((FOLDER / name / "fixtures" / "review_request.json").read_text(encoding="utf-8"))
    assert shown(name, request) == expected
    assert prepared(name) == request, "an attempt repeated is the same request to the byte"
    later = datetime.fromisoformat("2026-11-22T10:00:00+09:00").isoformat()
    assert prepared(name, {"sent_at": later}) == request


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_secrets_is_in_what_is_stored(name):
    request = prepared(name)
    kept = msgspec.json.encode(request)
    assert b"not-a-key-at-all" not in kept
    assert request.auth or request.sign
    assert msgspec.json.decode(kept, type=HttpRequest) == request


@pytest.mark.parametrize("name", NAMES)
def test_the_address_of_the_api_is_a_setting(name):
    url = prepared(name, settings={"url": "http://127.0.0.1:9/base/"}).url
    assert url.startswith("http://127.0.0.1:9/base/")
    assert "//" not in url.removeprefix("http://")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("changes", "settings", "header"), [
    ({"to": "nobody"}, {}, "To"),
    ({"to": "a@b.example, c@d.example"}, {}, "To"),
    ({}, {"from": "a@b"}, "From"),
    ({}, {"reply_to": "a@b.example\r\nBcc: c@d.example"}, "Reply-To"),
])  # fmt: skip
def test_an_address_that_cannot_be_used_names_its_place(name, changes, settings, header):
    with pytest.raises(BadAddress) as refused:
        prepared(name, changes, None, settings)
    assert refused.value.header == header


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changes", [
    {"id": "m 1"}, {"id": "m_1\r\nX: y"}, {"id": ""}, {"merchant": "花屋"}, {"merchant": "a\r\nb"},
    {"unsubscribe_url": "https://x.example/>\r\nBcc: a@b.example"},
])  # fmt: skip
def test_nothing_can_end_a_header(name, changes):
    with pytest.raises(ValueError, match="shape"):
        prepared(name, changes)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_subjects_stay_on_one_line(name):
    request = prepared(name, {"sender_name": 'A "B"\r\nBcc: c@d.example\\'}, {"subject": "a\r\nb\u202e"})
    told = json.dumps(body_of(name, request), ensure_ascii=False)
    assert '"a b"' in told
    assert "\\r" not in told


@pytest.mark.parametrize("name", ["ses", "sendgrid"])
def test_providers_that_take_ascii_only_refuse_the_rest_before_it_leaves(name):
    with pytest.raises(BadAddress, match="ASCII"):
        prepared(name, {"to": "花子@hanaya.example"})
    assert "xn--wgv71a119e.jp" in prepared(name, {"to": "hanako@日本語.jp"}).body.decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_without_subject_or_body_is_objected_to(name):
    objections = channel(name).objections
    assert objections is not None
    assert objections(Content(subject="a", text="b")) == ()
    assert objections(Content(subject="a", html="<p>b</p>")) == ()
    assert len(objections(Content(subject=" \n", text=""))) == 2


@pytest.mark.parametrize(
    ("name", "status", "body", "expected", "code", "headers"), ANSWERS, ids=lambda one: str(one)[:40]
)
def test_an_answer_is_understood(name, status, body, expected, code, headers):
    outcome = channel(name).classify(Answer(code=status, body=body.encode(), headers=headers))
    assert named(outcome) == (expected, code)
    assert not isinstance(outcome, Deferred) or "@" not in str(outcome.detail)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", range(200, 600, 1))
def test_only_what_the_provider_documents_is_believed(name, status):
    """No status by itself says accepted, and 5xx never says that the message was not taken."""
    for body in (b"", b"null", b"\xff\xfe", b"[" * 100_000, b'{"message":{},"ErrorCode":true,"errors":[7]}'):
        outcome = channel(name).classify(Answer(code=status, body=body))
        assert not isinstance(outcome, Accepted)
        assert isinstance(outcome, Ambiguous) == (status < 300 or status >= 500)


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_ambiguous_only_after_it_was_handed_over(name):
    classify = channel(name).classify
    assert isinstance(classify(Failure(stage="handed_over", text="no reply in time")), Ambiguous)
    for stage in ("connect", "refused"):
        assert classify(Failure(stage=stage, text="no")) == Deferred(scope="provider", code=stage, detail="no")


@pytest.mark.parametrize("name", NAMES)
def test_none_of_them_promises_to_know_a_message_again(name):
    promised = channel(name).capabilities
    assert not promised.idempotency
    assert promised.receipts


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_a_schema_and_keys_are_secret(name):
    schema = channel(name).settings
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(SETTINGS[name], schema)
    for lacking in schema["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in SETTINGS[name].items() if key != lacking}, schema)
    for wrong in ({"url": "ftp://x"}, {"url": "https://user:password@x.example"}, {"other": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**SETTINGS[name], **wrong}, schema)
    for key, value in SETTINGS[name].items():
        assert bool(schema["properties"][key].get("secret")) == (value == "not-a-key-at-all"), key
    feedback = channel(name).feedback
    assert feedback is not None
    assert schema["properties"][feedback.secret]["secret"] is True


def test_what_customers_may_switch_off_takes_the_broadcast_stream_of_postmark():
    def stream(purpose: str, **settings: str) -> object:
        return json.loads(prepared("postmark", {"purpose": purpose}, None, settings).body).get("MessageStream")

    assert (stream("transactional"), stream("service"), stream("promotional")) == ("outbound", "broadcast", "broadcast")
    assert stream("promotional", broadcast_stream="") == "outbound"
    assert stream("transactional", message_stream="") is None


def test_sendgrid_names_the_moment_at_which_it_takes_requests_again():
    headers = {"x-ratelimit-reset": "1795521630", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}
    at = int(datetime.fromisoformat("2026-11-24T12:00:30+00:00").timestamp())
    outcome = channel("sendgrid").classify(Answer(code=429, headers={**headers, "x-ratelimit-reset": str(at)}))
    assert isinstance(outcome, Deferred)
    assert outcome.after is not None
    assert outcome.after.total_seconds() == 30
    for odd in ("soon", "-1", "9" * 30):
        assert channel("sendgrid").classify(Answer(code=429, headers={**headers, "x-ratelimit-reset": odd}))


def test_every_request_tells_whose_message_it_is():
    for name in NAMES:
        body = prepared(name).body.decode()
        assert MESSAGE in body
        assert GIVEN["envelope"]["merchant"] in body
