"""The pages of customers over a real socket: the answer, what the page gives away, and what POST does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from engine.store import people
from engine.store.people import Link
from engine.store.sealed import new_token
from engine.store.tables import ConsentRow, LedgerRow, MessageRow, RunRow, Suppression, Token
from engine.web.answer import answer, expected
from engine.web.app import make_app
from engine.web.security import customer_headers
from tests.web.installation import TEA, Installation, build, orders, parcel, scan, served, tracking_link

ANSWERS = [
    ("1001", "商品を発送しました(2個口のうち1個目)", "Your order has shipped (parcel 1 of 2)"),
    ("1002", "本日お届け予定です(14時〜16時)", "Arriving today, 14:00–16:00"),
    ("1003", "お届けにうかがいましたが、ご不在でした", "We missed you"),
    ("1004", "お届けが完了しました(宅配ボックス)", "Delivered to your parcel locker"),
    ("1005", "ご注文はキャンセルされました", "This order was cancelled"),
    ("1006", "返品のお申し込みを受け付けました", "We've received your return request"),
    ("1007", "ご注文を受け付けました", "We've received your order"),
    ("1008", "11月26日(木)に発送予定です", "Planned to ship Thu 26 Nov"),
    ("1009", "明日 11月25日(水)にお届け予定です", "Expected tomorrow, Wed 25 Nov"),
    ("1010", "渋谷郵便局でお受け取りいただけます(11月30日(月)まで)", "Ready to collect at 渋谷郵便局 until Mon 30 Nov"),
    ("1011", "お荷物の到着が遅れています", "Your parcel is running late"),
    ("1012", "11月28日(土)〜30日(月)にお届け予定です", "Expected Sat 28 Nov – Mon 30 Nov"),
    ("1014", "お荷物は配送会社でお預かりしています", "The carrier is holding your parcel"),
]


def headline(page: httpx.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text)
    assert found
    return found[1].replace("&#39;", "'").replace("\u00a0", " ")


@pytest.mark.parametrize(("number", "ja", "en"), ANSWERS)
def test_headline_answers(here: Installation, web: httpx.Client, number: str, ja: str, en: str) -> None:
    path = tracking_link(here, number)
    assert headline(web.get(path, params={"lang": "ja"})) == ja
    assert headline(web.get(path, params={"lang": "en"})) == en


def test_language_is_the_orderers(here: Installation, web: httpx.Client) -> None:
    assert '<html lang="en">' in web.get(tracking_link(here, "1012")).text
    japanese = web.get(tracking_link(here, "1001"), params={"lang": "de"})
    assert '<html lang="ja">' in japanese.text
    assert japanese.headers["content-language"] == "ja"


def test_link_in_a_mail_opens_it(here: Installation, web: httpx.Client) -> None:
    page = web.get(here.link("1003"))
    assert page.status_code == 200
    assert "https://www.e-service.sagawa-exp.co.jp/e/f.d" in page.text  # where to ask for another attempt
    assert page.text.index("再配達を申し込む") < page.text.index("お問い合わせ番号")


def test_redelivery_only_after_a_failed_attempt(here: Installation, web: httpx.Client) -> None:
    for number in ("1002", "1004", "1014"):
        assert "再配達を申し込む" not in web.get(tracking_link(here, number), params={"lang": "ja"}).text


def test_page_gives_nothing_personal_away(here: Installation, web: httpx.Client) -> None:
    for number, *_ in ANSWERS:
        text = web.get(tracking_link(here, number)).text
        for private in ("髙橋", "直子", "Clarke", "mail.example", "神宮前0-0-0", "150-0001", "4,180", "1,296"):
            assert private not in text, (number, private)
    assert "東京都 渋谷区" in web.get(tracking_link(here, "1001")).text


def test_headers_and_weight(here: Installation, web: httpx.Client) -> None:
    first, again = (web.get(tracking_link(here, "1004")) for _ in range(2))
    assert len(first.content) < 60_000
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert "noindex" in first.headers["x-robots-tag"]
    policy = first.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    nonces = [set(re.findall(r'nonce="([^"]+)"', page.text)) for page in (first, again)]
    assert len(nonces[0]) == len(nonces[1]) == 1
    assert nonces[0] != nonces[1]
    assert f"'nonce-{nonces[0].pop()}'" in policy
    assert "set-cookie" not in first.headers


def test_wrong_tokens_are_one_page(here: Installation, web: httpx.Client) -> None:
    old = new_token()
    link = Link(
        kind="tracking",
        merchant=here.shop.id,
        subject=here.order("1001"),
        message=None,
        expires_at=here.clock.now() - timedelta(seconds=1),
    )
    with here.app.store.begin(here.shop.id) as tx:
        people.add_links(tx, [(old, link)], here.clock.now())
    stop = here.link("1090", "u").removeprefix("/u/")
    paths = [
        f"/t/{old}",
        f"/t/{new_token()}",
        "/t/x",
        "/t/' OR 1=1--",
        f"/t/{stop}",
        f"/u/{new_token()}",
        here.link("1001").replace("/t/", "/u/"),
        "/t/" + "あ" * 32,
    ]
    pages = [web.get(path) for path in paths]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(r'nonce="[^"]+"', "", page.text) for page in pages}) == 1
    assert "こもれび" not in pages[0].text
    assert web.post(f"/u/{new_token()}").status_code == 404


def test_day_that_has_passed_is_not_promised() -> None:
    tokyo = datetime.fromisoformat("2026-11-24T14:00:00+09:00")
    told = {"eta_from": tokyo, "eta_until": tokyo + timedelta(hours=2)}
    assert expected(told, date(2026, 11, 24), "ja") == "本日 14時〜16時"
    assert expected(told, date(2026, 11, 25), "ja") is None
    whole = {"eta_from": tokyo.replace(hour=0), "eta_until": tokyo.replace(hour=0) + timedelta(days=1)}
    assert expected(whole, date(2026, 11, 24), "ja") == "本日"
    assert expected(whole, date(2026, 11, 25), "ja") is None
    assert expected({"eta_from": None, "eta_until": None}, date(2026, 11, 24), "en") is None


def test_out_for_delivery_yesterday_is_not_today() -> None:
    gone = datetime.fromisoformat("2026-11-23T08:00:00+09:00")
    one = {"status": "out_for_delivery", "status_at": gone, "delivered_at": None, "eta_from": None, "eta_until": None}
    view = {"order": {"parcels": [one], "unshipped": 0}, "today": date(2026, 11, 24)}
    assert answer("out_for_delivery", view, None, "ja").word == "out"
    assert answer("out_for_delivery", {**view, "today": date(2026, 11, 23)}, None, "ja").word == "out_today"


@contextmanager
def running(home: Path) -> Iterator[tuple[Installation, httpx.Client]]:
    here = build(home)
    with served(here, make_app(here.app)) as base, httpx.Client(base_url=base) as web:
        yield here, web


def test_hostile_facts_stay_text(tmp_path: Path) -> None:
    with running(tmp_path) as (here, web):
        at = "2026-11-10T10:00:00+09:00"
        bad = {**TEA, "name": '<script>alert(1)</script>"><img src=x>'}
        here.tell(at, orders("1", at, lines=(bad,)), parcel("1", at, carrier="bike", url="javascript:alert(1)"))
        text = web.get(tracking_link(here, "1")).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "javascript:" not in text
        assert "&lt;script&gt;alert(1)" in text


def count(here: Installation) -> dict[str, int]:
    tables = (Suppression, ConsentRow, LedgerRow, Token)
    with here.app.store.read() as tx:
        return {
            one.__tablename__: tx.conn.execute(select(func.count()).select_from(one)).scalar_one() for one in tables
        }


def standings(here: Installation, purpose: str) -> set[str]:
    query = select(MessageRow.status).where(MessageRow.purpose == purpose, MessageRow.status != "sent")
    with here.app.store.read() as tx:
        return set(tx.conn.execute(query).scalars())


def two_orders(here: Installation) -> None:
    """Both delivered to one person; the first has had its review request, the second is about to."""
    for number, day in (("1090", 11), ("1091", 17)):
        at = f"2026-11-{day}T10:00:00+09:00"
        here.tell(at, orders(number, at, email="mori@mail.example"), parcel(number, at))
        here.tell(f"2026-11-{day + 1}T11:00:00+09:00", scan(number, f"2026-11-{day + 1}T11:00:00+09:00", "delivered"))
    here.until("2026-11-20T12:00:00+09:00")


def test_unsubscribing(tmp_path: Path) -> None:
    with running(tmp_path) as (here, web):
        two_orders(here)
        path, before = here.link("1090", "u"), count(here)
        asked = web.get(path)
        web.head(path)
        assert asked.status_code == 200
        assert '<form method="post"' in asked.text
        assert "こもれび茶舗" in asked.text
        assert count(here) == before
        assert standings(here, "service") == {"planned"}

        done = web.post(path, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200  # no redirect, no cookie, no question
        assert "set-cookie" not in done.headers
        assert "メールを停止しました" in done.text
        after = count(here)
        assert after["suppression"] == before["suppression"] + 1
        assert after["consent"] == before["consent"] + 1
        assert standings(here, "service") == {"cancelled"}
        assert standings(here, "promotional") == {"planned"}  # only what was stopped is stopped
        with here.app.store.read() as tx:
            stuck = select(func.count()).where(RunRow.journey == "review_request", RunRow.state == "active")
            assert tx.conn.execute(stuck).scalar_one() == 0

        assert web.post(path).status_code == 200
        assert count(here) == after
        here.until("2026-11-30T12:00:00+09:00")
        assert [mail.template for mail, _ in here.mails("1091")] == ["delivered", "shipped"]


def test_one_click_as_multipart(tmp_path: Path) -> None:
    with running(tmp_path) as (here, web):
        two_orders(here)
        path = here.link("1090", "u")
        assert web.post(path, files={"List-Unsubscribe": (None, "One-Click")}).status_code == 200
        assert standings(here, "service") == {"cancelled"}


def test_other_methods_do_nothing(here: Installation, web: httpx.Client) -> None:
    path = here.link("1090", "u")
    assert web.put(path).status_code == 405
    assert web.post(here.link("1001")).status_code == 405


def test_only_the_logo_may_come_from_elsewhere() -> None:
    def images(logo: str | None) -> str:
        policy = customer_headers("n", logo)["Content-Security-Policy"]
        return next(part.strip() for part in policy.split(";") if part.strip().startswith("img-src"))

    assert images("https://cdn.shop.example/logo.svg?v=1") == "img-src data: https://cdn.shop.example"
    for wrong in (
        None,
        "",
        "http://cdn.shop.example/logo.png",
        "javascript:alert(1)",
        "https://x.example; script-src *",
        "https://[",
        "https://日本語.jp/logo.png",
    ):
        assert images(wrong) == "img-src data:", wrong
