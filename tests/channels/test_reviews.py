"""Asking for reviews is handed over: what Trustpilot, Judge.me and Yotpo are told, and what their answers mean."""

import json

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import connectors
from engine.contracts import Failure, Unanswered
from engine.model.message import Content, Envelope
from engine.model.order import Line
from tests.channels.answers import named, said
from tests.connectors.playing import NOW, player

TRUSTPILOT, JUDGEME, YOTPO = map(connectors.channel, ("trustpilot", "judgeme", "yotpo"))
OF_TRUSTPILOT = {"business_unit": "46d6a890", "template": "t1", "api_key": "key", "api_secret": "hidden"}
OF_JUDGEME = {"shop_domain": "hana.myshopify.com", "api_token": "hidden"}
OF_YOTPO = {"store_id": "store123", "secret": "hidden"}
CUP = Line(id="11", sku="CUP-1", name="湯のみ", quantity=2, url="https://hana.example/products/yunomi?variant=1")
CARD = Line(id="12", sku="GIFT", name="ギフト券", quantity=1, ships=False)


def envelope(lines=(CARD, CUP), **more) -> Envelope:
    given = {"order": "#1001", "to": "naoko@example.jp", "to_name": "佐藤 直子", "lines": lines}
    return Envelope(
        id="m_abcdefghij234567", merchant="hana", purpose="service", sender="", sent_at=NOW, **{**given, **more}
    )


CONTENT = Content(subject="お使い心地はいかがですか", html="<p>OUR TEXT</p>", text="OUR TEXT", locale="ja")


def body(request) -> dict:
    return json.loads(request.body)


def test_no_content_of_ours_and_no_secret_leaves():
    for channel, settings in ((TRUSTPILOT, OF_TRUSTPILOT), (JUDGEME, OF_JUDGEME), (YOTPO, OF_YOTPO)):
        request = channel.prepare(envelope(), CONTENT, settings)
        assert b"OUR TEXT" not in request.body
        assert b"hidden" not in msgspec.json.encode(request)
        assert channel.capabilities.purposes == {"service"}
        assert channel.medium == "review"


def test_an_invitation_of_trustpilot():
    request = TRUSTPILOT.prepare(envelope(), CONTENT, OF_TRUSTPILOT)
    assert request.url == "https://invitations-api.trustpilot.com/v1/private/business-units/46d6a890/email-invitations"
    assert request.auth == {"authorization": "Bearer {access_token}"}
    told = body(request)
    assert (told["consumerEmail"], told["consumerName"]) == ("naoko@example.jp", "佐藤 直子")
    assert (told["referenceNumber"], told["locale"]) == ("#1001", "ja-JP")
    assert told["serviceReviewInvitation"]["templateId"] == "t1"
    assert told["serviceReviewInvitation"]["tags"] == ["todoke", "m_abcdefghij234567"]
    nameless = body(TRUSTPILOT.prepare(envelope(to_name=None, order=None), CONTENT, OF_TRUSTPILOT))
    assert (nameless["consumerName"], nameless["referenceNumber"]) == ("お客様", "m_abcdefghij234567")


def test_a_request_of_judgeme_is_about_an_article_that_travels():
    request = JUDGEME.prepare(envelope(), CONTENT, OF_JUDGEME)
    assert request.url == "https://judge.me/api/orders/send_manual_review_request"
    assert request.fields == {"api_token": "{api_token}"}
    told = body(request)
    assert (told["product_handle"], told["quantity"]) == ("yunomi", 2)
    assert told["processed_at"] == NOW.strftime("%d/%m/%Y")
    assert body(JUDGEME.prepare(envelope(()), CONTENT, {**OF_JUDGEME, "product_handle": "x"}))["product_handle"] == "x"
    with pytest.raises(ValueError, match="set product_handle"):
        JUDGEME.prepare(envelope((CARD,)), CONTENT, OF_JUDGEME)


