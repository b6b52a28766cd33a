"""The journeys of a simulated merchant: those we ship, and one more."""

from __future__ import annotations

from functools import cache
from random import Random

from engine.model.journey import Journey, Send
from tests.flow.house import texts
from tests.flow.test_pipeline_properties import OVERTAKEN
from tests.simulator.weather import Kind

# One of our own: it waits for a click, and writes again when none comes. Nothing ends its run early, so only the
# gate keeps its first message from leaving when it has become untrue.
NUDGE = {
    "name": "nudge", "title": {"ja": "確認", "en": "Check"}, "purpose": "transactional", "once_per": "order",
    "trigger": {"event": "order.confirmed"},
    "steps": [
        {
            "id": "first", "send": "order_confirmed", "asserts": "order.confirmed",
            "superseded_by": sorted(OVERTAKEN["order.confirmed"]),
        },
        {"id": "answered", "wait_for": "message.clicked", "at_most": "1d"},
        {"id": "again", "send": "order_accepted"},
    ],
}  # fmt: skip

# What may wait, all of it due at once: for a provider that takes many messages in one request.
TOGETHER = tuple(
    {
        **NUDGE,
        "name": f"together_{number}",
        "purpose": "service",
        "steps": [{**NUDGE["steps"][0], "send": "review_request"}],  # type: ignore[index,dict-item]
    }
    for number in range(4)
)


@cache
def all_journeys(kind: Kind) -> dict[str, Journey]:
    """The journeys we ship and one more; for `retry_once` with that policy at every step that sends, for `batched` with
    those of TOGETHER."""
    shipped = {**texts()[0], "nudge": Journey.model_validate(NUDGE)}
    if kind == "batched":
        return shipped | {one["name"]: Journey.model_validate(one) for one in TOGETHER}
    if kind != "retry_once" or "on_unknown" not in Send.model_fields:
        return shipped
    changed = {}
    for name, journey in shipped.items():
        plain = journey.model_dump(mode="json", exclude_none=True)
        for step in plain["steps"]:
            if "send" in step:
                step["on_unknown"] = "retry_once"
        changed[name] = Journey.model_validate(plain)
    return changed


@cache
def journeys(kind: Kind, chosen: frozenset[str]) -> dict[str, Journey]:
    """Those of the journeys that this merchant runs; whatever is chosen, there is something for a batch."""
    always = {one["name"] for one in TOGETHER}
    return {name: one for name, one in all_journeys(kind).items() if name in chosen | always}


def choose(rng: Random) -> frozenset[str]:
    """Some of the journeys: a seed is about few things, and there are many seeds."""
    names = sorted(all_journeys("keyed"))
    return frozenset(rng.sample(names, rng.choice((2, 3, 4, len(names)))))
