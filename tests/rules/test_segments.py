"""Parts of a text message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.segments import ALONE, JOINED, counted


@pytest.mark.parametrize(("text", "encoding", "units", "segments"), [
    ("", "gsm7", 0, 0),
    ("a" * 160, "gsm7", 160, 1),
    ("a" * 161, "gsm7", 161, 2),
    ("€" * 80, "gsm7", 160, 1),
    ("€" * 81, "gsm7", 162, 2),
    ("a" * 152 + "€" * 5, "gsm7", 162, 2),
    ("あ" * 70, "ucs2", 70, 1),
    ("あ" * 71, "ucs2", 71, 2),
    ("あ" * 134, "ucs2", 134, 2),
    ("あ" * 135, "ucs2", 135, 3),
    ("あ" * 660, "ucs2", 660, 10),
    ("a" * 69 + "髙", "ucs2", 70, 1),
    ("👍" * 35, "ucs2", 70, 1),
    ("👍" * 66, "ucs2", 132, 2),
    ("👍" * 67, "ucs2", 134, 3),  # 67 is odd: each part leaves one unit empty
])  # fmt: skip
def test_parts_are_counted_as_networks_cut(text, encoding, units, segments):
    found = counted(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_the_mark_that_makes_it_dear_is_named():
    assert counted("Thank you — your order").widest == "—"
    assert counted("Thank you").widest is None


@given(st.text(max_size=800))
def test_every_text_fits_its_parts(text):
    found = counted(text)
    room = ALONE[found.encoding] if found.segments == 1 else JOINED[found.encoding] * found.segments
    assert found.units <= room
    assert (found.segments == 0) == (text == "")
