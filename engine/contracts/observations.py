"""Observations: what a source says is so at a time. Pure output of a connector, input of the fold."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from engine.model.customer import Party
from engine.model.message import Medium
from engine.model.order import Line, Money, Payment
from engine.model.returns import Goods
from engine.model.shipment import Packed, Status


class Ref(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a source names what it speaks of. Ids are the source's own and are scoped by the connection;
    an order number is the shop's and is scoped by the merchant. Give every name that the payload holds."""

    order_id: str | None = None
    order_number: str | None = None
    shipment_id: str | None = None
    tracking_number: str | None = None
    return_id: str | None = None


class _Seen(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """`as_of` is when the source says this was so (its updated_at), aware; it orders observations.
    A field left None says nothing; it never erases what was known."""

    ref: Ref
    as_of: datetime


class OrderSeen(_Seen, frozen=True, kw_only=True, omit_defaults=True, tag="order"):
    """A snapshot of an order. `allocated=False` says that stock is not reserved yet; None says nothing,
    and then a paid order counts as allocated. `paid_at` only where the source tells the moment."""

    placed_at: datetime | None = None
    payment: Payment | None = None
    paid_at: datetime | None = None
    allocated: bool | None = None
    on_hold: bool | None = None
    ships_on: date | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    lines: tuple[Line, ...] | None = None
    orderer: Party | None = None
    recipient: Party | None = None
    payer: Party | None = None
    total: Money | None = None
    source_notified: tuple[str, ...] = ()  # event types about which the source has written itself
    silent: bool | None = None  # True: the source does not want its customer written to about this order
    test: bool | None = None


class ShipmentSeen(_Seen, frozen=True, kw_only=True, omit_defaults=True, tag="shipment"):
    """A snapshot of one parcel. `dispatched_at` set means it has left the warehouse."""

    dispatched_at: datetime | None = None
    reverted: bool = False  # the dispatch was taken back: it has not left after all
    cancelled_at: datetime | None = None
    carrier: str | None = None  # slug when the source's table knows it
    carrier_name: str | None = None
    url: str | None = None
    contents: tuple[Packed, ...] | None = None
    recipient: Party | None = None
    eta_from: datetime | None = None
    eta_until: datetime | None = None
    siblings: int | None = None
    leg: int | None = None  # 2 when the source says that this parcel travels back
    source_notified: bool | None = None
    silent: bool | None = None  # True: the source does not want its customer written to about this parcel


class ScanSeen(_Seen, frozen=True, kw_only=True, omit_defaults=True, tag="scan"):
    """One scan of a parcel; it happened at `as_of`. An unmapped status is "unknown" with its raw code."""

    status: Status
    reason: str | None = None
    substatus: str | None = None
    text: str | None = None
    place: str | None = None
    raw_code: str | None = None
    until: datetime | None = None
    leg: int | None = None


class ReturnSeen(_Seen, frozen=True, kw_only=True, omit_defaults=True, tag="return"):
    """A snapshot of a return or refund."""

    goods: Goods = "returned"
    contents: tuple[Packed, ...] = ()
    requested_at: datetime | None = None
    approved_at: datetime | None = None
    declined_at: datetime | None = None
    received_at: datetime | None = None
    refunded_at: datetime | None = None
    amount: Money | None = None
    reason: str | None = None
    silent: bool | None = None  # True: the source does not want its customer written to about this return


# "bounced" means for good: the address is dead. "undelivered": this message did not arrive, which says nothing of the
# address. "deferred": the provider goes on trying.
ReceiptStatus = Literal[
    "sent", "deferred", "delivered", "opened", "clicked", "undelivered", "bounced", "complained", "unsubscribed"
]


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="receipt"):
    """What somebody says later about a message of ours; it happened at `as_of` (aware). `message` is our id, which
    every channel puts into its correlation slot; `merchant` its slug (Envelope.merchant), which an account that
    serves several merchants must put there too. `machine`: an opening or a click by a scanner or an image proxy, which
    says nothing about a person. `soft`: it is undelivered because of the address, which may be well again (mailbox
    full, telephone off), and not because of us or of the message."""

    message: str
    merchant: str | None = None
    as_of: datetime
    status: ReceiptStatus
    code: str | None = None
    detail: str | None = None
    machine: bool = False
    soft: bool = False


class EndpointSeen(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="endpoint"):
    """What is said about an address itself, in no answer to a message. "gone": it is dead; "left": its owner wants
    nothing from us there (unfollow, STOP); "back": wants it again (follow, START); "linked": belongs to whoever holds
    `nonce`, which we have given out; "wrote": its owner speaks to us there, whatever about.

    `answer` is set where its owner can be answered now. `Api.fetch` is then handed "linked:" or "refused:" and that
    text, where the address was to be linked, and "stranger:" and that text where it belongs to nobody yet."""

    medium: Medium
    address: str
    as_of: datetime
    status: Literal["gone", "left", "back", "linked", "wrote"]
    detail: str | None = None
    nonce: str | None = None
    answer: str | None = None


Observation = OrderSeen | ShipmentSeen | ScanSeen | ReturnSeen
