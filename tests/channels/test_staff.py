"""What stays inside the company: Slack, Teams, Zendesk, Freshdesk. What leaves, and how each answer is understood."""

import json
from datetime import timedelta

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Accepted, Ambiguous, Failure, HttpRequest, Unanswered
from engine.model.message import Content, Envelope
from tests.channels.answers import named, said
from tests.connectors.playing import NOW, player

SLACK, TEAMS = connectors.channel("slack"), connectors.channel("teams")
ZENDESK, FRESHDESK = connectors.channel("zendesk"), connectors.channel("freshdesk")
SETTINGS = {"subdomain": "hanaya", "email": "agent@hanaya.example", "api_token": "a token", "api_key": "a key"}
TEXT = "配達できませんでした\n注文番号 #1001 (佐藤 直子)\nhttps://hana.example/t/abc"


def envelope(**more) -> Envelope:
    given = {
        "order": "#1001",
        "customer": "naoko@example.jp",
        "to_name": "佐藤 直子",
        "url": "https://hana.example/t/abc",
    }
    return Envelope(
        id="m_abcdefghij234567", merchant="hana", purpose="transactional", to="staff", sender="", sent_at=NOW,
        **{**given, **more},
    )  # fmt: skip


def content(text: str = TEXT, subject: str = "配達できませんでした #1001", locale: str = "ja") -> Content:
    return Content(subject=subject, text=text, locale=locale)


def body(request: HttpRequest) -> dict:
    return json.loads(request.body)


def test_the_address_that_is_a_secret_stands_in_no_request():
    for channel in (SLACK, TEAMS):
        request = channel.prepare(envelope(), content(), {"webhook_url": "https://hooks.example/secret-part"})
        assert request.url == "{webhook_url}"
        assert b"secret-part" not in msgspec.json.encode(request)


def test_a_slack_message_is_blocks_with_a_text_for_the_notification():
    told = body(SLACK.prepare(envelope(), content(), {}))
    header, section = told["blocks"]
    assert told["text"] == "配達できませんでした #1001"
    assert (header["type"], header["block_id"]) == ("header", "m_abcdefghij234567")
    assert section["text"]["type"] == "mrkdwn"
    assert "<https://hana.example/t/abc>" in section["text"]["text"]


def test_what_a_customer_typed_mentions_nobody_and_makes_no_link():
    told = body(SLACK.prepare(envelope(), content("<!channel> <https://evil.example|ここ> & @here"), {}))
    (section,) = told["blocks"][1:]
    assert section["text"]["verbatim"] is True
    assert "<!channel>" not in section["text"]["text"]
    assert "&lt;!channel&gt;" in section["text"]["text"]
    assert "evil.example|" not in section["text"]["text"].replace("&gt;", ">").replace("<https://evil.example>", "")
    card = body(TEAMS.prepare(envelope(), content("[ここ](https://evil.example) **x**"), {}))
    written = card["attachments"][0]["content"]["body"]
    assert {one["type"] for one in written} == {"RichTextBlock"}


def test_long_messages_keep_to_the_limits():
    long = "\n".join(f"{n}行目 <{'&' * 40}>" for n in range(200))[:9_900]
    told = body(SLACK.prepare(envelope(), content(long, subject="件" * 400), {}))
    assert len(told["blocks"]) <= 50
    assert len(told["blocks"][0]["text"]["text"]) <= 150
    assert all(len(one["text"]["text"]) <= 3_000 for one in told["blocks"][1:])
    one_line = body(SLACK.prepare(envelope(), content("&" * 9_000), {}))
    assert all(len(one["text"]["text"]) <= 3_000 for one in one_line["blocks"][1:])
    assert len(TEAMS.prepare(envelope(), content("あ" * 7_000), {}).body) <= 28 * 1024
    for channel in (SLACK, TEAMS):
        assert channel.objections(content("あ" * 12_000))
        assert channel.objections(content(" "))
        with pytest.raises(ValueError, match="needs a text"):
            channel.prepare(envelope(), content(""), {})


