"""Links by way of us: they lead only where they led, and what follows them is told apart."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from engine.model.merchant import MerchantSettings
from engine.model.message import Content
from engine.rules.links import MOST, wrapped
from engine.web.app import make_app
from engine.web.mail import opened
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan
from tests.web.installation import served

BROWSER = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"}
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def house(tmp_path):
    shop = MerchantSettings(
        from_email="shop@hana.example", click_links="yes", reviews_url="https://hana.example/reviews?a=1&b=2",
        url="https://hana.example/", support_url="https://hana.example/help",
    )  # fmt: skip
    made = House(tmp_path, settings=shop)
    made.tell(order(), parcel(), scan(-1, "delivered"))
    made.work()
    made.later(days=8)
    made.clock.advance(timedelta(hours=1))
    yield made
    made.close()


@pytest.fixture
def web(house):
    sent_as = house.app.settings.base_url
    with served(house, make_app(house.app)) as base, httpx.Client(base_url=base) as client:
        house.app.settings.base_url = sent_as  # the mails were written with it
        yield client


def links(house: House) -> dict[str, str]:
    """Label -> address of the links of the review request, which is the newest mail with a way out."""
    mail = next(one for one in (opened(data) for data in reversed(house.mails())) if "/u/" in (one.html or ""))
    found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>([^<]*)</a>', mail.html or "")
    return {label: url.replace("&amp;", "&") for url, label in found}


def clicks(house: House) -> list[str]:
    house.observe()
    return [reason or "" for decision, reason in house.why() if decision == "clicked"]


def test_the_way_out_tracking_and_preferences_are_left_alone(house):
    found = links(house)
    assert "/c/" in found["感想を書く"]
    assert "/u/" in found["配信停止"]
    assert "/p/" in found["お知らせの設定"]
    assert not any("/c/" in url for label, url in found.items() if url.startswith("mailto:") or "/t/" in url)


def test_it_leads_where_it_led_and_becomes_a_receipt(house, web):
    path = links(house)["感想を書く"].removeprefix(house.app.settings.base_url)
    answer = web.get(f"{path}?to=https://evil.example/&url=//evil.example", headers=BROWSER)
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://hana.example/reviews?a=1&b=2"
    assert clicks(house) == ["receipt: now delivered"]
    web.get(path, headers=BROWSER)
    assert len(clicks(house)) == 1  # within the hour a second click says nothing new
    (raw,) = house.rows("SELECT verified_by, topic, state FROM inbox WHERE topic = 'todoke.click'")
    assert (raw.verified_by, raw.state) == ("todoke", "processed")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", BROWSER), ("GET", {"user-agent": ""}), ("GET", BROWSER | {"sec-purpose": "prefetch;prerender"}),
        ("GET", BROWSER | {"x-moz": "prefetch"}), ("GET", {"user-agent": "Barracuda Sentinel (EE)"}),
        ("GET", {"user-agent": "Mozilla/5.0"}),
    ],
)  # fmt: skip
def test_scanners_are_led_on_and_not_believed(house, web, method, headers):
    path = links(house)["感想を書く"].removeprefix(house.app.settings.base_url)
    answer = web.request(method, path, headers=headers)
    assert answer.status_code == 302
    assert clicks(house) == []
    web.get(path, headers=BROWSER)
    assert len(clicks(house)) == 1  # the person who comes later is


def test_who_follows_every_link_at_once_is_a_machine(house, web):
    found = [url.removeprefix(house.app.settings.base_url) for url in links(house).values() if "/c/" in url]
    assert len(set(found)) > 1
    for path in dict.fromkeys(found):
        web.get(path, headers=BROWSER)
    assert len(clicks(house)) == 1  # the first could not be told from a person


def test_right_after_sending_nobody_has_read_it(house, web):
    path = links(house)["感想を書く"].removeprefix(house.app.settings.base_url)
    (asked,) = house.reports(journey="review_request")
    back = house.clock.now() - asked.sent_at - timedelta(seconds=2)
    house.clock.advance(-back)
    web.get(path, headers=BROWSER)
    assert clicks(house) == []


@pytest.mark.parametrize("path", ["/c/" + "a" * 32, "/c/short", "/c/" + "a" * 33])
def test_other_tokens_lead_nowhere(web, path):
    assert web.get(path, headers=BROWSER).status_code == 404


def test_a_tracking_token_is_no_link_that_leads_on(house, web):
    token = links(house)["配信停止"].rpartition("/")[2]
    assert web.get(f"/c/{token}", headers=BROWSER).status_code == 404


def test_the_target_is_sealed(house):
    rows = house.rows("SELECT sealed_target FROM token WHERE kind = 'click'")
    assert rows
    assert not any(b"hana.example" in bytes(row.sealed_target) for row in rows)


def test_only_what_is_opened_by_a_touch_is_wrapped():
    hero = {"type": "image", "url": "https://cdn.example.jp/a.png"}
    leads = [{"type": "uri", "label": "x", "uri": uri} for uri in ("https://example.jp/a", f"{BASE}/t/x")]
    buttons = [{"type": "button", "action": one} for one in leads]
    flex = [{"type": "flex", "contents": {"hero": hero, "footer": buttons}}]
    tokens = iter(f"t{n}" for n in range(99))
    content, led = wrapped(Content(payload=flex), BASE, lambda: next(tokens))
    assert led == {"t0": "https://example.jp/a"}
    assert content.payload[0]["contents"]["hero"]["url"] == "https://cdn.example.jp/a.png"
    assert content.payload[0]["contents"]["footer"][0]["action"]["uri"] == f"{BASE}/c/t0"
    assert content.payload[0]["contents"]["footer"][1]["action"]["uri"] == f"{BASE}/t/x"


def test_many_links_end_somewhere():
    html = "".join(f'<a href="https://example.jp/{n}">x</a>' for n in range(MOST + 5))
    tokens = iter(f"t{n}" for n in range(99))
    content, led = wrapped(Content(html=html), BASE, lambda: next(tokens))
    assert len(led) == MOST
    assert content.html.count("/c/") == MOST


@pytest.mark.parametrize(("text", "expected", "led"), [
    ("レビュー https://example.jp/r?a=1をお願いします。", f"レビュー {BASE}/c/t0をお願いします。", ["https://example.jp/r?a=1"]),
    ("See (https://example.jp/a). Bye", f"See ({BASE}/c/t0). Bye", ["https://example.jp/a"]),
    ("https://example.jp/a\nhttps://example.jp/a", f"{BASE}/c/t0\n{BASE}/c/t0", ["https://example.jp/a"]),
    (f"{BASE}/t/abc https://x.example/%E8%B1%86", f"{BASE}/t/abc {BASE}/c/t0", ["https://x.example/%E8%B1%86"]),
    ("no link: https:// or mailto:a@example.jp", "no link: https:// or mailto:a@example.jp", []),
])  # fmt: skip
def test_the_links_of_a_text_lead_by_way_of_us_where_there_is_nothing_else(text, expected, led):
    tokens = iter(f"t{n}" for n in range(9))
    content, found = wrapped(Content(text=text), BASE, lambda: next(tokens))
    assert content.text == expected
    assert list(found.values()) == led
    beside, found = wrapped(Content(text=text, html="<p>x</p>"), BASE, lambda: next(tokens))
    assert beside.text == text
    assert not found
