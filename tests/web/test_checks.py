"""What a check of a channel finds, on its page: in both languages, with what to paste; kept until the next one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer

from engine.config import SHIPPED
from engine.flow.ask.errand import ask
from engine.store import errands, merchants
from engine.store.merchants import Connection
from engine.web.app import make_app
from engine.web.console import local_login
from engine.web.health import pieces
from engine.web.reasons import reasons
from tests.services.dns import SILENT, Records, dns_server
from tests.web.installation import Installation, build, served
from tests.web.test_console import csrf
from tests.web.test_hooks import LOCAL, visiting
from tests.web.test_look import looking, well

PAGE = "/console/connections/c_mail"
RECORDS: Records = {
    ("komorebi.example", "MX"): ("10 mx.komorebi.example.",),
    ("mx.komorebi.example", "A"): ("203.0.113.9",),
}
SPF = "v=spf1 a:mx.komorebi.example ~all"
DMARC = "v=DMARC1; p=none; rua=mailto:postmaster@komorebi.example"
# What makes findings, and which of its arguments are their words, beside `what` and `do`.
MADE_BY = {"Finding": slice(0), "_publish": slice(1, 2), "missing": slice(0, 1), "judged_by": slice(2, 3)}
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def mail_channel(here: Installation, number: str = "c_mail", **more: str) -> None:
    """A mail server of the shop's, which nothing is sent by here."""
    with here.app.store.begin() as tx:
        one = Connection(id=number, merchant=here.shop.id, connector="smtp", role="channel", name="メールサーバー",
                         config=more, secrets={"url": ("smtp://mx.komorebi.example:25",)})  # fmt: skip
        merchants.connect(tx, one, here.clock.now())


def worked(here: Installation, records: Records) -> None:
    """A worker does what is to be asked, in a world with these names."""
    with dns_server(records) as at:
        here.app.settings.dns = at
        while ask(here.app):
            pass


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = build(tmp_path)
    mail_channel(made)
    with served(made, make_app(made.app)):
        yield made


@contextmanager
def checked(here: Installation, records: Records = RECORDS, who: str = "shop") -> Iterator[httpx.Client]:
    with visiting(here, who) as web:
        sent = web.post(f"{PAGE}/check", data={"csrf": csrf(web.get(PAGE))})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{PAGE}?asked=1")
        assert "確認しています" in web.get(f"{PAGE}?lang=ja").text
        worked(here, records)
        yield web


def test_a_check_shows_what_is_missing_and_what_to_paste(here: Installation) -> None:
    with visiting(here, "shop") as web:
        assert "まだ確認していません" in web.get(PAGE).text
    with checked(here) as web:
        page = web.get(f"{PAGE}?lang=ja").text
        for said in (
            "komorebi.example: SPFレコードがありません",
            "DMARCレコードがありません",
            "に確認しました",
            "要対応",
            "ドメインは存在します",
            "外部から届きません",
        ):
            assert said in page, said
        assert "確認しています" not in page
        copied = re.findall(r'data-copy="([^"]+)"', page)
        assert {SPF, DMARC, "komorebi.example", "_dmarc.komorebi.example"} <= set(copied)
        english = web.get(f"{PAGE}?lang=en").text
        assert "komorebi.example: no SPF" in english
        assert DMARC in re.findall(r'data-copy="([^"]+)"', english)
        listed = web.get("/console/connections?lang=ja").text
        assert f'href="{PAGE}"' in listed
        assert "要対応" in listed


def test_what_was_found_is_kept_until_the_next_check(here: Installation) -> None:
    with checked(here) as web:
        assert "SPFレコードがありません" in web.get(PAGE).text
    mended = {**RECORDS, ("komorebi.example", "TXT"): ('"v=spf1 mx ~all"',)}
    with checked(here, mended) as web:
        page = web.get(PAGE).text
    assert "SPFレコードがありません" not in page
    assert "SPFは正しく設定されています(v=spf1 mx ~all)" in page


