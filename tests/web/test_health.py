"""A connection's page: how it is, and statuses that nobody has mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from engine.store import errands, merchants, unmapped
from engine.store.errands import Errand
from engine.web.app import make_app
from engine.web.console import local_login
from tests.web.installation import Installation, build, orders, parcel, scan, served
from tests.web.test_console import csrf, log_in
from tests.web.test_look import REACH

AT = "2026-11-12T10:00:00+09:00"
PAGE = "/console/connections/c_shop"
CORNER = "At the corner shop"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = build(tmp_path)
    made.tell(AT, orders("1", AT), parcel("1", AT), scan("1", "2026-11-12T11:00:00+09:00", CORNER))
    with served(made, make_app(made.app)):
        yield made


@contextmanager
def visiting(here: Installation, who: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.base) as web:
        assert log_in(web, here.keys[who]).status_code == 303
        yield web


def status(here: Installation) -> str:
    with here.app.store.read(here.shop.id) as tx:
        rows = tx.conn.exec_driver_sql("SELECT state, reason FROM inbox").all()
    return str([tuple(row) for row in rows])


def trouble(here: Installation) -> None:
    """The signature of somebody did not fit, and the system does not let us in."""
    real = here.app.clock.real()
    with here.app.store.begin() as tx:
        merchants.refused(tx, {"c_shop": 3}, real)
        failing = Errand(connection="c_shop", kind="poll", merchant=here.shop.id, due_at=real + timedelta(hours=1),
                         latest_at=real, since=here.clock.now(), why="login", reason="the refresh token is refused",
                         failing_since=real - timedelta(minutes=40), tries=2)  # fmt: skip
        errands.plan(tx, [failing])


def test_the_page_says_what_is_so_and_commands_to_the_operator_alone(here: Installation) -> None:
    trouble(here)
    with visiting(here, "operator") as web:
        seen = web.get(f"{PAGE}?lang=en").text
    assert "Polling fails (credentials refused" in seen
    assert "todoke connections set c_shop KEY=VALUE" in seen
    assert "3 deliveries were refused for their signature" in seen
    with visiting(here, "shop") as web:
        seen = web.get(f"{PAGE}?lang=ja").text
    assert "定期取得に失敗しています(認証エラー" in seen
    assert "todoke connections set" not in seen


def test_a_status_is_mapped_by_one_form_and_what_came_is_read_again(here: Installation) -> None:
    with visiting(here, "shop") as web:
        page = web.get(PAGE)
        assert CORNER in page.text
        fields = {"csrf": csrf(page), "raw": CORNER, "status": "ready_for_pickup", "again": "yes"}
        answer = web.post(f"{PAGE}/map", data=fields)
        assert answer.status_code == 303
        assert CORNER not in web.get(PAGE).text
    with here.app.store.read() as tx:
        assert merchants.connection(tx, "c_shop").config == {f"status.{CORNER}": "ready_for_pickup"}
        assert unmapped.of(tx) == []
    assert "'new'" in status(here)
    here.settle()
    with here.app.store.read(here.shop.id) as tx:
        types = list(tx.conn.exec_driver_sql("SELECT type FROM event").scalars())
    assert "shipment.ready_for_pickup" in types


@pytest.mark.parametrize("wrong", [{"csrf": "x"}, {"status": "eaten"}, {"raw": "never came"}, {"status": "unknown"}])
def test_nothing_else_can_be_written_by_the_form(here: Installation, wrong: dict[str, str]) -> None:
    with visiting(here, "shop") as web:
        fields = {"csrf": csrf(web.get(PAGE)), "raw": CORNER, "status": "delivered", **wrong}
        assert web.post(f"{PAGE}/map", data=fields).status_code in {403, 404}
    with visiting(here, "other") as web:
        fields = {"csrf": csrf(web.get("/console/connections")), "raw": CORNER, "status": "delivered"}
        assert web.post(f"{PAGE}/map", data=fields).status_code == 404
    assert httpx.post(f"{here.base}{PAGE}/map", data={"csrf": ""}).status_code == 403
    with here.app.store.read() as tx:
        assert merchants.connection(tx, "c_shop").config == {}


def test_asking_by_hand_makes_what_stands_due(here: Installation, monkeypatch: Any) -> None:
    from tests.flow.vendor import SOURCE

    known = here.app.sources
    here.app.sources = lambda name: SOURCE if name == "standard" else known(name)
    with here.app.store.begin() as tx:
        one = merchants.connection(tx, "c_shop")
        merchants.renew(tx, one.id, {"url": "http://127.0.0.1:1", "refresh_token": "r"}, {})
    with visiting(here, "shop") as web:
        page = web.get(PAGE)
        assert web.post(f"{PAGE}/ask", data={"csrf": csrf(page)}).headers["location"] == f"{PAGE}?asked=1"
    with here.app.store.read() as tx:
        planned = {one.kind: one.due_at for one in errands.of(tx, "c_shop")}
    assert planned.keys() == {"poll", "check"}
    assert all(at <= here.app.clock.real() for at in planned.values())


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_phone_and_everything_has_a_name(
    here: Installation, browser: Browser, locale: str, width: int
) -> None:
    trouble(here)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(local_login(here.app).replace(here.app.settings.base_url, here.base))
    page.goto(f"{here.base}{PAGE}?lang={locale}")
    assert page.evaluate(REACH) == []
    page.close()
