"""Many messages in one request: each is taken once, each has its own end, and who cannot know says so."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.contracts import Answer, Failure, HttpRequest, Request
from engine.flow import batches
from engine.flow.limits.batch_size import AT_ONCE, size
from engine.flow.post import Transports
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.model.customer import Party
from engine.model.journey import Journey
from engine.model.merchant import MerchantSettings
from engine.store import attempts, merchants
from engine.store.merchants import Connection
from tests.flow.batch_providers import REFUSED, Joint, Stamps
from tests.flow.house import House, Killed
from tests.flow.orders import order
from tests.flow.provider import ACCEPTED_ANYWAY, KEY, Provider, provider
from tests.flow.test_delivery_core import leases_run_out
from tests.flow.test_provider_faults import HERE, account_is_let_go, until_settled

# What may wait, and needs no parcel.
THANKS = {
    "name": "thanks", "title": {"ja": "お礼", "en": "Thanks"}, "purpose": "service", "once_per": "order",
    "trigger": {"event": "order.confirmed"},
    "steps": [{"id": "mail", "send": "review_request", "asserts": "order.confirmed", "expires": "3d"}],
}  # fmt: skip
HANA = MerchantSettings(
    from_email="shop@hana.example", company="花と器株式会社", address="東京都", support_email="help@hana.example"
)
KINDS: dict[str, type[Provider]] = {"resend": Joint, "postmark": Stamps}
SECRETS = {"resend": {"api_key": (KEY,)}, "postmark": {"server_token": (KEY,)}}
MAY_BE_REPEATED = [fault for fault in ACCEPTED_ANYWAY if fault != "silent"]  # that one outlasts the time to start


class Carrier:
    """Carries requests as ever, and keeps how many messages each carried; the process dies before a request leaves,
    or as soon as its answer is there, if it is told to."""

    def __init__(self, home: Any) -> None:
        self.transports = Transports(home, deadline=3.0, reach=HERE)
        self.carried: list[int] = []
        self.dies: str | None = None

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        assert isinstance(request, HttpRequest)
        if self.dies == "before":
            raise Killed
        mails = json.loads(request.body)
        self.carried.append(len(mails) if isinstance(mails, list) else 1)
        answer = self.transports.send(connection, request)
        if self.dies == "after":
            raise Killed
        return answer


class Shop:
    """A house with a provider that takes batches, and orders that are thanked for."""

    def __init__(self, home: Any, connector: str, there: Provider, **config: str) -> None:
        self.there, self.connector = there, connector
        self.post = Carrier(home)
        self.house = House(home, post=lambda _: self.post, settings=HANA)  # type: ignore[arg-type,return-value]
        self.journey(THANKS)
        usual = {"url": there.url, "per_second": "100000", "burst": "100000"} | config
        usual = {name: value for name, value in usual.items() if value}
        self.house.connect("api", connector, role="channel", config=usual, secrets=SECRETS[connector])
        self._orders = 2000

    def journey(self, plain: dict[str, Any]) -> None:
        self.house.app.journeys = {plain["name"]: Journey.model_validate(plain)}

    def orders(self, count: int, **said: Any) -> None:
        self._orders += count
        told = [order(number=f"#{number}", **said) for number in range(self._orders - count, self._orders)]
        self.house.tell(*told)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(row.status for row in self.house.rows("SELECT status FROM message"))

    @property
    def outcomes(self) -> list[str | None]:
        return [row.outcome for row in self.house.rows("SELECT outcome FROM attempt ORDER BY message_id, n")]

    def fits(self) -> None:
        """Nothing was accepted twice; sent is never said without it, and what has left is called nothing else."""
        assert max(self.there.accepted.values(), default=0) <= 1
        for row in self.house.rows("SELECT public_id, status FROM message"):
            if row.status != "unknown":
                assert self.there.accepted[row.public_id] == (row.status == "sent"), row


def connection(one: Shop) -> Connection:
    with one.house.app.store.read(one.house.merchant.id) as tx:
        return merchants.connection(tx, "api")


def until_expired(house: House) -> None:
    """All keys are forgotten by then, and nothing is due any more."""
    for _ in range(25):
        house.later(hours=3)
        account_is_let_go(house)


@pytest.fixture
def shop(tmp_path: Any) -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []
    servers: list[Any] = []

    def make(connector: str, **config: str) -> Shop:
        servers.append(provider(kind=KINDS[connector]))
        made.append(Shop(tmp_path / str(len(made)), connector, servers[-1].__enter__(), **config))
        return made[-1]

    yield make
    for one in made:
        one.house.close()
        one.post.transports.close()
    for server in servers:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("connector", KINDS)
def test_those_armed_together_leave_in_one_request_and_each_has_its_own_id(shop, connector):
    one = shop(connector)
    one.orders(30)
    one.house.work()
    assert one.statuses == {"sent": 30}
    one.fits()
    assert one.post.carried == [20, 10]
    refs = [row.provider_ref for row in one.house.rows("SELECT provider_ref FROM message")]
    assert len(set(refs)) == 30
    assert [row.batch for row in one.house.rows("SELECT batch FROM attempt ORDER BY message_id")] == [20] * 20 + [
        10
    ] * 10


def test_the_answer_about_one_message_ends_that_one(shop):
    one = shop("resend")
    one.orders(30)
    one.house.work()
    for row in one.house.rows("SELECT public_id, provider_ref FROM message"):
        assert row.provider_ref == f"e_{row.public_id}"


@pytest.mark.parametrize("connector", KINDS)
def test_what_is_awaited_goes_alone(shop, connector):
    one = shop(connector)
    one.journey(THANKS | {"purpose": "transactional", "steps": [{**THANKS["steps"][0], "send": "order_confirmed"}]})
    one.orders(5)
    one.house.work()
    assert (one.post.carried, one.statuses) == ([1] * 5, {"sent": 5})
    assert {row.batch for row in one.house.rows("SELECT batch FROM attempt")} == {None}


def test_a_connection_may_say_how_many_and_that_none_are_joined(shop):
    few, none = shop("postmark", batch="7"), shop("resend", batch="1")
    for one in (few, none):
        one.orders(16)
        one.house.work()
        assert one.statuses == {"sent": 16}
    assert few.post.carried == [7, 7, 2]
    assert none.post.carried == [1] * 16


def test_a_batch_with_a_key_grows_and_one_without_stays_small_unless_told(shop):
    for connector, config, carried in (
        ("resend", {}, [20, 40, 80, 100, 100]), ("postmark", {}, [20] * 5), ("postmark", {"batch": "80"}, [20, 40, 80]),
    ):  # fmt: skip
        one = shop(connector, **config)
        for many in carried:
            one.orders(many)
            one.house.work()
        assert one.post.carried == carried


@pytest.mark.parametrize("connector", KINDS)
def test_one_that_is_refused_keeps_no_other_back(shop, connector):
    one = shop(connector)
    one.orders(4)
    one.orders(1, orderer=Party(name="花", email=REFUSED, locale="ja-JP"))
    one.orders(4)
    one.house.work()
    assert one.statuses == {"sent": 8, "suppressed": 1}
    one.fits()
    assert one.post.carried[0] == 9
    (row,) = one.house.rows("SELECT * FROM message WHERE status = 'suppressed'")
    assert "recipient" in row.reason
    assert size(one.house.app, connection(one)) == AT_ONCE, "somebody's address says nothing of the batch"


@pytest.mark.parametrize("connector", KINDS)
def test_a_refusal_of_the_whole_for_one_of_them_lets_each_be_asked_about_alone(shop, connector):
    one = shop(connector)
    one.there.told = lambda fault: (422, {"name": "validation_error", "ErrorCode": 402}) if fault == "422" else None
    one.there.plan("422")
    one.orders(12)
    one.house.work()
    assert (one.post.carried, one.statuses) == ([12, *[1] * 12], {"sent": 12})
    assert one.outcomes == ["accepted"] * 12, "no try of any of them"
    one.fits()
    assert size(one.house.app, connection(one)) == 2, "back to one, and on from there: each of them went well alone"
    for many in (2, 4, 8):
        one.orders(many)
        one.house.work()
    assert one.post.carried[13:] == [2, 4, 8]


@pytest.mark.parametrize("fault", MAY_BE_REPEATED)
def test_with_a_key_a_lost_answer_is_asked_for_again_at_once(shop, fault):
    one = shop("resend")
    one.there.plan(fault, fault)
    one.orders(12)
    one.house.work()
    assert one.statuses == {"sent": 12}
    one.fits()
    (key,) = {key for key, _ in one.there.requests}
    assert (len(one.there.requests), len(one.there.bodies(key))) == (3, 1), "byte by byte"


def test_with_a_key_one_that_still_works_on_it_is_waited_for(shop):
    one = shop("resend")
    one.there.plan("reset", "busy", "busy")
    one.orders(12)
    one.house.work()
    assert one.statuses == {"sent": 12}
    one.fits()


@pytest.mark.parametrize("fault", ["silent", "500", "429"])
def test_with_a_key_what_stays_lost_is_unknown_and_never_repeated_by_the_message_s_own(shop, fault):
    """Its own key would be a new one to the provider."""
    one = shop("resend")
    one.there.plan("silent" if fault == "silent" else "lost", *[fault] * 4)
    one.orders(12)
    one.orders(1)
    one.house.work()
    asked = len(one.there.requests)
    assert one.statuses == {"unknown": 13}
    until_expired(one.house)
    assert one.statuses == {"unknown": 13}
    assert len(one.there.requests) == asked
    one.fits()
    reasons = {row.reason for row in one.house.rows("SELECT reason FROM message")}
    assert all("13 messages left in one request" in reason for reason in reasons)


@pytest.mark.parametrize("fault", [*ACCEPTED_ANYWAY, "dropped", "short"])
def test_without_a_key_exactly_those_of_the_batch_are_unknown(shop, fault):
    one = shop("postmark")
    one.there.plan("fine", fault)
    one.orders(20)
    one.orders(10)
    one.house.work()
    until_expired(one.house)
    assert one.statuses == {"sent": 20, "unknown": 10}
    assert one.post.carried == [20, 10]
    one.fits()
    assert size(one.house.app, connection(one)) == 1


def test_an_answer_that_tells_of_too_few_tells_of_nobody(shop):
    one = shop("resend")
    one.there.plan(*["short"] * 9)
    one.orders(5)
    one.house.work()
    assert one.statuses == {"sent": 5}, "it is asked for again, and remembered whole"
    one.fits()


@pytest.mark.parametrize("connector", KINDS)
def test_one_lost_answer_is_one_failure_of_its_account(shop, connector):
    one = shop(connector)
    one.there.plan(*["lost"] * 5)
    one.orders(20)
    one.house.work()
    assert one.statuses == {"unknown": 20}
    (account,) = one.house.rows("SELECT held_until, tries, failures FROM account")
    assert (account.held_until, account.failures) == (None, 1)


@pytest.mark.parametrize(("fault", "scope"), [("429", "rate"), ("401", "account")])
@pytest.mark.parametrize("connector", KINDS)
def test_what_is_said_of_the_account_holds_all_and_is_nobody_s_try(shop, connector, fault, scope):
    one = shop(connector)
    one.there.plan(*[fault] * 50)
    one.there.after = "3600"
    one.orders(45)
    one.house.work()
    assert one.statuses == {"planned": 45}
    assert one.post.carried == [20], "the rest was not even handed over"
    (account,) = one.house.rows("SELECT held_for FROM account")
    assert account.held_for == scope
    one.there.plan()
    until_settled(one.house, 3)
    assert one.statuses == {"sent": 45}
    one.fits()


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize("connector", KINDS)
def test_a_process_that_dies_leaves_them_unknown_and_nobody_repeats_them(shop, connector, dies):
    one = shop(connector)
    one.orders(12)
    one.post.dies = dies
    with pytest.raises(Killed):
        deliver(one.house.app)
    one.post.dies = None
    assert one.statuses == {"sending": 12}
    leases_run_out(one.house)
    with one.house.app.store.read(one.house.merchant.id) as tx:
        ids = [row.id for row in one.house.rows("SELECT id FROM message")]
        assert {past.batched for past in attempts.past(tx, ids).values()} == {True}
    assert recover(one.house.app) == 12
    assert {row.reason for row in one.house.rows("SELECT reason FROM message")} == {
        "its worker stopped after arming it, with others in one request"
    }
    until_expired(one.house)
    assert one.statuses == {"unknown": 12}
    assert len(one.post.carried) == (dies == "after")
    one.fits()


def test_a_step_may_ask_for_one_more_as_without_a_key(shop):
    one = shop("resend")
    one.journey(THANKS | {"steps": [{**THANKS["steps"][0], "on_unknown": "retry_once"}]})  # type: ignore[index]
    one.orders(3)
    one.post.dies = "before"
    with pytest.raises(Killed):
        deliver(one.house.app)
    one.post.dies = None
    leases_run_out(one.house)
    one.house.work()
    assert one.statuses == {"planned": 3}, "a receipt may come first"
    one.house.later(minutes=11)
    assert (one.statuses, one.post.carried) == ({"sent": 3}, [1, 1, 1])
    one.fits()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("connector", KINDS)
def test_whatever_goes_wrong_nothing_is_accepted_twice(shop, connector, seed, monkeypatch):
    monkeypatch.setattr(batches, "sleep", lambda _: None)
    chance = random.Random(seed)
    one = shop(connector)
    faults = [*MAY_BE_REPEATED, "dropped", "429", "422", "busy", "short", *["fine"] * 8]
    one.there.plan(*chance.choices(faults, k=80))
    for _ in range(8):
        one.orders(chance.randint(1, 9))
        one.post.dies = chance.choice([None, None, None, "before", "after"])
        try:
            one.house.work()
        except Killed:
            leases_run_out(one.house)
    one.post.dies = None
    until_expired(one.house)
    assert set(one.statuses) <= {"sent", "unknown", "dead", "expired"}
    assert one.statuses["sent"]
    one.fits()


@pytest.mark.parametrize(("connector", "carried"), [("resend", [20, 20]), ("postmark", [2])])
def test_an_account_counts_what_its_provider_counts(shop, connector, carried):
    """Resend limits requests; where no provider's limit is known, who sets one means messages."""
    one = shop(connector, per_second="0.001", burst="2")
    one.orders(70)
    one.house.work()
    assert one.post.carried == carried
    assert one.statuses == {"sent": sum(carried), "planned": 70 - sum(carried)}


def test_a_day_s_volume_counts_messages(shop):
    one = shop("resend", per_second="", burst="", per_day="90")
    one.orders(100)
    one.house.deliver()
    assert one.post.carried == [20, 20, 20, 20, 10]
    assert one.statuses == {"sent": 90, "planned": 10}
    (account,) = one.house.rows("SELECT held_for FROM account")
    assert account.held_for == "quota"
