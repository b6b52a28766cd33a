"""Webhooks of ours in the console: what a merchant sees of its endpoints, and what its forms do, to a real endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer

from engine.flow.call import call
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.store import calls, hooks
from engine.store.hooks import HOOK, HOOK_CALL, Hook
from engine.web.app import make_app
from engine.web.console import local_login
from tests.flow.test_hooks import Endpoint, signed
from tests.web.installation import Installation, build, orders, parcel, served
from tests.web.test_console import csrf, log_in
from tests.web.test_look import looking, well

AT = "2026-11-12T10:00:00+09:00"
LOCAL = Reach(private=(ip_network("127.0.0.0/8"),))
HOSTILE = '<b>no</b> "order"'


@pytest.fixture
def endpoint(httpserver: HTTPServer) -> Endpoint:
    return Endpoint(httpserver)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = build(tmp_path)
    made.app.post = Transports(tmp_path, deadline=5, reach=LOCAL)
    made.app.settings.http_private = "127.0.0.0/8"  # the endpoints are on this machine
    with served(made, make_app(made.app)):
        yield made
    made.app.post.close()


@contextmanager
def visiting(here: Installation, who: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.base) as web:
        assert log_in(web, here.keys[who]).status_code == 303
        yield web


def typed(web: httpx.Client, url: str, **fields: str) -> httpx.Response:
    """The form that adds an endpoint."""
    return web.post("/console/hooks", data={"csrf": csrf(web.get("/console/hooks")), "url": url, **fields})


def add(here: Installation, url: str, **fields: str) -> httpx.Response:
    """The operator adds an endpoint of the shop's, on this machine."""
    with visiting(here, "operator") as web:
        return typed(web, url, **fields)


def send(web: httpx.Client, path: str, form: str | None = None, **fields: str) -> httpx.Response:
    """Post a form as its page shows it."""
    return web.post(path, data={"csrf": csrf(web.get(form or path)), **fields})


def secret_of(page: httpx.Response) -> str:
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", page.text.replace("&#43;", "+"))
    assert found
    return found[0]


def every(here: Installation) -> list[Hook]:
    with here.app.store.read() as tx:
        return hooks.every(tx)


def stands(here: Installation, hook: str) -> dict[str, int]:
    with here.app.store.read() as tx:
        return calls.counts(tx, hook).get(hook, {})


def tell(here: Installation) -> None:
    """Tell what is due, as if no pause had been kept."""
    with here.app.store.begin() as tx:
        past = here.app.clock.real() - timedelta(seconds=1)
        tx.conn.execute(HOOK.update().values(rest_until=None))
        tx.conn.execute(HOOK_CALL.update().where(HOOK_CALL.c.due_at.is_not(None)).values(due_at=past))
    while call(here.app):
        pass


def first(here: Installation) -> str:
    (one,) = every(here)
    return f"/console/hooks/{one.id}"


def test_an_endpoint_is_added_and_its_secret_signs_what_it_is_told(here: Installation, endpoint: Endpoint) -> None:
    with visiting(here, "shop") as web:
        assert "送信先がまだありません" in web.get("/console/hooks").text
        made = add(here, endpoint.url, **{"all-order": "yes", "more": "shipment.dispatched  message.sent"})
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
        secret = secret_of(made)
        (one,) = every(here)
        assert (one.merchant, one.events) == (here.shop.id, ("order.*", "shipment.dispatched", "message.sent"))
        here.tell(AT, orders("1", AT), parcel("1", AT))
        tell(here)
        assert set(endpoint.types()) >= {"order.created", "shipment.dispatched"}
        assert all(signed(secret, *told) for told in zip([h for h, _ in endpoint.posts], endpoint.raw, strict=True))
        page = web.get(first(here)).text
        assert secret not in page + web.get("/console/hooks").text
        assert "発送された" in page
        assert "正常" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://oms.example/x"}, "https:// で始まるURL"),
        ({"url": "https://me:pw@oms.example/x"}, "ユーザー名やパスワード"),
        ({"url": "https://oms.example/x", "more": "order.payed <b>"}, "「order.payed」という出来事はありません"),
    ],
)
def test_what_is_no_endpoint_is_refused_with_what_was_typed(
    here: Installation, fields: dict[str, str], said: str
) -> None:
    here.app.settings.http_private = ""
    with visiting(here, "shop") as web:
        page = typed(web, **fields)
    assert page.status_code == 422
    assert said in page.text
    assert f'value="{fields["url"]}"' in page.text
    assert "<b>" not in page.text.partition("<main")[2].partition("<nav")[0]
    assert every(here) == []


