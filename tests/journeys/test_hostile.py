"""Journey files that are wrong or mean harm: one clear sentence each, quickly, and never a traceback."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.io.library import JourneyRefused, load_journeys, read_journey
from tests.journeys.test_scenarios import TEMPLATES

GOOD = """\
name: review_request
title: {ja: レビューのお願い, en: Review request}
purpose: service
trigger:
  event: order.delivered
  where: not order.cancelled
once_per: order
exit_on: [order.cancelled]
steps:
  - id: settle
    wait: 7d
    until: "10:00"
  - id: ask
    send: review_request
    unless: order.returning
    asserts: order.delivered
    superseded_by: [return.requested]
    expires: 5d
  - id: answered
    wait_for: message.clicked
    at_most: 4d
    then: end
"""
PURPOSES = {"review_request": "service", "reorder": "promotional"}


def problems(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    try:
        read_journey(data, "x.yaml", TEMPLATES, PURPOSES)
    except JourneyRefused as refused:
        return [str(problem) for problem in refused.problems]
    return []


def edited(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_good_one_is_good():
    assert problems(GOOD) == []


MISTAKES = {
    "event": ("order.delivered\n  w", "order.deliverd\n  w",
              "x.yaml:5: 'order.deliverd' is not an event; did you mean 'order.delivered'?"),
    "exit": ("[order.cancelled]", "[order.canceled]",
             "x.yaml:8: 'order.canceled' is not an event; did you mean 'order.cancelled'?"),
    "superseded": ("[return.requested]", "[return.request]",
                   "x.yaml:17, step 'ask': 'return.request' is not an event; did you mean 'return.requested'?"),
    "template": ("send: review_request", "send: review_requst",
                 "x.yaml:14, step 'ask': no template 'review_requst'; did you mean 'review_request'?"),
    "variable": ("unless: order.returning", "unless: order.returnin",
                 "x.yaml:15, step 'ask': unless: 'order' has no 'returnin'; did you mean 'returning'?"),
    "group": ("not order.cancelled", "not ordr.cancelled",
              "x.yaml:6: where: nothing is called 'ordr'; did you mean 'order'?"),
    "bare group": ("not order.cancelled", "order",
                   "x.yaml:6: where: 'order' is a group; ask for one of its names, such as order.paid"),
    "inside a flag": ("not order.cancelled", "order.cancelled.at",
                      "x.yaml:6: where: order.cancelled is a bool and holds no 'at'"),
    "foreign group": ("unless: order.returning", "unless: shipment.delivered",
                      "x.yaml:15, step 'ask': unless: shipment.delivered says nothing in a journey about the order; "
                      "only where every trigger begins with shipment. and once_per is not order"),
    "key": ("unless:", "unles:", "x.yaml:15, step 'ask': unknown key 'unles'; did you mean 'unless'?"),
    "top key": ("once_per:", "once_pr:", None),
    "verb": ("send:", "sned:", "x.yaml:13, step 'ask': no verb in this step; did you mean 'send'?"),
    "two verbs": ("send:", "wait: 3d\n    send:",
                  "x.yaml:13, step 'ask': two verbs in one step: send and wait; one verb a step; make two steps of it"),
    "purpose": ("purpose: service", "purpose: promotion",
                "x.yaml:3: 'promotion' is not a value of 'purpose'; did you mean 'promotional'?"),
    "span": ("wait: 7d", "wait: 7 days",
             "x.yaml:11, step 'settle': wait: '7 days' is not a span: "
             "write minutes, hours or days, such as 90m, 12h or 7d"),
    "no wait at all": ("wait: 7d", "wait: 0d", None),
    "endless": ("wait: 7d", "wait: 9999d", "x.yaml:11, step 'settle': wait: 9999d is longer than 400d"),
    "clock": ('"10:00"', '"25:00"', "x.yaml:12, step 'settle': until: '25:00' is not a time of the day: "
                                    "write hours and minutes, such as 10:00 or 09:30"),
    "then back": ("then: end", "then: settle",
                  "x.yaml:22, step 'answered': then: 'settle' leads back; expected the id of a later step, or end"),
    "then nowhere": ("then: end", "then: ende",
                     "x.yaml:22, step 'answered': then: 'ende' leads nowhere; did you mean 'end'?"),
    "equal ids": ("id: ask", "id: settle",
                  "x.yaml:13, step 'settle': the id 'settle' is taken; every step has an id of its own"),
    "missing id": ("- id: ask\n    send", "- send",
                   "x.yaml:13, step '#2': 'id' is missing; "
                   "Stable name: a message is unique by journey, subject and step."),
    "empty": ("where: not order.cancelled", "where:", "x.yaml:6: 'where' is empty; write it, or leave the key out"),
    "list for text": ("unless: order.returning", "unless: [order.returning]",
                      "x.yaml:15, step 'ask': 'unless' is a list; expected one text"),
    "starts and ends": ("exit_on: [order.cancelled]", "exit_on: [order.delivered]",
                        "x.yaml:8: 'order.delivered' both starts and ends the journey; take it out of one"),
    "no parcel": ("once_per: order", "once_per: shipment",
                  "x.yaml:7: 'order.delivered' names no shipment; expected once_per: order or event"),
    "own messages": ("event: order.delivered", "event: message.sent",
                     "x.yaml:5: 'message.sent' cannot start a journey; "
                     "messages that cause messages never end; use wait_for"),
    "offer in a notice": ("send: review_request", "send: reorder",
                          "x.yaml:14, step 'ask': the template 'reorder' is promotional, the journey only service; "
                          "set purpose: promotional, or use another template"),
    "call": ("not order.cancelled", "order.number.upper()", None),
    "escape": ("not order.cancelled", "''.__class__.__mro__", None),
    "half a guard": ("not order.cancelled", "order.paid and", None),
    "enabled": ("purpose: service", "purpose: service\nenabled: perhaps",
                "x.yaml:4: enabled: 'perhaps' is neither true nor false"),
    "business days": ("wait: 7d", "business_days: many", None),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(mistake):
    old, new, expected = MISTAKES[mistake]
    found = problems(edited(old, new))
    assert found
    assert all(one.startswith("x.yaml:") and "\n" not in one for one in found)
    if expected:
        assert found == [expected]


def bomb() -> str:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(["a0: &a0 [x]", *levels])


REFUSED = {
    "alias bomb": (bomb(), "x.yaml:1: anchors (&) are not allowed; write the text out"),
    "alias": ("a: *b", None),
    "merge": ("<<: {a: b}", "x.yaml:1: merge keys (<<) are not allowed; write the keys out"),
    "quoted merge": ("'<<': {a: b}", "x.yaml:1: merge keys (<<) are not allowed; write the keys out"),
    "python tag": ("a: !!python/object/apply:os.system ['true']",
                   "x.yaml:1: tags (!) are not allowed; every value is text"),
    "plain tag": ("a: !!str b", "x.yaml:1: tags (!) are not allowed; every value is text"),
    "mapping tag": ("!!set {a, b}", "x.yaml:1: tags (!) are not allowed; every value is text"),
    "bare tag": ("a: ! b", "x.yaml:1: tags (!) are not allowed; every value is text"),
    "equal keys": (GOOD + "purpose: promotional\n",
                   "x.yaml:23: the key 'purpose' stands twice, first in line 3; keep one"),
    "two documents": (GOOD + "---\n" + GOOD,
                      "x.yaml:23: a second document (---) is not allowed; one file, one document"),
    "directive": ("%YAML 1.1\n---\na: b", None),
    "deep": ("[" * 21 + "]" * 21, "x.yaml:1: nested deeper than 20 levels"),
    "very deep": ("[" * 60_000, "x.yaml:1: nested deeper than 20 levels"),
    "very deep blocks": ("- " * 30_000, "x.yaml:1: nested deeper than 20 levels"),
    "large": (GOOD + "#" * 65_536, f"x.yaml: {len(GOOD.encode()) + 65_536} bytes; at most 65536 are allowed"),
    "list as key": ("? [a, b]\n: c", "x.yaml:1: a key must be one word, not a list or a mapping"),
    "not utf-8": ("name: レビュー".encode("cp932"), "x.yaml:1: not UTF-8; save the file as UTF-8"),
    "nul": ("name: \0", None),
    "lone quote": ('name: "', None),
    "tab": ("name:\n\t- a", None),
    "empty": ("", "x.yaml: this is not a journey; expected keys with values, beginning with name:"),
    "a word": ("hello", None),
    "many steps": (GOOD[: GOOD.index("  - id")] + "".join(f"  - {{id: s{n}, send: shipped}}\n" for n in range(201)),
                   "x.yaml:9: 'steps' is too long; at most 200 are allowed"),
}  # fmt: skip


@pytest.mark.parametrize("harm", REFUSED)
def test_harm_is_refused_with_one_sentence(harm):
    text, expected = REFUSED[harm]
    found = problems(text)
    assert len(found) == 1
    assert "\n" not in found[0]
    if expected:
        assert found == [expected]


def test_a_file_that_cannot_be_read_is_a_problem_not_a_crash(tmp_path: Path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(JourneyRefused, match="cannot be read"):
        load_journeys(tmp_path, TEMPLATES)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_journey_or_a_refusal(data):
    problems(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=12))
def test_any_edit_of_a_good_file_is_a_journey_or_a_refusal(at, cut, put):
    text = GOOD[:at] + put + GOOD[at + cut :]
    assert all(one.startswith("x.yaml") for one in problems(text.encode("utf-8", "surrogatepass")))
