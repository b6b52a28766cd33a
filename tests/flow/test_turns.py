"""Turns: whoever has something due is served once before anybody is served twice, and nobody who has just come waits
for a backlog. Pure logic over a line of numbers, then the same over real tables on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from engine.flow import claims, turns
from engine.flow.accept import keep
from engine.flow.send import deliver
from engine.flow.turns import AIM, ALONE, LEAST, Turns
from engine.model.merchant import MerchantSettings
from tests.flow.house import Desk, House
from tests.flow.orders import order

COPY = """INSERT INTO message (public_id, merchant_id, subject_id, journey, digest, step, run_key, recipient,
    occurrence, event_key, anchor, template, purpose, lane, status, planned_at, due_at, expires_at, fence, tries)
    SELECT 'copy-' || :lane || '-' || merchant_id || '-' || CAST(:n AS text), merchant_id, subject_id, journey, digest,
    step, run_key, recipient, 'copy:' || :lane || ':' || CAST(:n AS text), event_key, anchor, template, purpose, :lane,
    'planned', planned_at, due_at, expires_at, 0, 0 FROM message WHERE occurrence = '1'"""


class Queue:
    """What waits, in memory: pieces by owner, the oldest owner first."""

    def __init__(self, waiting: dict[int, int], rooms: dict[int, int] | None = None) -> None:
        self.waiting, self.rooms = Counter(waiting), rooms or {}

    def few(self, most):
        every = [key for key, many in self.waiting.items() for _ in range(many)]
        return every[:most], len(every) < most

    def everyone(self):
        return sorted(key for key, many in self.waiting.items() if many)

    def room(self, key):
        return self.rooms.get(key)

    def take(self, key, most):
        keys = [key] if key is not None else list(self.waiting)
        taken = [one for one in keys for _ in range(self.waiting[one])][:most]
        self.waiting.subtract(taken)
        return taken


waiting = st.dictionaries(st.integers(1, 30), st.integers(1, 60), min_size=1, max_size=12)


@given(waiting, st.integers(LEAST, 40), st.floats(0, 0.99))
def test_everybody_is_served_before_anybody_is_served_twice(pieces, most, start):
    queue, line = Queue(pieces), Turns(lambda: 0.0, start)
    served: list[list[int]] = []
    while taken := line.claim(queue, most):
        served.append(sorted(set(taken)))
        assert len(taken) <= most
    assert not queue.waiting.total()
    if sum(pieces.values()) > most:
        seen: set[int] = set()
        for keys in served:
            again = [key for key in keys if key in seen]
            assert not again or seen == set(pieces), (keys, seen, pieces)
            seen |= set(keys)


@given(waiting, st.integers(1, 60))
def test_whoever_comes_into_a_backlog_is_served_next(pieces, few):
    queue, now = Queue({99: 500, **pieces}), [0.0]
    line = Turns(lambda: now[0])
    served: set[int] = set()
    while served != {99, *pieces}:
        served |= set(line.claim(queue, 20))
    queue.waiting[77] = few
    now[0] += 1.0  # the list of those who wait is old by now
    assert 77 in line.claim(queue, 20)


def test_who_has_much_has_the_batch_alone_and_those_who_have_little_share_one():
    queue, line = Queue({1: 500, 2: 1, 3: 1, 4: 1}), Turns(lambda: 0.0)
    assert set(line.claim(queue, 100)) == {1}
    assert sorted(line.claim(queue, 100)) == [2, 3, 4]
    assert set(line.claim(queue, 100)) == {1}


def test_one_merchant_alone_gets_whole_batches():
    queue, line = Queue({1: 250}), Turns(lambda: 0.0)
    assert [len(line.claim(queue, 100)) for _ in range(4)] == [100, 100, 50, 0]


def test_one_who_is_alone_gets_no_more_than_a_newcomer_may_wait_for():
    queue, now = Queue({1: 10_000}), [0.0]
    line = Turns(lambda: now[0])
    for _ in range(20):
        taken = line.claim(queue, 1000)
        with line.serving(Counter(taken)) as mine:
            now[0] += 0.001 * len(taken)
            assert not mine.much
    assert len(line.claim(queue, 1000)) == pytest.approx(1000 * ALONE, abs=1)


def test_who_has_much_gives_way_though_nobody_is_about_where_that_leaves_no_place_empty():
    queue, line = Queue({1: 500}), Turns(lambda: 0.0)
    line.polite = True
    with line.serving(Counter(line.claim(queue, 100))) as mine:
        assert mine.much
        assert not line.crowded


def test_a_slice_is_as_long_as_it_should_take():
    queue, now = Queue({1: 10_000, 2: 10_000}), [0.0]
    line = Turns(lambda: now[0])
    for _ in range(20):
        taken = line.claim(queue, 100)
        with line.serving(Counter(taken)):
            now[0] += 0.001 * len(taken) * taken[0]  # a piece of the second takes twice as long
    sizes = {}
    for _ in range(2):
        taken = line.claim(queue, 100)
        sizes[taken[0]] = len(taken)
    assert sizes == {1: pytest.approx(1000 * AIM, abs=1), 2: pytest.approx(500 * AIM, abs=1)}


def test_no_more_is_taken_than_there_is_room_for():
    queue, line = Queue({1: 30, 2: 30}, rooms={1: 0, 2: 7}), Turns(lambda: 0.0)
    assert Counter(line.claim(queue, 100)) == {2: 7}
    queue.rooms[2] = 0
    assert line.claim(queue, 100) == []


def test_threads_are_left_for_those_who_have_little():
    queue, line = Queue({1: 500, 2: 3}), Turns(lambda: 0.0)
    line.at_once = 1
    assert set(line.claim(queue, 20)) == {1}
    with line.serving({1: 20}) as mine:
        assert mine.much
        assert set(line.claim(queue, 20)) == {2}
        assert line.claim(queue, 20) == []
        queue.waiting[3] = 1
        assert line.claim(queue, 20) == [3]
    assert set(line.claim(queue, 20)) == {1}


def test_whoever_looks_for_those_who_have_little_has_their_turn_in_hand():
    queue, line = Queue({1: 500, 2: 3}), Turns(lambda: 0.0)
    line.at_once = 1
    line.claim(queue, 20)
    assert line.has_much(1)
    with line.serving({1: 20}):
        assert line.claim(queue, 20) == [2, 2, 2]
        assert not line.others(queue)
        queue.waiting[3] = 1
        assert line.others(queue)
        queue.few = queue.everyone = None
        assert line.claim(queue, 20) == [3]
    assert not line.has_much(3)


def test_whoever_has_just_come_is_claimed_before_the_next_slice_though_a_list_is_good():
    queue, line = Queue({1: 500, 2: 500}), Turns(lambda: 0.0)
    assert set(line.claim(queue, 20)) == {1}
    assert set(line.claim(queue, 20)) == {2}
    queue.waiting[3] = 1
    assert line.much
    line.look_again()
    assert not line.much
    assert line.claim(queue, 20) == [3]


@pytest.fixture
def town(tmp_path, database, monkeypatch):
    """A house with a second merchant, "kobo", and her connection "kiln"; its post is a desk. No list of those who
    wait is kept, so that nothing here depends on how fast it runs."""
    monkeypatch.setattr(turns, "STALE", 0.0)
    desk = Desk()
    house = House(tmp_path, post=lambda _: desk, channel="smtp", batch=20)
    house.kobo = house.add_merchant("kobo", MerchantSettings(from_email="shop@kobo.example"))
    house.connect("kiln", "standard", merchant=house.kobo)
    house.connect("kiln-mail", "smtp", role="channel", merchant=house.kobo, secrets={"url": ("smtp://127.0.0.1:1",)})
    house.desk = desk
    yield house
    house.close()


def copies(house: House, many: int, lane: int = 0) -> None:
    """As many due messages more of the first merchant, in that lane."""
    with house.app.store.begin(house.merchant.id) as tx:
        tx.conn.execute(text(COPY), [{"n": str(n), "lane": lane} for n in range(many)])


def kiln(house: House, number: int) -> None:
    body = msgspec.json.encode((order(number=f"#{number}"),))
    keep(house.app, [replace(house.raw(body, "kiln", merchant=house.kobo))])


def merchants_of(rows) -> list[int]:
    return list(dict.fromkeys(row.merchant_id for row in rows))


def test_a_burst_of_one_merchant_lets_the_other_through(town):
    town.tell(order())
    copies(town, 300)
    assert claims.messages(town.app)[1]
    kiln(town, 7)
    town.observe()
    seen = []
    for _ in range(3):
        _, rows = claims.messages(town.app)
        seen += merchants_of(rows)
    assert town.kobo.id in seen
    assert seen.count(town.merchant.id) >= 1


def test_deliveries_of_the_other_connection_do_not_wait_for_a_burst(town):
    keep(town.app, [town.raw(msgspec.json.encode((order(number=f"#{n}"),))) for n in range(200)])
    kiln(town, 7)
    taken = [claims.deliveries(town.app) for _ in range(2)]
    assert "kiln" in {raw.connection for batch in taken for raw in batch}
    mine = [raw.id for batch in taken for raw in batch if raw.connection == "shop"]
    assert mine == sorted(mine)
    assert mine[0] == 1


def test_lane_0_goes_first_and_lane_1_is_not_starved(town):
    town.tell(order())
    copies(town, 400)
    copies(town, 100, lane=1)
    lanes = [claims.messages(town.app)[0] for _ in range(16)]
    assert lanes.count(1) == 2
    assert lanes[0] == 0


def test_a_lane_can_be_worked_on_alone(town):
    town.tell(order())
    copies(town, 30)
    copies(town, 30, lane=1)
    while deliver(town.app, 1):
        pass
    assert len(town.desk.handed) == 30
    while deliver(town.app, 0):
        pass
    assert len(town.desk.handed) == 61
    assert town.rows("SELECT count(*) n FROM message WHERE status = 'planned'")[0].n == 0


def test_lane_0_tells_of_lane_1(town):
    town.tell(order())
    copies(town, 1, lane=1)
    hinted = []
    town.app.hints.deliver = hinted.append
    deliver(town.app, 0)
    assert hinted == [1]


def left_behind(town) -> Any:
    """The row of a claimed message whose worker is gone."""
    town.tell(order())
    _, (row,) = claims.messages(town.app)
    assert claims.messages(town.app)[1] == []
    past = town.app.clock.real() - timedelta(hours=1)
    with town.app.store.begin() as tx:
        tx.conn.execute(text("UPDATE message SET lease_until = :past"), {"past": past.strftime("%Y-%m-%d %H:%M:%S.%f")})
    return row


@pytest.mark.parametrize("lane", [0, 1])
@pytest.mark.parametrize("asked", [0, None])
def test_a_lease_that_ran_out_does_not_wait_for_the_end_of_a_backlog(town, lane, asked):
    row = left_behind(town)
    copies(town, 600, lane=lane)
    claimed = {one.id: one.fence for _ in range(3) for one in claims.messages(town.app, asked)[1]}
    assert claimed[row.id] == row.fence + 1


def test_a_lease_that_ran_out_is_found_though_nothing_is_due(town):
    row = left_behind(town)
    _, again = claims.messages(town.app, 1), claims.messages(town.app, 0)[1]
    assert [one.fence for one in again] == [row.fence + 1]