def test_a_card_leads_to_the_order():
    card = body(TEAMS.prepare(envelope(), content(), {}))["attachments"][0]["content"]
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "注文の状況を見る", "url": "https://hana.example/t/abc"}
    ]
    assert card["body"][0]["id"] == "m_abcdefghij234567"
    assert (
        "actions"
        not in body(TEAMS.prepare(envelope(url="http://127.0.0.1/t"), content(), {}))["attachments"][0]["content"]
    )


@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, "ok"), "accepted"),
    (said(200, "ok\n"), "accepted"),
    (said(200, "<html>hotel</html>"), "ambiguous"),
    (said(200, ""), "ambiguous"),
    (said(200, "invalid_payload"), "rejected message"),
    (said(400, "invalid_payload"), "rejected message"),
    (said(400, "invalid_blocks"), "rejected message"),
    (said(400, "no_text"), "rejected message"),
    (said(400, "too_many_attachments"), "rejected message"),
    (said(400, "user_not_found"), "rejected account"),
    (said(403, "action_prohibited"), "rejected account"),
    (said(403, "invalid_token"), "rejected account"),
    (said(403, "posting_to_general_channel_denied"), "rejected account"),
    (said(404, "channel_not_found"), "rejected account"),
    (said(404, "no_service"), "rejected account"),
    (said(404, "no_team"), "rejected account"),
    (said(410, "channel_is_archived"), "rejected account"),
    (said(400, "channel_is_archived"), "rejected account"),
    (said(400, "something_new"), "rejected account"),
    (said(413, "payload too large"), "rejected message"),
    (said(429, "rate_limited", retry_after="30"), "deferred rate"),
    (said(429, ""), "deferred rate"),
    (said(500, "rollup_error"), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (said(302, ""), "rejected account"),
    (Failure(stage="connect", text="no connection"), "deferred provider"),
    (Failure(stage="handed_over", text="no reply in time"), "ambiguous"),
])  # fmt: skip
def test_what_slack_says(answer, expected):
    assert named(SLACK.classify(answer)) == expected


def test_slacks_pause_is_kept():
    assert SLACK.classify(said(429, "rate_limited", retry_after="30")).after == timedelta(seconds=30)


