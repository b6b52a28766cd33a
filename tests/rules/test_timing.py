"""When something is due: plain waits, local hours, clocks that change, business days, quiet hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.spans import clock, span, written
from engine.rules.calendar import JAPAN, Calendar, business_days_after
from engine.rules.timing import at_local, due, next_local, quiet_until

TOKYO, NEW_YORK, LORD_HOWE, APIA = (
    ZoneInfo(name) for name in ("Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
)
TEN = time(10)


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


# Each row: zone, anchor on the wall, wait in hours, until, what the wall and its offset then show.
DUE = [
    (TOKYO, "2026-11-16 09:00", 168, TEN, "2026-11-23 10:00 +0900"),
    (TOKYO, "2026-11-16 10:00", 168, TEN, "2026-11-23 10:00 +0900"),
    (TOKYO, "2026-11-16 10:01", 168, TEN, "2026-11-24 10:00 +0900"),
    (TOKYO, "2026-12-31 23:59", 1, TEN, "2027-01-01 10:00 +0900"),
    (TOKYO, "2028-02-28 12:00", 24, None, "2028-02-29 12:00 +0900"),
    (
        NEW_YORK,
        "2026-03-07 09:30",
        24,
        TEN,
        "2026-03-09 10:00 -0400",
    ),  # the hour is lost: it is 10:30 already
    (NEW_YORK, "2026-03-07 09:30", 24, None, "2026-03-08 10:30 -0400"),
    (NEW_YORK, "2026-03-07 22:00", 1, time(2, 30), "2026-03-08 03:00 -0400"),  # 2:30 is skipped
    (NEW_YORK, "2026-10-31 22:00", 1, time(1, 30), "2026-11-01 01:30 -0400"),  # comes twice: the first
    (NEW_YORK, "2026-10-31 10:30", 24, TEN, "2026-11-01 10:00 -0500"),  # an hour is won
    (NEW_YORK, "2026-10-31 10:30", 24, None, "2026-11-01 09:30 -0500"),
    (LORD_HOWE, "2026-10-03 20:00", 1, time(2, 15), "2026-10-04 02:30 +1100"),  # half an hour is skipped
    (LORD_HOWE, "2026-10-03 20:00", 1, time(2, 30), "2026-10-04 02:30 +1100"),
    (LORD_HOWE, "2026-04-04 20:00", 1, time(1, 45), "2026-04-05 01:45 +1100"),  # half an hour comes twice
    (LORD_HOWE, "2026-04-04 09:00", 24, TEN, "2026-04-05 10:00 +1030"),
    (APIA, "2011-12-29 20:00", 1, TEN, "2011-12-31 00:00 +1400"),  # the whole of 30 December was skipped
]


@pytest.mark.parametrize(("zone", "anchor", "hours", "until", "expected"), DUE)
def test_due(zone, anchor, hours, until, expected):
    moment = due(at(anchor, zone), wait=timedelta(hours=hours), until=until, zone=zone)
    assert moment.tzinfo is UTC
    assert f"{moment.astimezone(zone):%Y-%m-%d %H:%M %z}" == expected


MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ZONES = st.sampled_from([TOKYO, NEW_YORK, LORD_HOWE, ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu")])
CLOCKS = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))


@given(MOMENTS, CLOCKS, ZONES)
def test_the_next_local_time_is_the_nearest_and_shows_the_clock(moment, wanted, zone):
    found = next_local(moment, wanted, zone)
    assert moment <= found <= moment + timedelta(hours=26)
    wall = found.astimezone(zone)
    if wall.time() != wanted:  # skipped on that day: one second earlier the clock showed less than was wanted
        before = (found - timedelta(seconds=1)).astimezone(zone)
        assert before.time() < wanted < wall.time()
        assert before.utcoffset() != wall.utcoffset()
    assert next_local(found, wanted, zone) == found


@given(MOMENTS, CLOCKS, ZONES)
def test_a_local_time_that_comes_twice_is_its_first(moment, wanted, zone):
    found = at_local(moment.date(), wanted, zone)
    for earlier in (timedelta(minutes=30), timedelta(hours=1)):
        assert (found - earlier).astimezone(zone).replace(tzinfo=None) != datetime.combine(moment.date(), wanted)


BUSINESS = [
    ("2026-11-20", 1, "2026-11-24"),  # Friday; Monday is 勤労感謝の日
    ("2026-11-21", 1, "2026-11-24"),
    ("2026-04-28", 3, "2026-05-07"),  # Golden Week, with the holiday that moved to 6 May
    ("2026-12-28", 1, "2027-01-04"),
    ("2026-11-16", 5, "2026-11-24"),
]


@pytest.mark.parametrize(("day", "count", "expected"), BUSINESS)
def test_business_days_in_japan(day, count, expected):
    assert business_days_after(date.fromisoformat(day), count, JAPAN).isoformat() == expected


def test_a_merchant_closes_and_opens_as_it_likes():
    own = Calendar(closed=frozenset({date(2026, 11, 17)}), opened=frozenset({date(2026, 11, 21)}))
    assert business_days_after(date(2026, 11, 16), 1, own) == date(2026, 11, 18)
    assert business_days_after(date(2026, 11, 20), 1, own) == date(2026, 11, 21)
    assert Calendar(country=None, yearly=frozenset()).is_open(date(2026, 11, 23))


def test_who_never_opens_is_told_so():
    shut = Calendar(closed=frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(800)))
    with pytest.raises(ValueError, match="check the closing days"):
        business_days_after(date(2026, 1, 1), 1, shut)


def test_business_days_keep_the_time_of_the_day():
    anchor = at("2026-11-20 18:20", TOKYO)
    assert due(anchor, business_days=2, zone=TOKYO) == at("2026-11-25 18:20", TOKYO)
    assert due(anchor, business_days=2, until=TEN, zone=TOKYO) == at("2026-11-26 10:00", TOKYO)


QUIET = [
    (TOKYO, "2026-11-16 20:59", None),
    (TOKYO, "2026-11-16 21:00", "2026-11-17 08:00"),
    (TOKYO, "2026-11-17 00:00", "2026-11-17 08:00"),
    (TOKYO, "2026-11-17 07:59", "2026-11-17 08:00"),
    (TOKYO, "2026-11-17 08:00", None),
    (NEW_YORK, "2026-03-07 22:00", "2026-03-08 08:00"),
    (NEW_YORK, "2026-10-31 22:00", "2026-11-01 08:00"),
]


@pytest.mark.parametrize(("zone", "now", "expected"), QUIET)
def test_quiet_hours(zone, now, expected):
    assert quiet_until(at(now, zone), zone) == (at(expected, zone) if expected else None)


def test_quiet_hours_within_a_day_and_none_at_all():
    noon = at("2026-11-16 12:30", TOKYO)
    assert quiet_until(noon, TOKYO, time(12), time(13)) == at("2026-11-16 13:00", TOKYO)
    assert quiet_until(noon, TOKYO, time(14), time(15)) is None
    assert quiet_until(noon, TOKYO, time(12), time(12)) is None


@given(MOMENTS, ZONES)
def test_after_the_quiet_hours_it_is_not_quiet(moment, zone):
    ends = quiet_until(moment, zone)
    if ends:
        assert moment < ends <= moment + timedelta(hours=12)
        assert quiet_until(ends, zone) is None


@given(st.integers(1, 400 * 24 * 60))
def test_a_span_is_written_as_it_is_read(minutes):
    length = timedelta(minutes=minutes)
    text = written(length)
    assert len(text) > 6 or span(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5h", "7D", "7d ", "７d", "1w", "99999d", "007d"])
def test_what_is_no_span(text):
    with pytest.raises(ValueError, match=r"span|longer"):
        span(text)


@pytest.mark.parametrize("text", ["24:00", "9:00", "10:60", "1000", "10:00:00", "１０:００"])
def test_what_is_no_clock_time(text):
    with pytest.raises(ValueError, match="time of the day"):
        clock(text)
