"""AWS End User Messaging SMS."""

import json

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Delivery, Failure, Refused
from tests.channels.answers import named, said
from tests.channels.phones import TEXT, envelope, words
from tests.connectors.playing import NOW, player

AWS = connectors.channel("aws_sms")
SETTINGS = {"region": "ap-northeast-1", "access_key_id": "A" * 16, "secret_access_key": "the secret"}


def test_a_message_names_us_in_its_context_and_is_signed_when_it_leaves():
    more = {"from": "pool-1", "configuration_set": "todoke", "max_price": "0.20", "ttl": "3600"}
    request = AWS.prepare(envelope(), words(), {**SETTINGS, **more})
    assert request.url == "https://sms-voice.ap-northeast-1.amazonaws.com/"
    assert request.headers == {
        "content-type": "application/x-amz-json-1.0", "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage"
    }  # fmt: skip
    assert request.sign == "aws4:sms-voice"
    assert json.loads(request.body) == {
        "DestinationPhoneNumber": "+819012345678", "MessageBody": TEXT, "MessageType": "TRANSACTIONAL",
        "Context": {"message": "m_abcdefghij234567", "merchant": "hana"}, "OriginationIdentity": "pool-1",
        "ConfigurationSetName": "todoke", "MaxPrice": "0.20", "TimeToLive": 3600,
    }  # fmt: skip
    assert b"the secret" not in msgspec.json.encode(request)


def test_what_people_may_refuse_is_promotional():
    request = AWS.prepare(envelope(purpose="service"), words(), SETTINGS)
    assert json.loads(request.body)["MessageType"] == "PROMOTIONAL"


def wrong(kind: str, reason: str | None = None, status: int = 400, **more):
    told = {"__type": f"com.amazonaws.pinpointsmsvoicev2#{kind}", "Message": "words", **more}
    return said(status, {**told, **({"Reason": reason} if reason else {})})


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"MessageId": "id-1"}), "accepted"),
    (said(200, {}), "ambiguous"),
    (wrong("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"), "rejected recipient"),
    (wrong("ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"), "rejected account"),
    (wrong("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND"), "rejected account"),
    (wrong("ConflictException", "SOMETHING_NEW"), "rejected account"),
    (wrong("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"), "rejected message"),
    (wrong("ValidationException", "DESTINATION_COUNTRY_BLOCKED", Fields=[{"Name": "DestinationPhoneNumber"}]),
     "rejected message"),
    (wrong("ValidationException", "FIELD_VALIDATION_FAILED", Fields=[{"Name": "DestinationPhoneNumber"}]),
     "rejected recipient"),
    (wrong("ValidationException", "INVALID_PARAMETER", Fields=[{"Name": "OriginationIdentity"}]), "rejected account"),
    (wrong("ValidationException", "INVALID_PARAMETER", Fields=[{"Name": "MessageBody"}]), "rejected message"),
    (wrong("ValidationException", "SENDER_ID_NOT_REGISTERED"), "rejected account"),
    (wrong("ValidationException"), "rejected message"),
    (wrong("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"), "deferred quota"),
    (wrong("ServiceQuotaExceededException", "ANOTHER_ONE"), "deferred quota"),
    (wrong("ThrottlingException"), "deferred rate"),
    (wrong("ThrottlingException", status=429), "deferred rate"),
    (wrong("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION"), "rejected account"),
    (wrong("AccessDeniedException", "ACCOUNT_DISABLED"), "rejected account"),
    (wrong("ResourceNotFoundException"), "rejected account"),
    (wrong("UnrecognizedClientException"), "rejected account"),
    (wrong("InvalidSignatureException"), "rejected account"),
    (wrong("ExpiredTokenException"), "rejected account"),
    (said(400, {"message": "slow"}, x_amzn_errortype="ThrottlingException:http://internal"), "deferred rate"),
    (wrong("InternalServerException", status=500), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="connect", text="x"), "deferred provider"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(AWS.classify(answer)) == expected


def test_a_check_tells_of_the_sandbox(httpserver: HTTPServer):
    def told(target: str, body: object) -> None:
        headers = {"x-amz-target": f"PinpointSMSVoiceV2.{target}"}
        httpserver.expect_request("/", method="POST", headers=headers).respond_with_json(body)

    told("DescribeAccountAttributes", {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]})
    told("DescribeSpendLimits", {"SpendLimits": [
        {"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 1, "MaxLimit": 1, "Overridden": False}
    ]})  # fmt: skip
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        told = one.play(AWS.check(one.asking()))
    assert [finding.level for finding in told.result] == ["error", "warning", "error"]


TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:todoke-sms"


def published(event: object, kind: str = "Notification", **more: str) -> Delivery:
    told = {
        "Type": kind, "MessageId": "n-1", "TopicArn": TOPIC, "Timestamp": "2026-11-24T11:00:01.000Z",
        "Message": event if isinstance(event, str) else json.dumps(event), **more,
    }  # fmt: skip
    return Delivery(body=json.dumps(told).encode(), headers={}, received_at=NOW, config={"topic_arn": TOPIC})


def event(status: str) -> dict[str, object]:
    return {
        "eventType": f"TEXT_{status}", "eventTimestamp": 1_795_521_600_123, "messageStatus": status,
        "destinationPhoneNumber": "+819012345678", "messageId": "id-1", "messageStatusDescription": "words",
        "context": {"message": "m_abcdefghij234567", "merchant": "hana"},
    }  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), [
    ("PENDING", "sent"), ("SENT", "sent"), ("SUCCESSFUL", "sent"), ("DELIVERED", "delivered"), ("INVALID", "bounced"),
    ("UNREACHABLE", "undelivered"), ("CARRIER_BLOCKED", "undelivered"), ("TTL_EXPIRED", "undelivered"),
    ("SPAM", "undelivered"), ("PROTECT_BLOCKED", "undelivered"),
])  # fmt: skip
def test_an_event_is_a_receipt(status, expected):
    (receipt,) = AWS.feedback.read(published(event(status))).receipts
    assert (receipt.message, receipt.merchant, receipt.status) == ("m_abcdefghij234567", "hana", expected)
    assert receipt.soft is (status in {"UNREACHABLE", "TTL_EXPIRED"})
    assert receipt.as_of.timestamp() == 1_795_521_600.123


def test_what_nobody_knows_changes_nothing_and_what_is_new_is_reported():
    assert AWS.feedback.read(published(event("UNKNOWN"))).ignored
    assert AWS.feedback.read(published(event("TELEPORTED"))).unmapped == ("teleported",)
    assert AWS.feedback.read(published({**event("SENT"), "context": {}})).ignored


def test_people_leave_by_a_two_way_number_and_a_subscription_is_confirmed():
    reply = {"originationNumber": "+819012345678", "destinationNumber": "+815012345678", "messageBody": "配信停止"}
    (seen,) = AWS.feedback.read(published(reply)).endpoints
    assert (seen.medium, seen.address, seen.status) == ("sms", "+819012345678", "left")
    asked = published("You have chosen to subscribe", "SubscriptionConfirmation", Token="abc123")
    assert AWS.feedback.read(asked).fetch == ("confirm/abc123",)


def test_a_post_that_nobody_has_signed_is_refused():
    assert isinstance(AWS.feedback.verify(published(event("SENT")), ["{}"], NOW), Refused)
