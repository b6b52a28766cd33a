"""The pages by which people link a LINE account to themselves: from their own page, and from a talk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer
from sqlalchemy import text

from engine.model.merchant import MerchantSettings
from engine.store import merchants
from engine.store.merchants import Connection
from engine.web.app import make_app
from engine.web.mail import opened
from engine.web.tries import MOST, Limit, Tries
from tests.flow.house import House
from tests.flow.orders import order, parcel
from tests.flow.talking import LINK_TOKEN, USER, Talk, at_line, at_push_services, event, talking, told, wrote
from tests.web.installation import served
from tests.web.test_look import followed, looking, well
from tests.web.test_preferences import SHOP

PAGE = f"/l/line?linkToken={LINK_TOKEN}"
RIGHT = {"number": "1001", "contact": "naoko@example.com"}
CROSS = {"sec-fetch-site": "cross-site"}


@pytest.fixture
def talk(httpserver: HTTPServer) -> Talk:
    return Talk(httpserver)


@pytest.fixture
def house(tmp_path: Path, talk: Talk) -> Iterator[House]:
    made = talking(tmp_path, settings=SHOP)
    at_line(made, talk)
    made.tell(order(), parcel())
    made.work()
    yield made
    made.close()


@pytest.fixture
def web(house: House) -> Iterator[httpx.Client]:
    with served(house, make_app(house.app)) as base, httpx.Client(base_url=base) as client:
        yield client


def token(house: House) -> str:
    """The token of the tracking page that the mail about the order leads to."""
    return re.search(r"/t/([a-z2-7]{32})", opened(house.mails()[0]).text or "")[1]


def tokens(house: House) -> int:
    return len(house.rows("SELECT * FROM token WHERE kind = 'link'"))


def test_their_page_offers_a_talk_where_the_merchant_has_an_account(house, web):
    path = f"/p/{token(house)}"
    assert "LINEで受け取る" in web.get(path).text
    assert "LINEで受け取る" in web.get(f"/t/{token(house)}").text
    assert "Get updates on LINE" in web.get(f"{path}?lang=en").text
    with house.app.store.begin() as tx:
        tx.conn.execute(text("UPDATE connection SET config = '{}' WHERE id = 'line'"))
    assert "LINEで受け取る" not in web.get(path).text
    assert "LINEで受け取る" not in web.get(f"/t/{token(house)}").text
    assert web.get(f"{path}/talk").status_code == 404


def test_looking_makes_no_code_and_asking_makes_one_that_links(house, talk, web):
    path = f"/p/{token(house)}/talk"
    assert web.get(path).status_code == 200
    assert tokens(house) == 0
    page = web.post(path)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    leads = unescape(re.search(r'href="(https://line\.me/R/oaMessage/[^"]+)"', page.text)[1])
    words = httpx.URL(leads).query.decode()
    assert urlsplit(leads).path == "/R/oaMessage/%40hana/"
    assert "@hana" in page.text
    told(house, wrote(house, httpx.QueryParams(f"text={words}")["text"]))
    assert [one["text"][:14] for one in talk.replies] == ["LINEとの連携が完了しまし"]
    page = web.get(f"/p/{token(house)}").text
    assert "LINEと連携しています" in page
    assert "LINEで受け取る" not in page


def test_somebody_unlinks_on_their_page(house, talk, web):
    path = f"/p/{token(house)}"
    code = re.search(r"連携コード ([a-z2-7-]{14})", web.post(f"{path}/talk").text)[1]
    assert web.post(f"{path}/leave", data={"medium": "line"}).status_code == 404, "nothing is linked yet"
    told(house, wrote(house, code))
    assert web.get(f"{path}/leave").status_code == 405
    assert web.post(f"{path}/leave", data={"medium": "email"}).status_code == 404
    assert web.post(f"{path}/leave", data={"medium": "line"}, headers=CROSS).status_code == 403
    assert "LINEと連携しています" in web.get(path).text
    gone = web.post(f"{path}/leave?lang=en", data={"medium": "line"})
    assert (gone.status_code, gone.headers["location"]) == (303, f"{path}?lang=en")
    assert "LINEで受け取る" in web.get(path).text


def test_the_whole_way_from_a_talk(house, talk, web):
    told(house, event(house, "follow"))
    button = talk.replies[0]["contents"]["footer"]["contents"][0]["action"]["uri"]
    where = urlsplit(button)
    assert f"{where.path}?{where.query}" == f"{PAGE}&lang=ja"
    page = web.get(f"{where.path}?{where.query}")
    assert "花と器" in page.text
    assert "form-action 'self' https://access.line.me;" in page.headers["content-security-policy"]
    sent = web.post(f"{where.path}?{where.query}", data=RIGHT)
    assert sent.status_code == 303
    leads = urlsplit(sent.headers["location"])
    assert f"{leads.scheme}://{leads.netloc}{leads.path}" == "https://access.line.me/dialog/bot/accountLink"
    query = parse_qs(leads.query)
    assert query["linkToken"] == [LINK_TOKEN]
    assert len(query["nonce"][0]) == 32
    told(house, event(house, "accountLink", link={"result": "ok", "nonce": query["nonce"][0]}))
    assert "完了しました" in talk.replies[1]["text"]
    assert tokens(house) == 0
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    assert talk.pushes == [USER]


@pytest.mark.parametrize("fields", [
    {"number": "9999", "contact": "naoko@example.com"},
    {"number": "1001", "contact": "haru@example.com"},
    {"number": "1001", "contact": "090-1234-5678"},
    {"number": "1001\0", "contact": "naoko@example.com"},
    {"number": "1001"},
    {"number": "1" * 400, "contact": "naoko@example.com"},
    {},
])  # fmt: skip
def test_what_does_not_fit_is_answered_alike_whatever_exists(house, web, fields):
    def plain(answer: httpx.Response) -> str:
        return re.sub(r'(nonce|value)="[^"]*"', "", answer.text)

    other = web.post(PAGE, data={"number": "0", "contact": "nobody@example.com"})
    answer = web.post(PAGE, data=fields)
    assert answer.status_code == other.status_code == 422
    assert plain(answer) == plain(other)
    assert tokens(house) == 0


def test_guessing_is_slow_for_one_link_one_person_and_one_place(house, web):
    for n in range(5):
        assert web.post(PAGE, data={"number": str(n), "contact": "naoko@example.com"}).status_code == 422
    late = web.post(PAGE, data=RIGHT)
    assert "しばらくたってから" in late.text
    assert tokens(house) == 0, "not even what is right is taken"
    for n in range(4):  # another link token: five more would go, but not for the same person
        other = f"/l/line?linkToken=another-token-{n}"
        for m in range(4):
            answer = web.post(other, data={"number": f"9{n}{m}", "contact": "Naoko@example.com"})
    assert "しばらくたってから" in answer.text
    fresh = web.post("/l/line?linkToken=a-third-token", data={"number": "1", "contact": "haru@example.com"})
    assert "確認できませんでした" in fresh.text, "others are not held up"
    for n in range(60):
        answer = web.post(f"/l/line?linkToken=token-number-{n}", data={"number": "1", "contact": f"{n}@example.com"})
    assert "しばらくたってから" in answer.text


def test_codes_are_not_made_without_end(house, web):
    path = f"/p/{token(house)}/talk"
    assert [web.post(path).status_code for _ in range(21)] == [200] * 20 + [429]
    assert tokens(house) == 1


@pytest.mark.parametrize("address", [
    "/l/line", "/l/line?linkToken=", "/l/line?linkToken=x%26redirect%3Dhttps://evil.example", "/l/line?linkToken=%00",
    "/l/nothing?linkToken=aaaaaaaa", "/l/shop?linkToken=aaaaaaaa", "/l/mail?linkToken=aaaaaaaa",
    "/l/%00?linkToken=aaaaaaaa", "/l/operators?linkToken=aaaaaaaa",
])  # fmt: skip
def test_what_no_provider_sends_people_to_is_no_page(house, talk, web, address):
    with house.app.store.begin() as tx:
        made = Connection(id="operators", merchant=None, connector="line", role="channel", name="o")
        merchants.connect(tx, made, house.clock.now())
    for ask in (web.get, lambda path: web.post(path, data=RIGHT)):
        answer = ask(address)
        assert answer.status_code == 404
        assert "花" not in answer.text
    assert tokens(house) == 0


def test_no_parameter_leads_anywhere_else(house, web):
    for more in ("&redirect=https://evil.example", "&next=//evil.example", "&nonce=mine", "&url=https://evil.example"):
        sent = web.post(PAGE + more, data={**RIGHT, "nonce": "mine", "redirect": "https://evil.example"})
        assert sent.headers["location"].startswith(
            f"https://access.line.me/dialog/bot/accountLink?linkToken={LINK_TOKEN}&nonce="
        )
        assert "evil" not in sent.headers["location"]
        assert "mine" not in sent.headers["location"]


def test_another_site_cannot_post_for_anybody(house, web):
    assert web.post(PAGE, data=RIGHT, headers=CROSS).status_code == 403
    assert web.post(PAGE, data=RIGHT, headers={"sec-fetch-site": "same-site"}).status_code == 403
    assert web.post(f"/p/{token(house)}/talk", headers=CROSS).status_code == 403
    assert tokens(house) == 0
    assert web.post(PAGE, data=RIGHT, headers={"sec-fetch-site": "same-origin"}).status_code == 303


def test_an_order_of_one_merchant_is_nothing_at_the_account_of_another(house, talk, web):
    other = house.add_merchant("umi", MerchantSettings(from_email="shop@umi.example"))
    at_line(house, talk, "umis", merchant=other)
    assert web.post(f"/l/umis?linkToken={LINK_TOKEN}", data=RIGHT).status_code == 422
    assert tokens(house) == 0


@pytest.mark.parametrize("path", ["/p/{}/talk", "/p/{}/leave", "/p/{}/browser"])
def test_what_is_no_link_opens_nothing(house, web, path):
    for token in ("a" * 32, "short", "x" * 33):
        headers = {"content-type": "application/json"} if "browser" in path else {}
        answer = web.post(path.format(token), content=b"", headers=headers)
        assert answer.status_code == 404
        assert "花" not in answer.text


def test_tries_are_counted_within_their_time_and_forgotten_when_there_are_too_many():
    now = [0.0]
    tries = Tries(lambda: now[0], {"a": Limit(2, 10), "b": Limit(1, 10)})
    assert [tries.one_more(a="x") for _ in range(3)] == [True, True, False]
    assert tries.one_more(a="y")
    now[0] = 10.5
    assert tries.one_more(a="x", b="z")
    assert not tries.one_more(a="x", b="z"), "the second limit"
    assert not tries.one_more(a="x", b="w"), "the first, which is not counted under the second"
    assert tries.one_more(b="w")
    for n in range(MOST + 5):
        tries.one_more(a=str(n))
    assert len(tries._counts) == MOST


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_fit_and_can_be_read(house, web, browser: Browser, mode, width):
    at_push_services(house)
    path = f"/p/{token(house)}"
    size = {"width": width, "height": 740}
    with looking(browser, viewport=size, color_scheme=mode) as (page, complaints, asked):
        for language in ("ja", "en"):
            page.goto(f"{house.base}{path}?lang={language}")
            page.wait_for_selector("[data-push]:not([hidden])")
            well(page)
            followed(page, "form[action*=talk] button")
            well(page)
            assert page.locator("main a.button").get_attribute("href").startswith("https://line.me/R/oaMessage/")
            followed(page, "a.tongue")
            well(page)
            page.goto(f"{house.base}{PAGE}&lang={language}")
            well(page)
            followed(page, "a.tongue")
            assert page.get_attribute("html", "lang") != language
            page.fill("[name=number]", "1002")
            page.fill("[name=contact]", "naoko@example.com")
            page.keyboard.press("Enter")
            page.wait_for_selector("[role=alert]")
            well(page)
            assert page.input_value("[name=number]") == "1002"
        assert {one.url.startswith((house.base, "data:")) for one in asked} == {True}
        assert [one for one in complaints if "422" not in one] == []


def test_a_browser_goes_on_to_line_when_they_have_proven_who_they_are(house, web, browser: Browser):
    with looking(browser, viewport={"width": 360, "height": 740}) as (page, complaints, _):
        page.route("https://access.line.me/**", lambda route: route.fulfill(body="LINE"))
        page.goto(f"{house.base}{PAGE}&lang=ja")
        page.fill("[name=number]", "1001")
        page.fill("[name=contact]", "naoko@example.com")
        page.get_by_role("button", name="LINEと連携する").click()
        page.wait_for_url("https://access.line.me/dialog/bot/accountLink?**")
        assert complaints == []
