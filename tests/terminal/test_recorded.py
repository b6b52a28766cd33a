"""Files of recorded deliveries: nothing in a body may change on the way."""

import pytest

from engine.io.recorded import BadLine, Recorded, recorded


def test_a_body_keeps_every_digit_and_blank(tmp_path):
    path = tmp_path / "a.jsonl"
    body = b'{"total": 8800.00, "id": 12345678901234567890,  "name":"\xe9\xab\x99"}'
    path.write_bytes(
        b'\xef\xbb\xbf{"headers": {"X-Topic": "a", "X-Two": ["b", "c"]}, "body": ' + body + b', "odd": 1}\r\n\r\n'
    )
    (one,) = recorded(path)
    assert isinstance(one, Recorded)
    assert one.body == body
    assert (one.headers, one.line, one.topic) == ({"x-topic": "a", "x-two": "b, c"}, 1, None)


def test_a_text_is_the_body_itself(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"body": "受注番号\\n1001", "topic": "t"}\n', encoding="utf-8")
    (one,) = recorded(path)
    assert (one.body, one.topic) == ("受注番号\n1001".encode(), "t")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"headers": {}}', "it has no field `body`"),
        (b'{"body": ' + b"[" * 5000 + b"]" * 5000 + b"}", "it is nested too deep"),
        (b'{"body": {}, "topic": "a\\u0000"}', "a header or the topic holds a NUL character"),
        (b'{"body": {}, "headers": {"webhook-id": "\\u0000"}}', "a header or the topic holds a NUL character"),
        (b'{"body": {}, "topic": 3}', "Expected `str | null`, got `int` - at `$.topic`"),
    ],
)
def test_a_bad_line_says_why_without_repeating_it(tmp_path, line, reason):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"body": {}}\n' + line + b"\n")
    good, bad = recorded(path)
    assert isinstance(good, Recorded)
    assert bad == BadLine(size=len(line) + 1, line=2, reason=reason)


def test_any_other_file_is_one_body(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\x8e\xf3\x92\x8d\r\n")
    (one,) = recorded(path)
    assert (one.body, one.line) == (b"\x8e\xf3\x92\x8d\r\n", None)
