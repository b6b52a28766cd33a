"""A place is handed on in the order of asking, to those who come back before the others and to those who give way after
them, none waiting for ever."""

from __future__ import annotations

import ctypes
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest
from sqlalchemy import text

from engine.store.place import OTHERS_FIRST, Place
from engine.store.session import Tx
from tests.flow.house import House


def stand(writer: Place, names: list[str], order: list[str]) -> list[Thread]:
    """One thread for each name, in this order; those named "-" give way."""
    threads = []
    for name in names:

        def work(name: str = name) -> None:
            if name.startswith("-"):
                with writer.giving_way(), writer:
                    order.append(name)
            else:
                with writer:
                    order.append(name)

        thread = Thread(target=work)
        before = len(writer._first) + len(writer._last)
        thread.start()
        while len(writer._first) + len(writer._last) == before:
            time.sleep(0.001)
        threads.append(thread)
    return threads


def asked(names: list[str]) -> list[str]:
    writer, order, ready, go = Place(), list[str](), Event(), Event()

    def hold() -> None:
        with writer:
            ready.set()
            go.wait()

    holder = Thread(target=hold)
    holder.start()
    ready.wait()
    threads = stand(writer, names, order)
    go.set()
    for thread in (holder, *threads):
        thread.join(10)
    return order


def test_who_asked_first_writes_first():
    assert asked(["a", "b", "c", "d"]) == ["a", "b", "c", "d"]


def test_who_gives_way_stands_behind_all_others():
    assert asked(["-much", "a", "b", "-more"]) == ["a", "b", "-much", "-more"]


def test_who_gives_way_is_not_passed_for_ever():
    many = [str(n) for n in range(OTHERS_FIRST + 5)]
    order = asked(["-much", *many])
    assert order.index("-much") == OTHERS_FIRST
    assert sorted(order) == sorted(["-much", *many])


def test_whoever_holds_it_may_enter_again_and_only_for_its_own_part_gives_way():
    writer = Place()
    with writer, writer.giving_way(), writer:
        pass
    assert asked(["a"]) == ["a"]
    with writer:
        pass


def test_a_place_is_free_while_its_owner_waits_outside_and_taken_again_afterwards():
    place, order = Place(), list[str]()
    began, outside, back = Event(), Event(), Event()

    def first() -> None:
        with place, place:
            began.set()
            assert outside.wait(10)
            order.append("first")
            with place.outside():
                assert back.wait(10)
            order.append("first again")

    def second() -> None:
        assert began.wait(10)
        outside.set()
        with place:
            order.append("second")
        back.set()

    join([Thread(target=work) for work in (first, second)])
    assert order == ["first", "second", "first again"]


def test_whoever_comes_back_goes_before_those_who_ask():
    place, order = Place(), list[str]()
    outside, back = Event(), Event()

    def first() -> None:
        with place:
            with place.outside():
                outside.set()
                assert back.wait(10)
            order.append("first again")

    returning = Thread(target=first)
    returning.start()
    assert outside.wait(10)
    with place:
        asking = stand(place, ["second", "third"], order)
        back.set()
        while not place._back:
            time.sleep(0.001)
    for thread in (returning, *asking):
        thread.join(20)
    assert order == ["first again", "second", "third"]


def between(much: bool) -> list[str]:
    """What is done in which order where one thread works on two pieces, and another comes during the first."""
    place, order, began = Place(), list[str](), Event()

    def pieces() -> None:
        with ExitStack() as held:
            held.enter_context(place)  # before it is known how much there is
            if much:
                held.enter_context(place.giving_way())
            held.enter_context(place)
            began.set()
            while not place._first:
                time.sleep(0.001)
            order.append("piece")
            place.let_by()
            order.append("piece")

    def other() -> None:
        assert began.wait(10)
        with place:
            order.append("other")

    join([Thread(target=work) for work in (pieces, other)])
    return order


def test_between_two_pieces_of_much_work_whoever_waits_goes_first():
    assert between(much=True) == ["piece", "other", "piece"]


def much_waits(place: Place, order: list[str]) -> Thread:
    """A thread that gives way and stands in line."""

    def work() -> None:
        with place.giving_way(), place:
            order.append("much")

    thread = Thread(target=work)
    thread.start()
    while not place._last and thread.is_alive():  # it ends where it did not have to wait
        time.sleep(0.001)
    return thread


def test_a_place_is_kept_between_the_visits_of_little_work_but_not_for_ever():
    place, order = Place(kept=60), list[str]()
    with place:
        much = much_waits(place, order)
        place.back_soon()
    for n in range(OTHERS_FIRST):
        assert order == [str(before) for before in range(n)]
        with place:
            order.append(str(n))
    much.join(10)
    assert order == [*(str(n) for n in range(OTHERS_FIRST)), "much"]


def test_a_kept_place_is_given_away_when_nobody_comes_back():
    place, order = Place(kept=0.01), list[str]()
    with place:
        much = much_waits(place, order)
        place.back_soon()
    much.join(10)
    assert order == ["much"]


