"""What LINE is asked and told while an account is linked: read from its webhooks, played against a server."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Delivery, EndpointSeen, Talk, Unanswered
from engine.model.link_code import code_in
from engine.model.message import Content
from engine.store.sealed import new_code
from tests.channels.test_line import SECRET, SETTINGS, USER, event
from tests.connectors.playing import NOW, Told, player

LINE = connectors.channel("line")
REPLY = "0f3779fba3b349968c5d07db31eab56f"
PAGE = "https://t.example.jp/l/line-abc"
LINK_TOKEN = "NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"
ANSWER = f"{USER}:{REPLY}"


def read(*events: object, **config: str):
    body = json.dumps({"destination": "U1", "events": list(events)}).encode()
    return LINE.feedback.read(Delivery(body=body, headers={}, received_at=NOW, config=config))


def wrote(text: str, **more: object) -> dict[str, object]:
    return event("message", message={"type": "text", "id": "1", "text": text}, replyToken=REPLY, **more)


def answers(*events: object, **config: str) -> list[tuple[str, str | None]]:
    return [(one.status, one.answer) for one in read(*events, **config).endpoints]


@pytest.mark.parametrize(("invite", "follow", "message"), [
    (None, [("back", None)], []),
    ("no", [("back", None)], []),
    ("follow", [("back", ANSWER)], []),
    ("always", [("back", ANSWER)], [("wrote", ANSWER)]),
])  # fmt: skip
def test_who_is_invited_is_for_the_merchant_to_say(invite, follow, message):
    config = {"invite": invite} if invite else {}
    assert answers(event("follow", replyToken=REPLY), **config) == follow
    assert answers(wrote("こんにちは"), **config) == message


def test_nobody_is_answered_while_another_module_speaks_or_in_a_group():
    group = {"type": "group", "groupId": "C1", "userId": USER}
    assert answers(event("follow", replyToken=REPLY, mode="standby"), invite="always") == [("back", None)]
    assert answers(wrote("やあ", source=group), wrote("やあ", mode="standby"), invite="always") == []
    assert answers(event("follow", replyToken="a:b"), invite="always") == [("back", None)]


def test_a_code_that_is_sent_links_whoever_invites_or_not():
    (seen,) = read(wrote("連携コード abcd-efgh-2345")).endpoints
    assert (seen.status, seen.nonce, seen.answer, seen.address) == ("linked", "abcd-efgh-2345", ANSWER, USER)
    (seen,) = read(event("accountLink", link={"result": "ok", "nonce": "n-1"}, replyToken=REPLY)).endpoints
    assert seen == EndpointSeen(
        medium="line", address=USER, as_of=seen.as_of, status="linked", nonce="n-1", answer=ANSWER
    )
    assert read(wrote("連携コード abcd-efgh-2345", source={"type": "group", "userId": USER})).endpoints == ()


@pytest.mark.parametrize(("text", "code"), [
    ("連携コード ABCD-efgh-2345", "abcd-efgh-2345"),
    ("ａｂｃｄ－ｅｆｇｈ－２３４５", "abcd-efgh-2345"),
    ("abcdーefghーijkl", "abcd-efgh-ijkl"),
    ("abcd–efgh—ijkl\nよろしくお願いします", "abcd-efgh-ijkl"),
    ("abcd-efgh-ijkl abcd-efgh-ijkl", "abcd-efgh-ijkl"),
    ("abcd-efgh-ijkl abcd-efgh-ijkm", None),
    ("abcd-efgh-ijkl-mnop", None),
    ("abcd-efgh-ijklm", None),
    ("03-1234-5678", None),
    ("4000-1111-2222", None),
    ("", None),
])  # fmt: skip
def test_codes_are_found_as_people_type_them(text, code):
    assert code_in(text) == code
    assert code_in(f"Link code {new_code()}") is not None


def test_the_button_of_an_invitation_asks_for_another_link():
    pressed = event("postback", postback={"data": "todoke:link"}, replyToken=REPLY)
    assert read(pressed, pressed, invite="follow").fetch == (f"stranger:{ANSWER}",)
    assert read(pressed, invite="no").fetch == ()
    assert read(event("postback", postback={"data": "buy"}, replyToken=REPLY), invite="follow").ignored


@pytest.fixture
def line(httpserver: HTTPServer):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"displayName": "n", "language": "ja"})
    httpserver.expect_request(f"/v2/bot/user/{USER}/linkToken", method="POST").respond_with_json(
        {"linkToken": LINK_TOKEN}
    )
    httpserver.expect_request("/v2/bot/message/reply", method="POST").respond_with_json(
        {"sentMessages": [{"id": "461230966842064897"}]}
    )
    return httpserver


def played(line: HTTPServer, what: str, **settings: str) -> Told:
    with player({**SETTINGS, "url": line.url_for(""), **settings}) as one:
        return one.play(LINE.api.fetch(one.asking(link_page=PAGE), f"{what}:{ANSWER}"))


def said(told: Told) -> dict:
    body = json.loads(told.asked[-1].body)
    assert body["replyToken"] == REPLY
    (message,) = body["messages"]
    return message


def test_a_stranger_gets_a_link_that_is_theirs(line: HTTPServer):
    told = played(line, "stranger")
    assert [(one.method, urlsplit(one.url).path) for one in told.asked] == [
        ("GET", f"/v2/bot/profile/{USER}"), ("POST", f"/v2/bot/user/{USER}/linkToken"),
        ("POST", "/v2/bot/message/reply"),
    ]  # fmt: skip
    assert told.found == [], "nothing goes into the inbox"
    message = said(told)
    link, again = (one["action"] for one in message["contents"]["footer"]["contents"])
    assert link["uri"].startswith(f"{PAGE}?")
    assert parse_qs(urlsplit(link["uri"]).query) == {"linkToken": [LINK_TOKEN], "lang": ["ja"]}
    assert again["data"] == "todoke:link"
    assert "連携はいつでも解除できます" in json.dumps(message, ensure_ascii=False)
    assert "x-line-retry-key" not in told.asked[-1].headers, "LINE answers 400 to it here"
    assert not LINE.objections(Content(payload=[message]))


@pytest.mark.parametrize(("what", "words"), [("linked", "連携が完了しました"), ("refused", "連携できませんでした")])
def test_what_came_of_it_is_said(line: HTTPServer, what: str, words: str):
    told = played(line, what)
    assert words in said(told)["text"]
    assert all("linkToken" not in one.url for one in told.asked)


def test_it_is_said_in_the_language_that_they_use_line_in(httpserver: HTTPServer):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"displayName": "n", "language": "th"})
    httpserver.expect_request("/v2/bot/message/reply").respond_with_json({"sentMessages": []})
    assert said(played(httpserver, "linked"))["text"].startswith("Your LINE account is linked")


def test_where_line_tells_no_language_it_is_japanese(httpserver: HTTPServer):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"message": "Not found"}, status=404)
    httpserver.expect_request("/v2/bot/message/reply").respond_with_json({"sentMessages": []})
    assert "完了しました" in said(played(httpserver, "linked"))["text"]


def test_a_reply_that_is_too_late_or_was_sent_before_is_the_end_of_it(httpserver: HTTPServer):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"displayName": "n"})
    httpserver.expect_request("/v2/bot/message/reply").respond_with_json({"message": "Invalid reply token"}, status=400)
    assert len(played(httpserver, "linked").asked) == 2


@pytest.mark.parametrize(("status", "body", "why"), [
    (400, {"message": "The request body has 1 error(s)"}, "request"),
    (401, {"message": "Authentication failed"}, "login"),
    (429, {"message": "The API rate limit has been exceeded"}, "rate"),
    (500, {"message": "Internal Server Error"}, "provider"),
])  # fmt: skip
def test_what_hinders_a_reply_is_told(httpserver: HTTPServer, status, body, why):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"displayName": "n"})
    httpserver.expect_request("/v2/bot/message/reply").respond_with_json(body, status=status)
    with pytest.raises(Unanswered) as failed:
        played(httpserver, "linked")
    assert failed.value.why == why


def test_whoever_has_blocked_us_meanwhile_gets_no_link(httpserver: HTTPServer):
    httpserver.expect_request(f"/v2/bot/profile/{USER}").respond_with_json({"message": "Not found"}, status=404)
    httpserver.expect_request(f"/v2/bot/user/{USER}/linkToken").respond_with_json({"message": "Not found"}, status=404)
    assert len(played(httpserver, "stranger").asked) == 2


def test_a_token_of_fifteen_minutes_is_got_when_it_runs_out(line: HTTPServer):
    line.expect_request("/oauth2/v3/token").respond_with_json({"access_token": "fresh", "expires_in": 900})
    settings = {"channel_id": "1234567890", "channel_secret": SECRET, "url": line.url_for("")}
    with player(settings) as one:
        told = one.play(LINE.api.fetch(one.asking(), f"linked:{ANSWER}"))
        assert told.secrets == {"access_token": "fresh"}
        later = replace(one.asking(), now=NOW + timedelta(minutes=14, seconds=30))
        assert len(one.play(LINE.api.fetch(one.asking(), f"linked:{ANSWER}")).asked) == 2
        assert len(one.play(LINE.api.fetch(later, f"linked:{ANSWER}")).asked) == 3


def test_line_is_told_the_nonce_and_leads_nowhere_else():
    told = LINE.linking.dialog(LINK_TOKEN, "abcdefghijklmnopqrstuvwxyz234567")
    assert told == (
        f"https://access.line.me/dialog/bot/accountLink?linkToken={LINK_TOKEN}&nonce=abcdefghijklmnopqrstuvwxyz234567"
    )
    for wrong in ("", "short", "a" * 201, "https://evil.example", "x&redirect=//evil.example", "日本語の文字列です"):
        with pytest.raises(ValueError, match="no link token"):
            LINE.linking.dialog(wrong, "n")


def test_a_talk_opens_at_the_account_that_is_set():
    assert LINE.linking.talk("連携コード a-b", {"bot_id": "@hana"}) == Talk(
        "@hana", "https://line.me/R/oaMessage/%40hana/?%E9%80%A3%E6%90%BA%E3%82%B3%E3%83%BC%E3%83%89%20a-b"
    )
    assert LINE.linking.talk("x", {}) is None


def test_a_check_names_the_account_that_customers_do_not_find(httpserver: HTTPServer):
    httpserver.expect_request("/v2/bot/info").respond_with_json({"displayName": "花", "basicId": "@216ruabc"})
    httpserver.expect_request("/v2/bot/message/quota").respond_with_json({"type": "none"})
    httpserver.expect_request("/v2/bot/message/quota/consumption").respond_with_json({"totalUsage": 5})
    httpserver.expect_request("/v2/bot/channel/webhook/endpoint").respond_with_json({"endpoint": "x", "active": True})
    with player({**SETTINGS, "url": httpserver.url_for("")}) as one:
        found = one.play(LINE.check(one.asking())).result
    assert (found[-1].level, found[-1].do) == ("warning", "set bot_id=@216ruabc")
    with player({**SETTINGS, "url": httpserver.url_for(""), "bot_id": "@216ruabc"}) as one:
        assert {finding.level for finding in one.play(LINE.check(one.asking())).result} == {"ok"}
