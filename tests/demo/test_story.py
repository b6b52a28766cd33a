"""The demo's story is told in the senders' own words: what they send is genuine, readable and understood."""

from base64 import b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

import pytest

import connectors
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified
from engine.terminal.demo.carrier import signed
from engine.terminal.demo.story import DAYS, KINDS, OPENING, SHOPS, write

END = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def story():
    return write(END, 200)


def read(post) -> Reading:
    topic = post.headers.get("x-shopify-topic") or post.headers.get("x-wc-webhook-topic")
    delivery = Delivery(body=post.body, headers=post.headers, received_at=post.at, topic=topic)
    return connectors.source(post.source).read(delivery)


def test_the_same_arguments_give_the_same_story(story):
    assert write(END, 200) == story
    assert write(END, 200, seed=7).posts != story.posts


def test_posts_are_in_order_and_end_now(story):
    times = [post.at for post in story.posts]
    assert times == sorted(times)
    assert story.start < times[0] < story.start + timedelta(days=2)
    assert END - timedelta(hours=36) < times[-1] <= END
    assert DAYS - 1 < (END - story.start) / timedelta(days=1) < DAYS + 1


def test_everything_happens_from_every_source(story):
    assert {one.kind for one in story.purchases} == {kind for kind, _ in KINDS} | {"again"}
    assert {post.source for post in story.posts} == {shop for shop, _ in SHOPS}
    assert {kind for _, kind in OPENING} == {one.kind for one in write(END, len(OPENING)).purchases}
    assert {one.buyer.locale for one in story.purchases} == {"ja-JP", "en"}
    assert any("髙" in one.buyer.name for one in story.purchases)
    assert len({one.number for one in story.purchases}) == 200


@pytest.mark.parametrize("orders", [20, 200])
def test_the_connectors_understand_every_delivery_but_the_spoilt(orders):
    bad_rows = cut = 0
    for post in write(END, orders).posts:
        try:
            reading = read(post)
        except Unreadable:
            assert post.flaw == "cut", post.id
            cut += 1
            continue
        assert reading.observations, post.id
        assert reading.unmapped == (), post.id
        bad_rows += len(reading.bad_rows)
    assert (cut, bad_rows) == (1, 1)


def test_parcels_are_told_by_carriers_that_are_known(story):
    seen = Counter(
        one.carrier
        for post in story.posts
        if post.flaw is None
        for one in read(post).observations
        if hasattr(one, "carrier")
    )
    assert {"yamato", "sagawa", "japanpost"} <= set(seen)


def test_no_tracking_number_can_be_a_strangers(story):
    """The three carriers share a check digit, the number modulo 7; ours never has it."""
    numbers = [parcel.number for one in story.purchases for parcel in one.parcels]
    assert len(numbers) == len(set(numbers))
    assert [number for number in numbers if int(number[:-1]) % 7 == int(number[-1])] == []


def test_signatures_are_those_the_connectors_check(story):
    secret, now = b64encode(token_bytes(32)).decode(), datetime.now(UTC)
    verdicts: Counter[tuple[str, bool]] = Counter()
    for post in story.posts:
        headers = signed(post, secret, now)
        delivery = Delivery(body=post.body, headers=headers, received_at=now)
        verdict = connectors.source(post.source).verify(delivery, (secret,), now)
        assert isinstance(verdict, Refused if post.flaw == "forged" else Verified), post.id
        verdicts[post.source, isinstance(verdict, Verified)] += 1
    assert verdicts["shopify", False] == 2
    assert {source for source, good in verdicts if good} == {"shopify", "woocommerce", "standard", "csv"}


def test_some_webhooks_come_twice_and_some_late(story):
    ids = Counter(post.id for post in story.posts)
    bodies = Counter((post.source, post.body) for post in story.posts if post.flaw is None)
    assert max(ids.values()) == 2, "a repeated webhook keeps its id"
    assert max(bodies.values()) >= 2
    late = [post for post in story.posts if post.headers.get("x-shopify-topic") == "fulfillments/create"]
    told = [next(one for one in read(post).observations).dispatched_at for post in late]
    assert any(post.at - at > timedelta(hours=6) for post, at in zip(late, told, strict=True))
