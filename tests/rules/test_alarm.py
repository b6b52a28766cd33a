"""What alarms follow from a picture; and that nobody but the figures decides."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.alarm import (
    KINDS,
    Alarm,
    Credential,
    FailingHook,
    HeldAccount,
    Paused,
    Picture,
    Sent,
    Source,
    Troubled,
    Unanswered,
    Unread,
    Waiting,
    alarms,
    lasting,
)
from engine.rules.alarm_words import WORDS, span, words
from engine.rules.credentials import expiring
from tests.rules.test_rhythm import ALWAYS, weeks

NOW = datetime(2026, 6, 29, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALM = Picture(now=NOW, before=NOW - timedelta(seconds=30), worker=timedelta(seconds=12), slugs={1: "hana"})
RHYTHM, LAST = weeks(ALWAYS)


def queue(name: str, minutes: float, count: int = 3) -> tuple[Waiting, ...]:
    return (Waiting(queue=name, count=count, oldest=NOW - minutes * MINUTE),)


def account(held_for: str, trips: int = 1) -> tuple[HeldAccount, ...]:
    return (HeldAccount(connection="mail", merchant=1, held_for=held_for, held_until=NOW, trips=trips),)


def sent(**figures) -> tuple[Sent, ...]:
    return (Sent(**({"merchant": 1, "journey": "shipped", "accepted": 5, "messages": 5} | figures)),)


def unanswered(why: str, minutes: float) -> tuple[Unanswered, ...]:
    told = "status 401" if why == "login" else "status 502"
    return (Unanswered(connection="oms", merchant=1, errand="poll", why=why, reason=told, lasting=minutes * MINUTE),)


def hook(*, disabled):
    return (FailingHook(hook="hook_1", merchant=1, disabled=disabled, since=NOW, reason="status 500"),)


def runs_out(days: float, life: float = 90, name: str = "licence") -> tuple[Credential, ...]:
    at = NOW + timedelta(days=days)
    found = expiring({name: (at, at - timedelta(days=life))}, NOW)
    return tuple(Credential(connection="oms", merchant=1, expiring=one) for one in found)


CASES = [
    (CALM, set()),
    (replace(CALM, waiting=queue("transactional", 9)), set()),
    (replace(CALM, waiting=queue("transactional", 10)), {("backlog", "transactional")}),
    (replace(CALM, waiting=queue("service", 59)), set()),
    (replace(CALM, waiting=queue("service", 60)), {("backlog", "service")}),
    (replace(CALM, waiting=queue("inbox", 11)), {("backlog", "inbox")}),
    # Business time has jumped: nothing of this was due when somebody last looked.
    (replace(CALM, before=NOW - timedelta(days=2), waiting=queue("inbox", 600)), set()),
    (replace(CALM, before=None, waiting=queue("inbox", 600)), set()),
    (replace(CALM, worker=timedelta(minutes=2), waiting=queue("inbox", 3)), {("workers_absent", "installation")}),
    (replace(CALM, worker=None, waiting=queue("inbox", 3)), {("workers_absent", "installation")}),
    (replace(CALM, worker=None, waiting=queue("inbox", 1)), set()),
    (replace(CALM, worker=None), set()),
    (
        replace(CALM, troubled=(Troubled(merchant=1, journey="shipped", status="unknown", count=2),)),
        {("unknown", "hana/shipped")},
    ),
    (
        replace(CALM, troubled=(Troubled(merchant=1, journey="shipped", status="dead", count=2),)),
        {("dead", "hana/shipped")},
    ),
    (
        replace(CALM, unread=(Unread(connection="c", merchant=None, state="parked", count=1),)),
        {("dead_deliveries", "c/parked")},
    ),
    (replace(CALM, accounts=account("rate", 9)), set()),  # being asked to be slower is no trouble
    (replace(CALM, accounts=account("quota")), {("account_held", "mail")}),
    (replace(CALM, accounts=account("account")), {("account_held", "mail")}),
    (replace(CALM, accounts=account("provider", 2)), set()),
    (replace(CALM, accounts=account("provider", 3)), {("breaker_open", "mail")}),
    (
        replace(CALM, paused=(Paused(by="volume_fuse", merchant=1, journey="shipped", at=NOW),)),
        {("volume_fuse", "hana/shipped")},
    ),
    (
        replace(CALM, paused=(Paused(by="restore_fence", merchant=None, journey=None, at=NOW),)),
        {("restore_fence", "installation")},
    ),
    (replace(CALM, sent=sent()), set()),
    (replace(CALM, sent=sent(twice=("m_a",))), {("recipient_twice", "hana/shipped")}),
    (replace(CALM, sent=sent(accepted=6)), {("more_than_planned", "hana/shipped")}),
    (replace(CALM, sent=sent(most=5)), set()),
    (replace(CALM, sent=sent(most=6)), {("more_than_planned", "hana/shipped")}),
    (replace(CALM, waiting=queue("outbound", 11)), {("backlog", "outbound")}),
    (replace(CALM, unanswered=unanswered("login", 0)), {("login_refused", "oms")}),
    (replace(CALM, unanswered=unanswered("request", 0)), {("not_answered", "oms/poll")}),
    (replace(CALM, unanswered=unanswered("provider", 29)), set()),
    (replace(CALM, unanswered=unanswered("provider", 30)), {("not_answered", "oms/poll")}),
    (replace(CALM, hooks=hook(disabled=False)), {("hook_failing", "hook_1")}),
    (replace(CALM, hooks=hook(disabled=True)), {("hook_disabled", "hook_1")}),
    (replace(CALM, credentials=runs_out(15)), set()),
    (replace(CALM, credentials=runs_out(13)), {("credential_expires", "oms/licence/soon")}),
    (replace(CALM, credentials=runs_out(2.5)), {("credential_expires", "oms/licence/last")}),
    (replace(CALM, credentials=runs_out(-1)), {("credential_expires", "oms/licence/last")}),
    (replace(CALM, credentials=runs_out(2, life=3)), set()),  # renewed every day, and good for three
    (replace(CALM, credentials=runs_out(1, life=3)), {("credential_expires", "oms/licence/soon")}),
    (replace(CALM, credentials=runs_out(0.01, life=0.04, name="access_token")), set()),
    (
        replace(
            CALM,
            now=LAST + timedelta(hours=6),
            sources=(Source(connection="shop", merchant=1, last=LAST, rhythm=RHYTHM),),
        ),
        {("silent", "shop")},
    ),
]


@pytest.mark.parametrize(("picture", "expected"), CASES)
def test_alarms_of_a_picture(picture, expected):
    found = alarms(picture, backlog=10 * MINUTE)
    assert {(one.kind, one.about) for one in found} == expected


def test_every_kind_can_be_raised_and_is_written_about():
    raised = {one.kind for picture, _ in CASES for one in alarms(picture, backlog=10 * MINUTE)}
    assert raised == set(KINDS) == set(WORDS)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_words_have_every_figure_and_leave_no_slot_open(locale):
    for picture, _ in CASES:
        for alarm in alarms(picture, backlog=10 * MINUTE):
            said = words(alarm.kind, alarm.values, locale, zone=ZoneInfo("Asia/Tokyo"))
            index = 2 if locale == "ja" else 3
            slots = {name for _, name, _, _ in string.Formatter().parse(WORDS[alarm.kind][index]) if name}
            for name in slots & set(alarm.values):
                if isinstance(alarm.values[name], int):
                    assert str(alarm.values[name]) in said.text, said
            for part in (said.title, said.text, said.then):
                assert part
                assert not {"{", "}"} & set(part)
                assert "None" not in part
            assert "  " not in said.then.replace('"', "")


def test_an_alarm_is_named_by_kind_and_what_it_is_about():
    assert Alarm("dead", "a", 1, {"count": 1}) == Alarm("dead", "a", 1, {"count": 2})
    assert Alarm("dead", "a", 1) != Alarm("dead", "b", 1)


def test_what_happened_in_passing_stays_for_a_day():
    assert {kind for kind in KINDS if lasting(kind) == timedelta(days=1)} == {"recipient_twice", "more_than_planned"}


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 600))
def test_a_backlog_that_is_an_alarm_stays_one_as_it_grows_older(minutes, more, limit):
    def told(age):
        picture = replace(CALM, waiting=queue("transactional", age))
        return {one.kind for one in alarms(picture, backlog=limit * MINUTE)}

    assert told(minutes) <= told(minutes + more)
    assert ("backlog" in told(minutes)) == (minutes >= limit)


@pytest.mark.parametrize(
    ("minutes", "ja", "en"),
    [(0, "0分", "0 min"), (59, "59分", "59 min"), (60, "1時間", "1 h"), (95, "1時間35分", "1 h 35 min"),
     (1440, "1日", "1 d"), (1505, "1日1時間", "1 d 1 h")],
)  # fmt: skip
def test_spans_as_people_say_them(minutes, ja, en):
    assert (span(minutes, "ja"), span(minutes, "en")) == (ja, en)
