"""Guards: what they see, what they refuse, and the tree of names they are checked against."""

from datetime import UTC, datetime

import pytest

from engine.model.facts import Facts
from engine.rules.expression import VARIABLES, ExpressionFailed, holds, paths, unknown
from engine.rules.guard import ruling, settled
from engine.rules.guard_view import guard_view
from engine.rules.template_guard import TemplateRefused

VIEW = {
    "order": {
        "paid": True, "cancelled": False, "shipped": 2, "payment": "paid", "delivered_at": None,
        "placed_at": datetime(2026, 11, 16, 10, tzinfo=UTC), "source_notified": ["order.confirmed"],
    },
    "event": {"type": "order.delivered", "shipment": None},
}  # fmt: skip

TRUE = [
    "order.paid", "not order.cancelled", "order.paid and not order.cancelled", "order.shipped > 1",
    "order.shipped == 2 and order.payment in ['paid', 'refunded']", "'order.confirmed' in order.source_notified",
    "order.delivered_at is none", "order['paid']", "order.source_notified|length == 1",
    "order.cancelled or order.paid", "order.paid if order.shipped else order.cancelled",
]  # fmt: skip
FALSE = ["order.cancelled", "order.delivered_at", "order.shipped < 2", "'x' in order.source_notified", "not order.paid",
         "order.paid if order.cancelled"]  # fmt: skip


@pytest.mark.parametrize(("source", "value"), [*((one, True) for one in TRUE), *((one, False) for one in FALSE)])
def test_a_guard_holds_or_not(source, value):
    assert holds(source, VIEW).value is value


def test_a_verdict_has_the_scalars_it_saw():
    verdict = holds("order.paid and order.shipped > 5 or order.placed_at and 'x' in order.source_notified", VIEW)
    assert verdict.values == {
        "order.paid": True, "order.shipped": 2, "order.placed_at": "2026-11-16T10:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("order.paied", "order.paied is not known"),
        ("ordr.paid", "ordr.paid is not known"),
        ("order.paid and order.foo", "order.foo is not known"),
        ("order.items", "order.items is not known"),  # a method of a mapping is no name of ours
        ("order.keys", "order.keys is not known"),
        ("order.delivered_at > 3", "not supported between"),
        ("order.shipped|length", "has no len"),
    ],
)
def test_what_cannot_be_decided_is_named(source, named):
    with pytest.raises(ExpressionFailed, match=named):
        holds(source, VIEW)


@pytest.mark.parametrize(
    "source",
    [
        "order.payment.upper()", "order.__class__", "order['__class__']", "order|attr('paid')", "''|format(1)",
        "range(9)", "'a' * 9999", "order.shipped + 1", "[x for x in order]", "{}", "order.paid; 1", "", "{{ order }}",
        "order.shipped == 99999999999", "not " * 200 + "order.paid", "(" * 400, "self", "order.paid is callable",
        "order.payment ~ 'x'", "order.source_notified[0:1]", "a" + ".b" * 600, "lipsum", "cycler.__init__",
    ],
)  # fmt: skip
def test_what_is_more_than_a_question_is_refused(source):
    with pytest.raises(TemplateRefused):
        holds(source, VIEW)


def test_the_names_of_a_guard():
    source = "order.paid and (event.type == 'x' or not order['paid']) and shipment.rank > customer.orders_since"
    assert paths(source) == (
        ("order", "paid"), ("event", "type"), ("shipment", "rank"), ("customer", "orders_since"),
    )  # fmt: skip
    assert [unknown(path) for path in paths(source)] == [None] * 4


def test_the_view_of_real_facts_has_exactly_the_names_of_the_tree():
    view = guard_view(Facts())
    assert {group: set(names) for group, names in view.items()} == {
        group: set(names) for group, names in VARIABLES.items()
    }


def test_a_ruling_says_which_guard_and_why():
    assert ruling(None, None, VIEW).allowed
    assert ruling("order.paid", "order.cancelled", VIEW).reason is None
    assert ruling("order.cancelled", None, VIEW).reason == "where does not hold: order.cancelled"
    assert ruling(None, "order.paid", VIEW).reason == "unless holds: order.paid"
    asked = ruling("order.nothing", None, VIEW)
    assert not asked.allowed
    assert asked.reason == "where cannot be decided: order.nothing: order.nothing is not known here"


def test_only_what_never_changes_is_decided_early():
    assert not settled("event.type == 'return.requested'", "order.cancelled", VIEW).allowed
    assert settled("event.type == 'order.delivered'", "order.paid", VIEW).allowed
    assert settled("order.cancelled and event.type == 'x'", None, VIEW).allowed
