"""Polling as it meets a real server: cursors, tokens that rotate, systems that refuse, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from werkzeug import Request, Response

from connectors.parts.talk.asking import address, ask, good
from engine.contracts import Asking, Conversation, Found, HttpRequest, Page
from engine.flow.ask import visit as visiting
from engine.flow.ask.errand import ask as run_errand
from engine.flow.ask.plan import arrange_all, lasting
from engine.flow.watch.alert import look
from engine.store import alarms, merchants
from engine.work.crew import Crew
from tests.flow.house import Killed
from tests.flow.orders import at, order, parcel
from tests.flow.vendor import API, Asked, Vendor, serving, subscribe, until

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def made(tmp_path: Path, vendor: Vendor) -> Iterator[Callable[..., Asked]]:
    """Makes houses that ask the vendor; those of one test stand on one database."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(vendor))

        def make(**options: Any) -> Asked:
            asked = Asked(tmp_path / "home", vendor, url, **options)
            stack.callback(asked.house.close)
            return asked

        yield make


def fill(vendor: Vendor, count: int) -> None:
    for number in range(1, count + 1):
        vendor.put(at(1 + number), order(1 + number, number=f"#{number}"), name=str(number))


def orders(asked: Asked) -> list[str]:
    """What was found by asking, as it came."""
    rows = asked.house.rows("SELECT dedupe_key FROM inbox WHERE verified_by = 'poll' ORDER BY id")
    return [row.dedupe_key.partition("@")[0] for row in rows]


def poll_until_it_dies(asked: Asked) -> None:
    asked.ask()
    asked.due()
    asked.ask()