@pytest.mark.parametrize(("answer", "expected"), [
    (said(202, b""), "accepted"),
    (said(200, "1"), "accepted"),
    (said(200, "", x_ms_workflow_run_id="run-1"), "accepted"),
    (said(200, "<html>hotel</html>"), "ambiguous"),
    (said(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with"),
     "deferred rate"),
    (said(400, {"error": {"code": "TriggerInputSchemaMismatch", "message": "The input body for trigger 'manual'"}}),
     "rejected message"),
    (said(400, {"error": {"code": "WorkflowTriggerIsNotEnabled", "message": "x"}}), "rejected account"),
    (said(401, {"error": {"code": "DirectApiAuthorizationRequired", "message": "x"}}), "rejected account"),
    (said(401, {"error": {"code": "AuthorizationFailed"}}), "rejected account"),
    (said(403, ""), "rejected account"),
    (said(404, {"error": {"code": "WorkflowNotFound", "message": "x"}}), "rejected account"),
    (said(410, ""), "rejected account"),
    (said(413, ""), "rejected message"),
    (said(429, {"error": {"code": "TooManyRequests"}}, retry_after="5"), "deferred rate"),
    (said(502, {"error": {"code": "NoResponse"}}), "ambiguous"),
    (said(504, {"error": {"code": "ResponseTimeout"}}), "ambiguous"),
])  # fmt: skip
def test_what_teams_says(answer, expected):
    assert named(TEAMS.classify(answer)) == expected


def test_a_workflows_run_is_the_reference():
    assert TEAMS.classify(said(202, b"", x_ms_workflow_run_id="0858")).ref == "0858"


def test_a_zendesk_ticket_is_the_customers_and_known_again():
    request = ZENDESK.prepare(envelope(), content(), {**SETTINGS, "priority": "high", "group_id": "42"})
    ticket = body(request)["ticket"]
    assert request.url == "https://hanaya.zendesk.com/api/v2/tickets.json"
    assert request.headers["idempotency-key"] == ticket["external_id"] == "m_abcdefghij234567"
    assert ticket["requester"] == {"name": "佐藤 直子", "email": "naoko@example.jp"}
    assert ticket["comment"] == {"body": TEXT, "public": False}, "Zendesk would mail a public one to the customer"
    assert (ticket["priority"], ticket["group_id"]) == ("high", 42)
    assert {"todoke", "hana", "order-1001", "todoke-m-abcdefghij234567"} == set(ticket["tags"])
    assert b"a token" not in msgspec.json.encode(request)
    assert request.auth == {"authorization": "Basic {email}/token:{api_token}"}
    with_oauth = ZENDESK.prepare(envelope(), content(), {"subdomain": "hanaya", "access_token": "another"})
    assert with_oauth.auth == {"authorization": "Bearer {access_token}"}


def test_a_customer_whose_address_is_not_known():
    ticket = body(ZENDESK.prepare(envelope(customer=None), content(), SETTINGS))["ticket"]
    assert "requester" not in ticket
    stood_for = {**SETTINGS, "requester": "shop@hana.example"}
    assert body(FRESHDESK.prepare(envelope(customer=None), content(), stood_for))["email"] == "shop@hana.example"
    with pytest.raises(ValueError, match="set requester"):
        FRESHDESK.prepare(envelope(customer=None), content(), SETTINGS)


@pytest.mark.parametrize(("answer", "expected"), [
    (said(201, {"ticket": {"id": 35436, "external_id": "m_1"}}), "accepted"),
    (said(201, "<html>"), "ambiguous"),
    (said(400, {"error": "IdempotentRequestError", "description": "Request parameters don't match"}), "accepted"),
    (said(400, {"error": "InvalidJSON"}), "rejected message"),
    (said(401, {"error": "Couldn't authenticate you"}), "rejected account"),
    (said(403, {"error": {"title": "Forbidden", "message": "You do not have access"}}), "rejected account"),
    (said(404, {"error": "InvalidEndpoint", "description": "Not found"}), "rejected account"),
    (said(409, {"error": "DatabaseConflict"}), "ambiguous"),
    (said(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": {
        "requester": [{"description": "Requester: Email: x is not properly formatted", "error": "InvalidFormat"}]}}),
     "rejected message"),
    (said(429, {"error": "APIRateLimitExceeded"}, retry_after="93"), "deferred rate"),
    (said(503, {"error": "DatabaseUnavailable"}, retry_after="5"), "deferred provider"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="handed_over", text="no reply in time"), "ambiguous"),
])  # fmt: skip
def test_what_zendesk_says(answer, expected):
    assert named(ZENDESK.classify(answer)) == expected


def test_zendesks_details_are_told_without_the_address():
    details = {"requester": [{"description": "Requester: Email: naoko@example.jp is suspended"}]}
    outcome = ZENDESK.classify(said(422, {"error": "RecordInvalid", "description": "errors", "details": details}))
    assert "suspended" in outcome.detail
    assert "naoko" not in outcome.detail
    assert ZENDESK.classify(said(201, {"ticket": {"id": 7}})) == Accepted(ref="7")


def test_a_freshdesk_ticket_is_html_without_anybodys_markup():
    ticket = body(FRESHDESK.prepare(envelope(), content("<b>太字</b>\n次の行"), {**SETTINGS, "type": "Question"}))
    assert ticket["description"] == "&lt;b&gt;太字&lt;/b&gt;<br>\n次の行"
    assert (ticket["status"], ticket["priority"], ticket["source"], ticket["type"]) == (2, 1, 2, "Question")
    assert (ticket["email"], ticket["name"]) == ("naoko@example.jp", "佐藤 直子")
    assert all(len(tag) <= 32 for tag in ticket["tags"])
    assert "todoke-m-abcdefghij234567" in ticket["tags"]