def test_an_order_handed_to_yotpo():
    told = body(YOTPO.prepare(envelope(), CONTENT, OF_YOTPO))["order"]
    items = [{"external_product_id": "CUP-1", "quantity": 2}]
    assert told["external_id"] == "#1001"
    assert told["line_items"] == items
    (fulfilled,) = told["fulfillments"]
    assert (fulfilled["status"], fulfilled["fulfilled_items"]) == ("success", items)
    by_line = body(YOTPO.prepare(envelope(), CONTENT, {**OF_YOTPO, "products_by": "line"}))["order"]
    assert by_line["line_items"][0]["external_product_id"] == "11"
    with pytest.raises(ValueError, match="products_by"):
        YOTPO.prepare(envelope((CARD,)), CONTENT, OF_YOTPO)


@pytest.mark.parametrize("channel", [TRUSTPILOT, JUDGEME, YOTPO], ids=lambda one: one.name)
@pytest.mark.parametrize(("answer", "expected"), [
    (said(200, {"message": "queued"}), "accepted"),
    (said(201, {"order": {"yotpo_id": 7}}), "accepted"),
    (said(202), "accepted"),
    (said(200, b"<html>hotel</html>"), "ambiguous"),
    (said(200, {"error": "shop not found"}), "ambiguous"),
    (said(200, []), "ambiguous"),
    (said(400, {"message": "consumerEmail is invalid"}), "rejected message"),
    (said(401, {"error": "invalid token"}), "rejected account"),
    (said(403, {"message": "no access"}), "rejected account"),
    (said(422, {"errors": [{"code": "1", "message": "email is invalid"}]}), "rejected message"),
    (said(429, {}), "deferred rate"),
    (said(500, {}), "ambiguous"),
    (Failure(stage="connect", text="x"), "deferred provider"),
    (Failure(stage="handed_over", text="x"), "ambiguous"),
])  # fmt: skip
def test_what_platforms_say(channel, answer, expected):
    # Never "recipient": that would close the address for what we write ourselves, too.
    assert named(channel.classify(answer)) == expected


def test_an_order_that_yotpo_has_already_is_in_its_hands():
    assert named(YOTPO.classify(said(409, {"errors": [{"message": "already exists"}]}))) == "accepted"


def test_trustpilots_token_is_got_by_client_credentials(httpserver: HTTPServer):
    place = "/v1/oauth/oauth-business-users-for-applications/accesstoken"
    httpserver.expect_request(place, method="POST").respond_with_json({"access_token": "T", "expires_in": "359999"})
    httpserver.expect_request("/v1/private/business-units/46d6a890/templates").respond_with_json(
        {"templates": [{"id": "t1", "name": "x"}]}
    )
    with player({**OF_TRUSTPILOT, "url": httpserver.url_for("")}) as one:
        told = one.play(TRUSTPILOT.login(one.asking()))
        assert told.secrets == {"access_token": "T"}
        assert (told.until["access_token"] - NOW).total_seconds() == 359_999
        (finding,) = one.play(TRUSTPILOT.check(one.asking())).result
        assert finding.level == "ok"


def test_yotpos_token_is_got_by_the_stores_secret(httpserver: HTTPServer):
    place = "/core/v3/stores/store123/access_tokens"
    httpserver.expect_request(place, json={"secret": "hidden"}).respond_with_json({"access_token": "T"})
    with player({**OF_YOTPO, "url": httpserver.url_for("")}) as one:
        assert one.play(YOTPO.login(one.asking())).secrets == {"access_token": "T"}
        (finding,) = one.play(YOTPO.check(one.asking())).result
        assert finding.level == "ok"
    httpserver.clear()
    httpserver.expect_request(place).respond_with_json({}, status=401)
    with player({**OF_YOTPO, "url": httpserver.url_for("")}) as one, pytest.raises(Unanswered, match="store_id"):
        one.play(YOTPO.login(one.asking()))


def test_judgemes_token_goes_into_the_address_only_when_it_leaves(httpserver: HTTPServer):
    wanted = {"shop_domain": "hana.myshopify.com", "api_token": "hidden"}
    httpserver.expect_request("/api/v1/reviews/count", query_string=wanted).respond_with_json({"count": 3})
    with player({**OF_JUDGEME, "url": httpserver.url_for("")}) as one:
        told = one.play(JUDGEME.check(one.asking()))
    assert told.result[0].level == "ok"
    assert "hidden" not in told.asked[0].url
