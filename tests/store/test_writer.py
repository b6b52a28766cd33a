"""The line before SQLite's one writer: in the order of asking, those who give way behind the others, none for ever."""

from __future__ import annotations

import time
from threading import Event, Lock, Thread

from engine.store.writer import OTHERS_FIRST, Writer


def stand(writer: Writer, names: list[str], order: list[str]) -> list[Thread]:
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
    writer, order, ready, go = Writer(), list[str](), Event(), Event()

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
    writer = Writer()
    with writer, writer.giving_way(), writer:
        pass
    assert asked(["a"]) == ["a"]
    with writer:
        pass


def test_one_of_those_with_much_is_at_work_at_a_time_but_for_the_time_it_waits_outside():
    writer, alone, order = Writer(), Lock(), list[str]()
    began, outside, back = Event(), Event(), Event()

    def first() -> None:
        with writer.giving_way(alone):
            began.set()
            assert outside.wait(10)
            order.append("first")
            with writer.resting():
                assert back.wait(10)
            order.append("first again")

    def second() -> None:
        assert began.wait(10)
        outside.set()
        with writer.giving_way(alone):
            order.append("second")
        back.set()

    threads = [Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second", "first again"]
    assert not alone.locked()
