"""`todoke preview`, `send-test` and `lint` beyond mail: one template over every medium."""

from __future__ import annotations

import shutil

from engine.config import Settings
from engine.model.message import Content
from engine.rules.template_lint import remarks
from tests.terminal.said import order, parcel


def test_a_template_is_shown_as_each_medium_carries_it(shell):
    sms = shell.ok("preview", "shipped", "--channel", "sms")
    assert sms.out.startswith("【みどり茶舗】商品を発送しました\n")
    assert "2 parts" in sms.err
    (message,) = shell.json("preview", "shipped", "--channel", "line")["payload"]
    assert message["type"] == "flex"
    assert shell.json("preview", "shipped", "--channel", "push")["payload"]["title"] == "みどり茶舗"
    assert shell("preview", "shipped", "--channel", "fax").lines[0] == "--channel fax: shipped has no edition for it"
    assert "line_notice.ja.json.j2" in shell("preview", "shipped", "--channel", "line_notice").lines[1]


def test_a_template_is_filled_with_a_real_order(shell, shop, told):
    told(order(), parcel())
    shown = shell.json("preview", "shipped", "--order", "#1001")
    assert shown["sample"] == "#1001"
    assert "髙橋 直子様" in shown["text"]
    assert "4412-0000-1113" in shown["text"] or "441200001113" in shown["text"]
    missing = shell("preview", "shipped", "--order", "#9")
    assert missing.code == 1
    assert missing.lines[0] == "tea has no order #9"


def test_a_medium_without_a_channel_is_said(shell, shop):
    said = shell("send-test", "shipped", "--to", "+819012345678", "--channel", "sms")
    assert said.code == 1
    assert said.lines[0] == "tea has no channel for sms"


def test_what_we_ship_has_no_errors(shell):
    assert [row for row in shell.json("lint") if row["level"] == "error"] == []
    assert shell("lint", "shippd").lines[1] == "expected: did you mean 'shipped'?"


def test_what_would_be_refused_is_told_before(shell, monkeypatch, tmp_path):
    folder = tmp_path / "templates"
    shutil.copytree(Settings().templates, folder)
    for locale in ("ja", "en"):
        own = '[{"type": "flex", "altText": "", "contents": {"type": "bubble"}}]'
        (folder / f"messages/shipped/line.{locale}.json.j2").write_text(own, encoding="utf-8")
    monkeypatch.setenv("TODOKE_TEMPLATES", str(folder))
    ran = shell("lint", "shipped", "--json")
    assert ran.code == 1
    whats = [row["what"] for row in ran.json if row["channel"] == "line"]
    assert any("altText" in what and "LINE Messaging API" in what for what in whats)


def test_the_rules_of_mail():
    good = Content(subject="発送しました", preheader="まもなく", html='<img alt="" src="x">', text="x")
    assert remarks("email", good, "transactional") == []
    bad = Content(subject="", html='<img src="x"><a href="javascript:1">x</a>' + "x" * 110_000)
    told = remarks("email", bad, "promotional")
    assert len(told) == 7
    assert {remark.level for remark in told} == {"error", "warning"}
    (wide,) = remarks("email", Content(subject="発" * 31, preheader="p", text="x"), "transactional")
    assert wide.what == "the subject is 62 columns wide; telephones show 60"
