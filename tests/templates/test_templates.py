"""Every shipped message, in both languages, as the reader gets it.

The golden files are written anew with TODOKE_TEST_ACCEPT=1; read what changed before you keep it.
"""

import os
import re
from pathlib import Path

import pytest

from engine.io.inline_css import inlined
from engine.io.samples import load_samples
from engine.io.templates import LOCALES, BrokenTemplates, load_messages
from engine.model.consent import OPTIONAL
from engine.rules.content import render
from engine.rules.template_code import lookup
from engine.rules.template_filters import MissingVariable, Unrenderable
from engine.rules.template_guard import check_template
from tests.templates.contrast import faint_texts, styles

ACCEPT = os.environ.get("TODOKE_TEST_ACCEPT") == "1"
GOLDEN = Path(__file__).parent / "golden"
MESSAGES = Path(__file__).parents[2] / "templates/messages"
TEMPLATES = load_messages(MESSAGES)
SAMPLES = {
    (name, sample, locale): context
    for name in TEMPLATES for locale in LOCALES
    for sample, context in load_samples(MESSAGES, name, locale).items()
}  # fmt: skip
STYLE = re.compile(r' style="[^"]*"|(?<=<style>).*?(?=</style>)', re.DOTALL)
HOSTILE = "<script>alert('1')</script>\r\nBcc: all@example.com\x00\u2028\"&{{ 7 }}"


def written(name, sample, locale):
    return render(TEMPLATES[name], locale, SAMPLES[name, sample, locale])


def changed(context, path, value):
    thing, _, field = path.partition(".")
    return {**context, thing: {**context[thing], field: value}}


all_samples = pytest.mark.parametrize(("name", "sample", "locale"), SAMPLES)
japanese = pytest.mark.parametrize(("name", "sample", "locale"), [key for key in SAMPLES if key[2] == "ja"])
each_template = pytest.mark.parametrize("name", TEMPLATES)


@all_samples
def test_reads_as_accepted(name, sample, locale):
    content = written(name, sample, locale)
    text = f"Subject: {content.subject}\nPreheader: {content.preheader}\n\n{content.text}"
    # Styles are checked by what they must achieve, below; here they would only bury the words.
    for kind, now in (("txt", text), ("html", STYLE.sub("", content.html))):
        golden = GOLDEN / name / f"{sample}.{locale}.{kind}"
        if ACCEPT:
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(now, encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == now


def test_no_golden_file_is_left_over():
    wanted = {
        GOLDEN / name / f"{sample}.{locale}.{kind}"
        for name, sample, locale in SAMPLES for kind in ("txt", "html")
    }  # fmt: skip
    assert set(GOLDEN.rglob("*.*")) == wanted


@all_samples
def test_nothing_of_the_machine_shows(name, sample, locale):
    content = written(name, sample, locale)
    everything = "\n".join((content.subject, content.preheader, content.html, content.text))
    assert not re.search(r"\bNone\b|Undefined|jinja\d|\{\{|\{%|ACCENT|/\* head|\{\w+\}", STYLE.sub("", everything))
    assert "ACCENT" not in content.html
    assert "jinja" not in content.html
    assert all((content.subject, content.preheader, content.text.strip()))
    assert not re.search(r"<\w+|&\w+;|[ \t]\n|\n\n\n", content.text)


@all_samples
def test_the_subject_says_the_fact_first_and_the_order_last(name, sample, locale):
    content = written(name, sample, locale)
    assert content.subject.endswith(" #1001")
    assert len(content.subject) <= (30 if locale == "ja" else 50)
    assert content.preheader not in content.subject
    fact = content.subject.removesuffix(" #1001")
    assert fact not in content.preheader
    assert content.html.count("<h1") == 1


@japanese
def test_japanese_is_set_as_a_shop_would(name, sample, locale):
    content = written(name, sample, locale)
    text = "\n".join((content.subject, content.preheader, content.text))
    assert not re.search(r"[!！?？]{2}|！|!", text)
    assert not re.search(r"[\uff61-\uff9f]", text), "half-width katakana"
    assert not re.search(r"[０-９Ａ-Ｚａ-ｚ]", text), "full-width digits or letters"
    assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff][,.:;]|[,.;][\u3040-\u30ff\u4e00-\u9fff]", text)
    assert "様様" not in text
    sentences = [line for line in text.splitlines() if re.search(r"(ます|です|ました|ません|ください)$", line)]
    assert [line for line in sentences if not line.startswith("■") and line not in content.subject] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@all_samples
