"""Words that agree with their numbers, and sentences that begin as sentences do."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from engine.rules import alarm_words, health_words
from engine.rules.english import Count, sentence


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 events are"), (1, "1 event is"), (2, "2 events are"), (21, "21 events are")]
)
def test_words_agree_with_their_number(n: int, said: str) -> None:
    assert f"{Count(n):event is|events are} told" == f"{said} told"
    assert "{n:event is|events are}".format_map({"n": Count(n)}) == said


def test_a_count_is_the_number_it_was() -> None:
    assert (f"{Count(1200)}", f"{Count(1200):,}", Count(3) + 1) == ("1200", "1,200", 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no SPF", "No SPF"),
        ("nothing: it is asked again", "Nothing: it is asked again"),
        ("komorebi.example: no SPF", "komorebi.example: no SPF"),
        ("_dmarc.komorebi.example: v=DMARC1", "_dmarc.komorebi.example: v=DMARC1"),
        ("dkim_key is missing", "dkim_key is missing"),
        ("todoke connections set c_1 from=a@b.example", "todoke connections set c_1 from=a@b.example"),
        ("17TRACK refuses the key", "17TRACK refuses the key"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_letter_and_a_name_as_it_is_written(text: str, said: str) -> None:
    assert sentence(text) == said


NUMBERS = ("count", "found", "failing", "missed", "days", "accepted", "planned", "most")
ENGLISH = {
    **{f"health {kind}": (brief, text) for kind, (brief, _, text, _) in health_words.WORDS.items()},
    **{f"alarm {kind}": (title, text) for kind, (_, title, _, text, _) in alarm_words.WORDS.items()},
}


@pytest.mark.parametrize("texts", ENGLISH.values(), ids=ENGLISH)
def test_one_of_a_thing_is_no_plural(texts: tuple[str, str]) -> None:
    for text in texts:
        said = text.format_map(defaultdict(lambda: "it", dict.fromkeys(NUMBERS, Count(1))))
        assert re.findall(r"\b1 (?!is\b|was\b|has\b)\w+s\b", said) == [], said
