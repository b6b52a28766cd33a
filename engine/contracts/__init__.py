"""What a source and a channel must offer, and the values they exchange with the engine.

A connector is one module exporting one value: `SOURCE: Source` or `CHANNEL: Channel`. It holds tables
and pure functions only; the engine does all IO. Failures that belong to the outside are values or
`Unreadable`; any other exception is a bug in the connector.
"""

from engine.contracts.channels import (
    Accepted,
    Ambiguous,
    Answer,
    Capabilities,
    Channel,
    Deferred,
    Failure,
    FailureScope,
    FileRequest,
    HttpRequest,
    MailRequest,
    Outcome,
    Rejected,
    Request,
)
from engine.contracts.observations import (
    Observation,
    OrderSeen,
    Receipt,
    ReceiptStatus,
    Ref,
    ReturnSeen,
    ScanSeen,
    ShipmentSeen,
)
from engine.contracts.sources import (
    BadRow,
    Delivery,
    Manifest,
    Reading,
    Refused,
    Routed,
    Source,
    Unreadable,
    Verified,
)

__all__ = [
    "Accepted",
    "Ambiguous",
    "Answer",
    "BadRow",
    "Capabilities",
    "Channel",
    "Deferred",
    "Delivery",
    "Failure",
    "FailureScope",
    "FileRequest",
    "HttpRequest",
    "MailRequest",
    "Manifest",
    "Observation",
    "OrderSeen",
    "Outcome",
    "Reading",
    "Receipt",
    "ReceiptStatus",
    "Ref",
    "Refused",
    "Rejected",
    "Request",
    "ReturnSeen",
    "Routed",
    "ScanSeen",
    "ShipmentSeen",
    "Source",
    "Unreadable",
    "Verified",
]
