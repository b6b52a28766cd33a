"""What a merchant may write, what is refused, and what a refusal tells them."""

import re

import jinja2
import pytest

from engine.rules.template_code import MAX_OUTPUT, sealed
from engine.rules.template_filters import MAX_LIST, MissingVariable, Unrenderable, filters
from engine.rules.template_guard import (
    EXPRESSION_NODES,
    FILTERS,
    MAX_EXPRESSION,
    TEMPLATE_NODES,
    TemplateRefused,
    check_expression,
    check_template,
    refuse,
)

ORDINARY = [
    "ご注文 {{ order.number }} を受け付けました。",
    "{% for line in order.lines %}{{ line.name }}{% if not loop.last %}、{% endif %}{% endfor %}",
    "{% for parcel in parcels if parcel.number %}{% for line in parcel.lines %}{{ line.name }}{% endfor %}{% endfor %}",
    "{% if order.paid and order.total > 100 or customer.name is none %}はい{% else %}いいえ{% endif %}",
    "{{ 'お届け' if order.paid else '保管' }}",
    "{{ order.lines[0].name }} {{ order.lines|length }} {{ (order.lines|first).name }}",
    "{% if order.payment in ['paid', 'refunded'] %}{{ order.placed_at|day }}{% endif %}",
    "{# a note #}{% raw %}{{ as it is }}{% endraw %}",
]

HOSTILE = {
    "attribute chain": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attribute without a call": "{{ order.__class__ }}",
    "item with underscores": "{{ order['__class__'] }}",
    "item by name": "{{ order[customer.name] }}",
    "attr filter": "{{ order|attr('__class__') }}",
    "format": "{{ '%10000000000d'|format(1) }}",
    "format method": "{{ '{0.__class__}'.format(order) }}",
    "format_map": "{{ '{x.__init__}'.format_map(order) }}",
    "indirect format": "{% set f = 'x'.format %}{{ f(order) }}",
    "map": "{{ order.lines|map(attribute='__class__')|list }}",
    "range bomb": "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
    "lipsum": "{{ lipsum(n=200000) }}",
    "lipsum globals": "{{ lipsum.__globals__ }}",
    "name of a global": "{{ lipsum }}",
    "cycler": "{{ cycler.__init__.__globals__.os }}",
    "joiner": "{{ joiner(',') }}",
    "namespace": "{% set n = namespace(a=1) %}{% set n.a = 2 %}",
    "self": "{{ self }}",
    "self blocks": "{{ self._TemplateReference__context }}",
    "loop cycle": "{% for a in order.lines %}{{ loop.cycle('x', 'y') }}{% endfor %}",
    "loop internals": "{% for a in order.lines %}{{ loop._iterator }}{% endfor %}",
    "recursive loop": "{% for a in order.lines recursive %}{{ loop(a) }}{% endfor %}",
    "three loops": "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}",
    "loop over a constant list": "{% for a in [1, 2, 3] %}{% endfor %}",
    "loop over a filter": "{% for a in order.lines|first %}{% endfor %}",
    "loop with two names": "{% for a, b in order.lines %}{% endfor %}",
    "string doubling": "{{ 'a' * 10000000000 }}",
    "string joining": "{% set a = 'x' %}{{ a ~ a ~ a }}",
    "concat": "{{ order.number ~ order.number }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "huge number": "{% if order.total > 99999999 %}{% endif %}",
    "number of five thousand digits": "{{ " + "9" * 5000 + " }}",
    "huge float": "{{ 1e300 }}",
    "long string": "{{ '" + "あ" * 3000 + "' }}",
    "center": "{{ 'x'|center(100000000) }}",
    "replace": "{{ 'x'|replace('x', order.number) }}",
    "indent": "{{ order.number|indent(10000) }}",
    "safe": "{{ order.number|safe }}",
    "test with an argument": "{{ order.total is divisibleby(3) }}",
    "include": "{% include 'email.html.j2' %}",
    "import": "{% import 'parts.html.j2' as parts %}",
    "from import": "{% from 'parts.html.j2' import button %}",
    "extends": "{% extends 'email.html.j2' %}",
    "block": "{% block body %}{% endblock %}",
    "macro": "{% macro f() %}{{ f() }}{% endmacro %}",
    "call block": "{% call f() %}{% endcall %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "set block": "{% set x %}y{% endset %}",
    "with": "{% with x = 1 %}{% endwith %}",
    "autoescape off": "{% autoescape false %}{{ order.number }}{% endautoescape %}",
    "slice": "{{ order.lines[:1000] }}",
    "dictionary": "{{ {'a': 1} }}",
    "negation": "{{ -order.total }}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep attributes": "{{ a" + ".b" * 5000 + " }}",
    "deep conditions": "{% if a %}" * 60 + "{% endif %}" * 60,
    "many parts": "{{ a }}" * 4000,
    "one megabyte": "x" * 1024 * 1024,
    "comment bomb": "{#" + "x" * 100_000 + "#}",
    "unclosed": "{% if order.paid %}",
    "unknown statement": "{% do order.lines %}",
    "unknown filter": "{{ order.number|tojson }}",
}