def test_every_text_can_be_read(name, sample, locale, dark):
    assert faint_texts(written(name, sample, locale).html, dark=dark) == []


@pytest.mark.parametrize("accent", ["#ffe14d", "#000000", "#ffffff", "#ff3366"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read_in_any_merchants_colour(accent, dark):
    context = SAMPLES["delivery_failed", "absent", "ja"]
    context = changed(changed(context, "merchant.accent", accent), "merchant.accent_dark", accent)
    assert faint_texts(render(TEMPLATES["delivery_failed"], "ja", context).html, dark=dark) == []


def test_the_contrast_check_finds_faint_text():
    html = "<style>@media (prefers-color-scheme: dark) {\n  .a { color: #333333 !important; }\n}</style>"
    html += '<td class="a" style="color: #eeeeee">x</td>'
    assert faint_texts(html, dark=False) == ["'x': #eeeeee on #ffffff"]
    assert faint_texts(html, dark=True) == []


@all_samples
def test_a_mail_program_can_show_it(name, sample, locale):
    html = written(name, sample, locale).html
    assert len(html.encode()) < 60_000
    assert f'<html lang="{locale}">' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert 'width="600"' in html
    assert not re.search(r"<(script|form|iframe|link|svg)|flex|grid|position:|url\(", html)
    assert all(link.startswith(("https://", "mailto:")) for link in re.findall(r'href="([^"]*)"', html))
    sizes = {styles(style).get("font-size") for style in re.findall(r'style="([^"]*)"', html)} - {None, "1px"}
    assert sizes == {"16px", "22px"}
    for style in re.findall(r'class="(?:action|quiet)-link"[^>]*style="([^"]*)"', html):
        assert int(styles(style)["line-height"].removesuffix("px")) >= 44
    for tag in ("table", "tbody", "tr", "td", "p", "a", "span"):
        assert len(re.findall(rf"<{tag}[ >]", html)) == html.count(f"</{tag}>"), tag


@pytest.mark.parametrize("name", ["order_confirmed", "shipped"])
def test_two_hundred_long_lines_stay_below_the_clipping_limit(name):
    key = next(key for key in SAMPLES if key[0] == name and key[2] == "ja")
    line = {**SAMPLES[key]["order"]["lines"][0], "name": "深蒸し煎茶" * 20, "variant": "平袋" * 20, "unshipped": 1}
    context = changed(changed(SAMPLES[key], "order.lines", [line] * 200), "order.unshipped", 200)
    if context["shipment"]:
        context = changed(context, "shipment.contents", [line] * 200)
    content = render(TEMPLATES[name], "ja", context)
    assert len(content.html.encode()) < 100_000
    assert "ほか160点" in content.html


@each_template
def test_its_sources_pass_the_guard(name):
    for path in sorted((MESSAGES / name).glob("email.*.j2")):
        check_template(path.read_text(encoding="utf-8"), str(path))


def used(program):
    return {path for path in program.paths if "." in path and not path.startswith("loop.")}


@each_template
def test_both_languages_say_the_same(name):
    ja, en = (TEMPLATES[name].editions[locale] for locale in ("ja", "en"))
    for part in ("subject", "preheader", "headline", "html", "text"):
        assert used(getattr(ja, part)) == used(getattr(en, part)), part
    assert used(ja.html) == used(ja.text)
    assert ja.fallbacks.keys() == en.fallbacks.keys()


def test_the_ready_blocks_exist_in_both_forms():
    frame = TEMPLATES["shipped"].editions["ja"].frame
    assert frame.html_blocks.keys() == frame.text_blocks.keys()


@each_template
def test_it_shows_the_law_and_the_way_out(name):
    for (template, sample, locale), context in SAMPLES.items():
        if template != name:
            continue
        content = written(name, sample, locale)
        for part in (content.html, content.text):
            assert context["merchant"]["support_email"] in part
            assert context["merchant"]["address"] in part
            assert ("https://todoke.example/u/sample" in part) is (TEMPLATES[name].purpose in OPTIONAL)


def test_unsubscribe_never_shows_on_a_notice_about_an_order():
    context = changed(SAMPLES["shipped", "single", "ja"], "links.unsubscribe", "https://todoke.example/u/x")
    content = render(TEMPLATES["shipped"], "ja", context)
    assert "todoke.example/u/" not in content.html + content.text


@each_template
def test_what_it_requires_blocks_it(name):
    key = next(key for key in SAMPLES if key[0] == name)
    for path in TEMPLATES[name].requires:
        without = changed(SAMPLES[key], path, None)
        with pytest.raises(MissingVariable) as raised:
            render(TEMPLATES[name], "ja", without)
        assert (raised.value.name, raised.value.template) == (path, name)


def test_an_offer_needs_address_and_way_out():
    assert set(TEMPLATES["reorder"].requires) >= {"merchant.address", "links.unsubscribe"}
    assert TEMPLATES["reorder"].purpose == "promotional"
    assert "販売業者：株式会社みどり茶舗" in written("reorder", "one_item", "ja").html


@each_template
def test_a_missing_order_number_blocks_it_and_is_named(name):
    key = next(key for key in SAMPLES if key[0] == name)
    with pytest.raises(MissingVariable) as raised:
        render(TEMPLATES[name], "ja", changed(SAMPLES[key], "order.number", None))
    assert raised.value.name == "order.number"
    assert "order.number" in str(raised.value)


@all_samples
def test_an_unknown_name_is_the_declared_fallback(name, sample, locale):
    context = changed(SAMPLES[name, sample, locale], "customer.name", None)
    content = render(TEMPLATES[name], locale, context)
    assert ("お客様" if locale == "ja" else "Hello there,") in content.text
    assert SAMPLES[name, sample, locale]["customer"]["name"] is context["customer"]["name"] or lookup(
        SAMPLES[name, sample, locale], "customer.name"
    ), "the caller's context is left as it was"


def hostile(context):
    """The same context with every text a stranger could have written replaced."""
    if isinstance(context, dict):
        keep = ("status", "reason", "substatus", "role", "goods", "payment", "currency", "amount")
        return {
            key: value if key in keep or re.search("url$|^accent|^links$|^event$", key) else hostile(value)
            for key, value in context.items()
        }
    if isinstance(context, list):
        return [hostile(value) for value in context]
    return HOSTILE if isinstance(context, str) else context


@all_samples
def test_hostile_names_do_no_harm(name, sample, locale):
    content = render(TEMPLATES[name], locale, hostile(SAMPLES[name, sample, locale]))
    for header in (content.subject, content.preheader):
        assert header.isprintable()
    assert "<script" not in content.html
    assert "&lt;script&gt;" in content.html
    assert not re.search(r'="[^"<>]*<', content.html), "nothing breaks out of an attribute"
    assert "49" not in content.text
    assert not re.search(r"^Bcc:", content.text, re.MULTILINE), "nothing starts a line of its own"
    assert not set(content.text + content.html) & set("\r\0\u2028")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "www.carrier.example/1", ""])
