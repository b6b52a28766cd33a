"""Goods owners that no merchant is set for: shown on the connection's page, and assigned there by the operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine.flow.accept import keep
from engine.flow.observe import observe
from engine.store import strays
from engine.store.inbox import Raw
from engine.web.app import make_app
from tests.web.installation import Installation, build, served
from tests.web.test_console import csrf, log_in

FILE = "荷主ID,受注番号,出荷日,送り状番号\n0007,B-1,2026/11/24,401234567923\n<b>9</b>,C-1,2026/11/24,401234567934\n"


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    one = build(tmp_path)
    raw = Raw(
        connection="c_wms", merchant=None, dedupe_key="1", topic=None, headers={}, body=FILE.encode(),
        received_at=one.clock.now(), verified_by="test",
    )  # fmt: skip
    keep(one.app, [raw])
    while observe(one.app):
        pass
    with served(one, make_app(one.app)):
        yield one


def waiting(one: Installation) -> dict[str, int]:
    with one.app.store.read() as tx:
        return strays.counts(tx).get("c_wms", {})


def test_the_operator_assigns_an_owner_on_the_page(installed: Installation) -> None:
    with httpx.Client(base_url=installed.base) as web:
        log_in(web, installed.keys["operator"])
        page = web.get("/console/connections/c_wms?lang=ja")
        assert "店舗が決まっていない荷主" in page.text
        assert "<b>9</b>" not in page.text
        form = {"csrf": csrf(page), "owner": "0007", "merchant": "komorebi"}
        sent = web.post("/console/connections/c_wms/assign", data=form)
        assert sent.status_code == 303
        while observe(installed.app):
            pass
        after = web.get(sent.headers["location"])
        assert "荷主に店舗を割り当てました。 1件の通知を読み直します。" in after.text
        assert waiting(installed) == {"<b>9</b>": 1}
        assert installed.order("B-1", installed.shop)
        for wrong in ({"merchant": "nobody"}, {"owner": ""}):
            assert web.post("/console/connections/c_wms/assign", data={**form, **wrong}).status_code == 404


def test_a_merchant_assigns_nothing(installed: Installation) -> None:
    with httpx.Client(base_url=installed.base) as web:
        log_in(web, installed.keys["shop"])
        form = {"csrf": csrf(web.get("/console/connections/c_shop")), "owner": "0007", "merchant": "komorebi"}
        for connection in ("c_wms", "c_shop"):
            assert web.post(f"/console/connections/{connection}/assign", data=form).status_code == 404
    assert waiting(installed) == {"0007": 1, "<b>9</b>": 1}
