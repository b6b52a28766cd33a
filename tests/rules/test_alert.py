"""The bytes of an alert: the signature computed a second way, and Slack's shape."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.rules.alert import Notice, body, format_of, headers, key_of

AT = datetime(2026, 6, 29, 0, 30, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OPENED = Notice(
    key="al_1", state="opened", kind="dead_deliveries", about="c/dead", merchant="hana",
    values={"connection": "c<&>", "state": "dead", "count": 3}, opened_at=AT, closed_at=None,
    page="https://todoke.example/console/alarms",
)  # fmt: skip
CLOSED = replace(OPENED, state="closed", closed_at=AT + timedelta(minutes=40))


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
def test_signature_is_that_of_standard_webhooks(secret):
    sent = body(OPENED, "generic", "ja", TOKYO)
    made = headers(OPENED, sent, secret, AT)
    content = f"{made['webhook-id']}.{made['webhook-timestamp']}.".encode() + sent
    expected = base64.b64encode(hmac.new(bytes(range(24)), content, hashlib.sha256).digest()).decode()
    assert made["webhook-signature"] == f"v1,{expected}"
    assert made["webhook-timestamp"] == str(int(AT.timestamp()))
    assert "webhook-signature" not in headers(OPENED, sent, "", AT)


def test_a_state_keeps_its_id_over_all_tries():
    ids = [headers(OPENED, b"", SECRET, AT + timedelta(hours=n))["webhook-id"] for n in range(3)]
    assert set(ids) == {"al_1.opened"}
    assert headers(CLOSED, b"", SECRET, AT)["webhook-id"] == "al_1.closed"


def test_generic_body_says_all_of_it():
    opened, closed = (json.loads(body(one, "generic", "en", TOKYO)) for one in (OPENED, CLOSED))
    assert opened["type"] == "alarm.opened"
    assert opened["timestamp"] == AT.isoformat()
    assert opened["data"] == {
        "id": "al_1", "kind": "dead_deliveries", "about": "c/dead", "merchant": "hana",
        "title": "Deliveries could not be worked on",
        "text": "c<&>: 3 deliveries are dead. Once the cause is gone they can be worked on again.",
        "next": "todoke messages replay --connection c<&> --state dead", "values": dict(OPENED.values),
        "opened_at": AT.isoformat(), "closed_at": None, "page": "https://todoke.example/console/alarms",
    }  # fmt: skip
    assert (closed["type"], closed["timestamp"]) == ("alarm.closed", (AT + timedelta(minutes=40)).isoformat())


def test_slack_gets_text_that_is_escaped_and_says_what_to_type():
    said = json.loads(body(OPENED, "slack", "ja", TOKYO))
    assert said.keys() == {"text"}
    first, second, third, link = said["text"].splitlines()
    assert first == ":rotating_light: *処理できない通知があります*"
    assert second.startswith("c&lt;&amp;&gt;: 3件の通知が dead です。")
    assert third == "次に入力: `todoke messages replay --connection c&lt;&amp;&gt; --state dead`"
    assert link == OPENED.page
    over = json.loads(body(CLOSED, "slack", "en", TOKYO))["text"]
    assert (
        over
        == ":white_check_mark: *Over: Deliveries could not be worked on*\nc/dead (Mon 29 Jun, 9:30 - Mon 29 Jun, 10:10)"
    )


@pytest.mark.parametrize(
    ("wanted", "url", "expected"),
    [("", "https://hooks.slack.com/services/T/B/x", "slack"), ("", "https://alerts.example/in", "generic"),
     ("", "https://hooks.slack.com.evil.example/", "generic"), ("slack", "https://chat.example/hook", "slack"),
     ("generic", "https://hooks.slack.com/services/T/B/x", "generic")],
)  # fmt: skip
def test_format_follows_the_host_unless_it_is_said(wanted, url, expected):
    assert format_of(wanted, url) == expected


def test_a_secret_that_is_none_is_refused():
    for secret in ("whsec_", "whsec_not base64!", ""):
        with pytest.raises(ValueError, match=r".*"):
            key_of(secret)