class TestPolls:
    def test_what_a_poll_finds_goes_the_way_of_every_delivery(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.put(at(2), order(2), name="1001")
        vendor.put(at(3), order(2), parcel(3), name="1001")
        asked.work()
        assert asked.states() == [(f"1001@{at(2).isoformat()}", False), (f"1001@{at(3).isoformat()}", False)]
        assert [one.journey for one in asked.house.reports(status="sent")] == ["shipped"]
        poll = asked.errands()["poll"]
        assert (poll.tries, poll.why, poll.lease_until, poll.holder) == (0, None, None, None)
        assert timedelta(minutes=4) < poll.due_at - asked.app.clock.real() < timedelta(minutes=6)
        asked.due()
        asked.work()
        assert len(asked.states()) == 2, "the record at the cursor was found again, and stored once"
        assert asked.connection().last_delivery_at == asked.clock.now()

    def test_who_is_killed_between_two_pages_costs_a_page_and_no_record(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        fill(vendor, 5)

        def kill_at_the_second(request: Request) -> Response | None:
            if request.args.get("page") == "1":
                asked.app.post.ask = dead
            return None

        def dead(*_: Any) -> Any:
            raise Killed

        alive, vendor.before = asked.app.post.ask, kill_at_the_second
        with pytest.raises(Killed):
            poll_until_it_dies(asked)
        assert orders(asked)[:2] == ["1", "2"], "a page is committed before the next one is asked for"
        vendor.before, asked.app.post.ask = (lambda _: None), alive
        before = len(vendor.asked)
        asked.due()
        asked.ask()
        assert sorted(orders(asked)) == ["1", "2", "3", "4", "5"]
        assert len(vendor.asked) - before <= 2, "it went on from the cursor"

    def test_a_long_list_is_taken_in_several_visits(self, made: Any, vendor: Vendor, monkeypatch: Any) -> None:
        asked = made()
        fill(vendor, 7)
        monkeypatch.setattr(visiting, "MANY", 2)
        assert run_errand(asked.app) == 1
        assert orders(asked) == ["1", "2", "3", "4"]
        assert asked.ask() == 1
        assert orders(asked) == ["1", "2", "3", "4", "5", "6", "7"]

    def test_pages_without_end_that_bring_nothing_new_are_asked_for_ever_less_often(
        self, made: Any, vendor: Vendor, monkeypatch: Any
    ) -> None:
        def for_ever(asking: Asking) -> Conversation[None]:
            n = int(asking.cursor or 0)
            while True:
                good((yield from ask(HttpRequest(url=address(asking.settings["url"], "records"), method="GET",
                                                 auth={"authorization": "Bearer {access_token}"}))))  # fmt: skip
                n += 1
                yield Page(found=(Found(topic="x", key="same", body=b"[]"),), cursor=str(n))

        asked = made(api=replace(API, poll=for_ever))
        monkeypatch.setattr(visiting, "MANY", 3)
        assert asked.ask() == 2, "one visit that brought something, one that did not"
        pauses = []
        for _ in range(3):
            pauses.append(asked.errands()["poll"].due_at - asked.app.clock.real())
            asked.due()
            assert asked.ask() == 1
        assert pauses[0] < pauses[1] < pauses[2]
        assert asked.errands()["poll"].cursor == "15"

    @pytest.mark.parametrize("what", ["requests without a page", "pages without a request"])
    def test_a_conversation_that_never_ends_is_ended(self, made: Any, monkeypatch: Any, what: str) -> None:
        def talk(asking: Asking) -> Conversation[None]:
            while True:
                if what.startswith("pages"):
                    yield Page()
                else:
                    yield HttpRequest(url=address(asking.settings["url"], "records"), method="GET")

        asked = made(api=replace(API, poll=talk))
        monkeypatch.setattr(visiting, "TOO_MANY", 4)
        assert asked.ask() == 1
        assert asked.errands()["poll"].why == "endless"

    def test_a_bug_in_a_connector_is_written_down_and_holds_nobody_else(self, made: Any, vendor: Vendor) -> None:
        def broken(asking: Asking) -> Conversation[None]:
            yield Page(found=(Found(topic="x", key="k", body=b"[]"),), cursor="kept")
            raise KeyError("name of a customer")

        asked = made(api=replace(API, poll=broken))
        asked.ask()
        poll = asked.errands()["poll"]
        assert (poll.why, poll.reason, poll.cursor) == ("bug", "KeyError in the connector; see the log", "kept")
        assert poll.due_at > asked.app.clock.real()
        assert orders(asked) == ["k"]

    def test_connections_of_an_older_version_are_asked_as_well(self, made: Any) -> None:
        asked = made()
        asked.write("DELETE FROM errand")
        assert arrange_all(asked.app) == 1
        assert arrange_all(asked.app) == 0
        assert asked.errands().keys() == {"poll"}

    def test_workers_poll_by_themselves(self, made: Any, vendor: Vendor) -> None:
        asked = made(worker_threads=4, sweep_seconds=0.1)
        vendor.put(at(2), order(2), name="1001")
        crew = Crew(asked.app)
        crew.start()
        try:
            until(lambda: asked.house.reports(status="sent"))
            vendor.put(at(3), parcel(3), name="s1")
            asked.due()
            until(lambda: len(asked.house.reports(status="sent")) == 2)
        finally:
            crew.stop()


class TestHistory:
    def test_what_changed_before_the_connection_was_made_starts_nothing_and_what_follows_does(
        self, made: Any, vendor: Vendor
    ) -> None:
        asked = made()
        vendor.put(at(-60), order(-60), name="1001")
        vendor.put(at(-60 * 24 * 30), order(-60, number="#1"), name="1")  # longer ago than the first poll reaches back
        asked.work()
        assert asked.states() == [(f"1001@{at(-60).isoformat()}", True)]
        assert asked.house.reports() == []
        asked.clock.advance(MINUTE)
        vendor.put(at(2), order(-60), parcel(2), name="1001")
        asked.due()
        asked.work()
        assert [one.journey for one in asked.house.reports(status="sent")] == ["shipped"]

    def test_a_backfill_notifies_nobody_while_a_later_change_does(self, made: Any, vendor: Vendor) -> None:
        from engine.flow.ask.plan import reach_back

        asked = made()
        asked.work()
        vendor.put(at(-60 * 24 * 60), order(-60 * 24 * 60, placed_at=at(-60 * 24 * 60)), name="1001")
        vendor.put(at(0.5), order(0.5, number="#1002"), name="1002")
        with asked.app.store.begin() as tx:
            reach_back(asked.app, tx, asked.connection(), 90)
        asked.due()
        asked.work()
        assert dict(asked.states())[f"1001@{at(-60 * 24 * 60).isoformat()}"] is True
        assert "backfill" not in asked.errands()
        assert "1001" not in str([one.order for one in asked.house.reports()])
        vendor.put(at(5), order(-60 * 24 * 60), parcel(5), name="1001")
        asked.due()
        asked.work()
        assert [one.journey for one in asked.house.reports(status="sent") if one.order == "#1001"] == ["shipped"]

    def test_a_poll_and_a_webhook_of_the_same_change_give_one_message(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.put(at(2), order(2), name="1001")
        asked.house.tell(order(2), connection="oms")
        asked.work()
        assert [one.journey for one in asked.house.reports(status="sent")] == ["order_confirmed"]
        assert len(asked.states()) == 2
        assert asked.house.rows("SELECT count(*) n FROM subject")[0].n == 1

    def test_what_a_lost_webhook_would_have_told_the_poll_tells(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        asked.house.tell(order(2), connection="oms")
        asked.house.work()
        vendor.put(at(2), order(2), name="1001")
        vendor.put(at(3), order(2), parcel(3), name="1001")  # its webhook was lost
        asked.work()
        asked.due()
        asked.work()
        assert sorted(one.journey for one in asked.house.reports(status="sent")) == ["order_confirmed", "shipped"]


class TestCredentials:
    def test_a_new_pair_is_in_the_database_before_it_is_used(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.access = "expired meanwhile"
        vendor.put(at(2), order(2), name="1001")
        alive = asked.app.post.ask

        def killed_after_the_refresh(connection: str, request: HttpRequest, settings: Any) -> Any:
            if vendor.refresh != "first refresh":
                raise Killed
            return alive(connection, request, settings)

        asked.app.post.ask = killed_after_the_refresh
        with pytest.raises(Killed):
            asked.ask()
        asked.app.post.ask = alive
        asked.due()
        asked.ask()
        secrets = asked.connection().secrets
        assert secrets == {"access_token": (vendor.access,), "refresh_token": (vendor.refresh,)}
        assert vendor.asked.count("/token") == 1
        assert orders(asked) == ["1001"]
        (ends, since) = asked.connection().until["access_token"]
        assert ends - since == timedelta(hours=1)

    def test_a_system_that_answers_the_refresh_and_then_nothing(self, made: Any, vendor: Vendor) -> None:
        asked = made(deadline=1.0)
        vendor.access, go = "expired meanwhile", Event()

        def hang(request: Request) -> Response | None:
            if vendor.refresh != "first refresh" and request.path != "/token":
                go.wait(20)
            return None

        vendor.before = hang
        asked.ask()
        go.set()
        assert asked.errands()["poll"].why == "transport"
        assert asked.connection().secrets["refresh_token"] == (vendor.refresh,)
        asked.due()
        asked.ask()
        assert asked.errands()["poll"].why is None

    def test_credentials_that_are_refused_rest_until_they_are_set(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.access, vendor.refresh = "another", "another"
        asked.ask()
        poll = asked.errands()["poll"]
        assert (poll.why, poll.held_for, poll.reason) == ("login", "login", "the refresh token is refused")
        asked.tell({"changed": ["1001"]})
        before = len(vendor.asked)
        assert asked.ask() == 0, "nothing else is asked with them either"
        vendor.access, vendor.refresh = "first access", "first refresh"
        asked.arrange(changed=True)
        vendor.put(at(2), order(2), name="1001")
        asked.ask()
        assert len(vendor.asked) > before
        assert asked.errands()["poll"].failing_since is None

    def test_without_a_setting_that_is_needed_nothing_is_asked(self, made: Any, vendor: Vendor) -> None:
        asked = made(api=replace(API, needs=("url", "licence")))
        assert asked.errands() == {}
        asked.tell({"changed": ["1001"]})
        ((state, reason),) = asked.house.rows("SELECT state, reason FROM inbox")
        assert state == "parked"
        assert reason.endswith("todoke connections set oms licence=...")


class TestRefusals:
    def test_a_429_lets_the_whole_connection_rest_and_loses_nothing(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.put(at(2), order(2), name="1001")
        asked.tell({"changed": ["1001"]})
        vendor.before = lambda _: Response("{}", 429, headers={"Retry-After": "120"})
        assert asked.ask() == 1
        assert len(vendor.asked) == 1
        held = next(one for one in asked.errands().values() if one.held_for)
        assert held.held_for == "rate"
        assert timedelta(seconds=110) < held.lease_until - asked.app.clock.real() < timedelta(seconds=140)
        vendor.before = lambda _: None
        asked.due()
        assert asked.ask() == 2
        assert orders(asked) == ["1001"]

    def test_a_system_that_is_down_is_asked_ever_less_often_until_it_is_there(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        fill(vendor, 3)
        vendor.before = lambda request: Response("<html>", 502) if request.args.get("page") == "1" else None
        pauses = []
        for _ in range(3):
            asked.ask()
            pauses.append(asked.errands()["poll"].due_at - asked.app.clock.real())
            asked.due()
        assert pauses[0] < pauses[1] < pauses[2]
        assert orders(asked) == ["1", "2"], "the page before it is kept"
        failing = asked.errands()["poll"]
        assert (failing.why, failing.tries) == ("provider", 3)
        vendor.before = lambda _: None
        asked.ask()
        assert orders(asked) == ["1", "2", "3"]
        assert (asked.errands()["poll"].tries, asked.errands()["poll"].failing_since) == (0, None)

    def test_a_reply_larger_than_a_message_gets_is_taken(self, made: Any, vendor: Vendor) -> None:
        asked = made()
        vendor.put(at(2), order(2, cancel_reason="x" * 400_000), name="1001")
        asked.ask()
        assert orders(asked) == ["1001"]


class TestFetches:
    def test_what_a_thin_delivery_names_is_fetched_once_it_has_settled(self, made: Any, vendor: Vendor) -> None:
        asked = made(api=replace(API, poll=None, settle=MINUTE))
        vendor.put(at(2), order(2), name="1001")
        for _ in range(3):
            asked.tell({"changed": ["1001"]})
        assert asked.house.rows("SELECT DISTINCT state FROM inbox") == [("processed",)]
        assert asked.ask() == 0
        fetch = asked.errands()["1001"]
        assert (fetch.asked, asked.errands().keys()) == (3, {"1001"})
        assert MINUTE - timedelta(seconds=20) < fetch.due_at - asked.app.clock.real() <= MINUTE
        asked.due()
        asked.work()
        assert vendor.asked == ["/records/1001"]
        assert asked.errands() == {}
        assert [one.journey for one in asked.house.reports(status="sent")] == ["order_confirmed"]

    def test_a_storm_cannot_postpone_a_fetch_for_ever(self, made: Any) -> None:
        asked = made(api=replace(API, poll=None, settle=MINUTE))
        asked.tell({"changed": ["1001"]})
        latest = asked.errands()["1001"].latest_at
        asked.write("UPDATE errand SET latest_at = due_at")
        asked.tell({"changed": ["1001"]})
        fetch = asked.errands()["1001"]
        assert fetch.due_at == fetch.latest_at < latest

    def test_what_changes_while_it_is_fetched_is_fetched_again(self, made: Any, vendor: Vendor) -> None:
        asked = made(api=replace(API, poll=None))
        vendor.put(at(2), order(2), name="1001")
        asked.tell({"changed": ["1001"]})
        told = []

        def meanwhile(request: Request) -> None:
            if not told:
                told.append(True)
                asked.tell({"changed": ["1001"]})

        vendor.before = meanwhile
        assert asked.ask() == 2
        assert vendor.asked == ["/records/1001"] * 2
        assert asked.errands() == {}

    def test_what_the_system_does_not_know_is_given_up_and_asked_for_anew(self, made: Any, vendor: Vendor) -> None:
        asked = made(api=replace(API, poll=None))
        asked.tell({"changed": ["1001"]})
        asked.write("UPDATE errand SET tries = 23")
        asked.ask()
        assert (asked.errands()["1001"].why, asked.errands()["1001"].due_at) == ("request", None)
        vendor.put(at(2), order(2), name="1001")
        asked.tell({"changed": ["1001"]})
        assert asked.ask() == 1
        assert orders(asked)[-1] == "1001"

    def test_the_least_time_between_two_requests_is_kept_from_errand_to_errand(self, made: Any, vendor: Vendor) -> None:
        asked = made(api=replace(API, poll=None, pace=timedelta(hours=1)))
        for name in ("1001", "1002"):
            vendor.put(at(2), order(2, number=f"#{name}"), name=name)
        asked.tell({"changed": ["1001", "1002"]})
        assert asked.ask() == 1
        asked.write("UPDATE errand SET lease_until = :past WHERE lease_until IS NOT NULL")
        assert asked.ask() == 1
        assert vendor.asked == ["/records/1001", "/records/1002"]
        asked.write("UPDATE errand SET lease_until = :past WHERE lease_until IS NOT NULL")
        asked.tell({"changed": ["1001"]})
        asked.ask()
        assert asked.errands().keys() == {"1001"}


class TestOneAtATime:
    def test_two_workers_never_ask_one_connection_at_once(self, made: Any, vendor: Vendor) -> None:
        both = [made(), made()]
        names = [str(number) for number in range(12)]
        for name in names:
            vendor.put(at(2), order(2, number=f"#{name}"), name=name)
        both[0].tell({"changed": names})
        start, failed = Barrier(4), []

        def work(asked: Asked) -> None:
            start.wait()
            try:
                while both[0].errands().keys() & set(names):
                    run_errand(asked.app)
            except Exception as wrong:
                failed.append(wrong)

        threads = [Thread(target=work, args=(both[number % 2],)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert vendor.at_once == 1
        assert sorted(vendor.asked.count(f"/records/{name}") for name in names) == [1] * 12

    def test_whoever_comes_back_after_its_lease_writes_nothing(self, made: Any, vendor: Vendor) -> None:
        asked, other = made(), made()
        fill(vendor, 3)

        def overtaken(request: Request) -> Response | None:
            if request.args.get("page") == "1" and not overtaken.done:
                overtaken.done = True
                other.due()
                assert other.ask() == 1
            return None

        overtaken.done = False
        vendor.before = overtaken
        asked.ask()
        poll = asked.errands()["poll"]
        assert sorted(orders(asked)) == ["1", "2", "3"]
        assert (poll.why, poll.holder, poll.found) == (None, None, 3)


def test_whoever_watches_is_told_of_credentials_that_are_refused_and_of_those_that_run_out(
    made: Any, vendor: Vendor
) -> None:
    asked = made(api=replace(API, lifetimes={"refresh_token": timedelta(days=90)}))
    with asked.app.store.begin() as tx:
        one = asked.connection()
        merchants.reconnect(tx, replace(one, until=lasting(asked.app, one, ["refresh_token"])))
    look(asked.app)
    assert alarm_kinds(asked) == set()
    vendor.access, vendor.refresh = "another", "another"
    asked.ask()
    asked.clock.advance(timedelta(days=80))
    asked.write("DELETE FROM watch")
    look(asked.app)
    assert alarm_kinds(asked) >= {"login_refused", "credential_expires"}


def alarm_kinds(asked: Asked) -> set[str]:
    with asked.app.store.read() as tx:
        return {one.kind for one in alarms.listed(tx, open_only=True)}


def test_a_renewal_and_a_change_by_hand_lose_nothing_of_each_other(made: Any, vendor: Vendor) -> None:
    asked = made()
    with asked.app.store.begin() as tx:
        merchants.renew(tx, "oms", {"refresh_token": "newer"}, {})
    with asked.app.store.begin() as tx:
        here = merchants.locked(tx, "oms")
        merchants.reconnect(tx, replace(here, config={**here.config, "poll_minutes": "9"}))
    found = asked.connection()
    assert (found.secrets["refresh_token"], found.config["poll_minutes"]) == (("newer",), "9")


def test_webhooks_are_seen_to_every_day_where_they_can_reach_us(made: Any, vendor: Vendor, monkeypatch: Any) -> None:
    asked = made(api=replace(API, poll=None, subscribe=subscribe))
    vendor.before = lambda request: Response("{}") if request.path == "/hooks" else None
    assert asked.errands().keys() == {"subscribe"}
    asked.ask()
    done = asked.errands()["subscribe"]
    assert done.findings == [
        {"level": "ok", "what": f"posts to {asked.app.settings.base_url}/in/oms", "do": None, "paste": []}
    ]
    assert timedelta(hours=20) < done.due_at - asked.app.clock.real() < timedelta(hours=28)


def test_what_need_not_be_asked_any_longer_rests_and_keeps_its_cursor(made: Any, vendor: Vendor) -> None:
    asked = made(api=replace(API, subscribe=subscribe))
    vendor.before = lambda request: Response("{}") if request.path == "/hooks" else None
    fill(vendor, 1)
    asked.ask()
    cursor = asked.errands()["poll"].cursor
    for config, planned in (({"webhooks": "no", "url": asked.url}, {"poll"}), ({}, set()),
                            ({"url": asked.url}, {"poll", "subscribe"})):  # fmt: skip
        with asked.app.store.begin() as tx:
            merchants.reconnect(tx, replace(merchants.locked(tx, "oms"), config=config))
        asked.arrange(changed=True)
        assert {one.kind for one in asked.errands().values() if one.due_at} == planned
    assert asked.errands()["poll"].cursor == cursor
    asked.write("UPDATE errand SET due_at = NULL WHERE kind = 'subscribe'")
    assert arrange_all(asked.app) == 1
