"""Every template in few words: what our frame makes of its lines for LINE, SMS, push and colleagues."""

import json
import shutil
from pathlib import Path

import pytest

from engine.config import Settings
from engine.io.samples import load_samples
from engine.io.templates import BrokenTemplates, load_messages
from engine.rules.content import render
from engine.rules.template_filters import Unrenderable

FOLDER = Settings().templates / "messages"
TEMPLATES = load_messages(FOLDER)
WRITTEN = [
    (name, locale, sample, context)
    for name in TEMPLATES
    for locale in ("ja", "en")
    for sample, context in load_samples(FOLDER, name, locale).items()
]
every = pytest.mark.parametrize(
    ("name", "locale", "context"),
    [(name, locale, context) for name, locale, _, context in WRITTEN],
    ids=[f"{name}-{locale}-{sample}" for name, locale, sample, _ in WRITTEN],
)


@every
def test_an_sms_says_who_writes_what_happened_and_where_to_look(name, locale, context):
    text = render(TEMPLATES[name], locale, context, "sms").text
    assert context["merchant"]["name"] in text.splitlines()[0]
    assert "https://" in text
    assert "\n\n" not in text
    assert len(text) <= 660  # what Japanese networks join to one message
    if TEMPLATES[name].purpose in {"service", "promotional"}:
        assert context["links"]["unsubscribe"] in text


@every
def test_a_line_message_has_words_for_the_notification_and_one_button(name, locale, context):
    content = render(TEMPLATES[name], locale, context, "line")
    (message,) = content.payload
    assert context["merchant"]["name"] in message["altText"]
    assert content.text in message["altText"]
    button = message["contents"]["footer"]["contents"][0]["action"]
    assert button["uri"].startswith("https://")
    assert 0 < len(button["label"]) <= 40
    assert len(json.dumps(message["contents"], ensure_ascii=False).encode()) < 10_000


@every
def test_push_and_what_stays_inside(name, locale, context):
    push = render(TEMPLATES[name], locale, context, "push").payload
    assert push["title"] == context["merchant"]["name"]
    assert push["url"].startswith("https://")
    for medium in ("team", "ticket"):
        content = render(TEMPLATES[name], locale, context, medium)
        assert content.text
        assert content.subject


def test_what_a_customer_is_called_cannot_break_out_of_the_json():
    context = load_samples(FOLDER, "shipped", "ja")["single"]
    hostile = '"}]} , {"type": "text", "text": "x\\'
    named = {**context, "merchant": {**context["merchant"], "name": hostile}}
    (message,) = render(TEMPLATES["shipped"], "ja", named, "line").payload
    assert message["contents"]["body"]["contents"][0]["text"] == hostile


def own(tmp_path: Path, file: str, text: str) -> Path:
    folder = tmp_path / "messages"
    shutil.copytree(FOLDER, folder)
    (folder / "shipped" / file).write_text(text, encoding="utf-8")
    return folder


def test_a_merchant_may_write_an_edition_of_their_own(tmp_path):
    templates = load_messages(own(tmp_path, "sms.ja.txt.j2", "{{ merchant.name }}です。{{ button.url }}"))
    context = load_samples(FOLDER, "shipped", "ja")["single"]
    assert render(templates["shipped"], "ja", context, "sms").text == "みどり茶舗です。https://todoke.example/t/sample"
    assert "shipped" not in render(templates["shipped"], "en", context, "sms").text


def test_an_edition_in_one_language_alone_is_no_edition(tmp_path):
    templates = load_messages(own(tmp_path, "whatsapp.ja.json.j2", '{"name": "shipped"}'))
    assert "whatsapp" not in templates["shipped"].media


def test_an_edition_that_makes_no_json_says_so(tmp_path):
    templates = load_messages(own(tmp_path, "line.ja.json.j2", '[{"text": "{{ headline }}",}]'))
    with pytest.raises(Unrenderable, match=r"shipped/line\.ja\.json\.j2 does not make JSON"):
        render(templates["shipped"], "ja", load_samples(FOLDER, "shipped", "ja")["single"], "line")


def test_ready_blocks_are_for_mail(tmp_path):
    with pytest.raises(BrokenTemplates, match="blocks are for mail"):
        load_messages(own(tmp_path, "sms.ja.txt.j2", "{{ blocks.parcel }}"))


def test_a_template_may_keep_away_from_a_medium(tmp_path):
    meta = (FOLDER / "shipped/meta.yaml").read_text("utf-8")
    templates = load_messages(own(tmp_path, "meta.yaml", f"{meta}not_by: [sms, push]\n"))
    assert {"sms", "push"}.isdisjoint(templates["shipped"].media)
    assert "line" in templates["shipped"].media
