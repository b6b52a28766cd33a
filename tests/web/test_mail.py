"""What left is shown as it left, whichever way it went."""

import json
from pathlib import Path

import msgspec
import pytest

import connectors
from engine.contracts import HttpRequest
from engine.model.message import Content, Envelope
from engine.web.mail import opened

GIVEN = json.loads(
    (Path(connectors.__file__).parent / "channels/resend/fixtures/review_request.in.json").read_text("utf-8")
)


def test_a_mail_inside_a_request_has_the_parts_of_a_mail():
    envelope, content = msgspec.convert(GIVEN["envelope"], Envelope), msgspec.convert(GIVEN["content"], Content)
    request = connectors.channel("resend").prepare(envelope, content, GIVEN["settings"])
    mail = opened(msgspec.json.encode(request))
    assert (mail.html, mail.text) == (content.html, content.text)
    assert mail.header("to") == '"hanako..h"@docomo.ne.jp'
    assert mail.header("List-Unsubscribe") == f"<{envelope.unsubscribe_url}>"
    assert mail.header("tags") == '[{"name":"message","value":"m_3kf9"},{"name":"merchant","value":"hanaya"}]'
    assert mail.source.startswith("POST https://api.resend.com/emails\n\n{")


@pytest.mark.parametrize("data", [
    b"{", b"{}", b'{"url": 7}', msgspec.json.encode(HttpRequest(url="https://x.example", body=b"\xff")),
    msgspec.json.encode(HttpRequest(url="https://x.example", body=b"[]")), b"[" * 10_000, b"",
])  # fmt: skip
def test_whatever_it_is_something_is_shown(data):
    assert opened(data).source == data.decode("utf-8", "replace")


def test_parts_of_another_shape_are_not_taken_for_text():
    body = json.dumps({"html": ["x"], "text": 7, "headers": "none", "to": ["a", 1]}).encode()
    mail = opened(msgspec.json.encode(HttpRequest(url="https://x.example", body=body)))
    assert (mail.html, mail.text, mail.header("to")) == (None, None, '["a",1]')
