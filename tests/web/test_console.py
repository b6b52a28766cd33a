"""The console over a real socket: who gets in, what they may see, and that every row says why."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete
from starlette.requests import Request

from engine.rules.alarm import Alarm
from engine.store import access, alarms, calls, merchants, reports
from engine.store.access import Holder
from engine.store.merchants import Connection
from engine.store.sealed import new_token, token_hash
from engine.store.tables import AccessKey
from engine.web import console
from engine.web.app import make_app
from engine.web.desk import Visit
from engine.web.pages import pages
from engine.web.security import form
from engine.web.sessions import Doors, Session
from tests.loops import run
from tests.web.installation import Installation, build, orders, served

OPEN = {"/console/login", "/console/static/{name}", "/console/open/{token}", "/console/logout", "/console/merchant"}
# Forms; tests/web/test_health.py, test_owners.py, test_checks.py and test_hooks.py send them.
FORMS = {f"/console/connections/{{connection}}/{what}" for what in ("ask", "check", "map", "assign")}
FORMS |= {f"/console/hooks/{{hook}}/{what}" for what in ("calls/{call}/again", "rotate", "enable", "test")}


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def log_in(web: httpx.Client, key: str) -> httpx.Response:
    return web.post("/console/login", data={"key": key, "csrf": csrf(web.get("/console/login"))})


@pytest.fixture
def shop(here: Installation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.base) as web:
        assert log_in(web, here.keys["shop"]).status_code == 303
        yield web


@pytest.fixture
def operator(here: Installation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.base) as web:
        assert log_in(web, here.keys["operator"]).status_code == 303
        yield web


def addresses(here: Installation, merchant: str = "shop") -> dict[str, str]:
    """Route -> an address of it that belongs to the merchant. A new route must be added, or a test fails."""
    owner = here.shop if merchant == "shop" else here.other
    order = here.order("1003" if merchant == "shop" else "2001", owner)
    with here.app.store.read(owner.id) as tx:
        message = reports.list_messages(tx, subject=order)[0].id
    connection = "c_shop" if merchant == "shop" else "c_north"
    hook = here.hooks[owner.slug]
    with here.app.store.read() as tx:
        call = next((row.public_id for row in calls.of(tx, hook, 1)), "evt_none")
    return {
        "/console": "/console",
        "/console/orders": "/console/orders",
        "/console/orders/{order}": f"/console/orders/{order}",
        "/console/messages": f"/console/messages?order={order}",
        "/console/messages/{message}": f"/console/messages/{message}",
        "/console/messages/{message}/preview": f"/console/messages/{message}/preview",
        "/console/mailbox": f"/console/mailbox?message={message}",
        "/console/journeys": "/console/journeys",
        "/console/journeys/{journey}": "/console/journeys/shipped",
        "/console/connections": "/console/connections",
        "/console/connections/{connection}": f"/console/connections/{connection}",
        "/console/hooks": "/console/hooks",
        "/console/hooks/{hook}": f"/console/hooks/{hook}",
        "/console/hooks/{hook}/calls/{call}": f"/console/hooks/{hook}/calls/{call}",
        "/console/hooks/{hook}/replay": f"/console/hooks/{hook}/replay?told=yes",
        "/console/hooks/{hook}/remove": f"/console/hooks/{hook}/remove",
        "/console/alarms": "/console/alarms",
        "/console/{rest:path}": "/console/nothing/here",
    }


def test_every_route_is_looked_at(here: Installation) -> None:
    known = {route.path for route in console.routes(here.app)}
    assert known - OPEN - FORMS == set(addresses(here))


def test_nobody_sees_anything_without_a_key(here: Installation, web: httpx.Client) -> None:
    for address in addresses(here).values():
        answer = web.get(address)
        assert answer.status_code == 303, address
        assert answer.headers["location"] == "/console/login"
        assert not answer.content
    web.cookies.set("todoke", web.get("/console/login").cookies["todoke"] + "x")
    assert web.get("/console/orders").status_code == 303


def test_merchant_sees_only_its_own(here: Installation, shop: httpx.Client) -> None:
    secret = ("2001", "Kim Lee", "kim@mail.example", "North Supply", "Warehouse", "c_north")
    for route, address in addresses(here, "other").items():
        answer = shop.get(address)
        if "{" in route and route not in {"/console/journeys/{journey}"}:
            assert answer.status_code == 404, address
        for word in secret:
            assert word not in answer.text.replace(address, ""), (address, word)  # it may echo what was asked
    assert shop.get("/console/connections/c_wms").status_code == 404  # the operator's
    assert "3PL WMS" not in shop.get("/console/connections").text
    assert 'action="/console/merchant"' not in shop.get("/console/orders").text
    token = csrf(shop.get("/console/orders"))
    assert shop.post("/console/merchant", data={"merchant": "north", "csrf": token}).status_code == 404
    assert "North Supply" not in shop.get("/console/orders").text


def test_alarms_are_one_quiet_line_and_a_page(here: Installation, shop: httpx.Client, operator: httpx.Client) -> None:
    assert 'class="filter alarm"' not in operator.get("/console/orders").text
    ours = Alarm(
        "unknown", "komorebi/shipped", here.shop.id, {"merchant": "komorebi", "journey": "shipped", "count": 3}
    )
    theirs = Alarm("dead", "north/shipped", here.other.id, {"merchant": "north", "journey": "shipped", "count": 1})
    everyones = Alarm("workers_absent", "installation", None, {"count": 18, "minutes": 4})
    real = here.app.clock.real()
    with here.app.store.begin() as tx:
        alarms.keep(tx, [ours, theirs, everyones], real, told_elsewhere=False)
    try:
        assert "3件の確認が必要です" in operator.get("/console/orders?lang=ja").text
        assert "One thing to look at" in shop.get("/console/orders?lang=en").text
        mine, every = (web.get("/console/alarms?lang=ja").text for web in (shop, operator))
        assert "送信できたか不明なメッセージがあります" in mine
        assert "north" not in mine
        assert "ワーカー" not in mine
        assert "todoke messages" not in mine  # commands are the operator's
        assert "todoke messages list --state dead --merchant north" in every
        assert "todoke worker" in every
    finally:
        with here.app.store.begin() as tx:
            alarms.keep(tx, [], real + timedelta(days=2), told_elsewhere=False)
    page = operator.get("/console/alarms?lang=ja").text
    assert "対応が必要なことはありません" in page
    assert "解消済み" in page


def test_every_page_in_both_languages(here: Installation, shop: httpx.Client) -> None:
    for language in ("ja", "en"):
        for route, address in addresses(here).items():
            answer = shop.get(address, params={**httpx.URL(address).params, "lang": language}, follow_redirects=True)
            expected = 404 if route == "/console/{rest:path}" else 200
            assert answer.status_code == expected, address
            if not route.endswith("/preview"):
                assert f'<html lang="{language}">' in answer.text
                assert "unsafe" not in answer.headers["content-security-policy"]
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
                assert answer.headers["cache-control"] == "no-store"
    assert '<html lang="en">' in shop.get("/console/orders").text  # the choice is kept


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/console/orders/" + "9" * 30, 404),
        ("/console/orders/" + "9" * 5000, 404),
        ("/console/orders/-1", 404),
        ("/console/orders/%00", 404),
        ("/console/messages/%00", 404),
        ("/console/connections/%00", 404),
        ("/console/orders?number=%00&stage=%00", 200),
        ("/console/orders?before=2026-11-24T00:00:00_5", 200),
        ("/console/orders?before=2026-11-24T00:00:00%2B00:00_" + "9" * 30, 200),
        ("/console/orders?before=0001-01-01T00:00:00%2B23:59_1", 200),
        ("/console/orders?before=9999-12-31T23:59:59-23:59_1", 200),
        ("/console/messages?before=" + "9" * 30, 200),
    ],
)
def test_nonsense_in_an_address_is_no_error(shop: httpx.Client, address: str, status: int) -> None:
    assert shop.get(address).status_code == status


def test_a_value_that_no_database_takes_reaches_none(here: Installation) -> None:
    request = Request({"type": "http", "query_string": b"status=%00dead&order=%00"})
    visit = Visit(app=here.app, request=request, holder=Holder(name="x", merchant=None), merchant=here.shop,
                  session=Session(csrf="x", at=0), locale="ja")  # fmt: skip
    assert (visit.asked("status"), visit.asked("order")) == ("dead", None)


def test_a_form_that_is_cut_off_is_empty() -> None:
    told = iter([
        {"type": "http.request", "body": b"csrf=abc&key=", "more_body": True}, {"type": "http.disconnect"}
    ])  # fmt: skip

    async def receive() -> dict[str, object]:
        return next(told)

    assert run(form(Request({"type": "http", "headers": []}, receive))) == {}


def test_operator_switches_merchants(here: Installation, operator: httpx.Client) -> None:
    page = operator.get("/console/orders")
    assert "髙橋 直子" in page.text
    assert operator.post("/console/merchant", data={"merchant": "north", "csrf": csrf(page)}).status_code == 303
    assert "Kim Lee" in operator.get("/console/orders").text
    assert operator.get(f"/console/orders/{here.order('1003')}").status_code == 404
    assert "3PL WMS" in operator.get("/console/connections").text


def test_unsafe_methods_need_the_token(here: Installation, operator: httpx.Client, web: httpx.Client) -> None:
    other = csrf(web.get("/console/login"))
    for sent in ({}, {"csrf": ""}, {"csrf": other}):
        assert operator.post("/console/merchant", data={"merchant": "north", **sent}).status_code == 403
        assert operator.post("/console/logout", data=sent).status_code == 403
        assert web.post("/console/login", data={"key": here.keys["shop"], **sent, "csrf": "x"}).status_code == 403
    assert "髙橋 直子" in operator.get("/console/orders").text
    assert operator.post("/console/logout", data={"csrf": csrf(operator.get("/console/orders"))}).status_code == 303
    assert operator.get("/console/orders").status_code == 303


def test_wrong_key(here: Installation, web: httpx.Client) -> None:
    for key in (new_token(), "", token_hash(here.keys["shop"])):
        assert log_in(web, key).status_code == 401
    assert web.get("/console/orders").status_code == 303


def test_key_taken_back(here: Installation, web: httpx.Client) -> None:
    key = new_token()
    with here.app.store.begin() as tx:
        access.add_key(tx, key, name="for a day", merchant=here.shop.id, now=here.clock.now())
    log_in(web, key)
    assert web.get("/console/orders").status_code == 200
    with here.app.store.begin() as tx:
        tx.conn.execute(delete(AccessKey).where(AccessKey.name == "for a day"))
    assert web.get("/console/orders").status_code == 303


def test_cookie(here: Installation, web: httpx.Client) -> None:
    plain = log_in(web, here.keys["shop"]).headers["set-cookie"]
    assert plain.startswith("todoke=")
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert here.keys["shop"] not in plain
    web.headers["X-Forwarded-Proto"] = "https"  # as a proxy on this machine says
    safe = web.get("/console/login")
    assert safe.headers["set-cookie"].startswith("__Host-todoke=")
    assert {"Secure", "Path=/"} <= {part.strip() for part in safe.headers["set-cookie"].split(";")}
    assert "strict-transport-security" in safe.headers


def test_local_login_opens_once(here: Installation, web: httpx.Client) -> None:
    address = console.local_login(here.app)
    assert address.startswith(f"{here.base}/console/open/")
    assert web.head(address).status_code == 204
    assert web.get(address, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert web.get(address).headers["location"] == "/console/orders"
    assert "local" in web.get("/console/orders").text
    with httpx.Client(base_url=here.base) as second:
        assert second.get(address).status_code == 404
        assert second.get("/console/orders").status_code == 303


def test_local_login_lasts_ten_minutes(here: Installation) -> None:
    doors, now = Doors(), here.clock.real()
    late, early = doors.add(now), doors.add(now)
    assert doors.open(early, now + timedelta(minutes=9)) is not None
    assert doors.open(late, now + timedelta(minutes=10, seconds=1)) is None
    assert not doors.knows("anything")


def test_order_tells_why(here: Installation, shop: httpx.Client) -> None:
    page = shop.get(f"/console/orders/{here.order('1003')}").text
    for said in ("持戻り", "渋谷営業所", "条件を満たし、送信できました", "荷物1に 1", "ご不在のため"):
        assert said in page, said
    assert "event.type" in page  # the values a decision saw
    times = re.findall(r'<li class="moment[^>]*><time datetime="([^"]+)"', page)
    assert len(times) > 20
    assert times == sorted(times)


def test_a_number_that_looks_mistyped_says_so_where_the_pointer_rests(here: Installation, shop: httpx.Client) -> None:
    page = shop.get(f"/console/orders/{here.order('1001')}").text  # Yamato 4012 1001 0001: seven leaves 3, not 1
    assert 'title="番号に誤りがあるかもしれません"' in page
    assert "There may be a slip" in shop.get(f"/console/orders/{here.order('1001')}?lang=en").text
    assert "slip" not in shop.get(f"/console/orders/{here.order('1003')}?lang=en").text


def test_unsent_messages_say_why(here: Installation, shop: httpx.Client) -> None:
    page = shop.get("/console/messages?status=cancelled")
    assert "終了条件の出来事がありました: return.requested" in page.text
    assert "exit: return.requested" in shop.get("/console/messages?status=cancelled&lang=en").text


def test_message_as_it_left(here: Installation, shop: httpx.Client) -> None:
    mail = here.mails("1003")[0][0]
    page = shop.get(f"/console/messages/{mail.id}").text
    assert mail.id in page  # the Message-ID among the headers
    frame = re.search(r"<iframe[^>]+>", page)
    assert frame
    assert "allow-scripts" not in frame[0]
    assert "allow-same-origin" not in frame[0]
    preview = shop.get(f"/console/messages/{mail.id}/preview")
    policy = preview.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "; sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "再配達を申し込む" in preview.text


def test_connection_shows_what_went_wrong(here: Installation, shop: httpx.Client) -> None:
    page = shop.get("/console/connections/c_shop").text
    assert "読み取れません" in page
    assert f"{here.base}/in/c_shop" in page


def test_secrets_are_never_shown(here: Installation, operator: httpx.Client) -> None:
    secret = "only-the-" + "source-knows"
    hidden = Connection(
        id="c_secret",
        merchant=here.shop.id,
        connector="standard",
        role="source",
        name="Hidden",
        config={"note": "in-the-config"},
        secrets={"secret": (secret,)},
    )
    with here.app.store.begin() as tx:
        merchants.connect(tx, hidden, here.clock.now())
    for address in ("/console/connections", "/console/connections/c_secret"):
        text = operator.get(address).text
        assert "Hidden" in text
        assert secret not in text
        assert "in-the-config" not in text


def test_search_finds_an_order_as_typed(here: Installation, shop: httpx.Client) -> None:
    for typed in ("1003", "#1003", "＃１００３"):
        found = shop.get("/console/orders", params={"number": typed})
        assert found.headers["location"] == f"/console/orders/{here.order('1003')}", typed
    assert "当てはまる注文はありません" in shop.get("/console/orders?number=zzz").text
    nonsense = shop.get("/console/orders?before=yesterday&stage=%00").status_code
    assert nonsense == 200


def test_static_files(here: Installation, shop: httpx.Client) -> None:
    page = shop.get("/console/orders").text
    for address in re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page):
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        file = shop.get(address)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
    for wrong in ("/console/static/nothing.css", "/console/static/..%2f..%2fwords.yaml", "/console/static/%2e%2e"):
        assert shop.get(wrong).status_code == 404 or shop.get(wrong).is_redirect


def test_every_sentence_is_in_both_languages(here: Installation) -> None:
    for folder in ("pages", "console"):
        book = pages(here.app.settings.templates / folder)
        assert book.words("ja").keys() == book.words("en").keys()
        used = set()
        for path in (here.app.settings.templates / folder).glob("*.j2"):
            used |= set(re.findall(r"\bwords\.(\w+)", path.read_text(encoding="utf-8")))
        assert used - set(book.words("ja").keys()) <= {"get"}


def test_paging_leaves_no_order_out(tmp_path: Path) -> None:
    here = build(tmp_path)
    at = "2026-11-10T10:00:00+09:00"
    here.tell(at, *(orders(str(number), at, paid=False) for number in range(1, 121)))  # all changed at one moment
    with served(here, make_app(here.app)) as base, httpx.Client(base_url=base) as web:
        log_in(web, here.keys["shop"])
        seen: list[str] = []
        address = "/console/orders"
        for _ in range(3):
            page = web.get(address).text
            seen += re.findall(r'href="/console/orders/(\d+)"', page)
            more = re.search(r'href="([^"]+)" rel="next"', page)
            address = more[1].replace("&amp;", "&") if more else ""
        assert not address
        assert len(seen) == len(set(seen)) == 120


def test_empty_console_says_what_to_do_next(tmp_path: Path) -> None:
    here = build(tmp_path)
    with served(here, make_app(here.app)) as base, httpx.Client(base_url=base) as web:
        log_in(web, here.keys["shop"])
        assert "注文はまだありません" in web.get("/console/orders").text
        assert "メッセージはまだありません" in web.get("/console/messages").text
        assert "届いたメールはまだありません" in web.get("/console/mailbox").text
        assert "問題のある受信はありません" in web.get("/console/connections/c_shop").text