def test_a_sources_link_that_is_none_is_left_out(url):
    context = changed(SAMPLES["delivery_failed", "absent", "ja"], "shipment.url", url)
    content = render(TEMPLATES["delivery_failed"], "ja", changed(context, "shipment.redelivery_url", url or None))
    assert not url or url not in content.html + content.text
    assert ">123456789012</td>" in content.html
    assert re.search(r'class="action-link" href="([^"]*)"', content.html)[1] == context["links"]["tracking"]


@pytest.mark.parametrize("path", ["links.tracking", "merchant.url"])
def test_a_link_that_is_none_blocks_the_message(path):
    context = changed(SAMPLES["delivery_failed", "absent", "ja"], path, "javascript:alert(1)")
    with pytest.raises(Unrenderable, match="no web address"):
        render(TEMPLATES["delivery_failed"], "ja", context)


def test_a_colour_that_is_none_blocks_the_message():
    context = changed(SAMPLES["shipped", "single", "ja"], "merchant.accent", "red;background:url(x)")
    with pytest.raises(Unrenderable, match=r"merchant\.accent"):
        render(TEMPLATES["shipped"], "ja", context)


def test_the_first_button_after_a_missed_delivery_asks_for_another():
    for locale, label in (("ja", "再配達を申し込む"), ("en", "Arrange redelivery")):
        html = written("delivery_failed", "absent", locale).html
        first = re.search(r'class="(?:action|quiet)-link" href="([^"]*)"[^>]*>([^<]*)', html)
        assert first
        assert first.group(1, 2) == (SAMPLES["delivery_failed", "absent", locale]["shipment"]["redelivery_url"], label)
        assert html.index("<h1") < first.start() < html.index('class="steps"')


