"""Places are handed on in the order of asking, those who give way behind the others, none waiting for ever."""

from __future__ import annotations

import time
from contextlib import ExitStack
from threading import Event, Thread

from engine.store.places import LOOKS, OTHERS_FIRST, Places
from tests.flow.house import House


def stand(writer: Places, names: list[str], order: list[str]) -> list[Thread]:
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
    writer, order, ready, go = Places(), list[str](), Event(), Event()

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
    writer = Places()
    with writer, writer.giving_way(), writer:
        pass
    assert asked(["a"]) == ["a"]
    with writer:
        pass


def test_a_place_is_free_while_its_owner_waits_outside_and_taken_again_afterwards():
    places, order = Places(), list[str]()
    began, outside, back = Event(), Event(), Event()

    def first() -> None:
        with places, places:
            began.set()
            assert outside.wait(10)
            order.append("first")
            with places.outside():
                assert back.wait(10)
            order.append("first again")

    def second() -> None:
        assert began.wait(10)
        outside.set()
        with places:
            order.append("second")
        back.set()

    join([Thread(target=work) for work in (first, second)])
    assert order == ["first", "second", "first again"]


def test_of_several_places_one_is_kept_free_of_those_with_much():
    places, order = Places(2), list[str]()
    inside, come, gone = Event(), Event(), Event()

    def much() -> None:
        with places.giving_way(), places:
            order.append("much")
            inside.set()
            assert gone.wait(10)

    def more() -> None:
        assert inside.wait(10)
        with places.giving_way():
            come.set()
            with places:
                order.append("more")

    def other() -> None:
        assert inside.wait(10)
        assert come.wait(10)
        while not places._last:
            time.sleep(0.001)
        with places:
            order.append("other")
        gone.set()

    join([Thread(target=work) for work in (much, more, other)])
    assert order == ["much", "other", "more"]


def between(much: bool) -> list[str]:
    """What is done in which order where one thread works on two pieces, and another comes during the first."""
    places, order, began = Places(), list[str](), Event()

    def pieces() -> None:
        with ExitStack() as held:
            held.enter_context(places)  # before it is known how much there is
            if much:
                held.enter_context(places.giving_way())
            held.enter_context(places)
            began.set()
            while not places._first:
                time.sleep(0.001)
            order.append("piece")
            places.let_by()
            order.append("piece")

    def other() -> None:
        assert began.wait(10)
        with places:
            order.append("other")

    join([Thread(target=work) for work in (pieces, other)])
    return order


def test_between_two_pieces_of_much_work_whoever_waits_goes_first():
    assert between(much=True) == ["piece", "other", "piece"]


def much_waits(places: Places, order: list[str]) -> Thread:
    """A thread that gives way and stands in line."""

    def work() -> None:
        with places.giving_way(), places:
            order.append("much")

    thread = Thread(target=work)
    thread.start()
    while not places._last and thread.is_alive():  # it ends where it did not have to wait
        time.sleep(0.001)
    return thread


def test_a_place_is_kept_between_the_visits_of_little_work_but_not_for_ever():
    places, order = Places(kept=60), list[str]()
    with places:
        much = much_waits(places, order)
        places.back_soon()
    for n in range(OTHERS_FIRST):
        assert order == [str(before) for before in range(n)]
        with places:
            order.append(str(n))
    much.join(10)
    assert order == [*(str(n) for n in range(OTHERS_FIRST)), "much"]


def test_a_kept_place_is_given_away_when_nobody_comes_back():
    places, order = Places(kept=0.01), list[str]()
    with places:
        much = much_waits(places, order)
        places.back_soon()
    much.join(10)
    assert order == ["much"]


def test_those_with_much_do_not_keep_a_place():
    places, order = Places(kept=60), list[str]()
    with places.giving_way(), places:
        much = much_waits(places, order)
        places.back_soon()
        with places.outside():
            much.join(10)
    assert order == ["much"]


def test_those_with_much_pause_while_little_work_is_under_way_beside_them():
    places, order = Places(2, kept=0.01), list[str]()
    with places:
        much = much_waits(places, order)
        time.sleep(0.02)  # it asks again meanwhile
        order.append("little")
    much.join(10)
    assert order == ["little", "much"]


def test_who_has_much_does_not_wait_for_ever_for_a_place_that_is_always_kept():
    places, order, over = Places(kept=0.01), list[str](), Event()

    def visits() -> None:
        while not over.is_set():
            places.back_soon()
            time.sleep(0.001)

    little = Thread(target=visits)
    places.back_soon()
    little.start()
    began = time.monotonic()
    much = much_waits(places, order)
    much.join(20)
    taken = time.monotonic() - began
    over.set()
    little.join(20)
    assert order == ["much"]
    assert taken >= LOOKS * 0.01  # by as many looks as it has; a slow machine needs longer


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


def test_who_has_little_is_not_interrupted():
    assert between(much=False) == ["piece", "piece", "other"]


def test_outside_without_a_place_changes_nothing():
    places = Places()
    with places.outside(), places:
        pass
    with places:
        pass


def join(threads: list[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
