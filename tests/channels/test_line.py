"""What the LINE channels send, how they understand LINE's answers, and what LINE tells later."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import (
    Accepted,
    Ambiguous,
    Delivery,
    EndpointSeen,
    Failure,
    HttpRequest,
    Receipt,
    Refused,
    Unanswered,
    Verified,
)
from engine.model.message import Content, Envelope
from tests.channels.answers import named, said
from tests.connectors.playing import NOW, player

PUSH, NOTICE = connectors.channel("line"), connectors.channel("line_notice")
USER = "U" + "0a" * 16
BUBBLE = {
    "type": "flex", "altText": "発送しました",
    "contents": {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [
        {"type": "text", "text": "発送しました"}
    ]}},
}  # fmt: skip
FIELDS = {"templateKey": "shipment_completed_ja", "body": {"items": [{"itemKey": "number_001_ja", "content": "1001"}]}}
SECRET = "a channel secret"


def envelope(to: str = USER) -> Envelope:
    return Envelope(id="m_abcdefghij234567", merchant="hana", purpose="transactional", to=to, sender="", sent_at=NOW)


def push(payload=None, to: str = USER, **settings: str) -> HttpRequest:
    return PUSH.prepare(envelope(to), Content(payload=[BUBBLE] if payload is None else payload), settings)


def notice(to: str, payload=None) -> HttpRequest:
    return NOTICE.prepare(envelope(to), Content(payload=payload or FIELDS), {})


def test_a_push_is_the_same_to_the_byte_whoever_makes_it_and_holds_no_secret():
    request = push(access_token="the token", url="http://127.0.0.1:9/")
    assert request == push(access_token="another", url="http://127.0.0.1:9/")
    assert request.url == "http://127.0.0.1:9/v2/bot/message/push"
    assert len(request.headers["x-line-retry-key"]) == 36
    assert json.loads(request.body) == {"to": USER, "messages": [BUBBLE]}
    assert b"the token" not in msgspec.json.encode(request)


@pytest.mark.parametrize("to", ["", "hanako@example.jp", "U123", "C" + "0" * 32, USER.upper()])
def test_only_a_user_id_is_an_address(to):
    with pytest.raises(ValueError, match="no user id"):
        push(to=to)


@pytest.mark.parametrize("payload", [None, {}, [], [BUBBLE] * 6, ["text"], "text"])
def test_content_that_is_no_list_of_messages_is_refused(payload):
    with pytest.raises(ValueError, match="one to five messages"):
        PUSH.prepare(envelope(), Content(payload=payload), {})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"sentMessages": [{"id": "461230966842064897", "quoteToken": "q"}]}), "accepted"),
    (said(200, {}, x_line_request_id="r-1"), "accepted"),
    (said(200, {}), "ambiguous"),
    (said(200, "<html>hotel</html>"), "ambiguous"),
    (said(400, {"message": "The property, 'to', in the request body is invalid (line: -, column: -)"}),
     "rejected recipient"),
    (said(400, {"message": "The request body has 1 error(s)", "details": [{"message": "x", "property": "to"}]}),
     "rejected recipient"),
    (said(400, {"message": "Failed to send messages"}), "rejected recipient"),
    (said(400, {"message": "The request body has 2 error(s)", "details": [
        {"message": "May not be empty", "property": "messages[0].altText"}]}), "rejected message"),
    (said(400, {"message": "A message (messages[0]) in the request body is invalid"}), "rejected message"),
    (said(401, {"message": "Authentication failed. Confirm that the access token is valid."}), "rejected account"),
    (said(403, {"message": "Access to this API is not available for your account"}), "rejected account"),
    (said(409, {"message": "The retry key is already accepted", "sentMessages": [{"id": "1"}]}), "accepted"),
    (said(413, {"message": "Request exceeds the max size"}), "rejected message"),
    (said(429, {"message": "The API rate limit has been exceeded. Try again later."}), "deferred rate"),
    (said(429, {"message": "You have reached your monthly limit."}), "deferred quota"),
    (said(429, {"message": "Too many requests to the same user."}), "deferred rate"),
    (said(500, {"message": "Internal Server Error"}), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="connect", text="no route"), "deferred provider"),
    (Failure(stage="handed_over", text="no reply"), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_to_a_push_means(answer, expected):
    assert named(PUSH.classify(answer)) == expected


def test_a_notice_goes_to_the_digest_of_a_number_with_our_id_as_its_tag():
    request = notice("+818000001234")  # the example of LINE's own page
    assert json.loads(request.body) == {
        "to": "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c", **FIELDS
    }  # fmt: skip
    assert request.headers["x-line-delivery-tag"] == "m_abcdefghij234567"
    assert "x-line-retry-key" not in request.headers, "LINE answers 400 to it here"


@pytest.mark.parametrize("to", ["+12015550123", "08000001234", "+81"])
def test_a_notice_reaches_three_countries(to):
    with pytest.raises(ValueError, match="Japan, Thailand and Taiwan"):
        notice(to)


@pytest.mark.parametrize("payload", [
    {"body": {}},
    {"templateKey": "k", "more": 1},
    {"templateKey": "k", "body": {"emphasizedItem": {"itemKey": "a", "content": "x" * 16}}},
    {"templateKey": "k", "body": {"items": [{"itemKey": "a", "content": "x"}] * 16}},
    {"templateKey": "k", "body": {"buttons": [{"buttonKey": "a", "url": "https://x"}] * 3}},
])  # fmt: skip
def test_a_notice_keeps_to_the_templates_of_line(payload):
    assert NOTICE.objections(Content(payload=payload))
    with pytest.raises(ValueError, match=r"templateKey|at most"):
        notice("+818000001234", payload)


@pytest.mark.parametrize(("answer", "expected"), [
    (said(202, {}), "accepted"),
    (said(200, {}), "accepted"),
    (said(400, {"message": "invalid templateKey"}), "rejected message"),
    (said(401, {"message": "Authentication failed."}), "rejected account"),
    (said(403, {"message": "Forbidden"}), "rejected account"),
    (said(422, {"message": "Failed to send messages"}), "rejected recipient"),
    (said(429, {"message": "The API rate limit has been exceeded. Try again later."}), "deferred rate"),
    (said(500, ""), "ambiguous"),
])  # fmt: skip
def test_what_an_answer_to_a_notice_means(answer, expected):
    assert named(NOTICE.classify(answer)) == expected


def test_notices_carry_nothing_that_a_customer_could_refuse():
    assert NOTICE.capabilities.purposes == {"transactional"}
    assert not NOTICE.capabilities.idempotency
    assert NOTICE.capabilities.receipts


def event(kind: str, **more: object) -> dict[str, object]:
    return {
        "type": kind, "mode": "active", "timestamp": 1_795_521_600_123, "webhookEventId": f"01J{kind.upper():0<23}",
        "deliveryContext": {"isRedelivery": False}, "source": {"type": "user", "userId": USER}, **more,
    }  # fmt: skip


def posted(*events: object, secret: str = SECRET) -> Delivery:
    body = json.dumps({"destination": "U1", "events": list(events)}).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return Delivery(body=body, headers={"x-line-signature": signature}, received_at=NOW)


def test_line_is_known_by_its_signature():
    verify = PUSH.feedback.verify
    assert verify(posted(event("follow")), ["old", SECRET], NOW).key == event("follow")["webhookEventId"]
    assert isinstance(verify(posted(event("follow"), secret="x"), [SECRET], NOW), Refused)
    assert isinstance(verify(posted(event("follow")), [], NOW), Refused)
    assert verify(posted(), [SECRET], NOW) == Verified(ignore="no events")


def test_friends_come_and_go_and_link_themselves():
    at = datetime.fromtimestamp(1_795_521_600.123, UTC)
    read = PUSH.feedback.read(posted(
        event("unfollow"), event("follow", follow={"isUnblocked": True}), event("message", message={"type": "text"}),
        event("accountLink", link={"result": "ok", "nonce": "n-1"}),
        event("accountLink", link={"result": "failed", "nonce": "n-2"}),
        event("delivery", source=None, delivery={"data": "m_abcdefghij234567"}),
    ))  # fmt: skip
    assert read.endpoints == (
        EndpointSeen(medium="line", address=USER, as_of=at, status="left", detail="unfollow"),
        EndpointSeen(medium="line", address=USER, as_of=at, status="back"),
        EndpointSeen(medium="line", address=USER, as_of=at, status="linked", nonce="n-1"),
    )
    assert read.receipts == (Receipt(message="m_abcdefghij234567", as_of=at, status="delivered", code="delivery"),)


def test_what_is_not_used_says_so():
    read = PUSH.feedback.read(posted(event("message"), event("join"), {"type": 7}))
    assert not read.endpoints
    assert not read.receipts
    assert "a message event is not used" in (read.ignored or "")


SETTINGS = {"access_token": "a token", "channel_secret": SECRET}


def test_a_check_tells_what_is_missing(httpserver: HTTPServer):
    httpserver.expect_request("/v2/bot/info").respond_with_json({"displayName": "花と器"})
    httpserver.expect_request("/v2/bot/message/quota").respond_with_json({"type": "limited", "value": 1000})
    httpserver.expect_request("/v2/bot/message/quota/consumption").respond_with_json({"totalUsage": 950})
    httpserver.expect_request("/v2/bot/channel/webhook/endpoint").respond_with_json({}, status=404)
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        found = one.play(PUSH.check(one.asking())).result
    assert [finding.level for finding in found] == ["ok", "warning", "error", "warning"]
    assert "950 of 1000" in found[1].what


def test_a_stateless_token_is_got_with_the_channels_secret(httpserver: HTTPServer):
    httpserver.expect_request("/oauth2/v3/token", method="POST").respond_with_json(
        {"token_type": "Bearer", "access_token": "fresh", "expires_in": 900}
    )
    with player({"channel_id": "1234567890", "channel_secret": SECRET, "url": httpserver.url_for("")}) as one:
        told = one.play(PUSH.login(one.asking()))
    assert told.secrets == {"access_token": "fresh"}
    assert (told.until["access_token"] - NOW).total_seconds() == 900
    assert b"client_credentials" in told.asked[0].body


def test_a_wrong_secret_is_told(httpserver: HTTPServer):
    httpserver.expect_request("/oauth2/v3/token").respond_with_json({"error": "invalid_client"}, status=400)
    settings = {"channel_id": "1234567890", "channel_secret": "x", "url": httpserver.url_for("")}
    with player(settings) as one, pytest.raises(Unanswered, match="channel_id and channel_secret"):
        one.play(PUSH.login(one.asking()))


def test_without_a_channel_id_there_is_nothing_to_get():
    with player(SETTINGS) as one:
        assert one.play(PUSH.login(one.asking())).asked == []


def test_outcomes_are_those_of_the_contract():
    assert isinstance(PUSH.classify(said(409, {"message": "x"})), Accepted)
    assert isinstance(PUSH.classify(said(599, "")), Ambiguous)
