"""What a source and a channel must offer, and the values they exchange with the engine.

A connector is one module exporting one value: `SOURCE: Source` or `CHANNEL: Channel`. It holds tables
and pure functions only; the engine does all IO. Failures that belong to the outside are values or
`Unreadable`; any other exception is a bug in the connector.
"""

from engine.contracts.api import Api, Asking, Conversation, Finding, Found, Page, Renewed, Step, Unanswered
from engine.contracts.channels import (
    Accepted,
    Ambiguous,
    Capabilities,
    Channel,
    Deferred,
    FailureScope,
    Feedback,
    MailDns,
    Outcome,
    Rejected,
)
from engine.contracts.exchange import Answer, Failure, FileRequest, HttpRequest, MailRequest, Request
from engine.contracts.observations import (
    EndpointSeen,
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
    "Api",
    "Asking",
    "BadRow",
    "Capabilities",
    "Channel",
    "Conversation",
    "Deferred",
    "Delivery",
    "EndpointSeen",
    "Failure",
    "FailureScope",
    "Feedback",
    "FileRequest",
    "Finding",
    "Found",
    "HttpRequest",
    "MailDns",
    "MailRequest",
    "Manifest",
    "Observation",
    "OrderSeen",
    "Outcome",
    "Page",
    "Reading",
    "Receipt",
    "ReceiptStatus",
    "Ref",
    "Refused",
    "Rejected",
    "Renewed",
    "Request",
    "ReturnSeen",
    "Routed",
    "ScanSeen",
    "ShipmentSeen",
    "Source",
    "Step",
    "Unanswered",
    "Unreadable",
    "Verified",
]