def test_those_with_much_do_not_keep_a_place():
    place, order = Place(kept=60), list[str]()
    with place.giving_way(), place:
        much = much_waits(place, order)
        place.back_soon()
        with place.outside():
            much.join(10)
    assert order == ["much"]


def test_who_has_much_does_not_wait_for_ever_for_a_place_that_is_always_kept():
    place, order, over = Place(kept=0.01), list[str](), Event()

    def visits() -> None:
        while not over.is_set():
            place.back_soon()
            time.sleep(0.001)

    little = Thread(target=visits)
    place.back_soon()
    little.start()
    much = much_waits(place, order)
    much.join(20)
    assert order == ["much"]
    assert little.is_alive()  # it still says that it is back soon
    over.set()
    little.join(20)


def test_before_a_transaction_whoever_waits_goes_first(tmp_path):
    house = House(tmp_path)
    store, order, began = house.app.store, list[str](), Event()

    def much() -> None:
        with store.at_work(much=True):
            began.set()
            while not store._work._first:
                time.sleep(0.001)
            with store.begin():
                order.append("much")

    def other() -> None:
        assert began.wait(10)
        with store.at_work(much=False):
            order.append("other")

    join([Thread(target=work) for work in (much, other)])
    assert order == ["other", "much"]
    house.close()


def half_way(tmp_path: Path, much: bool) -> list[str]:
    """What happens when somebody with little wants to write whenever another transaction is half-way."""
    house = House(tmp_path)
    store, order, others = house.app.store, list[str](), list[Thread]()

    def other() -> None:
        with store.begin() as tx:
            order.append("other")
            tx.conn.execute(text("UPDATE merchant SET name = 'other'"))

    def work(tx: Tx) -> None:
        order.append("begun")
        tx.conn.execute(text("UPDATE merchant SET name = name || '+'"))
        others.append(Thread(target=other))
        others[-1].start()
        while not store.writer._first:
            time.sleep(0.001)
        tx.conn.execute(text("UPDATE merchant SET name = name || '+'"))
        order.append("done")

    with store.at_work(much=much):
        store.commit(work)
    for one in others:
        one.join(20)
    with store.read() as tx:
        assert set(tx.conn.execute(text("SELECT name FROM merchant")).scalars()) == {"other"}
    house.close()
    return order


def test_a_transaction_of_much_leaves_once_half_way_for_who_has_little(tmp_path):
    assert half_way(tmp_path, much=True) == ["begun", "other", "begun", "done", "other"]


def test_a_transaction_of_little_does_not_leave_half_way(tmp_path):
    assert half_way(tmp_path, much=False) == ["begun", "done", "other"]


def test_who_has_little_is_not_interrupted():
    assert between(much=False) == ["piece", "piece", "other"]


def test_outside_without_a_place_changes_nothing():
    place = Place()
    with place.outside(), place:
        pass
    with place:
        pass


def join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


class TimeUp(Exception):
    """What a limit of time raises in a thread, wherever it is."""


def interrupted(thread: Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp))


@pytest.mark.parametrize("giving_way", [False, True])
@pytest.mark.parametrize("comes_back", [False, True])
def test_who_is_interrupted_in_the_line_does_not_keep_the_place(giving_way, comes_back):
    place, inside, gone = Place(kept=60 if giving_way else 0), Event(), Event()

    def waits() -> None:
        with suppress(TimeUp), ExitStack() as stack:
            if giving_way:
                stack.enter_context(place.giving_way())
            if comes_back:
                with place, place, place.outside():
                    inside.set()
                    assert gone.wait(20)
            inside.set()
            with place:
                raise AssertionError("it was interrupted")

    thread = Thread(target=waits)
    if comes_back:
        thread.start()
        assert inside.wait(20)
    with place:
        gone.set()
        if not comes_back:
            thread.start()
            assert inside.wait(20)
        while not (place._back or place._first or place._last):
            time.sleep(0.001)
        interrupted(thread)
    thread.join(20)
    assert not thread.is_alive()
    other = Thread(target=lambda: place.__enter__())
    other.start()
    other.join(20)
    assert (other.is_alive(), place._entered) == (False, 1)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_threads_do_one_is_inside_and_nobody_is_forgotten(seed):
    place, inside, wrong = Place(kept=0.002), list[int](), list[str]()

    def work(number: int) -> None:
        chance = Random(f"{seed}/{number}")
        for _ in range(60):
            with suppress(TimeUp), ExitStack() as stack:
                if number % 2:
                    stack.enter_context(place.giving_way())
                for _ in range(chance.randrange(1, 3)):
                    stack.enter_context(place)
                for _ in range(chance.randrange(3)):
                    inside.append(number)
                    time.sleep(chance.choice((0, 0.0001)))
                    if inside != [number]:
                        wrong.append(f"{inside} inside at once")
                    inside.clear()
                    if chance.random() < 0.2:
                        raise TimeUp
                    with place.outside():
                        time.sleep(chance.choice((0, 0.0005)))
                    place.let_by()

    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert not any(one.is_alive() for one in threads)
    assert wrong == []
    with place:
        assert place._entered == 1