def test_a_dns_that_says_nothing_keeps_nobody_for_long_and_condemns_nothing(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.io.dns.Dns.__init__.__defaults__", ("", 0.2, 0.5))
    names = ("komorebi.example", "_dmarc.komorebi.example", "mx.komorebi.example")
    silent: Records = dict.fromkeys(product(names, ("MX", "A", "AAAA", "TXT")), SILENT)
    with checked(here, silent) as web:
        page = web.get(f"{PAGE}?lang=ja").text
    assert "DNSの応答がありませんでした" in page
    assert "no time was left for" in page
    assert "レコードがありません" not in page


def test_commands_are_the_operators(here: Installation) -> None:
    with here.app.store.begin() as tx:
        nobody = "UPDATE merchant SET settings = json_remove(settings, '$.from_email') WHERE slug = 'komorebi'"
        tx.conn.exec_driver_sql(nobody)
    with checked(here) as web:
        page = web.get(PAGE).text
        assert "差出人アドレスが設定されていない" in page
        assert "todoke connections set" not in page
    with visiting(here, "operator") as web:
        assert "todoke connections set c_mail from=shop@example.jp" in web.get(PAGE).text


def test_a_provider_that_refuses_the_key_is_told_beside_the_dns(here: Installation, httpserver: HTTPServer) -> None:
    from engine.flow.post import Transports

    httpserver.expect_request(re.compile("/.*")).respond_with_json({"message": "Invalid key"}, 401)
    here.app.post = Transports(here.app.settings.home, deadline=5, reach=LOCAL)
    with here.app.store.begin() as tx:
        one = Connection(id="c_gun", merchant=here.shop.id, connector="mailgun", role="channel", name="Mailgun",
                         config={"domain": "komorebi.example", "url": httpserver.url_for("").rstrip("/")},
                         secrets={"api_key": ("k",)})  # fmt: skip
        merchants.connect(tx, one, here.clock.now())
    with visiting(here, "shop") as web:
        page = PAGE.replace("c_mail", "c_gun")
        web.post(f"{page}/check", data={"csrf": csrf(web.get(page))})
        worked(here, RECORDS)
        seen = web.get(f"{page}?lang=ja").text
    assert "接続の確認に失敗しています(認証エラー" in seen
    assert "DMARCレコードがありません" in seen


def failing(here: Installation, httpserver: HTTPServer, status: int) -> str:
    """The page of a LINE account whose API answers so, after a check."""
    from engine.flow.post import Transports

    httpserver.expect_request(re.compile("/.*")).respond_with_json({"message": "no"}, status)
    here.app.post = Transports(here.app.settings.home, deadline=5, reach=LOCAL)
    with here.app.store.begin() as tx:
        one = Connection(id="c_line", merchant=here.shop.id, connector="line", role="channel", name="LINE",
                         config={"url": httpserver.url_for("").rstrip("/"), "bot_id": "@komorebi"},
                         secrets={"access_token": ("t",), "channel_secret": ("s",)})  # fmt: skip
        merchants.connect(tx, one, here.clock.now())
    page = PAGE.replace("c_mail", "c_line")
    with visiting(here, "shop") as web:
        web.post(f"{page}/check", data={"csrf": csrf(web.get(page))})
    worked(here, RECORDS)
    return page


def row(text: str, what: str) -> str:
    """The row of the table that says so."""
    (found,) = (one for one in re.findall("<tr.*?</tr>", text, re.DOTALL) if what in one)
    return found


@pytest.mark.parametrize(
    ("status", "japanese", "english"),
    [(503, "自動で再試行します", "Nothing: it is tried again by itself"),
     (404, "先方の画面の内容と合っているか", "Compare the settings of the connection")],
)  # fmt: skip
def test_a_check_that_fails_says_what_to_do(
    here: Installation, httpserver: HTTPServer, status: int, japanese: str, english: str
) -> None:
    page = failing(here, httpserver, status)
    with visiting(here, "shop") as web:
        assert japanese in row(web.get(f"{page}?lang=ja").text, "接続の確認に失敗しています")
        assert english in row(web.get(f"{page}?lang=en").text, "The check fails")


def test_what_only_the_operator_can_type_is_asked_of_the_operator(here: Installation, httpserver: HTTPServer) -> None:
    page = failing(here, httpserver, 401)
    with visiting(here, "shop") as web:
        assert "運営者にご連絡ください" in row(web.get(f"{page}?lang=ja").text, "接続の確認に失敗しています")
        assert "Ask the operator" in row(web.get(f"{page}?lang=en").text, "The check fails")
    with visiting(here, "operator") as web:
        assert "todoke connections set c_line" in row(web.get(f"{page}?lang=en").text, "The check fails")


@pytest.mark.parametrize("width", [390, 700, 1280])
def test_the_facts_of_a_connection_leave_no_cell_empty(
    here: Installation, httpserver: HTTPServer, browser: Browser, width: int
) -> None:
    page_of_line = failing(here, httpserver, 503)
    with looking(browser, viewport={"width": width, "height": 800}) as (page, _, _):
        page.goto(local_login(here.app).replace(here.app.settings.base_url, here.base))
        for address in (PAGE, page_of_line, "/console/connections/c_shop"):
            page.goto(f"{here.base}{address}?lang=ja")
            gaps = page.evaluate("""() => {
              const all = document.querySelector(".facts").getBoundingClientRect(), rows = {};
              for (const e of document.querySelectorAll(".facts > div")) {
                const box = e.getBoundingClientRect();
                rows[Math.round(box.top)] = Math.max(rows[Math.round(box.top)] || 0, box.right);
              }
              return Object.values(rows).map(right => all.right - right);
            }""")
            assert max(gaps) < 3, (address, gaps)


def test_nobody_checks_what_is_not_theirs_or_cannot_be_checked(here: Installation) -> None:
    with visiting(here, "other") as web:
        token = csrf(web.get("/console/connections"))
        assert web.post(f"{PAGE}/check", data={"csrf": token}).status_code == 404
    with visiting(here, "shop") as web:
        token = csrf(web.get(PAGE))
        assert web.post(f"{PAGE}/check", data={"csrf": "x"}).status_code == 403
        for number in ("c_shop", "c_shop_box", "c_none"):
            assert web.post(f"/console/connections/{number}/check", data={"csrf": token}).status_code == 404
        assert "確認する項目がありません" in web.get("/console/connections/c_shop_box?lang=ja").text
    with here.app.store.read() as tx:
        assert errands.of(tx, "c_mail") == []


def test_pieces_to_copy_stand_where_they_stand_in_the_sentence() -> None:
    assert pieces('publish TXT a.example "v=a"', ("a.example", "v=a")) == [
        ("publish TXT", False), ("a.example", True), ("v=a", True)
    ]  # fmt: skip
    assert pieces("nothing of it", ("a",)) == [("nothing of it", False)]
    assert pieces("", ()) == []


def _texts(node: ast.expr, known: dict[str, list[ast.expr]]) -> list[str]:
    """The sentences that an expression can come to; 12 wherever a value stands."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Constant():
            return []
        case ast.JoinedStr(values=parts):
            return ["".join(one) for one in product(*(_texts(each, known) or ["12"] for each in parts))]
        case ast.FormattedValue(value=value):
            return _texts(value, known)
        case ast.IfExp(body=one, orelse=other):
            return _texts(one, known) + _texts(other, known)
        case ast.BinOp(left=left, right=right):
            return [one + other for one, other in product(_texts(left, known), _texts(right, known))]
        case ast.Subscript(value=value):  # cut to a length
            return _texts(value, known)
        case ast.Name(id=name):
            others = {each: values for each, values in known.items() if each != name}  # it may be said by itself
            return [text for one in known.get(name, []) for text in _texts(one, others)]
        case ast.Tuple(elts=parts) | ast.Dict(values=parts):
            return [text for one in parts for text in _texts(one, known)]
    return []


Known = dict[str, list[ast.expr]]


def made(folder: Path) -> Iterator[tuple[Path, ast.Call, str, Known]]:
    """(file, a call by which it makes a finding, the name of what is called, what names in the file stand for)."""
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known: Known = {}
        for one in ast.walk(tree):
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                known.setdefault(one.targets[0].id, []).append(one.value)
        for one in ast.walk(tree):
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in MADE_BY:
                yield path, one, one.func.id, known


def sentences(folder: Path) -> set[tuple[str, str]]:
    """(folder, what a Finding in it can say)."""
    found = set()
    for path, call, name, known in made(folder):
        told = [each.value for each in call.keywords if each.arg in {"what", "do"}] + call.args[MADE_BY[name]]
        found |= {(path.parent.name, text) for each in told for text in _texts(each, known)}
    return {one for one in found if re.search("[a-z]", one[1])}  # the rest is nothing but values


def says(do: ast.expr | None, known: Known) -> bool:
    """Whatever it comes to is a text. A parameter is one by its type, which mypy holds."""
    if isinstance(do, ast.Name):
        return all(says(one, known) for one in known.get(do.id, []))
    if isinstance(do, ast.IfExp):
        return says(do.body, known) and says(do.orelse, known)
    return do is not None and any(text.strip() for text in _texts(do, known))


FOLDERS = ("engine", "connectors/channels", "connectors/parts", "connectors/sources")


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_that_is_not_well_says_what_to_do(folder: str) -> None:
    troubles = [
        (f"{path.parent.name}/{path.name}:{call.lineno}", says(given.get("do"), known))
        for path, call, name, known in made(SHIPPED / folder)
        if name == "Finding"
        for given in ({each.arg: each.value for each in call.keywords},)
        if _texts(given["level"], known) != ["ok"]
    ]
    assert len(troubles) >= 5
    assert [where for where, told in troubles if not told] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_that_a_check_can_find_is_said_in_japanese(folder: str) -> None:
    japanese = reasons(SHIPPED / "templates/console/findings.yaml")["ja"]
    every = sentences(SHIPPED / folder)
    assert len(every) >= 10
    assert {one for one in every if not JAPANESE.search(japanese(one[1]))} == set()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_can_be_read_and_reached(here: Installation, browser: Browser, width: int) -> None:
    with checked(here):
        pass
    with looking(browser, viewport={"width": width, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app).replace(here.app.settings.base_url, here.base))
        for language in ("ja", "en"):
            for address in (PAGE, "/console/connections"):
                page.goto(f"{here.base}{address}?lang={language}")
                well(page)
        assert complaints == []


def test_what_is_found_appears_by_itself(here: Installation, browser: Browser) -> None:
    with looking(browser, viewport={"width": 1280, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app).replace(here.app.settings.base_url, here.base))
        page.goto(f"{here.base}{PAGE}?lang=ja")
        page.click("form[action$='/check'] button")
        page.wait_for_selector("text=確認しています")
        worked(here, RECORDS)
        page.wait_for_selector("text=SPFレコードがありません", timeout=15_000)
        assert complaints == []