@pytest.mark.parametrize(("answer", "expected"), [
    (said(201, {"id": 1, "subject": "x"}), "accepted"),
    (said(200, "<html>"), "ambiguous"),
    (said(400, {"description": "Validation failed", "errors": [
        {"field": "email", "message": "It should be a valid email address", "code": "invalid_value"}]}),
     "rejected message"),
    (said(400, {"description": "Validation failed", "errors": [
        {"field": "group_id", "message": "There is no group", "code": "invalid_value"}]}), "rejected account"),
    (said(400, {"description": "Validation failed", "errors": [
        {"field": "cf_shop", "message": "It should be set", "code": "missing_field"}]}), "rejected account"),
    (said(401, {"code": "invalid_credentials", "message": "You have to be logged in"}), "rejected account"),
    (said(403, {"code": "access_denied", "message": "You are not authorized"}), "rejected account"),
    (said(403, {"code": "account_suspended"}), "rejected account"),
    (said(404, ""), "rejected account"),
    (said(405, ""), "rejected account"),
    (said(415, {"code": "invalid_content_type"}), "rejected account"),
    (said(429, {"message": "You have exceeded the limit of requests per hour"}, retry_after="60"), "deferred rate"),
    (said(500, {"message": "We're sorry, but something went wrong"}), "ambiguous"),
])  # fmt: skip
def test_what_freshdesk_says(answer, expected):
    assert named(FRESHDESK.classify(answer)) == expected


def find(httpserver: HTTPServer, listed: object, *, status: int = 200):
    httpserver.expect_request("/api/v2/tickets", query_string={
        "email": "naoko@example.jp", "per_page": "30", "order_by": "created_at", "order_type": "desc",
    }).respond_with_json(listed, status=status)  # fmt: skip
    settings = {**SETTINGS, "url": httpserver.url_for("").rstrip("/")}
    with player(settings) as one:
        return one.play(FRESHDESK.find(one.asking(), FRESHDESK.prepare(envelope(), content(), settings)))


def test_a_ticket_that_is_there_already_is_found_by_its_tag(httpserver: HTTPServer):
    mine = {"id": 2, "subject": "x", "tags": ["todoke", "todoke-m-abcdefghij234567"]}
    assert find(httpserver, [{"id": 1, "subject": "x", "tags": ["todoke-m-other"]}, mine]).result == "2"


def test_where_the_list_tells_no_tags_those_of_the_same_subject_are_asked_for(httpserver: HTTPServer):
    httpserver.expect_request("/api/v2/tickets/8").respond_with_json({"id": 8, "tags": ["todoke-m-abcdefghij234567"]})
    told = find(httpserver, [{"id": 9, "subject": "another"}, {"id": 8, "subject": "配達できませんでした #1001"}])
    assert told.result == "8"
    assert len(told.asked) == 2


def test_one_that_is_not_there_is_not_found(httpserver: HTTPServer):
    assert find(httpserver, []).result is None
    httpserver.clear()
    with pytest.raises(Unanswered):
        find(httpserver, {"code": "invalid_credentials"}, status=401)


def test_checks_say_who_is_signed_in(httpserver: HTTPServer):
    httpserver.expect_request("/api/v2/users/me.json").respond_with_json({"user": {"name": "花", "role": "end-user"}})
    httpserver.expect_request("/api/v2/agents/me").respond_with_json({"contact": {"name": "花"}})
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        (finding,) = one.play(ZENDESK.check(one.asking())).result
        assert finding.level == "error"
        (finding,) = one.play(FRESHDESK.check(one.asking())).result
        assert finding.what == "signed in as 花"


def test_outcomes_without_a_word_are_ambiguous():
    assert isinstance(ZENDESK.classify(said(599, "")), Ambiguous)
