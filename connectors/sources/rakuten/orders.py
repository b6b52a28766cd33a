"""An order of RMS -> OrderSeen, with its parcels, and what came back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import cast

from connectors.parts.values.loose import number, text
from connectors.sources.rakuten.lines import contents, lines, packages
from connectors.sources.rakuten.parcels import parcels, reported_at
from connectors.sources.rakuten.parties import orderer, recipient
from connectors.sources.rakuten.words import CHANGES, Record, changed, inner, meaning, models, price, when
from engine.contracts import Observation, OrderSeen, Reading, Ref, ReturnSeen, ScanSeen, Unreadable
from engine.model.order import Money, Payment


def order(record: Record, received_at: datetime) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without number."""
    order_number = text(record.get("orderNumber"))
    if order_number is None:
        raise Unreadable("the order has no orderNumber")
    ref = Ref(order_id=order_number, order_number=order_number)
    as_of = changed(record) or received_at
    said, unmapped = meaning("progress", record.get("orderProgress"))
    cancellation = _cancellation(record) if "cancelled" in said else {}
    seen = OrderSeen(
        ref=ref,
        as_of=as_of,
        placed_at=when(record, "orderDatetime"),
        payment=cast(Payment | None, said.get("payment")),
        on_hold=_checked(record),
        cancelled_at=_moment(cancellation) or as_of if "cancelled" in said else None,
        cancel_reason=_reason(cancellation).get("status"),
        lines=lines(record),
        orderer=orderer(record),
        recipient=next((one for package in packages(record) if (one := recipient(package))), None),
        total=_total(record),
    )
    sent = parcels(record, ref, as_of)
    back = _back(record, ref, as_of, cancellation) if "cancelled" in said else ()
    return Reading(observations=(seen, *sent, *back), unmapped=unmapped)


def _checked(record: Record) -> bool | None:
    """Rakuten itself looks into some orders (楽天確認中), which wait until it has."""
    flag = text(record.get("rakutenConfirmFlag"))
    return None if flag is None else flag == "1"


def _total(record: Record) -> Money | None:
    """What is charged (請求金額): articles, wrapping, postage and fees less coupons and points. Where that is missing,
    the sum before coupons and points, unless there are any."""
    if (charged := price(record.get("requestPrice"))) is not None:
        return charged
    less = (record.get("couponAllTotalPrice"), inner(record, "PointModel").get("usedPoint"))
    return None if any(number(one) for one in less) else price(record.get("totalPrice"))


def _cancellation(record: Record) -> Record:
    """The change by which the order was cancelled: the last of those that are cancellations (0, 1 or 2)."""
    changes = models(record, "ChangeReasonModelList")
    return next((one for one in reversed(changes) if text(one.get("changeType")) in {"0", "1", "2"}), {})


def _moment(cancellation: Record) -> datetime | None:
    return next((at for name in CHANGES if (at := when(cancellation, name))), None)


def _reason(cancellation: Record) -> Record:
    return meaning("reasons", cancellation.get("changeReasonDetail"))[0]


def _back(record: Record, ref: Ref, as_of: datetime, cancellation: Record) -> Iterator[Observation]:
    """A shop may cancel an order that it has sent only once the goods are back (cancelOrderAfterShipping)."""
    at, reason = _moment(cancellation) or as_of, _reason(cancellation)
    if reported_at(record, as_of) is None:
        return
    if home := reason.get("home"):
        for parcel in parcels(record, ref, as_of):
            yield ScanSeen(ref=parcel.ref, as_of=at, status="returned", reason=home, leg=2)
        return
    units = tuple(one for package in packages(record) for one in contents(package) or ())
    yield ReturnSeen(
        ref=Ref(order_id=ref.order_id, order_number=ref.order_number, return_id=f"{ref.order_number}/cancelled"),
        as_of=at,
        contents=units,
        received_at=at,
        reason=reason.get("status"),
    )
