"""What people see, in a real browser: fits a phone, can be read in both modes, works without scripts, loads
nothing from elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from engine.web.console import local_login
from tests.web.installation import Installation, tracking_link
from tests.web.test_console import addresses

NUMBERS = ("1001", "1003", "1004", "1006", "1007", "1012")

# Every piece of text with what stands behind it, as contrast ratio; large text needs less (WCAG 1.4.3).
CONTRAST = """() => {
  const parse = c => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const lin = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const lum = c => 0.2126 * lin(c[0]) + 0.7152 * lin(c[1]) + 0.0722 * lin(c[2]);
  const behind = e => { for (; e; e = e.parentElement) { const b = parse(getComputedStyle(e).backgroundColor);
    if (b[3] === 1) return b; } return [255, 255, 255, 1]; };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility({ opacityProperty: true })) continue;
    if (e.closest("script, style, .hide, .skip")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const [a, b] = [lum(parse(style.color)), lum(behind(e))].sort((x, y) => y - x);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    checked += 1;
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5))
      bad.push([walk.currentNode.textContent.trim(), (a + 0.05) / (b + 0.05)]);
  }
  return { bad, checked };
}"""

# What a screen reader or a finger would miss.
REACH = """() => {
  const wrong = [];
  const name = e => (e.getAttribute("aria-label") || e.innerText || e.textContent || e.alt || e.title || "").trim();
  for (const e of document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden])")) {
    if (!e.checkVisibility()) continue;
    const label = e.labels && e.labels[0] ? e.labels[0].textContent : name(e);
    if (!label.trim()) wrong.push(["no name", e.outerHTML.slice(0, 120)]);
    const box = e.getBoundingClientRect();
    const inline = getComputedStyle(e).display === "inline";
    if (!inline && !e.matches(".skip") && box.height < 24)
      wrong.push(["too small", box.height, e.outerHTML.slice(0, 120)]);
  }
  for (const e of document.querySelectorAll("img:not([alt]), iframe:not([title])"))
    wrong.push(["no text", e.outerHTML]);
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) wrong.push(["ids twice", ids]);
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const id of (e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby")).split(" "))
      if (!document.getElementById(id)) wrong.push(["points nowhere", id]);
  if (document.querySelectorAll("h1").length !== 1) wrong.push(["h1", document.querySelectorAll("h1").length]);
  if (document.querySelectorAll("main").length !== 1) wrong.push(["main"]);
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4")) {
    if (+e.tagName[1] > level + 1) wrong.push(["heading skips a level", e.textContent]);
    level = +e.tagName[1];
  }
  if (document.documentElement.scrollWidth > innerWidth)
    wrong.push(["scrolls sideways", document.documentElement.scrollWidth]);
  return wrong;
}"""


@contextmanager
def looking(browser: Browser, **how: Any) -> Iterator[tuple[Page, list[str], list[Request]]]:
    """A page with everything it complains about and everything it asks for."""
    context = browser.new_context(**how)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[Request] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda failed: complaints.append(str(failed)))
    page.on("request", lambda request: asked.append(request))
    yield page, complaints, asked
    context.close()


def followed(page: Page, selector: str) -> None:
    """Click what leads to another page, and have that page: a click alone returns before its document is there."""
    with page.expect_navigation():
        page.locator(selector).click()


def well(page: Page) -> None:
    assert page.evaluate(REACH) == [], page.url
    read = page.evaluate(CONTRAST)
    assert read["bad"] == [], page.url
    assert read["checked"] > 2


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_customer_pages(here: Installation, browser: Browser, mode: Any, width: int) -> None:
    paths = [*(tracking_link(here, number) for number in NUMBERS), here.link("1090", "u"), "/t/" + "a" * 32]
    with looking(browser, viewport={"width": width, "height": 740}, color_scheme=mode) as (page, complaints, asked):
        for path in paths:
            for language in ("ja", "en"):
                page.goto(f"{here.base}{path}?lang={language}")
                well(page)
                assert page.get_attribute("html", "lang") == language
        assert {one.url.startswith((here.base, "data:")) for one in asked} == {True}
        assert len([one for one in asked if one.url.startswith("http")]) == 2 * len(paths)  # one request a page
        assert [one for one in complaints if "404" not in one] == []  # the page of a wrong link is one


def test_dark_page_is_dark(here: Installation, browser: Browser) -> None:
    colours = {}
    for mode in ("light", "dark"):
        with looking(browser, color_scheme=mode) as (page, _, _):
            page.goto(here.base + tracking_link(here, "1001"))
            colours[mode] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colours == {"light": "rgb(243, 245, 244)", "dark": "rgb(17, 20, 19)"}


def test_tracking_without_scripts(here: Installation, browser: Browser) -> None:
    with looking(browser, java_script_enabled=False, viewport={"width": 360, "height": 740}) as (page, _, _):
        page.goto(here.base + tracking_link(here, "1004") + "?lang=ja")
        assert page.inner_text("h1") == "お届けが完了しました(宅配ボックス)"
        assert not page.locator("button.copy").is_visible()
        assert page.get_by_text("401210040001", exact=True).is_visible()
        assert not page.locator("text=厚木ゲートウェイベース").is_visible()
        page.click("summary")
        assert page.locator("text=厚木ゲートウェイベース").is_visible()
        places = page.locator(".scans .said").all_inner_texts()
        assert places.index("渋谷神宮前営業所") < places.index("厚木ゲートウェイベース")  # newest first


def test_number_is_copied_with_a_tap(here: Installation, browser: Browser) -> None:
    with looking(browser, permissions=["clipboard-read", "clipboard-write"], has_touch=True) as (page, complaints, _):
        page.goto(here.base + tracking_link(here, "1004") + "?lang=ja")
        page.tap("button.copy")
        page.wait_for_selector("text=コピーしました")
        assert page.evaluate("navigator.clipboard.readText()") == "401210040001"
        assert complaints == []


def test_print_shows_the_scans(here: Installation, browser: Browser) -> None:
    with looking(browser) as (page, _, _):
        page.goto(here.base + tracking_link(here, "1004"))
        page.emulate_media(media="print")
        assert page.locator(".scans li").first.bounding_box()["height"] > 10
        assert not page.locator(".tongue").is_visible()


def test_still_for_those_who_asked(here: Installation, browser: Browser) -> None:
    moving = "getComputedStyle(document.querySelector('summary'), '::before').transitionDuration"
    for wish, expected in (("no-preference", "0.15s"), ("reduce", "0s")):
        with looking(browser, reduced_motion=wish) as (page, _, _):
            page.goto(here.base + tracking_link(here, "1004"))
            assert page.evaluate(moving) == expected


def test_unsubscribe_page_posts_by_keyboard(here: Installation, browser: Browser) -> None:
    with looking(browser, java_script_enabled=False) as (page, complaints, asked):
        page.goto(here.base + here.link("1090", "u") + "?lang=en")
        page.focus("main button")
        asked.clear()
        page.keyboard.press("Enter")
        page.wait_for_selector("text=You've been unsubscribed")
        assert [one.method for one in asked] == ["POST"]
        assert asked[0].post_data == "List-Unsubscribe=One-Click"
        assert complaints == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_console_pages(here: Installation, browser: Browser, mode: Any, width: int) -> None:
    with looking(browser, viewport={"width": width, "height": 800}, color_scheme=mode) as (page, complaints, asked):
        page.goto(f"{here.base}/console/login")
        well(page)
        page.goto(local_login(here.app))
        for language in ("ja", "en"):
            for route, address in addresses(here).items():
                if route.endswith("/preview") or "rest" in route:
                    continue
                page.goto(f"{here.base}{address}{'&' if '?' in address else '?'}lang={language}")
                for details in page.locator("details").all():
                    details.evaluate("one => { one.open = true }")
                well(page)
        assert complaints == []
        assert {one.url.startswith((here.base, "data:")) for one in asked} == {True}


def test_login_by_keyboard(here: Installation, browser: Browser) -> None:
    with looking(browser, java_script_enabled=False) as (page, _, _):
        page.goto(f"{here.base}/console/login?lang=ja")
        page.focus("#key")
        page.keyboard.type(here.keys["shop"])
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/orders")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"


def test_mail_is_shown_as_sent_and_cannot_run(here: Installation, browser: Browser) -> None:
    with looking(browser, viewport={"width": 1280, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app))
        page.goto(f"{here.base}/console/mailbox?message={here.mails('1003')[0][0].id}")
        frame = page.frame_locator("iframe")
        heading = frame.locator("h1")
        assert "ご不在" in heading.inner_text()
        assert heading.evaluate("one => getComputedStyle(one).fontWeight") == "700"  # inline styles count
        assert frame.locator("body").evaluate("() => window.origin") == "null"
        with page.expect_popup() as opened:
            frame.get_by_role("link", name="再配達を申し込む").click()
        assert opened.value
        # Chromium says so whenever this test itself looks into the frame.
        assert [one for one in complaints if not one.startswith("Blocked script execution")] == []


def test_operator_switches_with_the_list(here: Installation, browser: Browser) -> None:
    with looking(browser, viewport={"width": 1280, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app))
        assert not page.locator(".switch button").is_visible()
        page.select_option("#merchant", "north")
        page.wait_for_selector("text=Kim Lee")
        assert page.get_attribute("html", "lang") == "en"  # that merchant's language
        assert complaints == []


def test_new_orders_appear_by_themselves(here: Installation, browser: Browser) -> None:
    with looking(browser, viewport={"width": 1280, "height": 800}) as (page, complaints, _):
        page.goto(local_login(here.app))
        page.select_option("#merchant", "north")
        page.wait_for_selector("text=Kim Lee")
        at = here.clock.now().isoformat()
        order = {
            "kind": "order",
            "ref": {"order_id": "o2002", "order_number": "#2002"},
            "as_of": at,
            "placed_at": at,
            "payment": "pending",
            "lines": [{"id": "1", "name": "Socks", "quantity": 1}],
        }
        here.tell(at, order, connection="c_north")
        page.wait_for_selector("text=#2002", timeout=15_000)
        assert complaints == []