def test_a_cause_nobody_stated_is_not_told():
    assert "ご不在" in written("delivery_failed", "absent", "ja").html
    assert "不在" not in written("delivery_failed", "no_reason", "ja").html
    assert "nobody" not in written("delivery_failed", "no_reason", "en").html


def test_a_gift_says_who_it_goes_to_and_tells_them_no_price():
    for name in ("order_confirmed", "shipped", "delivered"):
        assert "佐藤 美咲様へのお届け" in written(name, "gift", "ja").text
    recipient = changed(SAMPLES["order_confirmed", "gift", "ja"], "customer.role", "recipient")
    content = render(TEMPLATES["order_confirmed"], "ja", recipient)
    assert "8,800" not in content.html + content.text


def test_a_number_comes_with_the_carriers_name_and_link():
    content = written("shipped", "single", "ja")
    for part in (content.html, content.text):
        assert "ヤマト運輸" in part
        assert "https://member.kms.kuronekoyamato.co.jp/parcel/detail?pno=123456789012" in part


def test_review_and_reorder_lead_to_the_shop_else_the_item_else_our_page():
    def button(name, context):
        return re.search(r'class="action-link" href="([^"]*)"', render(TEMPLATES[name], "ja", context).html)[1]

    review = SAMPLES["review_request", "delivered", "ja"]
    assert button("review_request", review) == "https://midori.example/reviews"
    assert button("review_request", changed(review, "merchant.reviews_url", None)) == review["links"]["tracking"]
    reorder = SAMPLES["reorder", "one_item", "ja"]
    assert button("reorder", reorder) == "https://midori.example/products/yame"
    assert button("reorder", changed(reorder, "merchant.reorder_url", "https://a.example")) == "https://a.example"


def test_a_logo_has_its_words():
    context = changed(SAMPLES["shipped", "single", "ja"], "merchant.logo_url", "https://midori.example/logo.png")
    html = render(TEMPLATES["shipped"], "ja", context).html
    assert re.search(r'<img [^>]*alt="みどり茶舗"', html)


def test_styles_go_into_fragments_without_moving_rows():
    source = (
        '<table><tbody>{% for a in b %}<tr><td class="x">{{ a }}</td></tr>{{ row(a > 1) }}{% endfor %}</tbody></table>'
    )
    assert inlined(source, ".x { color: red }") == source.replace('class="x"', 'class="x" style="color: red;"')


def broken(tmp_path, **files):
    for part in ("_layout", "_blocks"):
        (tmp_path / part).symlink_to(MESSAGES / part)
    folder = tmp_path / "shipped"
    folder.mkdir()
    for path in (MESSAGES / "shipped").glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    with pytest.raises(BrokenTemplates) as raised:
        load_messages(tmp_path)
    return raised.value.problems


def test_every_problem_is_listed_with_file_and_line(tmp_path):
    problems = broken(
        tmp_path,
        email__ja__html__j2="<p>\n</p>\n{{ f() }}",
        email__ja__txt__j2="{{ blocks.parcels }}",
        email__en__txt__j2="\n{% if %}",
    )
    assert len(problems) == 3
    assert [problem.split(": ")[0] for problem in problems] == [
        "shipped/email.ja.html.j2, line 3", "shipped/email.ja.txt.j2", "shipped/email.en.txt.j2, line 2",
    ]  # fmt: skip
    assert "Allowed: address, " in problems[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("purpose: news\nsubject: {}", "shipped/meta.yaml, line 1: "),
        ("purpose: service\nsubjet: {}", "shipped/meta.yaml, line 2: "),
        ("purpose: [", "shipped/meta.yaml, line 1: "),
        ("purpose: service\nsubject: {ja: x}\npreheader: {ja: x, en: x}\nheadline: {ja: x, en: x}",
         "shipped/meta.yaml: subject has no en"),
    ],
)  # fmt: skip
def test_a_broken_meta_file_says_where(tmp_path, text, problem):
    problems = broken(tmp_path, meta__yaml=text)
    assert problems[0].startswith(problem)
