"""The demo's story: some fifty days of a small shop, as deliveries in the order in which they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import chain
from random import Random

from engine.terminal.demo import payloads_csv, payloads_shopify, payloads_standard, payloads_woo
from engine.terminal.demo.fortune import purchase
from engine.terminal.demo.post import Post
from engine.terminal.demo.purchase import TOKYO, Kind, Purchase, Shop

DAYS = 50  # long enough for an offer to reorder, a month after delivery, to be sent within the story
SEED = 2026
GROWTH = 0.6  # below one the shop grows, and so does the work: what takes a month to come comes the sooner

# Whatever can happen does within the first purchases, so that a story of twenty orders shows everything.
# The second customer buys "again" before the offer to reorder is due, and gets none for what came first.
OPENING: tuple[tuple[Shop, Kind], ...] = (
    ("shopify", "plain"), ("shopify", "plain"), ("woocommerce", "transfer"), ("standard", "returned"),
    ("shopify", "split"), ("standard", "plain"), ("shopify", "again"), ("shopify", "gift"), ("shopify", "returned"),
    ("csv", "plain"), ("shopify", "absent"), ("shopify", "cancelled"), ("standard", "held"),
    ("woocommerce", "split"), ("shopify", "unreachable"), ("csv", "split"), ("standard", "absent"),
    ("shopify", "held"), ("shopify", "transfer"), ("woocommerce", "cancelled"),
)  # fmt: skip
SHOPS: tuple[tuple[Shop, int], ...] = (("shopify", 60), ("woocommerce", 20), ("standard", 13), ("csv", 7))
KINDS: tuple[tuple[Kind, int], ...] = (
    ("plain", 48), ("transfer", 10), ("gift", 10), ("split", 9), ("absent", 9), ("returned", 6), ("cancelled", 5),
    ("held", 3), ("unreachable", 1),
)  # fmt: skip
# A shop that hears no more of a parcel, or a file without a column for it, cannot tell these.
CANNOT: dict[Shop, frozenset[Kind]] = {
    "shopify": frozenset(),
    "woocommerce": frozenset({"returned", "unreachable"}),
    "standard": frozenset({"unreachable"}),
    "csv": frozenset({"returned", "cancelled", "unreachable"}),
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """`posts` are in the order of their times, none of them after `end`."""

    start: datetime
    end: datetime
    purchases: tuple[Purchase, ...]
    posts: tuple[Post, ...]


def write(end: datetime, orders: int, seed: int = SEED) -> Story:
    """A story that ends at `end` (aware). The same arguments give the same story."""
    chance = Random(seed)  # noqa: S311 a story is repeatable, not secret
    first = end.astimezone(TOKYO).date() - timedelta(days=DAYS)
    start = datetime.combine(first, time(6), TOKYO)
    seen: Counter[Shop] = Counter()
    bought = []
    for index, placed_at in enumerate(_times(first_day=start, end=end, orders=orders, chance=chance)):
        shop, kind = OPENING[index] if index < len(OPENING) else _drawn(chance)
        bought.append(purchase(shop, kind, seen[shop], index, placed_at, chance))
        seen[shop] += 1
    posts = sorted(chain(_told(bought), _trouble(bought)), key=lambda post: (post.at, post.source, post.id))
    return Story(
        start=start, end=end, purchases=tuple(bought), posts=tuple(post for post in posts if post.at <= end)
    )  # fmt: skip


def _told(bought: Sequence[Purchase]) -> Iterator[Post]:
    tellers = {"shopify": payloads_shopify.tell, "woocommerce": payloads_woo.tell, "standard": payloads_standard.tell}
    for one in bought:
        if one.shop in tellers:
            yield from tellers[one.shop](one)
    yield from payloads_csv.tell([one for one in bought if one.shop in {"woocommerce", "csv"}])


def _trouble(bought: Sequence[Purchase]) -> Iterator[Post]:
    """What every intake meets: somebody else's signature, and a body that was cut off on its way."""
    shopify = [one for one in bought if one.shop == "shopify"]
    for one in (shopify[1], shopify[-2]):
        post = next(payloads_shopify.tell(one))
        yield replace(post, id=f"{post.id}-forged", at=post.at + timedelta(hours=1), flaw="forged",
                      headers={**post.headers, "x-shopify-webhook-id": f"{post.id}-forged"})  # fmt: skip
    whole = next(payloads_woo.tell(next(one for one in bought if one.shop == "woocommerce")))
    yield replace(whole, id=f"{whole.id}-cut", body=whole.body[: len(whole.body) // 2], flaw="cut")


def _times(*, first_day: datetime, end: datetime, orders: int, chance: Random) -> Iterator[datetime]:
    """When people buy: more and more from day to day, between eight in the morning and eleven at night in Tokyo.
    The opening is spread over the first weeks, where there is time left for all that follows from it."""
    span = (end - first_day) / timedelta(days=1) - 1
    early = min(orders, len(OPENING))
    whole = [span * (place / orders) ** GROWTH for place in range(orders)]
    days = sorted([*(span * 0.6 * place / early for place in range(early)), *whole[early:]])
    for day in days:
        at = first_day.replace(hour=8) + timedelta(days=int(day), minutes=chance.randrange(15 * 60))
        yield at if at < end else end - timedelta(hours=2)


def _drawn(chance: Random) -> tuple[Shop, Kind]:
    shop = chance.choices([name for name, _ in SHOPS], [weight for _, weight in SHOPS])[0]
    can = [(kind, weight) for kind, weight in KINDS if kind not in CANNOT[shop]]
    return shop, chance.choices([kind for kind, _ in can], [weight for _, weight in can])[0]