@pytest.mark.parametrize("source", ORDINARY)
def test_ordinary_templates_pass(source):
    check_template(source, "shipped/email.ja.html.j2")
    sealed(source, "shipped/email.ja.html.j2", locale="ja", form="html")


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_templates_are_refused_with_their_place(source):
    with pytest.raises(TemplateRefused, match=r"^shipped/email\.ja\.html\.j2") as refused:
        check_template(source, "shipped/email.ja.html.j2")
    assert len(str(refused.value)) < 500


def test_a_refusal_names_line_finding_allowed_and_instead():
    with pytest.raises(TemplateRefused) as refused:
        check_template("一行目\n二行目\n{{ order.lines|tojson }}", "shipped/email.ja.html.j2")
    found = re.fullmatch(r"(.+), line (\d+): (.+)\. Allowed: (.+)\. Instead: (.+)", str(refused.value))
    assert found
    assert found.group(1, 2, 3) == ("shipped/email.ja.html.j2", "3", "the filter tojson")
    assert "day" in found.group(4)


def test_line_statements_and_foreign_tags_are_plain_text():
    program = sealed("# for x in order.lines\n<% order %> ${order}", "t", locale="ja", form="text")
    assert program.render({}) == "# for x in order.lines\n<% order %> ${order}"


@pytest.mark.parametrize(
    "source",
    [
        "order.paid and not order.cancelled",
        "order.unshipped == 0",
        "customer.role in ('orderer', 'recipient')",
        "shipment.total is none or shipment.total > 1",
        "order.lines|length < 3",
    ],
)
def test_ordinary_expressions_pass(source):
    check_expression(source, "shipped.yaml, steps[1].unless")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "order.paid }} {{ x",
        "order.paid order",
        "f()",
        "a + b",
        "order._x",
        "a if",
        "range(3)",
        "order|day",
        "(" * 400 + "a" + ")" * 400,
        "x" * (MAX_EXPRESSION + 1),
        "'a' ~ 'b'",
        "order[x]",
    ],
)
def test_hostile_expressions_are_refused(source):
    with pytest.raises(TemplateRefused, match=r"^shipped\.yaml, steps\[1\]\.unless"):
        check_expression(source, "shipped.yaml, steps[1].unless")


def test_a_caller_can_allow_less():
    tree = jinja2.Environment(autoescape=True).parse("{{ order.number|day }}")
    refuse(tree, nodes=TEMPLATE_NODES, filters=FILTERS, where="t")
    with pytest.raises(TemplateRefused, match="the filter day"):
        refuse(tree, nodes=TEMPLATE_NODES, filters=frozenset(), where="t")
    with pytest.raises(TemplateRefused, match="template"):
        refuse(tree, nodes=EXPRESSION_NODES, filters=FILTERS, where="t")


def test_every_allowed_filter_exists():
    assert set(filters("ja")) >= FILTERS


