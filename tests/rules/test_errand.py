"""When systems are asked again, and what a connection's health follows from."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts import Api, Found, Reading, Ref, Routed, ScanSeen
from engine.rules import errand as rules
from engine.rules.credentials import expiring
from engine.rules.errand import PAUSES, Errand, Kind, Why
from engine.rules.health import Known, Note, notes, worst
from engine.rules.health_words import WORDS, said
from engine.rules.mapping import STATUSES, mapped
from engine.rules.settings import Sorted, Wrong, sort_settings
from tests.flow.vendor import SOURCE

NOW = datetime(2026, 6, 29, 22, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
WHYS: tuple[Why, ...] = ("login", "rate", "quota", "provider", "request", "transport", "bug", "endless")


class TestPauses:
    @given(st.sampled_from(WHYS), st.integers(1, 50), st.floats(0, 0.999))
    def test_every_failure_is_tried_again_and_never_at_once(self, why: Why, tries: int, chance: float) -> None:
        pause = rules.pause(why, tries, None, NOW, chance)
        assert pause is not None
        assert timedelta(seconds=5) <= pause <= rules.QUOTA

    @given(st.sampled_from(["rate", "quota", "provider"]), st.integers(0, 200_000), st.floats(0, 0.999))
    def test_what_the_system_asks_for_is_given_up_to_a_day(self, why: Why, seconds: int, chance: float) -> None:
        after = timedelta(seconds=seconds)
        pause = rules.pause(why, 1, after, NOW, chance)
        assert pause is not None
        assert min(after, DAY) <= pause <= max(DAY * 1.1, HOUR)

    def test_a_quota_ends_with_the_day_or_is_looked_at_meanwhile(self) -> None:
        assert rules.pause("quota", 1, None, NOW, 0.5) == timedelta(hours=2, seconds=10)
        assert rules.pause("quota", 1, None, NOW.replace(hour=3), 0.5) == timedelta(hours=6)

    def test_missing_settings_are_waited_for_without_end(self) -> None:
        assert rules.pause("needs", 1, None, NOW, 0.5) is None

    def test_what_is_polled_is_never_given_up(self) -> None:
        assert not rules.given_up("poll", "request", 1000)
        assert not rules.given_up("fetch", "provider", 1000)
        assert rules.given_up("fetch", "request", rules.GIVE_UP)

    def test_pauses_grow_up_to_an_hour(self) -> None:
        told = [rules.pause("provider", tries, None, NOW, 0.5) for tries in range(1, 9)]
        assert told == [*PAUSES, PAUSES[-1], PAUSES[-1]]


class TestSettings:
    def test_a_connection_says_how_often_it_is_polled(self) -> None:
        api = Api(every=10 * MINUTE)
        assert rules.every(api, {}, 0.5) == 10 * MINUTE
        assert rules.every(api, {"poll_minutes": "3"}, 0.5) == 3 * MINUTE
        assert rules.every(api, {"poll_minutes": "3"}, 0.0) < 3 * MINUTE < rules.every(api, {"poll_minutes": "3"}, 0.9)

    def test_every_source_that_polls_takes_them_and_every_source_takes_statuses(self) -> None:
        schema = rules.of_source(SOURCE)
        good = sort_settings(
            schema, [("poll_minutes", "3"), ("backfill_days", "0"), ("status.At the shop", "delivered")]
        )
        assert isinstance(good, Sorted)
        assert rules.reach(good.config) == timedelta(0)
        for key, value in (
            ("poll_minutes", "0"),
            ("webhooks", "maybe"),
            ("status.X", "eaten"),
            ("status.", "delivered"),
        ):
            assert isinstance(sort_settings(schema, [(key, value)]), Wrong)
        unpolled = rules.of_source(replace(SOURCE, api=None))
        assert isinstance(sort_settings(unpolled, [("poll_minutes", "3")]), Wrong)

    @pytest.mark.parametrize(
        ("config", "address", "wanted"),
        [
            ({}, "https://todoke.example", True),
            ({"webhooks": "no"}, "https://todoke.example", False),
            ({}, "http://127.0.0.1:8000", False),
            ({}, "http://localhost:8000", False),
            ({"url": "http://127.0.0.1:9"}, "http://127.0.0.1:8000", True),
            ({"url": "https://api.example"}, "http://[::1]:8000", False),
        ],
    )
    def test_webhooks_are_registered_where_their_sender_can_reach_us(
        self, config: dict[str, str], address: str, wanted: bool
    ) -> None:
        assert rules.webhooks_wanted(config, address) is wanted


def test_a_record_that_does_not_say_when_it_changed_is_history_in_the_first_poll() -> None:
    silent, old = Found(topic="x", key="k", body=b""), Found(topic="x", key="k", body=b"", changed_at=NOW - MINUTE)
    assert rules.is_history(silent, NOW, first=True)
    assert not rules.is_history(silent, NOW, first=False)
    assert rules.is_history(old, NOW, first=False)
    assert not rules.is_history(old, NOW - MINUTE, first=True)


class TestMapping:
    def scan(self, raw: str, status: Any = "unknown") -> ScanSeen:
        return ScanSeen(ref=Ref(order_id="1"), as_of=NOW, status=status, raw_code=raw)

    def test_a_status_that_is_mapped_holds_everywhere_in_a_reading(self) -> None:
        reading = Reading(
            observations=(self.scan("At The Shop"), self.scan("other"), self.scan("at the shop", "delivered")),
            routed=(Routed(route="a", observations=(self.scan("at the shop"),)),),
            unmapped=("At The Shop", "other", "on-hold"),
        )
        found, left = mapped(reading, {"status.at the shop": "ready_for_pickup", "status.x": "eaten"})
        assert [one.status for one in found.observations] == ["ready_for_pickup", "unknown", "delivered"]
        assert found.routed[0].observations[0].status == "ready_for_pickup"
        assert left == (("other", True), ("on-hold", False))

    def test_without_settings_a_reading_is_what_it_was(self) -> None:
        reading = Reading(observations=(self.scan("a"),))
        assert mapped(reading, {"url": "x"}) == (reading, ())
        assert "unknown" not in STATUSES


class TestCredentials:
    def until(self, left: timedelta, life: timedelta = 90 * DAY) -> dict[str, tuple[datetime, datetime]]:
        return {"licence": (NOW + left, NOW + left - life)}

    @pytest.mark.parametrize(
        ("left", "life", "stages"),
        [(15 * DAY, 90 * DAY, []), (14 * DAY, 90 * DAY, ["soon"]), (3 * DAY, 90 * DAY, ["last"]),
         (-DAY, 90 * DAY, ["last"]), (2 * DAY, 3 * DAY, []), (DAY, 3 * DAY, ["soon"]), (HOUR, 3 * DAY, ["last"])],
    )  # fmt: skip
    def test_they_are_told_twice(self, left: timedelta, life: timedelta, stages: list[str]) -> None:
        assert [one.stage for one in expiring(self.until(left, life), NOW)] == stages

    def test_tokens_that_are_renewed_by_themselves_are_nobodys_business(self) -> None:
        assert expiring({"access_token": (NOW - DAY, NOW - 2 * DAY)}, NOW) == []


FINE = Known(id="oms", now=NOW, real=NOW, standing=("poll",), last=NOW - MINUTE)


def errand(kind: Any = "poll", **more: Any) -> Errand:
    values = {"ok_at": NOW - MINUTE, "due_at": NOW + MINUTE, "latest_at": NOW, "since": NOW - DAY, "found": 3} | more
    return Errand(connection="oms", kind=kind, **values)


def failing(why: Why, since: timedelta, kind: Any = "poll", **more: Any) -> Errand:
    return errand(kind, why=why, reason="status 500", failing_since=NOW - since, tries=3, **more)


CASES: list[tuple[Known, set[tuple[str, str]]]] = [
    (replace(FINE, errands=(errand(),)), {("ok", "asked"), ("ok", "heard")}),
    (replace(FINE, errands=(errand(ok_at=None),)), {("ok", "waits"), ("ok", "heard")}),
    (replace(FINE, errands=(errand(ok_at=NOW - 2 * HOUR, due_at=NOW - HOUR),)), {("warning", "late"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("login", MINUTE),)), {("error", "failing"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("provider", MINUTE),)), {("warning", "failing"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("provider", HOUR),)), {("error", "failing"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("rate", MINUTE),)), {("ok", "held"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("rate", HOUR),)), {("error", "failing"), ("ok", "heard")}),
    (replace(FINE, errands=(errand("backfill"),)), {("ok", "backfill"), ("ok", "heard")}),
    (replace(FINE, errands=(errand("fetch", ref="1"),)), {("ok", "fetches"), ("ok", "heard")}),
    (replace(FINE, errands=(failing("provider", HOUR, "fetch", ref="1"),)), {("warning", "fetches"), ("ok", "heard")}),
    (
        replace(FINE, errands=(failing("request", HOUR, "fetch", ref="1", due_at=None),)),
        {("warning", "given_up"), ("ok", "heard")},
    ),
    (
        replace(FINE, errands=(errand("check", findings=[{"level": "error", "what": "no scope", "do": "tick it"}]),)),
        {("error", "told"), ("ok", "heard")},
    ),
    (replace(FINE, lacking=("token",)), {("warning", "lacking"), ("ok", "heard")}),
    (replace(FINE, lacking=("token",), only_polled=True), {("error", "lacking"), ("ok", "heard")}),
    (replace(FINE, unreachable=True), {("warning", "no_webhooks"), ("ok", "heard")}),
    (replace(FINE, last=None), {("ok", "unheard")}),
    (replace(FINE, last=None, standing=()), {("warning", "unheard")}),
    (replace(FINE, missed=5.0), {("warning", "silent")}),
    (replace(FINE, states={"new": 2, "dead": 1, "parked": 4}), {("ok", "queued"), ("error", "dead"),
                                                               ("error", "parked"), ("ok", "heard")}),
    (replace(FINE, refused=3, refused_at=NOW - HOUR), {("warning", "refused"), ("ok", "heard")}),
    (replace(FINE, refused=3, refused_at=NOW - HOUR, last=None), {("error", "refused"), ("ok", "unheard")}),
    (replace(FINE, refused=3, refused_at=NOW - 2 * DAY), {("ok", "heard")}),
    (replace(FINE, unmapped=(("at the shop", 3, True), ("odd", 1, False))), {("warning", "unmapped"), ("ok", "heard")}),
    (replace(FINE, strays={"owner-9": 2}), {("error", "stray"), ("ok", "heard")}),
    (replace(FINE, strays={"owner-9": 2}, ownerless=2, states={"parked": 2}), {("error", "stray"), ("ok", "heard")}),
    (replace(FINE, strays={"a": 2, "b": 2}, ownerless=2, states={"parked": 3}),
     {("error", "stray"), ("error", "parked"), ("ok", "heard")}),
    (replace(FINE, mails=True), {("ok", "mails"), ("ok", "heard")}),
    (replace(FINE, until={"licence": (NOW + 5 * DAY, NOW - 85 * DAY)}), {("warning", "expires"), ("ok", "heard")}),
    (replace(FINE, until={"licence": (NOW - DAY, NOW - 90 * DAY)}), {("error", "expired"), ("ok", "heard")}),
]  # fmt: skip


@pytest.mark.parametrize(("known", "expected"), CASES)
def test_notes_of_what_is_known(known: Known, expected: set[tuple[str, str]]) -> None:
    found = notes(known)
    assert {(one.level, one.kind) for one in found} == expected
    assert [one.level for one in found] == sorted((one.level for one in found), key=["error", "warning", "ok"].index)
    assert worst(found) == found[0].level


def test_every_note_can_be_made_and_has_words() -> None:
    assert {note.kind for known, _ in CASES for note in notes(known)} - {"told"} == set(WORDS)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_words_leave_no_slot_open(locale: Any) -> None:
    for note in (note for known, _ in CASES for note in notes(known)):
        told = said(note, "oms", locale, zone=ZoneInfo("Asia/Tokyo"))
        for text in filter(None, (told.brief, told.what, told.do)):
            assert not {"{", "}"} & set(text), text
            assert "None" not in text
        if note.kind in WORDS and note.level != "ok" and note.kind not in {"no_webhooks", "fetches"}:
            assert told.brief, "a list says it in a few words"
        slots = {name for _, name, _, _ in string.Formatter().parse(told.what) if name}
        assert slots == set()


ERRANDS: tuple[Kind, ...] = ("poll", "check")
FAILED = [
    Note(level="error", kind="failing", values={"errand": kind, "why": why, "reason": "x", "since": NOW, "again": NOW})
    for why in get_args(Why) for kind in ERRANDS
]  # fmt: skip


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_whatever_is_not_well_says_what_to_do(locale: Any) -> None:
    troubles = [note for known, _ in CASES for note in notes(known) if note.level != "ok"] + FAILED
    for note in troubles:
        told = said(note, "oms", locale)
        assert told.do, note
        assert told.typed == told.do.startswith(("todoke ", "export ")), note
        if note.kind != "told" and not told.typed:
            assert bool(JAPANESE.search(told.do)) == (locale == "ja"), told.do


def test_notes_stand_in_a_table_alike() -> None:
    for note in (note for known, _ in CASES for note in notes(known)):
        english = said(note, "oms", "en")
        for text in filter(None, (english.what, None if english.typed else english.do)):
            assert text[0].isupper() or text[0].isdigit(), text
            assert not text.endswith("."), text
        assert not said(note, "oms", "ja").what.endswith("。")


def test_a_status_is_quoted_for_the_shell() -> None:
    note = Note(level="warning", kind="unmapped", values={"status": "It's $(odd)", "count": 1, "scan": True})
    told = said(note, "oms", "en").do
    assert told == """todoke connections set oms 'status.It'"'"'s $(odd)=STATUS'"""