def test_plain_http_and_the_same_address_twice_are_refused(here: Installation, endpoint: Endpoint) -> None:
    add(here, endpoint.url)
    assert "すでに登録されています" in add(here, endpoint.url).text  # also when the page is loaded anew
    here.app.settings.http_private = ""
    with visiting(here, "shop") as web:
        assert "http:// のアドレスには送信できません" in typed(web, "http://oms.example/").text
    assert len(every(here)) == 1


def test_a_merchant_adds_endpoints_unless_posts_may_reach_networks_of_our_own(here: Installation) -> None:
    with visiting(here, "shop") as web:
        page = web.get("/console/hooks")
        assert "運営者にご依頼ください" in page.text
        assert "<fieldset" not in page.text
        assert typed(web, "https://oms.example/x").status_code == 404
        assert every(here) == []
        here.app.settings.http_private = ""
        assert "whsec_" in typed(web, "https://oms.example/x", shared="yes").text  # which the operator alone may choose
    assert [one.merchant for one in every(here)] == [here.shop.id]


def test_a_refusal_is_shown_with_what_was_sent_and_answered_and_posted_again(
    here: Installation, endpoint: Endpoint, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/strict").respond_with_data(HOSTILE * 100, 422)
    with visiting(here, "shop") as web:
        add(here, httpserver.url_for("/strict"), more="order.created")
        here.tell(AT, orders("1", AT))
        tell(here)
        (one,) = every(here)
        assert one.reason == "status 422"  # alarms repeat no words of strangers
        page = web.get(f"{first(here)}?lang=ja").text
        assert "再送中" in page
        assert "応答コード 422: &lt;b&gt;no&lt;/b&gt;" in page
        assert HOSTILE not in page
        address = re.search(rf'href="({first(here)}/calls/[^"]+)"', page)
        assert address
        shown = web.get(address[1]).text
        assert "&#34;type&#34;: &#34;order.created&#34;" in shown
        assert f"/console/orders/{here.order('1')}" in shown
        assert "1件を送り直す" not in shown  # it waits for its next try by itself
        with here.app.store.begin() as tx:
            tx.conn.execute(HOOK_CALL.update().values(status="given_up", due_at=None, ended_at=here.app.clock.real()))
            tx.conn.execute(HOOK.update().values(url=endpoint.url))
        sent = send(web, f"{address[1]}/again", form=address[1])
        assert sent.headers["location"] == f"{address[1]}?again=1"
        assert send(web, f"{address[1]}/again", form=address[1]).status_code == 404  # it waits now
        tell(here)
        assert endpoint.ids() == [address[1].rpartition("/")[2]]
        assert "204 を返し、受け取りました" in web.get(address[1]).text


def failed(here: Installation, endpoint: Endpoint, numbers: tuple[str, ...]) -> str:
    """An endpoint that has refused all it was told of orders with these numbers, one a day."""
    real = here.app.clock.real()
    with here.app.store.begin() as tx:
        hook = hooks.add(
            tx, merchant=here.shop.id, url=endpoint.url, events=["order.created"], secret=hooks.new_secret(), real=real
        )
    for n, number in enumerate(numbers):
        at = f"2026-11-{12 + n}T10:00:00+09:00"
        here.tell(at, orders(number, at))
    with here.app.store.begin() as tx:
        tx.conn.execute(HOOK_CALL.update().values(status="given_up", due_at=None, ended_at=real, tries=10))
    return hook


def test_failed_events_are_counted_first_and_then_posted_again(here: Installation, endpoint: Endpoint) -> None:
    hook = failed(here, endpoint, ("1", "2", "3"))
    with visiting(here, "shop") as web:
        asked = web.get(f"{first(here)}/replay?since=2026-11-13T10:00&lang=ja")
        assert "11月13日(金) 10:00 以降: 失敗した出来事は2件です。" in asked.text
        assert stands(here, hook) == {"given_up": 3}
        fields = {"csrf": csrf(asked), "since": "2026-11-13T10:00"}
        assert web.post(f"{first(here)}/replay", data=fields).headers["location"].endswith("?again=2")
        assert stands(here, hook) == {"given_up": 1, "waiting": 2}
        tell(here)
        assert len(endpoint.taken) == 2
        every_one = web.get(f"{first(here)}/replay?told=yes&lang=en").text
        assert "Events that were given up, refused or taken: 3." in every_one
        wrong = web.get(f"{first(here)}/replay?since=yesterday&lang=en").text
        assert "This is no time." in wrong
        assert web.post(f"{first(here)}/replay", data={**fields, "since": "yesterday"}).status_code == 404
        assert stands(here, hook) == {"given_up": 1, "told": 2}


def test_times_stand_in_the_merchants_zone(here: Installation, endpoint: Endpoint) -> None:
    with here.app.store.begin() as tx:
        hooks.add(tx, merchant=here.other.id, url=endpoint.url, events=["order.created"], secret=hooks.new_secret(),
                  real=here.app.clock.real())  # fmt: skip
    here.tell(AT, orders("9", AT), connection="c_north")  # 20:00 the day before in New York
    with visiting(here, "other") as web:
        assert "Wed 11 Nov, 20:00" in web.get(first(here)).text
        with here.app.store.begin() as tx:
            tx.conn.execute(HOOK_CALL.update().values(status="given_up", due_at=None, ended_at=here.app.clock.real()))
        for since, count in (("2026-11-11T20:00", 1), ("2026-11-11T20:01", 0)):
            asked = web.get(f"{first(here)}/replay?since={since}").text
            assert f"Events that were given up or refused: {count}." in asked


def test_a_secret_is_replaced_once_and_shown_once(here: Installation, endpoint: Endpoint) -> None:
    with visiting(here, "shop") as web:
        before = secret_of(add(here, endpoint.url))
        page = web.get(first(here))
        mark = re.search(r'name="mark" value="([^"]+)"', page.text)
        assert mark
        fields = {"csrf": csrf(page), "mark": mark[1]}
        made = web.post(f"{first(here)}/rotate", data=fields)
        fresh = secret_of(made)
        assert "次に交換するまで有効" in made.text
        assert [one.secrets for one in every(here)] == [(fresh, before)]
        again = web.post(f"{first(here)}/rotate", data=fields)  # the page of the secret, loaded anew
        assert again.status_code == 409
        assert [one.secrets for one in every(here)] == [(fresh, before)]
        page = web.get(first(here))
        assert "新旧2つ有効" in page.text
        mark = re.search(r'name="mark" value="([^"]+)"', page.text)
        assert mark
        last = secret_of(web.post(f"{first(here)}/rotate", data={**fields, "mark": mark[1], "at_once": "yes"}))
        assert [one.secrets for one in every(here)] == [(last,)]


def test_a_test_event_says_what_the_endpoint_answers_and_changes_nothing(
    here: Installation, endpoint: Endpoint
) -> None:
    with visiting(here, "shop") as web:
        secret = secret_of(add(here, endpoint.url, more="order.created"))
        taken = send(web, f"{first(here)}/test", form=first(here))
        assert "テストを送信し、受け取られました。 応答コード: 204" in taken.text
        ((headers, body),) = endpoint.posts
        assert (body["type"], body["data"]["order"]["id"]) == ("hook.test", "0")
        assert signed(secret, headers, endpoint.raw[0])
        endpoint.answers = [(500, {})]
        assert "テストは受け取られませんでした。 応答コード: 500" in send(web, f"{first(here)}/test", first(here)).text
        (one,) = every(here)
        assert (one.state, one.ok_at, stands(here, one.id)) == ("ok", None, {})
        here.app.post = Transports(here.app.settings.home, deadline=5)  # that reaches public addresses only
        assert "送信が許可されていないアドレスです" in send(web, f"{first(here)}/test", form=first(here)).text
    assert len(endpoint.posts) == 2


def test_a_disabled_endpoint_says_why_is_enabled_and_gets_what_was_kept(here: Installation, endpoint: Endpoint) -> None:
    with visiting(here, "shop") as web:
        add(here, endpoint.url, more="order.created order.paid")
        here.tell(AT, orders("1", AT))
        endpoint.answers = [(410, {})]
        tell(here)
        (one,) = every(here)
        page = web.get(f"{first(here)}?lang=ja").text
        assert "停止中" in page
        assert "410(廃止)を返したため" in page
        assert "先に送信を再開してください" in page
        assert "410(廃止)を返したため" in web.get("/console/hooks").text
        number = re.search(r"/calls/([^\"]+)\"", page)
        assert number
        for path in (f"{first(here)}/replay", f"{first(here)}/calls/{number[1]}/again"):
            assert send(web, path, form=first(here)).status_code == 404
        kept = stands(here, one.id).get("held", 0)
        sent = send(web, f"{first(here)}/enable", form=first(here))
        assert sent.headers["location"] == f"{first(here)}?enabled={kept}"
        tell(here)
        assert len(endpoint.taken) == kept == 1


def test_removing_counts_what_would_be_lost(here: Installation, endpoint: Endpoint) -> None:
    with visiting(here, "shop") as web:
        add(here, endpoint.url, more="order.created")
        here.tell(AT, orders("1", AT))
        assert "送信待ちの1件は失われます" in web.get(f"{first(here)}/remove").text
        assert len(every(here)) == 1
        sent = send(web, f"{first(here)}/remove")
        assert "送信先を削除しました" in web.get(sent.headers["location"]).text
    assert every(here) == []


def test_nobody_touches_what_is_not_theirs(here: Installation, endpoint: Endpoint) -> None:
    with visiting(here, "shop") as web:
        add(here, endpoint.url, more="order.created")
        here.tell(AT, orders("1", AT))
        mine = first(here)
        number = re.search(r"/calls/([^\"]+)\"", web.get(mine).text)
        assert number
        acts = (f"/calls/{number[1]}/again", "/replay", "/remove", "/rotate", "/enable", "/test")
        for act in acts:
            assert web.post(f"{mine}{act}", data={"csrf": "x"}).status_code == 403
    (before,) = every(here)
    assert before.merchant == here.shop.id
    with visiting(here, "other") as web:
        assert endpoint.url not in web.get("/console/hooks").text
        for act in acts:
            assert send(web, f"{mine}{act}", form="/console/hooks").status_code == 404
        for page in ("", f"/calls/{number[1]}", "/replay", "/remove"):
            assert web.get(f"{mine}{page}").status_code == 404
    assert every(here) == [before]
    assert endpoint.posts == []
    with httpx.Client(base_url=here.base) as web:
        assert web.post(f"{mine}/remove", data={"csrf": csrf(web.get("/console/login"))}).status_code == 303
    assert every(here) == [before]


def test_the_operators_endpoint_is_the_operators(here: Installation, endpoint: Endpoint) -> None:
    add(here, endpoint.url, shared="yes")
    with visiting(here, "operator") as web:
        assert "全店舗で共有" in web.get("/console/hooks").text
        assert web.get(first(here)).status_code == 200
    assert [one.merchant for one in every(here)] == [None]
    with visiting(here, "shop") as web:
        assert endpoint.url not in web.get("/console/hooks").text
        assert web.get(first(here)).status_code == 404


def test_events_are_paged_and_every_number_leads_to_its_rows(here: Installation, endpoint: Endpoint) -> None:
    failed(here, endpoint, ("1",))
    with here.app.store.begin() as tx:
        row = {
            name: value for name, value in tx.conn.execute(HOOK_CALL.select()).one()._mapping.items() if name != "id"
        }
        calls.CALL(
            tx, [{**row, "public_id": f"evt_{n}", "status": "told" if n < 40 else "given_up"} for n in range(70)]
        )
    with visiting(here, "shop") as web:
        seen: list[str] = []
        for group, count in (("failed", 31), ("told", 40), ("waiting", 0), (None, 71)):
            seen, address = [], f"{first(here)}{f'?status={group}' if group else ''}"
            while address:
                page = web.get(address).text
                seen += re.findall(r"/calls/([^\"]+)\"", page)
                more = re.search(r'href="([^"]+)" rel="next"', page)
                address = more[1].replace("&amp;", "&") if more else ""
            assert len(seen) == len(set(seen)) == count
        assert f'href="{first(here)}?status=failed" aria-label="失敗 31"' in web.get("/console/hooks").text


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_can_be_read_and_reached(
    here: Installation, browser: Browser, endpoint: Endpoint, httpserver: HTTPServer, width: int
) -> None:
    httpserver.expect_request("/bad").respond_with_data("x" * 300, 500)
    here.app.settings.base_url = here.base
    add(here, httpserver.url_for("/bad") + "?" + "k" * 120)
    here.tell(AT, orders("1", AT), parcel("1", AT))
    tell(here)
    here.tell("2026-11-12T11:00:00+09:00", orders("2", AT))
    page_of = first(here)
    with looking(browser, viewport={"width": width, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app))
        for language in ("ja", "en"):
            for address in ("/console/hooks", page_of, f"{page_of}/replay", f"{page_of}/remove"):
                page.goto(f"{here.base}{address}?lang={language}")
                well(page)
            page.goto(f"{here.base}{page_of}")
            page.click("form[action$='/test'] button")
            well(page)
            page.locator("td.first a").first.click()
            assert json.loads(page.inner_text("pre"))["data"]["merchant"] == "komorebi"
            well(page)
            page.goto(f"{here.base}{page_of}")
            page.click("#rotate button")
            assert page.locator("code:has-text('whsec_')").is_visible()
            well(page)
            page.reload()  # sends the form once more
            assert page.locator("code:has-text('whsec_')").count() == 0
        page.goto(f"{here.base}/console/hooks?lang=en")
        page.fill("[name=url]", "https://oms.example/x")
        page.fill("[name=more]", "nothing")
        page.click("form.sheet .button")
        assert page.get_by_role("alert").inner_text() == "No event is called “nothing”. The list below has them all."
        well(page)
        assert [one for one in complaints if "422" not in one and "409" not in one] == []
