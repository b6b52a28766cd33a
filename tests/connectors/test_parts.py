"""Parts that several sources share: times of day, countries, records in their wrappers, tokens that run out,
where a poll goes on, settings."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.bodies.records import each, merged, unwrapped
from connectors.parts.sending.error_table import fate
from connectors.parts.sending.short_text import wished
from connectors.parts.settings import address, choice, credential, file, number, secret, settings, text
from connectors.parts.talk import oauth
from connectors.parts.talk.cursor import OVERLAP, Window, window
from connectors.parts.values import slots
from connectors.parts.values.countries import country
from connectors.parts.values.turns import in_turn
from engine.contracts import Answer, Asking, HttpRequest, Reading, Renewed, Unanswered, Unreadable
from engine.rules.settings import Sorted, Wrong, sort_settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("slot", "first", "last"),
    [
        ("0812", "08:00", "12:00"),
        ("1214", "12:00", "14:00"),
        ("午前中", "08:00", "12:00"),
        ("午後", "12:00", "18:00"),
        ("14:00～16:00", "14:00", "16:00"),
        ("１４時〜１６時", "14:00", "16:00"),
        ("19:00:00-21:00:00", "19:00", "21:00"),
        ("18時30分-20時", "18:30", "20:00"),
        ("9-12", "09:00", "12:00"),
        ("指定なし", "00:00", "23:59"),
        ("1816", "00:00", "23:59"),  # ends before it begins
        ("18時以降", "00:00", "23:59"),
        (None, "00:00", "23:59"),
        ({"from": 1}, "00:00", "23:59"),
    ],
)
def test_a_time_of_day_is_understood_in_the_words_of_shops(slot: object, first: str, last: str) -> None:
    start, end = slots.arrival(date(2026, 11, 26), slot, "Asia/Tokyo")
    assert start is not None
    assert end is not None
    assert (start.strftime("%H:%M"), end.strftime("%H:%M")) == (first, last)
    assert start.utcoffset() == timedelta(hours=9)


def test_there_is_no_time_without_a_day() -> None:
    assert slots.arrival(None, "午前中", "Asia/Tokyo") == (None, None)


@pytest.mark.parametrize(
    ("written", "code"),
    [("JPN", "JP"), ("jp", "JP"), (392, "JP"), ("036", "AU"), (36, "AU"), ("日本", "JP"), ("Japan", "JP"), ("XK", "XK"),
     ("アメリカ合衆国", None), ("", None), (None, None), ([], None)],
)  # fmt: skip
def test_a_country_is_a_code_of_two_letters(written: object, code: str | None) -> None:
    assert country(written) == code


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"id": 1}, 1),
        ([{"id": 1}, None, {"id": 2}], 2),
        ({"orders": [{"id": 1}, {"id": 2}]}, 2),
        ({"order": {"id": 1}}, 1),
        ({"data": {"orders": {"nodes": [{"id": 1}]}}}, 1),
        ({"data": {"orders": {"edges": [{"node": {"id": 1}}, {"node": {"id": 2}}]}}}, 2),
        ([{"order": {"id": 1}}, {"id": 2}], 2),
        ({"id": 1, "order": None}, 1),
        ({"orders": []}, 0),
        ([], 0),
    ],
)
def test_records_are_found_in_whatever_they_are_wrapped(body: Any, count: int) -> None:
    found = unwrapped(body, ("data", "orders", "order", "nodes", "edges", "node"))
    assert [one["id"] for one in found] == list(range(1, count + 1))


@pytest.mark.parametrize("body", [None, 1, "text", [1, 2], {"orders": [1]}])
def test_a_body_without_any_object_is_unreadable(body: Any) -> None:
    with pytest.raises(Unreadable):
        unwrapped(body, ("orders",))


def of_record(record: Mapping[str, Any]) -> Reading:
    if "id" not in record:
        raise Unreadable("the record has no id")
    return Reading(fetch=(f"records/{record['id']}",))


def test_one_bad_record_of_many_is_told_and_the_others_are_read() -> None:
    read = each([{"id": 1}, {}, {"id": 2}], of_record)
    assert read.fetch == ("records/1", "records/2")
    assert [(row.number, row.reason) for row in read.bad_rows] == [(2, "the record has no id")]
    for records in ([{}], [{}, {}]):
        with pytest.raises(Unreadable):
            each(records, of_record)


def test_what_is_ignored_counts_only_when_there_is_nothing_else() -> None:
    assert merged([Reading(ignored="a"), Reading(fetch=("x",)), Reading(fetch=("x",))]) == Reading(fetch=("x",))
    assert merged([Reading(ignored="a"), Reading(ignored="b")]).ignored == "a"
    assert merged([]).ignored is not None


RENEWAL = oauth.Renewal(url="https://api.example.jp/token", lifetime=timedelta(days=30))
ASKED = HttpRequest(url="https://api.example.jp/orders", method="GET", auth=oauth.BEARER)


def steps(answers: list[Answer], until: datetime | None = None, **settings: str) -> list[str]:
    """What the conversation does, in words; `answers` are those to its requests."""
    held = dict(settings)
    asking = Asking(settings=held, now=NOW, since=NOW, until={"access_token": until} if until else {})
    conversation, told, answer = oauth.put(asking, RENEWAL, ASKED), [], None
    while True:
        try:
            step = conversation.send(answer)
        except StopIteration as end:
            return [*told, str(end.value.code)]
        except Unanswered as unanswered:
            return [*told, unanswered.why]
        answer = None
        if isinstance(step, Renewed):
            held |= step.secrets
            told.append("renewed")
        elif isinstance(step, HttpRequest):
            told.append(step.url.rpartition("/")[2])
            answer = answers.pop(0)


def granted(**told: Any) -> Answer:
    return Answer(code=200, body=json.dumps({"access_token": "new", "expires_in": 3600, **told}).encode())


OK, DENIED = Answer(code=200, body=b"{}"), Answer(code=401)


@pytest.mark.parametrize(
    ("settings", "until", "answers", "expected"),
    [
        ({"access_token": "a", "refresh_token": "r"}, None, [OK], ["orders", "200"]),
        ({"access_token": "a", "refresh_token": "r"}, NOW, [granted(), OK], ["token", "renewed", "orders", "200"]),
        ({"refresh_token": "r"}, None, [granted(), OK], ["token", "renewed", "orders", "200"]),
        (
            {"access_token": "a", "refresh_token": "r"},
            None,
            [DENIED, granted(), OK],
            ["orders", "token", "renewed", "orders", "200"],
        ),
        ({"refresh_token": "r"}, None, [granted(), DENIED], ["token", "renewed", "orders", "401"]),  # once is enough
        ({"access_token": "a"}, NOW, [DENIED], ["orders", "401"]),  # nothing to renew it by
        ({}, None, [], ["login"]),
        ({"refresh_token": "r"}, None, [DENIED], ["token", "login"]),
        ({"refresh_token": "r"}, None, [Answer(code=200, body=b"{}")], ["token", "login"]),
        ({"refresh_token": "r"}, None, [Answer(code=503)], ["token", "provider"]),
    ],
)
def test_a_token_is_renewed_when_it_must_be(
    settings: dict[str, str], until: datetime | None, answers: list[Answer], expected: list[str]
) -> None:
    assert steps(list(answers), until, **settings) == expected


def test_a_refresh_token_that_is_not_rotated_is_kept() -> None:
    asking = Asking(settings={"refresh_token": "r"}, now=NOW, since=NOW)
    conversation = oauth.renew(asking, RENEWAL)
    next(conversation)
    renewed = conversation.send(granted(expires_in="soon"))
    assert isinstance(renewed, Renewed)
    assert renewed.secrets == {"access_token": "new"}
    assert renewed.until == {}


def test_everybody_has_a_turn() -> None:
    names = {"a", "b", "c", "d", "e"}
    assert in_turn(names, "", 2) == ["a", "b"]
    assert in_turn(names, "b", 2) == ["c", "d"]
    assert in_turn(names, "d", 3) == ["e", "a", "b"]
    assert in_turn(names, "gone", 9) == ["a", "b", "c", "d", "e"]
    assert in_turn(names, "a", 0) == in_turn((), "a", 3) == []


# --- where a poll goes on -------------------------------------------------------------------------


def place(cursor: str | None = None, now: datetime = NOW) -> Window:
    return window(Asking(settings={}, now=now, since=NOW - timedelta(days=7), cursor=cursor))


HOUR = timedelta(hours=1)


def test_a_list_stays_the_same_one_until_it_is_through() -> None:
    begun = place()
    assert (begun.since, begun.began, begun.after) == (NOW - timedelta(days=7), NOW, None)
    cut = place(begun.reached("page 2", NOW - HOUR, None).text, now=NOW + HOUR)
    assert (cut.since, cut.began, cut.after, cut.top) == (begun.since, NOW, "page 2", NOW - HOUR)
    assert place(cut.reached(None, NOW - 2 * HOUR).done().text).since == NOW - HOUR - OVERLAP


@pytest.mark.parametrize("again", range(3))
def test_the_next_list_begins_before_the_last_change_that_was_seen_and_never_before_this_one(again: int) -> None:
    quiet = place()
    for _ in range(again):
        quiet = place(quiet.reached(None).done().text, now=NOW + again * HOUR)
    assert quiet.since == NOW - timedelta(days=7), "nothing was seen: our clock says nothing of theirs"
    early = quiet.reached(None, quiet.since + timedelta(minutes=1)).done()
    assert early.since == quiet.since


def test_records_that_tell_no_change_are_asked_for_since_the_list_was_begun() -> None:
    begun = place()
    after = place(begun.reached(None).through(HOUR).text, now=NOW + 5 * HOUR)
    assert (after.since, after.began) == (NOW - HOUR, NOW + 5 * HOUR)


def test_what_was_noted_stays() -> None:
    noted = replace(place(), noted={"asked": "1 2"})
    assert place(noted.reached(None).done().text).noted == {"asked": "1 2"}


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", "{}", '{"since": 5}', '{"since": "x", "began": "y"}'])
def test_a_cursor_that_cannot_be_read_begins_anew(cursor: str) -> None:
    assert place(cursor) == place()


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ("https://api.example.jp", True),
        ("http://127.0.0.1:8000/a/b/", True),
        ("https://api.example.jp?key=1", False),
        ("https://api.example.jp/a#b", False),
        ("https://me:word@api.example.jp", False),
        ("https:///a", False),
        ("https://api.example.jp/a b", False),
        ("https://api.example.jp\n", False),
        ("ftp://api.example.jp", False),
        ("api.example.jp", False),
    ],
)
def test_an_address_is_one_behind_which_more_path_can_be_put(given: str, fits: bool) -> None:
    schema = settings({"url": address()}, required=("url",))
    assert isinstance(sort_settings(schema, [("url", given)]), Sorted if fits else Wrong)


def test_settings_say_what_is_secret_what_is_chosen_and_what_is_needed() -> None:
    schema = settings(
        {"key": secret("Key", "鍵", least=4), "way": choice("Way", "方法", "a", "b"), "days": number("D", "日", 30)},
        required=("key",), patterns={r"^code\..+$": text("C", "c")},
    )  # fmt: skip
    assert schema["properties"]["days"]["default"] == "30"
    told = sort_settings(schema, [("key", "four"), ("way", "a"), ("days", "365"), ("code.x", "y")])
    assert told == Sorted(config={"way": "a", "days": "365", "code.x": "y"}, secrets={"key": ("four",)})
    for wrong in ([("key", "low")], [("key", "four"), ("way", "c")], [("key", "four"), ("days", "1000")],
                  [("key", "four"), ("days", "0")], [("key", "four"), ("other", "x")], [("way", "a")]):  # fmt: skip
        assert isinstance(sort_settings(schema, wrong), Wrong)


def test_a_credential_has_a_shape_and_a_file_may_be_sealed() -> None:
    schema = settings({"key": credential("Key"), "pem": file("Key", "鍵", pattern="^-----", sealed=True)})
    told = sort_settings(schema, [("key", "long-enough"), ("pem", "-----BEGIN")])
    assert told == Sorted(config={}, secrets={"key": ("long-enough",), "pem": ("-----BEGIN",)})
    for wrong in ([("key", "short")], [("key", "with a space")], [("pem", "no key")]):
        assert isinstance(sort_settings(schema, wrong), Wrong)


@pytest.mark.parametrize(
    ("body", "seen"), [(b'{"id": 1}', {"id": 1}), (b"[1]", {}), (b"{", {}), (b'{"a":1,"a":2}', {})]
)
def test_a_glance_at_a_body_never_raises(body: bytes, seen: dict[str, int]) -> None:
    assert glance(body) == seen


@pytest.mark.parametrize(
    ("said", "status"), [("STOP", "left"), ("「配信停止」", "left"), ("start", "back"), ("いつ届きますか", None)]
)
def test_who_writes_back_may_want_something(said: str, status: str | None) -> None:
    seen = wished("sms", "+819012345678", said, NOW)
    assert (seen.status if seen else None) == status
    assert wished("sms", "09012345678", said, NOW) is None


def test_what_has_not_arrived_is_told_closer_by_its_code() -> None:
    table = {"statuses": {"failed": "undelivered", "sent": "sent"}, "dead": ["9"], "soft": ["7"]}
    told = [("failed", "9"), ("failed", "7"), ("failed", "1"), ("sent", "9"), ("lost", None)]
    assert [fate(table, *one) for one in told] == ["bounced", "soft", "undelivered", "sent", None]
