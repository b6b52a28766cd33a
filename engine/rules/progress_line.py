"""The four steps above every message: how far an order, a parcel or a return has come.

Steps are named by their key in templates/messages/_layout/words.yaml. A trouble is a step of its own,
not a red arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

State = Literal["done", "reached", "now", "open"]

_TROUBLE = {"delivery_failed": "step_failed", "on_hold": "step_held", "ready_for_pickup": "step_pickup"}
_RETURN = ("step_requested", "step_sending", "step_received", "step_refunded")


class Step(Struct, frozen=True):
    """`reached` is the last step when it went well; `now` is where things stand; `open` is still to come."""

    word: str
    state: State


def progress(
    order: Mapping[str, Any], shipment: Mapping[str, Any] | None, return_: Mapping[str, Any] | None
) -> tuple[Step, ...]:
    """The steps of the thing a message is about: the return, else the parcel, else the whole order."""
    if return_ and return_["goods"] == "returned":
        now = 4 if return_["refunded_at"] else 3 if return_["received_at"] else 1
        return _line(_RETURN, now, well=True)
    delivered = shipment["status"] == "delivered" if shipment else order["all_delivered"]
    trouble = _trouble(shipment) if shipment else None
    last = trouble or ("step_delivered" if delivered else "step_arriving")
    if trouble or delivered:
        now = 4
    elif shipment or order["parcel_count"]:
        now = 3
    else:
        now = 2 if order["confirmed"] else 1
    return _line(("step_ordered", "step_packing", "step_shipped", last), now, well=not trouble)


def _trouble(shipment: Mapping[str, Any]) -> str | None:
    last = shipment["last"] or {}
    if shipment["status"] == "delivery_failed" and last.get("reason") == "consignee_not_home":
        return "step_absent"
    return _TROUBLE.get(shipment["status"])


def _line(words: tuple[str, ...], now: int, *, well: bool) -> tuple[Step, ...]:
    def state(number: int) -> State:
        if number < now:
            return "done"
        if number > now:
            return "open"
        return "reached" if well and number == len(words) else "now"

    return tuple(Step(word, state(number)) for number, word in enumerate(words, start=1))
