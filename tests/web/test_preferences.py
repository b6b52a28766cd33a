"""The preference page and the second yes, as a browser meets them."""

from __future__ import annotations

import re

import httpx
import pytest

from engine.model.merchant import MerchantSettings
from engine.web.app import make_app
from engine.web.mail import opened
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan
from tests.web.installation import served

SHOP = MerchantSettings(
    from_email="shop@hana.example", company="花と器株式会社", address="東京都台東区0-0-0",
    support_email="help@hana.example",
)  # fmt: skip
FORM = {"service": "on", "by_email": "on", "locale": "", "rest": "0"}


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path, settings=SHOP)
    made.tell(order(), parcel(), scan(-1, "delivered"))
    made.work()
    made.later(days=8)
    yield made
    made.close()


@pytest.fixture
def web(house):
    sent_as = house.app.settings.base_url
    with served(house, make_app(house.app)) as base, httpx.Client(base_url=base) as client:
        house.app.settings.base_url = sent_as
        yield client


def path(house: House, kind: str) -> str:
    texts = [opened(data).text or "" for data in reversed(house.mails())]
    return next(found[0] for text in texts if (found := re.search(rf"/{kind}/[a-z2-7]{{32}}", text)))


def everything(house: House) -> list[object]:
    tables = ("consent", "preference", "suppression", "message", "ledger")
    return [tuple(row) for table in tables for row in house.rows(f"SELECT * FROM {table}")]


def test_looking_changes_nothing(house, web):
    before = everything(house)
    for query in ("", "?lang=en", "?service=&promotional=on"):
        page = web.get(path(house, "p") + query)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
    assert everything(house) == before


def test_the_page_shows_no_name_and_no_address_of_the_person(house, web):
    page = web.get(path(house, "p")).text
    assert "naoko" not in page
    assert "直子" not in page
    assert "東京都台東区0-0-0" in page  # the shop's own: offers must say so
    assert "お知らせの設定" in page
    assert "Your message settings" in web.get(path(house, "p") + "?lang=en").text


def test_the_tracking_page_leads_there(house, web):
    page = web.get(path(house, "t")).text
    (led,) = set(re.findall(r'href="(/p/[a-z2-7]{32})\?lang=ja"', page))
    assert web.get(led).status_code == 200


def test_a_choice_holds_and_is_shown(house, web):
    answer = web.post(path(house, "p"), data={**FORM, "locale": "en", "quiet_start": "20:00", "quiet_end": "09:00",
                                              "rest": "30"})  # fmt: skip
    assert answer.status_code == 200
    page = web.get(path(house, "p") + "?lang=ja").text
    assert re.search(r'value="en" checked', page)
    assert page.count(" selected") == 2
    assert "までお休み中" in page
    assert web.post(path(house, "p"), data={"by_email": "on", "rest": "0"}).status_code == 200
    assert "checked" not in re.search(r'name="service"[^>]*>', web.get(path(house, "p")).text)[0]


def test_nonsense_in_the_form_is_no_choice(house, web):
    odd = {**FORM, "locale": "xx", "quiet_start": "25:00", "quiet_end": "<b>", "rest": "99999", "by_team": "on"}
    assert web.post(path(house, "p"), data=odd).status_code == 200
    (row,) = house.rows("SELECT DISTINCT chosen FROM preference")
    assert row.chosen in ("{}", {})


def test_a_yes_to_offers_is_asked_for_once_more(house, web):
    page = web.post(path(house, "p"), data={**FORM, "promotional": "on"}).text
    assert "確認のお知らせをお送りしました" in page
    house.work()
    second = path(house, "o")
    assert house.rows("SELECT * FROM consent") == []
    assert web.get(second).status_code == 200
    assert house.rows("SELECT * FROM consent") == []  # a scanner that looks says nothing for the person
    assert web.post(second).status_code == 200
    (row,) = house.rows("SELECT * FROM consent")
    assert (row.purpose, row.channel, bool(row.granted), row.basis) == ("promotional", "email", True, "double opt-in")
    assert row.wording.startswith("ja-")
    assert re.search(r'name="promotional"[^>]* checked', web.get(path(house, "p")).text)


@pytest.mark.parametrize("where", ["/p/", "/o/"])
def test_what_is_no_link_says_nothing(house, web, where):
    for token in ("a" * 32, "short", path(house, "p").rpartition("/")[2] if where == "/o/" else "x" * 33):
        for ask in (web.get, web.post):
            answer = ask(where + token)
            assert answer.status_code == 404
            assert "花" not in answer.text
