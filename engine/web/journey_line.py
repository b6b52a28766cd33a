"""The progress of an order on the tracking page: what has been reached, when, and what is still to come.

Trouble, cancellation and a return are steps of their own, not a colour on another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from engine.web.answer import TROUBLES

View = Mapping[str, Any]
REACHED = ("accepted", "confirmed", "shipped", "on_its_way", "delivered")
PLACE = {"accepted": 0, "confirmed": 1, "shipped": 2, "on_its_way": 3, "out_for_delivery": 3, "delivered": 4}
ON_THE_WAY = frozenset({"picked_up", "in_transit", "out_for_delivery"})


@dataclass(frozen=True)
class Step:
    """`now` is where things stand; the last step of a finished way is `done`. `alert` asks for the reader."""

    word: str
    state: Literal["done", "now", "open"]
    at: datetime | None = None
    alert: bool = False


def line(stage: str, view: View, confirmed_at: datetime | None, back: View | None) -> list[Step]:
    """The steps of an order at this stage (`engine.rules.stage`), times in the reader's zone."""
    order, parcels = view["order"], view["order"]["parcels"]
    shipped_at = min((one["dispatched_at"] for one in parcels if one["dispatched_at"]), default=None)
    moved_at = min((s["at"] for one in parcels for s in one["scans"] if s["status"] in ON_THE_WAY), default=None)
    reached = (order["placed_at"], confirmed_at, shipped_at, moved_at, order["delivered_at"])
    times = dict(zip(REACHED, reached, strict=True))
    if stage in PLACE:
        return _plain(PLACE[stage], times)
    placed = Step("accepted", "done", times["accepted"])
    confirmed = [Step("confirmed", "done", times["confirmed"])] if confirmed_at else []
    if stage == "cancelled":
        return [placed, *confirmed, Step("cancelled", "now")]
    shipped = Step("shipped", "done", shipped_at)
    if stage in {"returning", "returned"}:
        return [placed, *confirmed, *([shipped] if parcels else []), *_return(view, back)]
    word, at = _trouble(parcels) if stage == "trouble" else ("pickup", _since(parcels, ("ready_for_pickup",)))
    return [placed, *confirmed, shipped, Step(word, "now", at, alert=word != "rescheduled"), Step("delivered", "open")]


def _plain(now: int, times: Mapping[str, datetime | None]) -> list[Step]:
    finished = now == len(REACHED) - 1
    steps = []
    for place, word in enumerate(REACHED):
        state: Literal["done", "now", "open"] = "done" if place < now or finished else "now" if place == now else "open"
        steps.append(Step(word, state, times[word] if place <= now else None))
    return steps


def _return(view: View, back: View | None) -> list[Step]:
    if back is None:
        home = any(one["status"] == "returned" for one in view["order"]["parcels"])
        at = _since(view["order"]["parcels"], ("returned", "return_to_sender"))
        return [
            Step("going_back", "done" if home else "now", None if home else at, alert=not home),
            Step("came_back", "now" if home else "open", at if home else None, alert=home),
        ]
    delivered = view["order"]["delivered_at"]
    steps = [Step("delivered", "done", delivered)] if delivered else []
    ways = (("requested", back["requested_at"]), ("received", back["received_at"]), ("refunded", back["refunded_at"]))
    last = max((n for n, (_, at) in enumerate(ways) if at), default=0)
    for place, (word, at) in enumerate(ways):
        state: Literal["done", "now", "open"] = "done" if place < last or (place == last == 2) else "open"
        steps.append(Step(f"return_{word}", "now" if place == last != 2 else state, at))
    return steps


def _trouble(parcels: list[View]) -> tuple[str, datetime | None]:
    for status in TROUBLES:
        for one in parcels:
            if one["status"] == status and not one["delivered_at"]:
                last = one["last"] or {}
                if status == "delivery_failed" and last.get("reason") == "consignee_not_home":
                    return "absent", one["status_at"]
                if last.get("substatus") == "rescheduled":
                    return "rescheduled", one["status_at"]
                return status, one["status_at"]
    return "delivery_delayed", None


def _since(parcels: list[View], statuses: tuple[str, ...]) -> datetime | None:
    return next((one["status_at"] for status in statuses for one in parcels if one["status"] == status), None)