def render(source, **values):
    return sealed(source, "t", locale="ja", form="html").render(values)


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "pop", "update", "clear"])
def test_fields_are_keys_never_methods(name):
    with pytest.raises(MissingVariable, match=f"order.{name}"):
        render("{{ order." + name + " }}", order={"number": "#1"})
    assert render("{{ order." + name + " }}", order={name: "x"}) == "x"


def test_objects_have_no_fields_at_all():
    class Order:
        secret = "s"

    with pytest.raises(MissingVariable):
        render("{{ order.secret }}", order=Order())
    with pytest.raises(MissingVariable):
        render("{{ name.upper }}", name="x")


def test_loops_run_over_short_lists_only():
    assert render("{% for a in x %}{{ a }}{% endfor %}", x=["1", "2"]) == "12"
    for wrong in ("abc", {"a": 1}, 5):
        with pytest.raises(Unrenderable, match="no list"):
            render("{% for a in x %}{{ a }}{% endfor %}", x=wrong)
    with pytest.raises(Unrenderable, match="more items"):
        render("{% for a in x %}{{ a }}{% endfor %}", x=["1"] * (MAX_LIST + 1))


def test_all_loops_together_have_an_end():
    many = "{% for a in x %}{% for b in x %}{% if b %}{% endif %}{% endfor %}{% endfor %}"
    with pytest.raises(Unrenderable, match="more items"):
        render(many, x=["1"] * MAX_LIST)


def test_the_output_has_an_end():
    body = "{% for a in x %}" + "あ" * 20_000 + "{% endfor %}"
    assert len(render(body, x=["1"] * 20)) == 400_000
    with pytest.raises(Unrenderable, match=str(MAX_OUTPUT)):
        render(body, x=["1"] * 100)


def test_a_long_value_is_refused_at_run_time():
    with pytest.raises(Unrenderable, match=r"order\.note is longer"):
        render("{{ order.note }}", order={"note": "あ" * 3_000})


@pytest.mark.parametrize(
    ("source", "missing"),
    [("{{ order.number }}", "order.number"), ("{{ order.placed_at|day }}", "order.placed_at"),
     ("{% if order.gift.to %}{% endif %}", "order.gift"), ("{{ shipment.number }}", "shipment.number"),
     ("{{ nothing }}", "nothing"), ("{{ order.number if order.paid else 'x' }}", "order.number"),
     ("{% for line in order.lines %}{% endfor %}", "order.lines"), ("{{ shipment.last.place }}", "shipment.last")],
)  # fmt: skip
def test_a_missing_value_is_named(source, missing):
    values = {"order": {"number": None, "placed_at": None, "paid": True, "lines": None}, "shipment": None}
    with pytest.raises(MissingVariable) as raised:
        render(source, **values)
    assert raised.value.name.startswith(missing)
    assert raised.value.template == "t"


@pytest.mark.parametrize("value", [True, ["a"], {"a": "b"}, b"x"])
def test_only_text_and_numbers_are_printed(value):
    with pytest.raises(Unrenderable, match=r"order\.x is no text"):
        render("{{ order.x }}", order={"x": value})


@pytest.mark.parametrize("source", ["{{ number|day }}", "{% if number > 5 %}{% endif %}", "{{ number|money }}"])
def test_a_value_used_wrongly_is_a_reason_not_a_crash(source):
    with pytest.raises(Unrenderable, match=r"^t uses a value"):
        render(source, number="#1001")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", " javascript:1", "//evil.example", "x"])
def test_links_lead_to_the_web_only(url):
    with pytest.raises(Unrenderable, match="no web address"):
        render('<a href="{{ shipment.url }}">x</a>', shipment={"url": url})


def test_values_are_escaped_in_html_and_on_one_line():
    assert render("{{ name }}", name='<script>"x"&') == "&lt;script&gt;&#34;x&#34;&amp;"
    assert render("{{ name }}", name="山田\r\nBcc: x\u202e花子") == "山田 Bcc: x 花子"
